#!/usr/bin/env bash
# The smallest plugin builds by itself, out of this tree, and a script can use it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r "$CALLBOARD_SOURCE/examples/plugin_minimal" "$folder/demo"
cd "$folder/demo"
rm -rf build
{
    cmake -S . -B build -DCALLBOARD_INCLUDE="$CALLBOARD_SOURCE/include"
    cmake --build build
} >log 2>&1 || {
    cat log
    exit 1
}
output=$("$CALLBOARD" run demo.dom)
[[ $output == "42 ABC" ]] || {
    echo "demo.dom printed: $output"
    exit 1
}
echo "1 passed, 0 failed"
