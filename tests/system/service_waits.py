#!/usr/bin/env python3
"""A callback whose time is up while it waits leaves nothing behind: a thousand of them, and a route
beside theirs still has all the waits there are. Each kind of wait, and each way to end."""

import concurrent.futures
import http.client
import os
import re
import signal
import threading
import time
import unittest

from support.cli import BLOB, HTTP, PRINT, STR, TCP, TIMEOUT_S, TIMER, WEB
from support.prometheus import scrape
from support.service import ServiceTest

TIMES = 1000
BATCH = 100
CLIENTS = 8
MOST_WAITS = 20  # fewer than one batch would need if its waits stayed

HEAD = (
    PRINT
    + TIMER
    + BLOB
    + STR
    + WEB
    + TCP
    + HTTP
    + 'plugin "../plugins/nbio/NbioPlugin";\n'
    + 'plugin "../plugins/callback_worker/CallbackWorkerPlugin";\n'
)

# `Never` is what a callback waits for in vain. It sleeps, and so does main.
STEADY = 2
SERVICE = (
    HEAD
    + """
callback i32 Never(ref blob $x) { timer.SleepMs(-1); return(1); }
callback i32 OnTime(ref blob $event) { return(1); }
callback i32 Waits(ref blob $x) { %s return(1); }

callback i32 Healthy(ref blob $request)
{
    timer.SleepMs(1);
    $request = web.HttpTextResponse(200, "text/plain", "healthy", $request);
    return(1);
}

i32 main()
{
    i64 $never = callbacktcp.Open("Never", -1);
    i64 $job = callbacktcp.BeginTextRequest($never, "x", -1);
    i64 $loop = nbio.Timeout(2000000000, "OnTime");
    i64 $a = callbackhttp.Open("Waits", 5);
    i64 $b = callbackhttp.Open("Healthy", 5000);
    while (callbacktcp.Running($never) != 1) { timer.SleepMs(1); }
    printf("port %%d\\n", callbackhttp.Port($a));
    printf("port %%d\\n", callbackhttp.Port($b));
    while (callbackhttp.State($b) == 1) { timer.SleepMs(100000000); }
    return(0);
}
"""
)


class Waits(ServiceTest):
    def setUp(self):
        super().setUp()
        values = {"CALLBOARD_MAX_WAITS": str(MOST_WAITS), "CALLBOARD_GRACE_MS": "100"}
        for name, value in values.items():
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name)

    def begin(self, wait, *arguments):
        self.process, self.waits = self.serve(SERVICE % wait, "--metrics", "0", *arguments)
        self.healthy = int(re.fullmatch(r"port (\d+)\n", self.process.stdout.readline())[1])
        line = self.process.stderr.readline()
        self.metrics = int(re.search(r":(\d+)/metrics", line)[1])
        # Each callback that is stopped says so there; nobody must have to wait for room.
        reader = threading.Thread(target=self.process.stderr.read)
        reader.start()
        self.addCleanup(reader.join)
        self.addCleanup(self.process.kill)

    def get(self, port, path="/"):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            client.request("GET", path)
            return client.getresponse().status
        finally:
            client.close()

    def open_waits(self):
        return scrape(self.metrics).get("waits")

    def await_steady(self):
        deadline = time.monotonic() + TIMEOUT_S
        while self.open_waits() != STEADY:
            self.assertLess(time.monotonic(), deadline)

    def provoke(self, wait):
        """A thousand requests, and after each batch only the waits that were there before: when a
        client sees its response, the supervisor knows that the job has ended."""
        self.begin(wait)
        self.await_steady()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            for _ in range(0, TIMES, BATCH):
                answers = list(clients.map(self.get, [self.waits] * BATCH))
                self.assertEqual(set(answers), {504})
                self.assertEqual(self.open_waits(), STEADY)
                self.assertEqual(self.get(self.healthy), 200)

    def test_long_sleep(self):
        self.provoke("timer.SleepMs(1000000);")

    def test_endless_sleep(self):
        self.provoke("timer.SleepMs(-1);")

    def test_wait_for_a_job(self):
        self.provoke("callbacktcp.WaitComplete(1, -1);")

    def test_wait_for_a_route(self):
        self.provoke("callbacktcp.WaitDrained(1, 1000000);")

    def test_wait_for_its_own_route(self):
        self.provoke("callbackhttp.WaitDrained(1, -1);")

    def test_command(self):
        """Its actor keeps a waiter of its own, which ends, too: or memory would grow for ever."""
        self.provoke("nbio.Run(-1);")

    def test_command_with_a_limit(self):
        self.provoke("nbio.Run(1000000);")

    def test_trace(self):
        """It replays, and shows who slept and which command was given up."""
        trace = os.path.join(self.folder, "waits.trace")
        self.begin("if ($x.Length % 2 == 0) { timer.SleepMs(-1); } nbio.Run(-1);",
                   "--trace", trace)
        for path in ("/", "/x") * 10:
            self.assertEqual(self.get(self.waits, path), 504)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=TIMEOUT_S)
        self.check(self.run_cli("trace", "verify", trace), 0)
        shown = self.run_cli("trace", "show", trace).stdout
        self.assertEqual(len(re.findall(r"-> listener \d+ +CancelOrder +nbio:1 +#", shown)), 10)
        sleeps = re.findall(r"actor \d+ +-> supervisor +Wait +\S+ +#\d+\.\d+ ", shown)
        self.assertEqual(len(sleeps), 11)  # and the one that is waited for in vain

    def test_wait_for_a_job_that_waits(self):
        """The job's limit and that of the callback that waits for it strike in either order, and
        the job may be the last to end."""
        self.begin('callbackworker.Wait(callbackworker.StartBorrowedText("Never", "", 5), -1);')
        self.await_steady()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS // 2) as clients:
            for _ in range(0, TIMES, BATCH):
                answers = list(clients.map(self.get, [self.waits] * BATCH))
                self.assertLessEqual(set(answers), {500, 504})
                self.await_steady()
                self.assertEqual(self.get(self.healthy), 200)
        ended = scrape(self.metrics).get("jobs_ended_total", namespace="callbackworker",
                                         route="none", outcome="callback_timeout")
        self.assertEqual(ended, TIMES)


if __name__ == "__main__":
    unittest.main()
