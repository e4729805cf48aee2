#!/usr/bin/env python3
"""The script runner itself: it must fail when it should, or every script test means nothing."""

import os
import subprocess
import sys
import tempfile

# Stands in for callboard: writes what the script's lines "out:", "err:" and "status:" say, and its
# arguments where a line says "args".
FAKE = r"""#!/bin/sh
shift
file=$1
shift
[ "$1" = -- ] && shift
while IFS= read -r line <&3; do
    case $line in
    out:*) printf '%s\n' "${line#out: }" ;;
    err:*) printf '%s\n' "${line#err: }" >&2 ;;
    args) printf '%s\n' "$*" ;;
    env) printf '%s\n' "$GREETING" ;;
    stdin) cat ;;
    sleep) exec sleep 30 ;;
    status:*) exit "${line#status: }" ;;
    esac
done 3<"$file"
"""

CASES = [
    # passes, script
    (True, "out: a\nout: b\n// expect: a\n// expect: b\n"),
    (True, "// nothing at all\n"),
    (False, "out: a\n"),
    (False, "// expect: a\n"),
    (False, "out: a\nout: b\n// expect: b\n// expect: a\n"),
    (False, "out: a\nout: b\n// expect: a\n"),
    (True, "out: port 8080\n// expect-match: port \\d+\n"),
    (False, "out: port 8080!\n// expect-match: port \\d+\n"),
    (True, "out: \nout: x\n// expect:\n// expect: x\n"),
    (True, "err: x.dom:1:1: error: no\nerr:   caret\nstatus: 1\n// expect-error: x.dom:1:1: error: no\n"),
    (False, "err: other\nstatus: 1\n// expect-error: x.dom:1:1: error: no\n"),
    (False, "err: b\nerr: a\nstatus: 1\n// expect-error: a\n// expect-error: b\n"),
    (False, "err: a\n// expect-error: a\n"),
    (False, "err: a\n"),
    (True, "status: 7\n// expect-status: 7\n"),
    (False, "status: 7\n"),
    (True, "args\n// args: one 'two three'\n// expect: one two three\n"),
    (True, "env\n// env: GREETING=good day\n// expect: good day\n"),
    (True, "stdin\n// stdin: first\n// stdin: second\n// expect: first\n// expect: second\n"),
    (False, "sleep\n// timeout: 0.2\n"),
]


def passes(runner, program, arguments):
    done = subprocess.run([sys.executable, runner, *arguments], stdout=subprocess.PIPE,
                          env={**os.environ, "CALLBOARD": program}, timeout=60, check=False)
    return done.returncode == 0


def main():
    runner = os.path.join(os.environ["CALLBOARD_SOURCE"], "tests/script/run_scripts.py")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "fake")
        with open(program, "w", encoding="utf-8") as file:
            file.write(FAKE)
        os.chmod(program, 0o755)
        for number, (wanted, script) in enumerate(CASES):
            path = os.path.join(folder, f"case{number}.dom")
            with open(path, "w", encoding="utf-8") as file:
                file.write(script)
            if passes(runner, program, [path]) != wanted:
                failed += 1
                print(f"should {'pass' if wanted else 'fail'}:\n{script}")
        os.mkdir(os.path.join(folder, "empty"))
        if passes(runner, program, [os.path.join(folder, "empty")]):
            failed += 1
            print("a folder without scripts passed")
    print(f"{len(CASES) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
