#!/usr/bin/env python3
"""README.md keeps its word: the service it shows runs and prints what it says."""

import os
import re
import subprocess
import sys
import tempfile


def blocks_of(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def main():
    source = os.environ["CALLBOARD_SOURCE"]
    with open(os.path.join(source, "README.md"), encoding="utf-8") as file:
        text = file.read()
    services = blocks_of(text, "c")
    outputs = blocks_of(text, "text")
    if not services or not outputs:
        print("README.md shows no service, or no output of it")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "service.dom")
        with open(path, "w", encoding="utf-8") as file:
            file.write(services[0])
        done = subprocess.run([os.environ["CALLBOARD"], "run", path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    if done.returncode != 0 or done.stdout != outputs[0]:
        print(f"exit status {done.returncode}; expected:\n{outputs[0]}but it printed:\n{done.stdout}")
        return 1
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
