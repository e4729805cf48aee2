#!/usr/bin/env python3
"""Runs script tests: .dom files that carry what they expect in comments. See README.md beside it."""

import concurrent.futures
import difflib
import os
import re
import shlex
import subprocess
import sys

TIMEOUT_S = 30
AT_ONCE = 2
NOTE = re.compile(r"//\s*(expect|expect-match|expect-error|expect-status|args|stdin|env|timeout):"
                  r" ?(.*)$")


class Expectations:
    def __init__(self, path):
        self.output = []  # (kind, text): kind is "expect" or "expect-match"
        self.errors = []
        self.status = None
        self.args = []
        self.stdin = []
        self.env = {}
        self.timeout_s = TIMEOUT_S
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                note = NOTE.search(line.rstrip("\r\n"))
                if note:
                    self.add(note.group(1), note.group(2).rstrip())
        if self.status is None:
            self.status = 1 if self.errors else 0

    def add(self, kind, text):
        if kind in ("expect", "expect-match"):
            self.output.append((kind, text))
        elif kind == "expect-error":
            self.errors.append(text)
        elif kind == "expect-status":
            self.status = int(text)
        elif kind == "args":
            self.args += shlex.split(text)
        elif kind == "stdin":
            self.stdin.append(text + "\n")
        elif kind == "env":
            name, _, value = text.partition("=")
            self.env[name] = value
        else:
            self.timeout_s = float(text)


def split_lines(text):
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.rstrip() for line in lines]


def output_differences(expected, lines):
    if len(lines) == len(expected) and all(
            re.fullmatch(text, line) if kind == "expect-match" else text == line
            for (kind, text), line in zip(expected, lines)):
        return []
    shown = []
    for index, (kind, text) in enumerate(expected):
        matches = kind == "expect-match" and index < len(lines) and re.fullmatch(text, lines[index])
        shown.append(lines[index] if matches else text)
    return list(difflib.unified_diff(shown, lines, "expected output", "output", lineterm=""))


def error_differences(expected, lines):
    if not expected:
        return ["standard error is not empty:"] + lines if lines else []
    rest = iter(lines)
    for text in expected:
        if not any(line == text for line in rest):
            return ["expected on standard error: " + text, "standard error was:"] + lines
    return []


def command_for(path, expectations):
    program = os.environ.get("CALLBOARD", "callboard")
    name = os.path.basename(path)
    if "bad" in os.path.abspath(path).split(os.sep):
        return [program, "check", name]
    command = [program, "run", name]
    return command + ["--"] + expectations.args if expectations.args else command


def run_one(path):
    """The differences between what the file expects and what happened; none if it passed."""
    expectations = Expectations(path)
    try:
        done = subprocess.run(
            command_for(path, expectations), cwd=os.path.dirname(path) or ".",
            env={**os.environ, **expectations.env}, input="".join(expectations.stdin).encode(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=expectations.timeout_s,
            check=False)
    except subprocess.TimeoutExpired as late:
        return [f"not finished after {expectations.timeout_s} s; its output so far:"] + split_lines(
            (late.stdout or b"").decode("utf-8", "surrogateescape"))
    except OSError as failure:
        return [str(failure)]
    output = split_lines(done.stdout.decode("utf-8", "surrogateescape"))
    errors = split_lines(done.stderr.decode("utf-8", "surrogateescape"))
    differences = output_differences(expectations.output, output)
    differences += error_differences(expectations.errors, errors)
    if done.returncode != expectations.status:
        differences.append(f"exit status {done.returncode}, expected {expectations.status}")
        if not expectations.errors and errors and not any("standard error" in d
                                                          for d in differences):
            differences += ["standard error was:"] + errors
    return differences


def find_scripts(arguments):
    found = []
    for argument in arguments:
        if os.path.isfile(argument):
            found.append(argument)
        for folder, _, names in os.walk(argument):
            found += [os.path.join(folder, name) for name in names if name.endswith(".dom")]
    return sorted(found)


def main():
    sys.stdout.reconfigure(errors="backslashreplace")
    scripts = find_scripts(sys.argv[1:] or [os.path.dirname(os.path.abspath(__file__))])
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for path, differences in zip(scripts, pool.map(run_one, scripts)):
            if differences:
                failed += 1
                print(f"FAILED {path}")
                print("\n".join("    " + line for line in differences))
    if not scripts:
        print("no script found")
    print(f"{len(scripts) - failed} passed, {failed} failed", flush=True)
    return 1 if failed or not scripts else 0


if __name__ == "__main__":
    sys.exit(main())
