"""callboard run --log json: what happened, as lines that a program can read."""

import datetime
import json
import os
import re
import resource
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from support.cli import CALLBOARD, PRINT, TCP, TIMER
from support.service import ECHO_SERVICE, ServiceTest
from support.trace_lines import show

# The callback divides by what it is sent, less "0".
DIVIDING_SERVICE = (
    PRINT
    + TIMER
    + TCP
    + """
i32 divide(i32 $by)
{
    return(100 / $by);
}

callback i32 Divide(ref blob $X)
{
    i32 $by = $X[0];
    $by = divide($by - 48);
    return(1);
}

i32 main()
{
    i64 $lid = callbacktcp.Open("Divide", 5000);
    printf("port %d\\n", callbacktcp.Port($lid));
    while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
)
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class JsonLog(ServiceTest):
    def lines_of(self, text):
        """Every line parsed; what all lines have in common is checked."""
        lines = []
        for line in text.splitlines():
            parsed = json.loads(line)
            self.assertEqual(list(parsed)[:3], ["ts", "level", "event"], line)
            self.assertRegex(parsed["ts"], STAMP)
            stamp = datetime.datetime.fromisoformat(parsed["ts"].replace("Z", "+00:00"))
            away = datetime.datetime.now(datetime.timezone.utc) - stamp
            self.assertLess(abs(away.total_seconds()), 300)
            self.assertIn(parsed["level"], ("debug", "info", "warning", "error"))
            if "cause" in parsed and "seq" in parsed:
                self.assertLess(parsed["cause"], parsed["seq"], line)
            lines.append(parsed)
        return lines

    @staticmethod
    def events(lines, event):
        return [line for line in lines if line["event"] == event]

    def test_joins_with_the_trace(self):
        """The numbers, jobs and connections of the lines are those of the trace."""
        path = os.path.join(self.folder, "run.trace")
        process, port = self.serve(ECHO_SERVICE, "--log", "json", "--trace", path)
        for i in range(20):
            self.assertEqual(self.exchange(port, b"%d" % i), b"%d" % i)
        _, err = self.finish(process)
        lines = self.lines_of(err)
        rows = show(path)
        inputs = {row[0]: row for row in rows if row[1]}
        opened = self.events(lines, "route_opened")
        self.assertEqual([line["port"] for line in opened], [port])
        self.assertEqual(inputs[opened[0]["seq"]][2], "RouteListening")
        ended = self.events(lines, "job_ended")
        self.assertEqual(len(ended), 20)
        completed = {row[4] for row in rows if row[1] and row[2] == "JobCompleted"}
        for line in ended:
            _, _, message, route, _, connection = inputs[line["seq"]]
            self.assertEqual(message, "ResponseSent")
            self.assertEqual(route, f"{line['namespace']}:{line['route']}")
            self.assertEqual(connection, str(line["connection"]))
            self.assertIn(line["job"], completed)
            self.assertEqual((line["status"], line["level"]), ("success", "info"))
            self.assertLess(line["cause"], line["seq"])
            self.assertGreaterEqual(line["total_us"], line["run_us"])
            self.assertGreaterEqual(line["queue_us"], 0)
        self.assertEqual(len({line["job"] for line in ended}), 20)
        numbers = [line["seq"] for line in lines if "seq" in line]
        self.assertEqual(numbers, sorted(numbers))
        order = [line["event"] for line in lines if line["event"] != "job_ended"]
        self.assertEqual(
            order,
            ["route_opened", "shutdown_begun", "route_closing", "route_closed", "finished"],
        )
        self.assertEqual(inputs[self.events(lines, "shutdown_begun")[0]["seq"]][2], "Shutdown")
        self.assertEqual(self.events(lines, "finished")[0]["whole"], 1)

    def test_errors(self):
        """A callback that fails: where, why, and in which job; nothing on standard error is text."""
        path = os.path.join(self.folder, "run.trace")
        process, port = self.serve(DIVIDING_SERVICE, "--log", "json", "--trace", path)
        self.exchange(port, b"1")
        try:
            self.exchange(port, b"0")
        except ConnectionResetError:
            pass
        _, err = self.finish(process)
        lines = self.lines_of(err)
        (failed,) = self.events(lines, "runtime_error")
        row = next(
            i for i, text in enumerate(DIVIDING_SERVICE.splitlines(), 1) if "100 /" in text
        )
        self.assertEqual((failed["line"], failed["level"]), (row, "error"))
        self.assertTrue(failed["file"].endswith("script.dom"))
        self.assertIn("zero", failed["message"])
        self.assertRegex(failed["stack"], r"^divide \d+:\d+, Divide \d+:\d+$")
        ended = {line["job"]: line for line in self.events(lines, "job_ended")}
        line = ended[failed["job"]]
        self.assertEqual((line["status"], line["level"]), ("callback failed", "error"))
        self.assertIn(f":{row}:", line["error"])
        hands = {row[4]: row[0] for row in show(path) if row[2] == "Hand"}
        self.assertEqual(hands[failed["job"]], failed["cause"])
        self.assertEqual(failed["route"], 1)

    def test_actor_that_does_not_start(self):
        """No descriptors are left for its queues."""
        process, port = self.serve(DIVIDING_SERVICE, "--log", "json")
        used = len(os.listdir(f"/proc/{process.pid}/fd"))
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used + 1, hard))
        try:
            self.exchange(port, b"1")
        except ConnectionResetError:
            pass
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        _, err = self.finish(process)
        lost = self.events(self.lines_of(err), "actor_lost")
        self.assertGreater(len(lost), 0, err)
        self.assertEqual(lost[0]["error"], "cannot make an actor's queues: Too many open files")

    def test_file_and_level(self):
        """Two runs append to one file; standard error stays empty."""
        path = os.path.join(self.folder, "service.log")
        for _ in range(2):
            process, port = self.serve(
                ECHO_SERVICE, "--log", "json:" + path, "--log-level", "debug"
            )
            self.exchange(port, b"x")
            _, err = self.finish(process)
            self.assertEqual(err, "")
        with open(path, encoding="utf-8") as file:
            lines = self.lines_of(file.read())
        self.assertEqual(len(self.events(lines, "finished")), 2)
        self.assertGreaterEqual(len(self.events(lines, "actor_added")), 2)
        os.truncate(path, 0)
        process, port = self.serve(DIVIDING_SERVICE, "--log", "json:" + path, "--log-level=error")
        self.exchange(port, b"1")
        self.finish(process)
        self.assertEqual(os.path.getsize(path), 0)

    def test_script_with_errors(self):
        result = self.run_script("i32 main() { return(1 }\n", "--log", "json")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        lines = self.lines_of(result.stderr)
        self.assertEqual({line["event"] for line in lines}, {"script_error"})
        self.assertEqual(lines[0]["line"], 1)
        self.assertGreater(lines[0]["column"], 1)

    def test_main_fails(self):
        result = self.run_script(
            "i32 main() { i32 $zero = 0; return(1 / $zero); }\n", "--log", "json"
        )
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        lines = self.lines_of(result.stderr)
        (failed,) = self.events(lines, "runtime_error")
        self.assertNotIn("job", failed)
        self.assertIn("main ", failed["stack"])

    def test_other_failures(self):
        result = self.run_cli("run", "--log", "json", "nowhere.dom")
        self.assertEqual(result.returncode, 1)
        (line,) = self.lines_of(result.stderr)
        self.assertEqual((line["event"], line["level"]), ("failed", "error"))
        self.assertIn("nowhere.dom", line["message"])
        process, _ = self.serve(ECHO_SERVICE, "--log", "json", "--metrics", "0")
        _, err = self.finish(process)
        (line,) = self.events(self.lines_of(err), "metrics")
        self.assertRegex(line["message"], r"^metrics at http://127\.0\.0\.1:\d+/metrics$")

    def test_bytes_that_are_no_text(self):
        """A script's file may be called anything."""
        name = os.fsencode(self.folder) + b'/a"\xff\n\xc3\xa9.dom'
        with open(name, "wb") as file:
            file.write(b"i32 main() { return(1 }\n")
        done = subprocess.run(
            [CALLBOARD.encode(), b"run", b"--log", b"json", name], capture_output=True, check=False
        )
        lines = self.lines_of(done.stderr.decode("utf-8"))
        self.assertTrue(lines[0]["file"].endswith('/a"\ufffd\n\u00e9.dom'), lines[0])

    def test_reader_that_does_not_read(self):
        """The service goes on, the end comes, and what is missing was counted."""
        os.environ["CALLBOARD_LOG_QUEUE"] = "4096"
        self.addCleanup(os.environ.pop, "CALLBOARD_LOG_QUEUE")
        process, port = self.serve(ECHO_SERVICE, "--log", "json")
        count = 700  # more than a pipe and the queue hold
        for i in range(count):
            self.assertEqual(self.exchange(port, b"x"), b"x")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        lines = self.lines_of(err)
        lost = sum(line["lines"] for line in self.events(lines, "lines_lost"))
        others = [line for line in lines if line["event"] != "lines_lost"]
        self.assertGreater(lost, 0)
        self.assertEqual(len(others) + lost, count + 5)

    def test_usage(self):
        for wrong in ("text", "json:", "JSON", "", "jsonx"):
            result = self.run_script(ECHO_SERVICE, "--log", wrong)
            self.assertEqual((result.returncode, result.stdout), (2, ""), wrong)
        result = self.run_script(ECHO_SERVICE, "--log", "json", "--log-level", "loud")
        self.assertEqual(result.returncode, 2)
        result = self.run_script(ECHO_SERVICE, "--log", "json:/nowhere/at/all")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("cannot open the log /nowhere/at/all: No such file", result.stderr)


if __name__ == "__main__":
    unittest.main()
