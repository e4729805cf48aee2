#!/usr/bin/env python3
"""Runs a test program under valgrind and fails if it leaves a descriptor or memory behind, or errs.

    tests/valgrind/clean.py PROGRAM [TEST TO LEAVE OUT]...

Valgrind does not follow io_uring, so the event loop's tests run on epoll, and it keeps descriptors
of its own, so tests that use all of them up are left out by name. It counts open descriptors but
calls them no error; that is why its report is read here.
"""

import os
import re
import subprocess
import sys
import tempfile

OPTIONS = ("--track-fds=yes", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
           "--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=99",
           "--child-silent-after-fork=yes",
           "--suppressions=" + os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                            "valgrind.supp"))
OPEN = re.compile(r"==\d+== (Open (?:file descriptor|AF_\w+ socket) \d+:.*)")
MINE = "<inherited from parent>"
# What valgrind says of system calls newer than itself; the program then does without them.
UNKNOWN_CALL = re.compile(r"--\d+-- ")


def open_descriptors(report):
    """The descriptors that the program opened and did not close, each with where it did."""
    found = []
    for number, line in enumerate(report):
        match = OPEN.match(line)
        if match and not any(MINE in after for after in report[number + 1:number + 2]):
            where = [after for after in report[number + 1:number + 12] if "==" in after]
            found.append("\n".join([match.group(1)] + where))
    return found


def main():
    program, without = sys.argv[1], sys.argv[2:]
    environment = dict(os.environ, CB_TEST_LOOP="epoll", CALLBOARD_LOOP="epoll",
                       CB_TEST_WITHOUT=",".join(without))
    with tempfile.NamedTemporaryFile("r", suffix=".valgrind") as log:
        run = subprocess.run(["valgrind", *OPTIONS, f"--log-file={log.name}", program],
                             env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace")
        report = log.read().split("\n")
    left = open_descriptors(report)
    if not any("FILE DESCRIPTORS:" in line for line in report):
        left.append("valgrind did not report on descriptors")
    if run.returncode == 0 and not left:
        print(f"{os.path.basename(program)}: no descriptor and no memory left behind")
        return 0
    print(run.stdout)
    print("\n".join(line for line in report if not UNKNOWN_CALL.match(line)))
    for place in left:
        print(f"left open: {place}")
    print(f"{os.path.basename(program)}: status {run.returncode}, {len(left)} descriptors left open")
    return 1


if __name__ == "__main__":
    sys.exit(main())
