#!/usr/bin/env python3
"""How a run ends from outside: one signal in order, the second at once."""

import os
import re
import signal
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from cli import PRINT, SOURCE, TCP, TIMEOUT_S, TIMER, CliTest  # noqa: E402

SERVICE = PRINT + TCP + TIMER + """
callback i32 Echo(ref blob $R) { $R = $R; return(1); }
callback i32 Slow(ref blob $R) { printf("in\\n"); timer.SleepMs(60000); $R = $R; return(1); }
i32 main() {
    i64 $lid = callbacktcp.Open("%s", 60000);
    printf("port %%d\\n", callbacktcp.Port($lid));
    while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }
    printf("ended\\n");
    return(0);
}
"""


def request(port, data):
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
        return answer


class Load(threading.Thread):
    """A client that asks again and again until the service is gone."""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.answered = 0
        self.wrong = 0
        self.start()

    def run(self):
        while True:
            try:
                answer = request(self.port, b"load")
            except OSError:  # refused, or reset before it was accepted
                return
            if answer != b"load":
                self.wrong += 1
                return
            self.answered += 1


class Signals(CliTest):
    def started(self, callback, *arguments):
        process = self.start(SERVICE % callback, *arguments)
        match = re.match(r"port (\d+)$", process.stdout.readline())
        self.assertIsNotNone(match)
        return process, int(match.group(1))

    def test_orderly_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process, port = self.started("Echo")
            self.assertEqual(request(port, b"hello"), b"hello")
            process.send_signal(number)
            out, err = process.communicate(timeout=TIMEOUT_S)
            self.assertEqual((process.returncode, out, err), (0, "ended\n", ""))

    def test_accepted_request_is_answered(self):
        process, port = self.started("Slow")
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as client:
            client.sendall(b"late")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(process.stdout.readline(), "in\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(client.recv(100), b"late")
        out, err = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((process.returncode, out, err), (0, "ended\n", ""))

    def test_under_load(self):
        trace = os.path.join(self.folder, "load.trace")
        process, port = self.started("Echo", "--trace", trace)
        clients = [Load(port) for _ in range(8)]
        while sum(client.answered for client in clients) < 400:
            time.sleep(0.01)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=TIMEOUT_S)
        self.assertLess(time.monotonic() - begun, 5)
        for client in clients:
            client.join()
        self.assertEqual((process.returncode, out, err), (0, "ended\n", ""))
        self.assertEqual([client.wrong for client in clients], [0] * len(clients))
        # Whatever was accepted was answered, and the trace says the same.
        answered = sum(client.answered for client in clients)
        for kind in ("Accepted", "ResponseSent"):
            shown = self.run_cli("trace", "show", "--kind", kind, trace)
            self.check(shown, 0, err="")
            self.assertEqual(shown.stdout.count(f" {kind} "), answered)
        self.check(self.run_cli("trace", "verify", trace), 0, err="")

    def test_second_signal(self):
        process = self.start(PRINT + 'i32 main() { printf("on\\n"); while (1) { } return(0); }')
        self.assertEqual(process.stdout.readline(), "on\n")
        process.send_signal(signal.SIGTERM)
        # The first signal has been taken once it is no longer pending in the process.
        while self.is_pending(process.pid, signal.SIGTERM):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, 128 + signal.SIGINT)

    @staticmethod
    def is_pending(pid, number):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("ShdPnd:"):
                    return int(line.split()[1], 16) >> (number - 1) & 1
        return 0

    def test_loop_that_never_ends_is_cut(self):
        os.environ["CALLBOARD_GRACE_MS"] = "200"
        self.addCleanup(os.environ.pop, "CALLBOARD_GRACE_MS")
        process = self.start(PRINT + 'i32 main() { printf("on\\n"); while (1) { } return(0); }')
        self.assertEqual(process.stdout.readline(), "on\n")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, 1)
        self.assertIn("script.dom", err)

    def test_echo_example(self):
        with open(os.path.join(SOURCE, "examples", "echo.dom"), encoding="utf-8") as file:
            process = self.start(file.read())
        match = re.match(r"echo on 127\.0\.0\.1:(\d+)$", process.stdout.readline())
        self.assertIsNotNone(match)
        self.assertEqual(request(int(match.group(1)), b"\0bytes\xff"), b"\0bytes\xff")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((process.returncode, out, err), (0, "", ""))

    def test_uppercase_service(self):
        with open(os.path.join(SOURCE, "examples", "uppercase_service.dom"),
                  encoding="utf-8") as file:
            process = self.start(file.read())
        match = re.match(r"uppercase on 127\.0\.0\.1:(\d+)$", process.stdout.readline())
        self.assertIsNotNone(match)
        self.assertEqual(request(int(match.group(1)), b"Hello, 42!"), b"HELLO, 42!")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((process.returncode, out, err), (0, "ended\n", ""))


if __name__ == "__main__":
    unittest.main()
