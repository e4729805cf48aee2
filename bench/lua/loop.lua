-- Counts to the first argument in a while loop and sums what it passes.
local n = tonumber(arg[1])
local i, sum = 0, 0
while i < n do
    sum = sum + i
    i = i + 1
end
print(sum)
