#!/bin/bash
# examples/plugin_minimal as somebody else would build it: its own CMake project, in a folder outside
# of ours, with nothing but the headers.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$CALLBOARD_SOURCE/examples/plugin_minimal/." "$work/"
rm -rf "$work/build"

lines=$(wc -l <"$work/minimal.c")
if [ "$lines" -ge 60 ]; then
    echo "minimal.c has $lines lines; it is to stay under 60"
    exit 1
fi

cmake -S "$work" -B "$work/build" -DCALLBOARD_INCLUDE="$CALLBOARD_SOURCE/include" >"$work/log" 2>&1 &&
    cmake --build "$work/build" >>"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}

printed=$("$CALLBOARD" run "$work/demo.dom")
if [ "$printed" != "42 ABC" ]; then
    echo "demo.dom printed: $printed"
    exit 1
fi
"$CALLBOARD" plugins "$work/build/MinimalPlugin" | grep -q Reverse
