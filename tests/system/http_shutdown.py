#!/usr/bin/env python3
"""The end of a service under wrk: no request that was accepted goes unanswered after SIGTERM, and
the port is free at once for the next one, after kill -9 too."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from support.http import PLUGINS, Client, HttpTest
from support.service import info_pairs

CONNECTIONS = 64
BEFORE = 30  # requests of our own, after which the load is on its way
GRACE_S = 5
RUNS = 3
RESTARTS = 5
# Counts the callbacks that ran. An argument may say how long each of them takes.
SERVICE = PLUGINS + """
plugin "../plugins/script_state/ScriptStatePlugin";
plugin "builtin:os";
struct Counter packet { i64 Runs; i64 SleepMs; }

callback i32 OnRequest(ref blob $R)
{
    script_state.Lock(1);
    ref blob &S = blob.RefFromPointer(script_state.GetPointer(1), 16);
    S assign Counter;
    S.Runs = S.Runs + 1;
    script_state.Unlock(1);
    if (S.SleepMs > 0) { timer.SleepMs((i32)S.SleepMs); }
    $R = web.HttpTextResponse(200, "text/plain", "hello");
    return(1);
}

i32 main()
{
    script_state.Allocate(16);
    ref blob &S = blob.RefFromPointer(script_state.GetPointer(1), 16);
    S assign Counter;
    S.SleepMs = str.ToInt(os.Args(1));
    i64 $lid = callbackhttp.Open("OnRequest", 60000, (i32)str.ToInt(os.Args(0)));
    printf("port %d\\n", callbackhttp.Port($lid));
    while (callbackhttp.State($lid) == 1) { timer.SleepMs(60000); }
    callbackhttp.WaitDrained($lid, -1);
    printf("ran %d\\n%s\\n", S.Runs, callbackhttp.RouteInfo($lid));
    return(0);
}
"""
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Shutdown(HttpTest):
    def setUp(self):
        super().setUp()
        self.wrk = shutil.which("wrk")
        self.assertIsNotNone(self.wrk, "wrk is not installed; run ./dev setup")
        self.path = self.write("service.dom", SERVICE)

    def start_service(self, *arguments, port=0, sleep_ms=0):
        process = self.start_file(self.path, *arguments, given=[str(port), str(sleep_ms)])
        line = process.stdout.readline()
        if not line.startswith("port "):
            process.kill()
            self.fail(f"no port: {line}{process.stdout.read()}{process.stderr.read()}")
        return process, int(line[5:])

    def load(self, port, seconds):
        """wrk, under way. It goes on until its time is over even if nobody is there any more."""
        process = subprocess.Popen(
            [self.wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"http://127.0.0.1:{port}/"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.end, process)
        with Client(port) as client:
            for _ in range(BEFORE):
                client.send(REQUEST)
                self.assert_status(client.response(), 200)
        return process

    def check_end(self, process, load):
        """The callbacks that ran, each of which was answered."""
        begin = time.monotonic()
        lines, err = self.finish(process)
        self.assertLess(time.monotonic() - begin, GRACE_S)
        self.assertEqual(err, "")
        said, _ = load.communicate(timeout=60)
        info = info_pairs(lines[-1])
        self.assertEqual(info["state"], "closed")
        for key in ("active", "pending", "queued", "running"):
            self.assertEqual(info[key], "0", lines[-1])
        ran = int(re.fullmatch(r"ran (\d+)", lines[-2]).group(1))
        answered = int(re.search(r"(\d+) requests in", said).group(1))
        self.assertGreater(answered, CONNECTIONS, said)
        # wrk counts whole answers; those that never came whole would be missing.
        self.assertEqual(answered + BEFORE, ran, said)
        self.assertNotIn("Non-2xx", said)
        return ran

    def test_what_ran_was_answered(self):
        for _ in range(RUNS):
            process, port = self.start_service()
            self.check_end(process, self.load(port, 2))
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
        process, port = self.start_service("--trace", trace, sleep_ms=30)
        ran = self.check_end(process, self.load(port, 3))
        for kind in ("RequestReady", "JobCompleted", "ResponseSent"):
            self.assertEqual(self.count_in_trace(trace, kind), ran, kind)
        done = self.run_cli("trace", "verify", trace)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_pipelined_requests(self):
        """Each connection gets whole answers in order and an orderly end."""
        process, port = self.start_service()
        clients = [Client(port) for _ in range(20)]
        for client in clients:
            self.addCleanup(client.socket.close)
            client.send(REQUEST * 500)
        self.assert_status(clients[-1].response(), 200)
        process.send_signal(signal.SIGTERM)
        statuses = [200]
        for client in clients:
            statuses += [each.status for each in client.all_responses()]
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertLessEqual(set(statuses), {200, 503})
        self.assertEqual(out.splitlines()[-2], f"ran {statuses.count(200)}")

    def test_the_port_is_free_at_once(self):
        """With connections that are open, and with some that wait for their last packets."""
        process, port = self.start_service()
        for turn in range(RESTARTS):
            load = self.load(port, 1)
            begin = time.monotonic()
            process.send_signal(signal.SIGKILL if turn % 2 == 0 else signal.SIGTERM)
            process.wait(timeout=60)
            process, again = self.start_service(port=port)
            self.assertEqual(again, port)
            with Client(port) as client:
                client.send(REQUEST)
                self.assertEqual(client.response().body, b"hello")
            self.assertLess(time.monotonic() - begin, GRACE_S)
            load.communicate(timeout=60)

    def test_idle_connections_do_not_hold_it_up(self):
        process, port = self.start_service()
        clients = [Client(port) for _ in range(50)]
        for client in clients:
            self.addCleanup(client.socket.close)
        for client in clients[:25]:
            client.send(REQUEST)
            self.assert_status(client.response(), 200)
        begin = time.monotonic()
        self.finish(process)
        self.assertLess(time.monotonic() - begin, GRACE_S)
        for client in clients:
            self.assertIsNone(client.response())


if __name__ == "__main__":
    unittest.main()
