#!/usr/bin/env python3
"""The command's own words: help, version, usage errors, check, plugins, and files that fail."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from cli import PRINT, CliTest  # noqa: E402


class Usage(CliTest):
    def test_help_of_all(self):
        for word in ("--help", "-h", "help"):
            result = self.run_cli(word)
            self.check(result, 0, err="")
            for command in ("run", "check", "plugins", "trace"):
                self.assertIn(f"\n  {command} ", result.stdout)

    def test_help_of_each(self):
        for command in ("run", "check", "plugins", "trace"):
            result = self.run_cli(command, "--help")
            self.check(result, 0, err="")
            self.assertTrue(result.stdout.startswith(f"usage: callboard {command} "))

    def test_version(self):
        result = self.run_cli("--version")
        self.check(result, 0, err="")
        pattern = r"^callboard [\d.]+ \(libzmq [\d.]+; event loops on (uring|epoll)\)\n$"
        self.assertRegex(result.stdout, pattern)

    def test_event_loops_can_be_chosen(self):
        result = self.run_cli("--version", env={**os.environ, "CALLBOARD_LOOP": "epoll"})
        self.check(result, 0, err="")
        self.assertIn("event loops on epoll)", result.stdout)
        result = self.run_cli("--version", env={**os.environ, "CALLBOARD_LOOP": "kqueue"})
        self.check(result, 1, out="")
        self.assertIn('CALLBOARD_LOOP is "kqueue"; it may be uring or epoll', result.stderr)

    def test_usage_errors(self):
        for arguments, text in (
            ([], "no command and no file"),
            (["--wrong"], "unknown option --wrong"),
            (["rnu"], "'rnu' is no command and no file"),
            (["run"], "no file to run"),
            (["run", "--trace"], "option --trace needs a value"),
            (["run", "-x", "a.dom"], "unknown option -x"),
            (["run", "a.dom", "b"], "unexpected 'b'"),
            (["check"], "no file to check"),
            (["check", "--jsn", "a.dom"], "unknown option --jsn"),
            (["plugins", "a", "b"], "one name at a time"),
            (["trace"], "show or verify?"),
            (["trace", "shwo", "a"], "'shwo' is neither show nor verify"),
            (["trace", "show"], "no file given"),
            (["trace", "show", "--route", "x", "a"], "--route wants a route's number, not 'x'"),
        ):
            result = self.run_cli(*arguments)
            self.check(result, 2, out="")
            self.assertIn(text, result.stderr)
            self.assertIn("--help')\n", result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1)


class Files(CliTest):
    def test_missing_file(self):
        text = "callboard: cannot open x.dom: No such file or directory\n"
        for arguments in (["run", "x.dom"], ["x.dom"], ["check", "x.dom"]):
            self.check(self.run_cli(*arguments), 1, "", text)

    def test_folder(self):
        result = self.run_cli("run", self.folder)
        self.check(result, 1, "")
        self.assertIn("Is a directory", result.stderr)

    def test_missing_trace(self):
        for command in ("show", "verify"):
            result = self.run_cli("trace", command, "none.trace")
            self.check(result, 1, "")
            self.assertIn("none.trace", result.stderr)

    def test_wrong_limit(self):
        environment = dict(os.environ, CALLBOARD_MAX_ACTORS="many")
        result = self.run_script("void main() { }", env=environment)
        self.check(result, 1, "")
        self.assertIn("CALLBOARD_MAX_ACTORS", result.stderr)


class Check(CliTest):
    def test_good(self):
        path = self.write("good.dom", PRINT + 'i32 main() { printf("not run\\n"); return(3); }')
        self.check(self.run_cli("check", path), 0, "", "")
        self.check(self.run_cli("check", "--json", path), 0, "[]\n", "")

    def test_bad(self):
        path = self.write("bad.dom", PRINT + 'void main() {\n    printf("%d\\n", $n);\n}\n')
        result = self.run_cli("check", path)
        self.check(result, 1, "")
        self.assertRegex(result.stderr, rf"^{path}:3:\d+: error: ")
        self.assertIn("^", result.stderr)

    def test_json(self):
        good = self.write("good.dom", "void main() { }")
        bad = self.write("bad.dom", "void main() {\n    $a = 1;\n    $b = 2;\n}\n")
        result = self.run_cli("check", "--json", good, bad, "none.dom")
        self.check(result, 1)
        errors = json.loads(result.stdout)
        self.assertEqual([(e["file"], e["line"]) for e in errors],
                         [(bad, 2), (bad, 3), ("none.dom", 0)])
        for error in errors:
            self.assertEqual(sorted(error), ["column", "file", "line", "message", "severity"])
            self.assertEqual(error["severity"], "error")
        self.assertIn("No such file", errors[2]["message"])

    def test_json_is_utf8(self):
        path = os.path.join(self.folder, "bytes.dom")
        with open(path, "wb") as file:
            file.write(b"void main() { \xff\xfe }")
        result = self.run_cli("check", "--json", path)
        self.check(result, 1)
        self.assertTrue(json.loads(result.stdout))

    def test_stdin(self):
        result = self.run_cli("check", "-", input="void main() { $x = 1; }")
        self.check(result, 1, "")
        self.assertTrue(result.stderr.startswith("<stdin>:1:15: error: "), result.stderr)


class Plugins(CliTest):
    def test_all(self):
        result = self.run_cli("plugins")
        self.check(result, 0, err="")
        for name in ("builtin:os", "builtin:string", "print/PrintPlugin", "timer/TimerPlugin"):
            self.assertRegex(result.stdout, rf"(?m)^{name} ")

    def test_names(self):
        for name in ("callbacktcp", "callback_tcp_listener", "CallbackTcpListenerPlugin",
                     "callback_tcp_listener/CallbackTcpListenerPlugin"):
            result = self.run_cli("plugins", name)
            self.check(result, 0, err="")
            self.assertRegex(result.stdout, r"(?m)^callbacktcp\.Open\(callback \w+, i32 \w+\)"
                                            r" -> i64 +\w")
            self.assertEqual(result.stdout.count("callbacktcp."), 62)

    def test_bare_and_builtin(self):
        result = self.run_cli("plugins", "print")
        self.check(result, 0, err="")
        self.assertRegex(result.stdout, r"(?m)^printf\(")
        for name in ("os", "builtin:os"):
            result = self.run_cli("plugins", name)
            self.check(result, 0, err="")
            self.assertRegex(result.stdout, r"(?m)^os\.Args\(i32 index\) -> string ")

    def test_unknown(self):
        self.check(self.run_cli("plugins", "nobody"), 1, "",
                   "callboard: no plugin and no namespace 'nobody' found\n")


if __name__ == "__main__":
    unittest.main()
