#!/usr/bin/env python3
"""slowhttptest, which opens many connections and sends heads, sends bodies or reads responses as
slowly as it can: others are answered meanwhile, memory stays bounded, and the connections that are
too slow are closed in time."""

import shutil
import subprocess
import threading
import time
import unittest

from support.cli import SANITIZED
from support.http_service import Client, HttpTest, service

CONNECTIONS = 400
SECONDS = 6
LIMIT_MS = 1500
ANSWER_MOST_S = 3.0  # for one request beside the attack, on a machine that does other things
PAGE = 100000  # bytes of the response that is read slowly
# A response for each connection, and what heads, bodies and the allocator may take beside it.
MEMORY_MOST_KIB = CONNECTIONS * PAGE // 1024 + 32 * 1024
SERVICE = service("""
callback i32 OnRequest(ref blob $R)
{
    string $path = web.HttpRequestPath($R);
    if ($path == "/page")
    {
        blob $page[%d];
        $R = web.HttpBlobResponse(200, "text/plain", $page);
        return(1);
    }
    $R = web.HttpTextResponse(200, "text/plain", "fast");
    return(1);
}
""" % PAGE)


class Slow(HttpTest):
    def setUp(self):
        super().setUp()
        self.program = shutil.which("slowhttptest")
        self.assertIsNotNone(self.program, "slowhttptest is not installed; run ./dev setup")
        for name in ("HEAD", "IDLE", "PACE"):
            self.set_limit(f"CALLBOARD_HTTP_{name}_MS", LIMIT_MS)
        self.process, self.port = self.serve(SERVICE)

    def attack(self, *mode, path="/"):
        return subprocess.Popen(
            [self.program, "-c", str(CONNECTIONS), "-r", str(CONNECTIONS), "-l", str(SECONDS),
             "-p", "3", "-v", "1", *mode, "-u", f"http://127.0.0.1:{self.port}{path}"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def answer_s(self):
        """How long a client of today waits, on a connection of its own."""
        begin = time.monotonic()
        with Client(self.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(client.response().body, b"fast")
        return time.monotonic() - begin

    def check(self, *mode, path="/"):
        before = self.sockets(self.process)
        memory_kib = self.resident_kib(self.process)
        attack = self.attack(*mode, path=path)
        said = []
        reader = threading.Thread(target=lambda: said.append(attack.stdout.read()))
        reader.start()
        times = []
        most_connections = most_kib = 0
        while attack.poll() is None:
            times.append(self.answer_s())
            most_connections = max(most_connections, self.sockets(self.process) - before)
            most_kib = max(most_kib, self.resident_kib(self.process) - memory_kib)
            time.sleep(0.005)  # the attack needs the processors too
        reader.join()
        attack.stdout.close()
        times.sort()
        print(f"slowhttptest {' '.join(mode)}: at most {most_connections} connections, "
              f"{most_kib} KiB more; {len(times)} answers beside it, half of them within "
              f"{times[len(times) // 2] * 1000:.1f} ms, the slowest after {times[-1] * 1000:.0f} ms")
        self.assertGreater(most_connections, CONNECTIONS // 4, said)  # it did take place
        # A sanitizer makes a page of its size cost milliseconds, and the attack asks for hundreds.
        self.assertGreater(len(times), 10 if SANITIZED else 50)
        self.assertLess(times[-1], ANSWER_MOST_S)
        if not SANITIZED:
            self.assertLess(most_kib, MEMORY_MOST_KIB)
        deadline = time.monotonic() + 30
        while self.sockets(self.process) > before:
            self.assertLess(time.monotonic(), deadline, "connections are left over")
            time.sleep(0.01)
        self.answer_s()
        _, err = self.finish(self.process)
        self.assertEqual(err, "")

    def test_heads(self):
        self.check("-H", "-i", "1")

    def test_bodies(self):
        self.check("-B", "-i", "1", "-s", "100000")

    def test_reading(self):
        self.check("-X", "-n", "1", "-w", "500", "-y", "1000", "-z", "32", "-k", "3", path="/page")


if __name__ == "__main__":
    unittest.main()
