#!/usr/bin/env python3
"""Running scripts: output, arguments, exit status, runtime errors, standard input and output."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from cli import CALLBOARD, PRINT, SOURCE, TCP, TIMEOUT_S, TIMER, CliTest  # noqa: E402

OS = 'plugin "builtin:os";\n'

QUICKSTART = """\
listening on a port above 0: 1, state: open
text, sync:   HELLO, CALLBOARD
blob, sync:   65 0 90 (3 bytes)
text, async:  phase completed, status success
              WHILE I WAIT
blob, async:  3 bytes wait to be taken
              65 0 90, and the job is known: 0
the listener: active 0, queued 0, running 0, drained 1
open listeners: 1
closed; requests canceled by it: 0
state: closed, open listeners: 0
"""


class ExitStatus(CliTest):
    def test_of_main(self):
        for value, status in ((0, 0), (7, 7), (256, 0), (259, 3), (-1, 255)):
            self.check(self.run_script(f"i32 main() {{ return({value}); }}"), status, "", "")

    def test_of_void_main(self):
        self.check(self.run_script("void main() { }"), 0, "", "")
        self.check(self.run_script(OS + "void main() { os.ExitCode(300); }"), 44, "", "")

    def test_main_wins(self):
        self.check(self.run_script(OS + "i32 main() { os.ExitCode(4); return(5); }"), 5, "", "")
        self.check(self.run_script(OS + "i32 main() { os.ExitCode(4); return(0); }"), 4, "", "")


class Arguments(CliTest):
    SCRIPT = PRINT + OS + """
    i32 main() {
        for (i32 $i = 0; $i < os.ArgCount(); $i++) { printf("<%s>\\n", os.Args($i)); }
        return(0);
    }
    """

    def test_given(self):
        self.check(self.run_script(self.SCRIPT), 0, "", "")
        self.check(self.run_script(self.SCRIPT, "--", "one", "", "--trace", "--"), 0,
                   "<one>\n<>\n<--trace>\n<-->\n", "")

    def test_short_form(self):
        path = self.write("short.dom", self.SCRIPT)
        self.check(self.run_cli(path, "--", "x"), 0, "<x>\n", "")

    def test_past_the_end(self):
        result = self.run_script(OS + "void main() {\n  os.Args(1);\n}", "--", "only")
        self.check(result, 1, "")
        self.assertIn(":3:", result.stderr)
        self.assertIn("runtime error: os.Args: no argument 1, there are 1", result.stderr)

    def test_environment(self):
        script = PRINT + OS + 'void main() { printf("%s|%s\\n", os.Env("A_B"), os.Env("NONE_")); }'
        self.check(self.run_script(script, env=dict(os.environ, A_B="value")), 0, "value|\n", "")


class RuntimeErrors(CliTest):
    def test_stack(self):
        path = self.write("deep.dom", PRINT + "\n".join((
            "i32 inner(i32 $n) {",
            "    return(10 / $n);",
            "}",
            "i32 outer() { return(inner(0)); }",
            'i32 main() { printf("before\\n"); return(outer()); }',
        )))
        result = self.run_cli("run", path)
        self.check(result, 1, "before\n")
        lines = result.stderr.split("\n")
        self.assertRegex(lines[0], rf"^{path}:3:15: runtime error: ")
        self.assertEqual(lines[1:3], ["        return(10 / $n);", " " * 18 + "^"])
        for name in ("inner", "outer", "main"):
            self.assertIn(name, result.stderr)

    def test_output_comes_first(self):
        path = self.write("order.dom", PRINT + 'i32 main() { i32 $n = 0; printf("a\\n");'
                                               " return(1 / $n); }")
        result = subprocess.run([CALLBOARD, path], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stdout.startswith("a\n"), result.stdout)

    def test_in_a_callback(self):
        result = self.run_script(PRINT + TCP + """
        callback i32 Bad(ref blob $B) {
            i32 $n = 0;
            return(1 / $n);
        }
        i32 main() {
            i64 $lid = callbacktcp.Open("Bad", 5000);
            i64 $job = callbacktcp.BeginTextRequest($lid, "x", 5000);
            callbacktcp.WaitComplete($job, 5000);
            printf("%d %s\\n", callbacktcp.Status($job), callbacktcp.ErrorText($job));
            return(0);
        }
        """)
        self.check(result, 0)
        self.assertRegex(result.stdout, r"^7 .*script\.dom:6:\d+: ")
        self.assertRegex(result.stderr, r"script\.dom:6:\d+: runtime error: ")


class Streams(CliTest):
    HELLO = PRINT + 'void main() { printf("hello\\n"); }'

    def test_script_on_stdin(self):
        self.check(self.run_cli("-", input=self.HELLO), 0, "hello\n", "")
        self.check(self.run_cli("run", "-", input=self.HELLO), 0, "hello\n", "")
        result = self.run_cli("-", input="void main() {\n  $x = 1;\n}")
        self.check(result, 1, "")
        self.assertTrue(result.stderr.startswith("<stdin>:2:"), result.stderr)

    def test_closed_streams(self):
        path = self.write("hello.dom", self.HELLO)
        result = subprocess.run(f"'{CALLBOARD}' '{path}' <&- >&-", shell=True, text=True,
                                stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot write to standard output", result.stderr)
        result = subprocess.run(f"'{CALLBOARD}' - <&-", shell=True, text=True,
                                stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot read standard input", result.stderr)

    def test_full_device(self):
        path = self.write("wait.dom", PRINT + TIMER + """
        void main() { printf("lost\\n"); timer.SleepMs(1); }
        """)
        with open("/dev/full", "wb") as full:
            result = subprocess.run([CALLBOARD, path], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "callboard: cannot write to standard output: "
                                        "No space left on device\n")

    def test_reader_goes_away(self):
        path = self.write("many.dom", PRINT + """
        void main() { for (i32 $i = 0; $i < 1000000; $i++) { printf("line %d\\n", $i); } }
        """)
        process = subprocess.Popen([CALLBOARD, path], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "line 0\n")
        process.stdout.close()
        error = process.stderr.read()
        process.stderr.close()
        self.assertEqual(process.wait(TIMEOUT_S), 1)
        self.assertIn("Broken pipe", error)

    def test_long_output_is_whole(self):
        result = self.run_script(PRINT + """
        void main() { for (i32 $i = 0; $i < 50000; $i++) { printf("line %d\\n", $i); } }
        """)
        self.check(result, 0, "".join(f"line {i}\n" for i in range(50000)), "")


class Examples(CliTest):
    def example(self, name, *arguments, **options):
        return self.run_cli("run", os.path.join(SOURCE, "examples", name), *arguments, **options)

    def test_quickstart(self):
        self.check(self.example("quickstart.dom"), 0, QUICKSTART, "")

    def test_quickstart_trace(self):
        trace = os.path.join(self.folder, "quickstart.trace")
        self.check(self.example("quickstart.dom", "--trace", trace), 0, QUICKSTART, "")
        self.check(self.run_cli("trace", "verify", trace), 0, err="")
        result = self.run_cli("trace", "show", trace)
        self.check(result, 0, err="")
        self.assertIn("JobCompleted", result.stdout)

    def test_os_args(self):
        result = self.example("os_args.dom", "--", "one", "two words",
                              env=dict(os.environ, GREETING="hi"))
        self.check(result, 2, "argument 0: one\nargument 1: two words\nGREETING is 'hi'\n"
                              "os has: Args ArgCount Env ExitCode\ntimer is loaded: 0\n", "")


if __name__ == "__main__":
    unittest.main()
