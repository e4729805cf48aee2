#!/usr/bin/env python3
"""5,000 connections that ask for nothing beside some that do: those are served as before, each idle
one costs little memory, and all of them are gone when their time is over."""

import resource
import statistics
import time
import unittest

from support.cli import SANITIZED
from support.http_service import Client, HttpTest, service

IDLE = 5000
WORKING = 8
ROUNDS = 300
# Of the server's resident memory, a connection: what performance.md says of it, and as much again
# for what the allocator does with it.
MEMORY_MOST_BYTES = 8192
SERVICE = service("""
callback i32 OnRequest(ref blob $R)
{
    $R = web.HttpBlobResponse(200, "text/plain", $R);
    return(1);
}
""")
REQUEST = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"


class Idle(HttpTest):
    def setUp(self):
        super().setUp()
        self.few_descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.few_descriptors[1],) * 2)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, self.few_descriptors)

    def connect(self, port, count):
        clients = [Client(port) for _ in range(count)]
        for client in clients:
            self.addCleanup(client.socket.close)
        return clients

    def ask(self, clients):
        """One request of each, at once."""
        for number, client in enumerate(clients):
            client.send(REQUEST % number)
        for number, client in enumerate(clients):
            self.assertEqual(client.response().body, REQUEST % number)

    def seconds_of_work(self, clients):
        """The median of the times for one request of each."""
        times = []
        for _ in range(ROUNDS):
            begin = time.monotonic()
            self.ask(clients)
            times.append(time.monotonic() - begin)
        return statistics.median(times)

    def wait_for_sockets(self, process, most):
        deadline = time.monotonic() + 60
        while (left := self.sockets(process)) > most:
            self.assertLess(time.monotonic(), deadline, f"{left} sockets are still open")
            time.sleep(0.01)

    def check_idle(self, used):
        """`used`: each has had an answer before it fell silent."""
        for name in ("HEAD", "IDLE"):
            self.set_limit(f"CALLBOARD_HTTP_{name}_MS", 120000)
        process, port = self.serve(SERVICE)
        working = self.connect(port, WORKING)
        alone_s = self.seconds_of_work(working)
        before_kib = self.resident_kib(process)
        idle = self.connect(port, IDLE)
        if used:
            for at in range(0, IDLE, 50):
                self.ask(idle[at:at + 50])
        self.ask(working)
        each = (self.resident_kib(process) - before_kib) * 1024 / IDLE
        beside_s = self.seconds_of_work(working)
        print(f"idle connections that were {'used' if used else 'never used'}: {each:.0f} bytes "
              f"each; {WORKING} requests in {alone_s * 1e6:.0f} us without them and in "
              f"{beside_s * 1e6:.0f} us beside them")
        if not SANITIZED:
            self.assertLess(each, MEMORY_MOST_BYTES)
        self.assertLess(beside_s, 8 * alone_s)  # it hardly differs; machines do
        self.ask(idle[:10] + idle[-10:])  # they are connections like any other
        sockets = self.sockets(process)
        for client in idle:
            client.socket.close()
        self.wait_for_sockets(process, sockets - IDLE)
        self.ask(working)
        _, err = self.finish(process)
        self.assertEqual(err, "")

    def test_that_have_not_begun(self):
        self.check_idle(used=False)

    def test_that_had_an_answer(self):
        self.check_idle(used=True)

    def test_all_are_closed_in_time(self):
        for name in ("HEAD", "IDLE"):
            self.set_limit(f"CALLBOARD_HTTP_{name}_MS", 1500)
        process, port = self.serve(SERVICE)
        before = self.sockets(process)
        idle = self.connect(port, 1000)
        self.ask(idle[:500])
        for client in idle:
            self.assertIsNone(client.response())
        self.wait_for_sockets(process, before)
        with Client(port) as client:
            client.send(REQUEST % 1)
            self.assert_status(client.response(), 200)

    def test_more_than_the_listener_takes(self):
        """The others wait in the kernel until there is room."""
        self.set_limit("CALLBOARD_MAX_CONNECTIONS", 20)
        _, port = self.serve(SERVICE)
        clients = self.connect(port, 60)
        self.ask(clients[:20])
        for client in clients[20:]:
            client.send(REQUEST % 0)
        for client in clients[:20]:
            client.socket.close()
        for at in range(20, 60):
            self.assert_status(clients[at].response(), 200)
            clients[at].socket.close()


if __name__ == "__main__":
    unittest.main()
