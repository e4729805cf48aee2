#!/usr/bin/env python3
"""Plugins that a script cannot have, as errors at the script's line."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from cli import BAD_PLUGINS, PRINT, CliTest  # noqa: E402


class Refused(CliTest):
    def refuse(self, lines, line, *texts):
        path = self.write("script.dom", lines + "void main() { }\n")
        for command in ("check", "run"):
            result = self.run_cli(command, path)
            self.check(result, 1, "")
            self.assertRegex(result.stderr, rf"^{path}:{line}:\d+: error: ")
            for text in texts:
                self.assertIn(text, result.stderr)

    def bad(self, name):
        return f'plugin "{BAD_PLUGINS}/{name}";\n'

    def test_not_found(self):
        self.refuse(PRINT + 'plugin "../plugins/none/NonePlugin";\n', 2,
                    'plugin "../plugins/none/NonePlugin" not found')

    def test_not_found_builtin(self):
        self.refuse('plugin "builtin:none";\n', 1, 'no builtin namespace "none"')

    def test_pipe(self):
        os.mkfifo(os.path.join(self.folder, "Pipe.so"))
        self.refuse('plugin "Pipe";\n', 1, 'plugin "Pipe" not found')

    def test_unreadable(self):
        path = os.path.join(self.folder, "Locked.so")
        with open(path, "w", encoding="ascii"):
            pass
        os.chmod(path, 0)
        if os.access(path, os.R_OK):
            self.refuse('plugin "Locked";\n', 1, "Locked.so cannot be loaded: ")
        else:
            self.refuse('plugin "Locked";\n', 1, "Locked.so cannot be read: Permission denied")

    def test_abi(self):
        self.refuse(self.bad("wrong_abi"), 1, "wrong_abi.so", "ABI 2, this callboard has ABI 1")

    def test_no_symbol(self):
        self.refuse(self.bad("no_symbol"), 1, "no symbol callboard_plugin")

    def test_duplicate_namespace(self):
        self.refuse(self.bad("twin_a") + self.bad("twin_b"), 2,
                    "two plugins have the namespace twin", "twin_a.so and", "twin_b.so")

    def test_same_plugin_twice(self):
        path = self.write("script.dom", self.bad("twin_a") * 2 + "void main() { twin.One(1); }\n")
        self.check(self.run_cli("run", path), 0, "", "")


if __name__ == "__main__":
    unittest.main()
