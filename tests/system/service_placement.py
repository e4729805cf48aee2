#!/usr/bin/env python3
"""The actor whose callbacks are very short is kept on the processor where its requests come from, until
one of them is long."""

import os
import time
import unittest

from support.http_service import Client, HttpTest, service

SERVICE = service("""
callback i32 OnRequest(ref blob $R)
{
    i32 $sum = 0;
    if (web.HttpRequestPath($R) == "/long") {
        for (i32 $i = 0; $i < 2000000; $i++) { $sum = $sum + ($i & 7); }
    }
    $R = web.HttpTextResponse(200, "text/plain", "done", $R);
    return(1);
}
""")
REQUEST = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
# Callbacks are never so short there.
SLOW = os.environ.get("CALLBOARD_SANITIZER") == "thread"


@unittest.skipIf(len(os.sched_getaffinity(0)) < 2 or SLOW, "nothing to choose from")
class Placement(HttpTest):
    def setUp(self):
        super().setUp()
        self.set_limit("CALLBOARD_MAX_ACTORS", 1)
        self.set_limit("CALLBOARD_PLACE_US", 99)  # so that it does not matter how slow this machine is

    @staticmethod
    def kept(process):
        """How many of its threads may use one processor only."""
        kept = 0
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            try:
                kept += len(os.sched_getaffinity(int(thread))) == 1
            except ProcessLookupError:  # it has just ended
                pass
        return kept

    def ask(self, client, path=b""):
        client.send(REQUEST % path)
        self.assert_status(client.response(), 200)

    def test_short_callbacks(self):
        process, port = self.serve(SERVICE)
        with Client(port) as client:
            for _ in range(2):
                deadline = time.monotonic() + 60
                while self.kept(process) == 0:
                    self.assertLess(time.monotonic(), deadline)
                    self.ask(client)
                self.assertEqual(self.kept(process), 1)
                self.ask(client, b"long")
                self.assertEqual(self.kept(process), 0)

    def test_never(self):
        self.set_limit("CALLBOARD_PLACE_US", 0)
        process, port = self.serve(SERVICE)
        with Client(port) as client:
            for _ in range(500):
                self.ask(client)
        self.assertEqual(self.kept(process), 0)


if __name__ == "__main__":
    unittest.main()
