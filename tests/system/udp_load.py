#!/usr/bin/env python3
"""UDP servers under load and at their end: packets stay in order, each one is handled or dropped
and counted, and what waits when a server closes or the program ends has a defined fate."""

import os
import signal
import struct
import unittest

from support.udp import UdpTest

PACKETS = 100000
WINDOW = 256
WAITING = 1024  # CALLBOARD_UDP_WAITING if nobody says otherwise

ECHO = """
callback i32 OnPacket(ref blob $X)
{
    $X[0] = $X[0];
    return(1);
}
"""

# Packets hold their number. Now and then one blocks for longer than an actor may before what lies
# behind it is moved on.
STUMBLING = """
callback i32 OnPacket(ref blob $X)
{
    if (blob.ReadU32LE($X, 17) % 100 == 0) { timer.SleepMs(4); }
    $X[0] = $X[0];
    return(1);
}
"""

HELD = """
callback i32 OnPacket(ref blob $X)
{
    held();
    $X[0] = $X[0];
    return(1);
}
"""


SLOW = """
callback i32 OnPacket(ref blob $X)
{
    i64 $end = timer.NowMs() + 10;
    while (timer.NowMs() < $end) { }
    $X[0] = $X[0];
    return(1);
}
"""


def numbered(numbers):
    return [struct.pack("<I", number) for number in numbers]


class Load(UdpTest):
    def drive(self, client, packets):
        """Sends numbers 1.., WINDOW unanswered at most; the numbers that came back."""
        answers = []
        sent = 0
        while len(answers) < packets:
            while sent < packets and sent - len(answers) < WINDOW:
                sent += 1
                client.send(struct.pack("<I", sent))
            answers.append(struct.unpack("<I", client.recv(100))[0])
        return answers

    def check_order(self, callback, packets):
        client = self.serve_udp(callback)
        answers = self.drive(client, packets)
        self.assertEqual(answers, list(range(1, packets + 1)))
        self.assertEqual(self.in_kernel()[1], 0)
        self.wait_for_counters(packets, 0)

    def test_order(self):
        self.check_order(ECHO, PACKETS)

    def test_order_when_callbacks_block(self):
        self.check_order(STUMBLING, 3000)

    def test_a_flood_is_accounted_for(self):
        """Nobody waits for anything: sent = handled + dropped + what the kernel lost."""
        client = self.serve_udp(ECHO)
        answers = []
        client.setblocking(False)
        for packet in numbered(range(PACKETS)):
            client.send(packet)
            self.take(client, answers)
        self.wait_for(lambda: self.in_kernel()[0] == 0, "the server does not read")

        def all_told():
            self.take(client, answers)
            return sum(self.counters()) + self.in_kernel()[1] == PACKETS

        self.wait_for(all_told, f"{self.counters()}, {self.in_kernel()} of {PACKETS}")
        handled, dropped = self.counters()
        self.assertGreaterEqual(handled, WAITING)
        # Nothing comes later that would be counted twice, and nothing was answered twice.
        client.send(numbered([PACKETS])[0])
        self.wait_for_counters(handled + 1, dropped)
        self.wait_for(lambda: self.take(client, answers)[-1] == PACKETS, "the last answer")
        self.assertLessEqual(len(answers), handled + 1)
        self.assertEqual(answers, sorted(set(answers)))

    @staticmethod
    def take(client, answers):
        """The numbers that have come back, added to those that had."""
        try:
            while True:
                answers.append(struct.unpack("<I", client.recv(100))[0])
        except BlockingIOError:
            return answers

    def test_two_servers_beside_each_other(self):
        """What waits behind one server's callback does not hold up another server."""
        client = self.serve_udp(HELD)
        client.send(b"x")
        for _ in range(100):  # server 2 answers though server 1 is busy
            self.assertEqual(self.counters(), (0, 0))
        self.ask(b"open")
        self.assertEqual(client.recv(100), b"x")


class Waiting(UdpTest):
    def fill(self, count, waiting):
        """One packet more than may wait, and so on: those are dropped at once, and counted."""
        client = self.serve_udp(HELD)
        self.send_all(client, numbered(range(1, count + 1)))
        self.wait_for_counters(0, count - waiting)
        self.ask(b"open")
        self.wait_for_counters(waiting, count - waiting)
        answers = [struct.unpack("<I", client.recv(100))[0] for _ in range(waiting)]
        self.assertEqual(answers, list(range(1, waiting + 1)))  # the oldest are kept
        # There is room again.
        client.send(b"more")
        self.assertEqual(client.recv(100), b"more")

    def test_as_many_as_may_wait(self):
        self.fill(WAITING, WAITING)

    def test_more_than_may_wait(self):
        self.fill(WAITING + 100, WAITING)

    def test_another_bound(self):
        os.environ["CALLBOARD_UDP_WAITING"] = "3"
        self.addCleanup(os.environ.pop, "CALLBOARD_UDP_WAITING")
        self.fill(10, 3)


class Ends(UdpTest):
    def hold(self, end, count=20):
        """A service whose first packet is in its callback and does not leave it."""
        client = self.serve_udp(HELD, end)
        self.send_all(client, numbered(range(count)))
        return client

    def rest(self):
        """What the service prints until it ends."""
        lines = self.process.stdout.read().splitlines()
        self.assertEqual((self.process.wait(timeout=60), self.process.stderr.read()), (0, ""))
        return lines

    def test_close_while_packets_wait(self):
        client = self.hold("""
    printf("closed %d\\n", callbackudpserver.Close($server));
    printf("%s\\n", callbackudpserver.Info($server));
    printf("%d\\n", callbackudpserver.Open("OnPacket", -1, callbackudpserver.Port($server)) > 0);
""")
        self.ask(b"end")
        # It is closing, and waits for the callback that runs; those that wait are dropped.
        self.wait_for(lambda: "state=closed" in self.ask(b"info"), "the server stays open")
        self.ask(b"open")
        lines = self.rest()
        self.assertEqual(lines[0], "closed 1")
        self.assertRegex(lines[1], r"state=closed .* handled=1 dropped=19$")
        self.assertEqual(lines[2], "1")  # its port is free
        self.assertEqual(client.recv(100), b"\0\0\0\0")  # of the callback that ran
        client.setblocking(False)
        with self.assertRaises(OSError):
            client.recv(100)

    def test_packets_after_a_close(self):
        client = self.hold('callbackudpserver.Close($server); printf("%s\\n", '
                           "callbackudpserver.Info($server));", count=1)
        self.ask(b"end")
        self.wait_for(lambda: "state=closed" in self.ask(b"info"), "the server stays open")
        self.send_all(client, [b"late"] * 5)  # still read, and counted, while the callback runs
        self.wait_for_counters(0, 5)
        self.ask(b"open")
        self.assertRegex(self.rest()[0], "handled=1 dropped=5$")

    def test_shutdown_while_packets_wait(self):
        """What was taken before it is worked on and answered."""
        client = self.serve_udp(SLOW, """
    while (callbackudpserver.Handled($server) < 40) { }
    printf("%s\\n", callbackudpserver.Info($server));
""")
        self.send_all(client, numbered(range(40)))
        self.assertLess(self.counters()[0], 40)  # or nothing is left to be worked on
        self.process.send_signal(signal.SIGTERM)
        answers = [client.recv(100) for _ in range(40)]
        self.assertEqual(answers, numbered(range(40)))
        self.assertRegex(self.rest()[0], "state=closed .* handled=40 dropped=0$")


if __name__ == "__main__":
    unittest.main()
