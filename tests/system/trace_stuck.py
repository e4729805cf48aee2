"""callboard run --trace into something that does not take it: the service goes on as ever, SIGTERM
ends it, and what the trace lacks is said once."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from support.cli import BLOB, HTTP, PRINT, TIMER
from support.prometheus import scrape
from support.service import ECHO_SERVICE, ServiceTest

QUEUE = 262144  # the least
GRACE_MS = 3000
CLIENTS = 8
EACH = 150  # requests of a client: together more than the queue and a pipe hold
IN_TIME = re.compile(
    r"callboard: the trace file could not be written in time; it ends with message (\d+) of (\d+)"
    r"(, and (\d+) others came faster than they could be written)?\n"
)
HTTP_SERVICE = (
    PRINT
    + TIMER
    + BLOB
    + HTTP
    + """
callback i32 Hello(ref blob $X)
{
    $X = blob.FromText("HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello");
    return(1);
}

i32 main()
{
    i64 $lid = callbackhttp.Open("Hello", 5000);
    printf("port %d\\n", callbackhttp.Port($lid));
    while (callbackhttp.State($lid) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
)


# Says that it is in its callback, and stays there.
STUCK_SERVICE = ECHO_SERVICE.replace(
    "if ($X.Length > 0) { $X[0] = $X[0]; }",
    'printf("in\\n"); timer.SleepMs(1); while ($X.Length > 0) { $X[0] = $X[0]; }',
)


class Stuck(ServiceTest):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "run.trace")
        self.set_environment(CALLBOARD_TRACE_QUEUE=QUEUE, CALLBOARD_GRACE_MS=GRACE_MS)

    def set_environment(self, **values):
        for name, value in values.items():
            os.environ[name] = str(value)
            self.addCleanup(os.environ.pop, name, None)

    def make_fifo(self):
        os.mkfifo(self.path)

    def open_reader(self):
        """Somebody who has the FIFO open; the service's own open does not wait for one."""
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(reader, True)
        self.addCleanup(os.close, reader)
        return reader

    def load(self, port, each=EACH):
        """All requests of several clients are answered."""
        failures = []

        def client(number):
            for i in range(each):
                sent = b"%d:%d" % (number, i)
                if self.exchange(port, sent) != sent:
                    failures.append(sent)

        threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def end_with(self, process, status, at_most_s=None):
        """SIGTERM; what standard error says."""
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        took = time.monotonic() - began
        self.assertEqual(process.returncode, status, out + err)
        if at_most_s is not None:
            self.assertLess(took, at_most_s)
        return err

    def check_stuck(self, process, messages):
        err = self.end_with(process, 1, GRACE_MS / 1000 + 5)
        said = IN_TIME.fullmatch(err)
        self.assertIsNotNone(said, err)
        self.assertGreater(int(said.group(2)), messages)
        return int(said.group(1)), int(said.group(2)), int(said.group(4) or 0)

    def verify(self, path):
        return self.run_cli("trace", "verify", path)

    def test_reader_that_stops(self):
        """It has read something, and reads no more: everybody is served, the end comes."""
        self.make_fifo()
        reader = self.open_reader()
        process, port = self.serve(ECHO_SERVICE, "--trace", self.path)
        self.assertEqual(self.exchange(port, b"first"), b"first")
        self.assertEqual(len(os.read(reader, 10)), 10)
        self.load(port)
        last, messages, lost = self.check_stuck(process, CLIENTS * EACH * 4)
        self.assertLess(last, messages)
        self.assertGreater(lost, 0)
        self.assertLess(lost, messages)

    def test_reader_that_never_comes(self):
        self.make_fifo()
        process, port = self.serve(ECHO_SERVICE, "--trace", self.path)
        self.load(port, 5)
        err = self.end_with(process, 1, GRACE_MS / 1000 + 5)
        self.assertRegex(
            err,
            r"^callboard: the trace file could not be opened for writing in time; it ends with "
            r"message 0 of \d+\n$",
        )

    def test_reader_that_never_comes_and_a_second_signal(self):
        self.make_fifo()
        process, port = self.serve(ECHO_SERVICE, "--trace", self.path)
        process.send_signal(signal.SIGTERM)
        try:
            while True:
                socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            pass  # the end has begun
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)

    def test_http(self):
        """Connections that stay open, at full rate."""
        self.make_fifo()
        self.open_reader()
        process, port = self.serve(HTTP_SERVICE, "--trace", self.path)
        done = subprocess.run(
            ["wrk", "-t1", "-c16", "-d1", "--timeout", "30", f"http://127.0.0.1:{port}/"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        self.assertNotIn("Socket errors", done.stdout)
        self.assertNotIn("Non-2xx", done.stdout)
        served = int(re.search(r"(\d+) requests in", done.stdout).group(1))
        self.assertGreater(served, 200)
        self.check_stuck(process, served)

    def test_reader_that_pauses(self):
        """It reads again: the file goes on, says what it lacks, and verify says how far it goes."""
        self.make_fifo()
        reader = self.open_reader()
        copy = os.path.join(self.folder, "copy.trace")
        process, port = self.serve(ECHO_SERVICE, "--trace", self.path)
        self.load(port)

        has_room = threading.Event()

        def read_all():
            with open(copy, "wb") as file:
                while True:
                    part = os.read(reader, 65536)
                    if not part:
                        return
                    file.write(part)
                    if file.tell() > QUEUE * 3 // 4:
                        has_room.set()

        thread = threading.Thread(target=read_all)
        thread.start()
        self.assertTrue(has_room.wait(60))
        self.load(port, 20)
        err = self.end_with(process, 1)
        thread.join()
        said = re.fullmatch(
            r"callboard: the trace file lacks (\d+) of (\d+) messages, which came faster than they "
            r"could be written \(CALLBOARD_TRACE_QUEUE\)\n",
            err,
        )
        self.assertIsNotNone(said, err)
        shown = self.run_cli("trace", "show", copy)
        self.check(shown, 0, err="")
        gaps = re.findall(r"# lost here: (\d+) messages, \d+ records; they came", shown.stdout)
        self.assertEqual(sum(int(gap) for gap in gaps), int(said.group(1)))
        self.assertNotIn("no end record", shown.stdout)
        verified = self.verify(copy)
        self.check(verified, 1)
        held = re.search(r"(\d+) messages, .*: replay gives the same\n", verified.stdout)
        self.assertEqual(
            verified.stderr,
            f"callboard: trace verify: complete up to message {held.group(1)}; lost after it: "
            f"{gaps[0]}, because messages came faster than they could be written\n",
        )

    def test_full_disk(self):
        """The run goes on; it is said once, at the end, and counted meanwhile."""
        process, port = self.serve(ECHO_SERVICE, "--trace", "/dev/full", "--metrics", "0")
        metrics = int(process.stderr.readline().rsplit(":", 1)[1].split("/")[0])
        self.load(port, 20)
        while scrape(metrics).get("trace_unwritten_total") < CLIENTS * 20:
            pass
        err = self.end_with(process, 1, 30)
        self.assertRegex(
            err,
            r"^callboard: the trace file could not be written: No space left on device; it ends "
            r"with message 0 of \d+\n$",
        )

    def test_full_disk_and_a_log(self):
        process, port = self.serve(ECHO_SERVICE, "--trace", "/dev/full", "--log", "json")
        self.exchange(port, b"x")
        err = self.end_with(process, 1, 30)
        self.assertEqual(err.count("No space left on device"), 1, err)
        self.assertRegex(err, r'"level":"error","event":"failed","message":"the trace file could')

    def test_full_disk_and_a_main_that_fails(self):
        """Both are said."""
        result = self.run_script(
            "i32 main() { i32 $zero = 0; return(1 / $zero); }\n", "--trace", "/dev/full"
        )
        self.assertEqual(result.returncode, 1)
        self.assertIn("zero", result.stderr)
        self.assertEqual(result.stderr.count("No space left on device"), 1, result.stderr)

    def test_full_disk_and_a_callback_that_is_cut_off(self):
        """Both are said, in one sentence."""
        self.set_environment(CALLBOARD_GRACE_MS=100)
        process, port = self.serve(STUCK_SERVICE, "--trace", "/dev/full")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"x")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(process.stdout.readline(), "in\n")
            err = self.end_with(process, 1)
        self.assertRegex(
            err,
            r"cut off what was still running after 100 ms; the trace file could not be "
            r"written: No space left on device; it ends with message 0 of \d+\n$",
        )
        self.assertEqual(err.count("No space left"), 1)

    def test_nothing_in_the_way(self):
        """The same load into a file: with the default queue nothing is missing."""
        os.environ.pop("CALLBOARD_TRACE_QUEUE")
        process, port = self.serve(ECHO_SERVICE, "--trace", self.path, "--metrics", "0")
        metrics = int(process.stderr.readline().rsplit(":", 1)[1].split("/")[0])
        self.load(port)
        self.assertEqual(scrape(metrics).get("trace_unwritten_total"), 0)
        self.assertEqual(self.end_with(process, 0), "")
        result = self.verify(self.path)
        self.check(result, 0, err="")
        self.assertNotIn("remark", result.stdout)


if __name__ == "__main__":
    unittest.main()
