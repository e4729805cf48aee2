"""What `callboard trace show` prints, as rows."""

import re
import subprocess

from support.cli import CALLBOARD

ROW = re.compile(
    r" *(\d+) +(-?[\d.]+) +(>|<) +(.+?) -> (.+?) {2,}"
    r"(\w+) +(\S+) +(\S+) +(\S+) +(.+?) {2,}(\S+) +(\S+) +(\S+)(?: (\S+))?"
)


def show(path, *arguments):
    """[(number, is input, message, route, job, connection)] of a trace file."""
    done = subprocess.run(
        [CALLBOARD, "trace", "show", *arguments, path], capture_output=True, text=True, check=True
    )
    rows = []
    for line in done.stdout.splitlines():
        match = ROW.match(line)
        if match is not None:
            number, _, way, _, _, message, route, job, connection = match.groups()[:9]
            rows.append((int(number), way == ">", message, route, job, connection))
    return rows
