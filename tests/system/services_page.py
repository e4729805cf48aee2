#!/usr/bin/env python3
"""docs/services.md keeps its word: its commands run one after the other in one shell, and print what
the page says ("..." stands for anything)."""

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile

SOURCE = os.environ["CALLBOARD_SOURCE"]
COMMAND = os.environ["CALLBOARD"]
FIXED_PORTS = ("8080", "8081", "8443", "9464")
TIMEOUT_S = 200


def free_ports(count):
    """Ports that nobody uses now, all at once so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def steps_of(text):
    """Each block of commands, with the output that is shown below it, or None."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    steps = []
    for number, (language, body) in enumerate(blocks):
        if language == "sh":
            follows = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
            steps.append((body, follows[1] if follows[0] == "text" else None))
    script = next(body for language, body in blocks if language == "dom")
    return script, steps


def matches(shown, printed):
    pattern = ".*".join(re.escape(part) for part in shown.split("..."))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


def command_in(folder):
    """A folder with a command `callboard` that has the test's environment, also where whoever
    starts it (systemd-socket-activate) hands on none."""
    bin_folder = os.path.join(folder, "bin")
    os.mkdir(bin_folder)
    wrapper = os.path.join(bin_folder, "callboard")
    with open(wrapper, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n")
        for name in ("TSAN_OPTIONS", "CALLBOARD_PLUGIN_PATH"):
            if name in os.environ:
                file.write(f"export {name}={shlex.quote(os.environ[name])}\n")
        file.write(f'exec {shlex.quote(COMMAND)} "$@"\n')
    os.chmod(wrapper, 0o755)
    return bin_folder


def main():
    with open(os.path.join(SOURCE, "docs", "services.md"), encoding="utf-8") as file:
        text = file.read()
    for port, free in zip(FIXED_PORTS, free_ports(len(FIXED_PORTS))):
        text = text.replace(port, free)
    script, steps = steps_of(text)
    with tempfile.TemporaryDirectory(prefix="callboard_page_") as folder:
        with open(os.path.join(folder, "service.dom"), "w", encoding="utf-8") as file:
            file.write(script)
        lines = [f"examples={shlex.quote(SOURCE)}/examples", "set -u"]
        for number, (body, _) in enumerate(steps):
            lines.append(f"{{\n{body}}} >{folder}/said.{number} 2>&1 </dev/null")
        # What a step that failed has left running.
        lines += ["kill -KILL $(jobs -p) 2>/dev/null", "exit 0"]
        path = command_in(folder) + os.pathsep + os.environ["PATH"]
        subprocess.run(["bash", "-c", "\n".join(lines)], cwd=folder, timeout=TIMEOUT_S, check=False,
                       env=dict(os.environ, PATH=path), stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        failed = 0
        for number, (body, shown) in enumerate(steps):
            name = os.path.join(folder, f"said.{number}")
            printed = ""
            if os.path.exists(name):
                with open(name, encoding="utf-8", errors="replace") as file:
                    printed = file.read()
            if not matches(shown if shown is not None else "...", printed):
                failed += 1
                print(f"the page has\n{body}-- which is to print\n{shown}-- but it printed\n{printed}")
    print(f"{len(steps) - failed} passed, {failed} failed")
    return 1 if failed or not steps else 0


if __name__ == "__main__":
    sys.exit(main())
