#!/usr/bin/env python3
"""The end of a service under wrk: no request that was accepted goes unanswered after SIGTERM, and
the port is free at once for the next one, after kill -9 too."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from support.http_service import PLUGINS, Client, HttpTest

CONNECTIONS = 64
UNDER_WAY = 500  # callbacks that have run, after which the load is called so
GRACE_S = 5
RUNS = 3
RESTARTS = 5
# Writes a dot for each callback that ran. Arguments: the port, and how long each of them takes.
SERVICE = PLUGINS + """
plugin "builtin:os";

callback i32 OnRequest(ref blob $R)
{
    i32 $ms = (i32)str.ToInt(str.Sub(web.HttpRequestPath($R), 1));
    if ($ms > 0) { timer.SleepMs($ms); }
    printf(".");
    $R = web.HttpTextResponse(200, "text/plain", "hello");
    return(1);
}

i32 main()
{
    i64 $lid = callbackhttp.Open("OnRequest", 60000, (i32)str.ToInt(os.Args(0)));
    printf("port %d\\n", callbackhttp.Port($lid));
    while (callbackhttp.State($lid) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
REQUEST = b"GET /0 HTTP/1.1\r\nHost: a\r\n\r\n"


def quiet_port():
    """One that the kernel gives to nobody: wrk, which dials a dead port again and again, could get
    it as its own otherwise, and so be connected to itself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = int(file.read().split()[0])
    for port in range(first - 1, 1024, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise RuntimeError("no port is free")


class Dots:
    """Counts what the callbacks write, as it comes."""

    def __init__(self, process, count):
        self.process = process
        self.count = count
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self.changed:
                self.count += len(data)
                self.changed.notify()

    def wait_for(self, count):
        with self.changed:
            if not self.changed.wait_for(lambda: self.count >= count, timeout=30):
                raise TimeoutError(f"{self.count} callbacks ran")

    def all(self):
        """How many there were until the end of the process."""
        self.thread.join()
        return self.count


class Shutdown(HttpTest):
    def setUp(self):
        super().setUp()
        self.wrk = shutil.which("wrk")
        self.assertIsNotNone(self.wrk, "wrk is not installed; run ./dev setup")
        self.path = self.write("service.dom", SERVICE)

    def start_service(self, *arguments, port=0):
        process = self.start_file(self.path, *arguments, given=[str(port)])
        line = b""
        while not line.endswith(b"\n") and (byte := os.read(process.stdout.fileno(), 1)):
            line += byte
        match = re.fullmatch(rb"(\.*)port (\d+)\n", line)  # some clients are that quick
        if match is None:
            process.kill()
            self.fail(f"no port: {line}{process.stderr.read()}")
        dots = Dots(process, len(match.group(1)))
        self.addCleanup(dots.thread.join)
        self.addCleanup(process.kill)
        return process, int(match.group(2)), dots

    def load(self, port, seconds, sleep_ms=0):
        """wrk, which goes on until its time is over even if nobody is there any more."""
        process = subprocess.Popen(
            [self.wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
             f"http://127.0.0.1:{port}/{sleep_ms}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.end, process)
        return process

    def terminate(self, process):
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertLess(time.monotonic() - begin, GRACE_S)
        self.assertEqual(process.stderr.read(), "")

    def check_end(self, process, load, dots):
        """The callbacks that ran, each of which was answered."""
        self.terminate(process)
        said, _ = load.communicate(timeout=60)
        answered = int(re.search(r"(\d+) requests in", said).group(1))
        # wrk counts whole answers; those that never came whole would be missing.
        self.assertEqual(answered, dots.all(), said)
        self.assertNotIn("Non-2xx", said)
        self.assertNotIn("timeout 1", said)
        return answered

    def test_what_ran_was_answered(self):
        for _ in range(RUNS):
            process, port, dots = self.start_service()
            load = self.load(port, 2)
            dots.wait_for(UNDER_WAY)
            self.check_end(process, load, dots)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)

    def count_in_trace(self, trace, kind):
        done = self.run_cli("trace", "show", "--kind", kind, trace)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return sum(kind in line for line in done.stdout.splitlines())

    def test_what_was_accepted_ran(self):
        """By the supervisor's own record, with callbacks that take long enough to be many at
        once."""
        trace = os.path.join(self.folder, "end.cbtrace")
        process, port, dots = self.start_service("--trace", trace)
        load = self.load(port, 3, sleep_ms=5)
        dots.wait_for(CONNECTIONS)
        ran = self.check_end(process, load, dots)
        for kind in ("RequestReady", "JobCompleted", "ResponseSent"):
            self.assertEqual(self.count_in_trace(trace, kind), ran, kind)
        done = self.run_cli("trace", "verify", trace)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_pipelined_requests(self):
        """Each connection gets whole answers in order and an orderly end."""
        process, port, dots = self.start_service()
        clients = [Client(port) for _ in range(20)]
        for client in clients:
            self.addCleanup(client.socket.close)
            client.send(REQUEST * 500)
        dots.wait_for(20)
        process.send_signal(signal.SIGTERM)
        statuses = []
        for client in clients:
            statuses += [each.status for each in client.all_responses()]
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertLessEqual(set(statuses), {200, 503})
        self.assertEqual(statuses.count(200), dots.all())

    def test_the_port_is_free_at_once(self):
        """With connections that are open, and with some that wait for their last packets."""
        process, port, dots = self.start_service(port=quiet_port())
        for turn in range(RESTARTS):
            load = self.load(port, 1)
            dots.wait_for(UNDER_WAY)
            begin = time.monotonic()
            process.send_signal(signal.SIGKILL if turn % 2 == 0 else signal.SIGTERM)
            process.wait(timeout=60)
            process, again, dots = self.start_service(port=port)
            self.assertEqual(again, port)
            with Client(port) as client:
                client.send(REQUEST)
                self.assertEqual(client.response().body, b"hello")
            self.assertLess(time.monotonic() - begin, GRACE_S)
            load.communicate(timeout=60)

    def test_a_port_in_use_is_tried_for_a_while(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            for limit_ms in (0, 300):
                self.set_limit("CALLBOARD_PORT_WAIT_MS", limit_ms)
                begin = time.monotonic()
                done = self.run_cli("run", self.path, "--", str(port))
                self.assertGreater(time.monotonic() - begin, limit_ms / 1000)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("Address already in use", done.stderr)
            self.set_limit("CALLBOARD_PORT_WAIT_MS", 60000)
            process = self.start_file(self.path, given=[str(port)])
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(1)  # it goes on trying
        self.assertEqual(process.stdout.readline(), f"port {port}\n")

    def test_the_end_does_not_wait_for_a_port(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.set_limit("CALLBOARD_PORT_WAIT_MS", 60000)
            process = self.start_file(self.path, given=[str(port)])
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(1)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("Address already in use", err)

    def test_idle_connections_do_not_hold_it_up(self):
        process, port, _ = self.start_service()
        clients = [Client(port) for _ in range(50)]
        for client in clients:
            self.addCleanup(client.socket.close)
        for client in clients[:25]:
            client.send(REQUEST)
            self.assert_status(client.response(), 200)
        self.terminate(process)
        for client in clients:
            self.assertIsNone(client.response())


if __name__ == "__main__":
    unittest.main()
