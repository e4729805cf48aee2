#!/usr/bin/env bash
# What `dev` says when it is asked for something it does not have.
set -euo pipefail
dev=$CALLBOARD_SOURCE/dev
cd /

fails() { # STATUS TEXT COMMAND...: the command ends with STATUS and says TEXT
    local wanted=$1 text=$2 output status=0
    shift 2
    output=$("$@" 2>&1 </dev/null) || status=$?
    [[ $status -eq $wanted && $output == *"$text"* ]] || {
        echo "$*: status $status, expected $wanted; it said: $output"
        exit 1
    }
}

"$dev" help | grep -q 'usage: ./dev COMMAND'
fails 2 "usage: ./dev COMMAND" "$dev"
fails 2 "usage: ./dev COMMAND" "$dev" dance
fails 1 "run what?" "$dev" run
fails 1 "fuzz what?" "$dev" fuzz
fails 1 "no such fuzzer: tests/fuzz/nothing_fuzz.c" "$dev" fuzz nothing
fails 1 "not a number of seconds: soon" "$dev" fuzz lang soon
fails 2 "no such part: nothing" "$dev" mutate nothing
fails 2 "more than one number" "$dev" mutate step 3 4
echo "1 passed, 0 failed"
