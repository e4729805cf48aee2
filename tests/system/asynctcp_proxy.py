#!/usr/bin/env python3
"""The proxy of examples/: bytes both ways, exactly and in order, also past slow readers."""

import os
import random
import re
import signal
import socket
import threading
import unittest

from support.cli import SOURCE
from support.service import ServiceTest, read_all

SIZE = 16 << 20
TIMEOUT_S = 120
SLOW_RSS_KIB = 64 << 10  # what a proxy may grow by that has a megabyte in each direction
SANITIZED = os.environ.get("CALLBOARD_SANITIZER", "") != ""


def make_bytes(seed, size):
    """Lines of all lengths, an end without a newline, and every byte value but a NUL."""
    source = random.Random(seed)
    line_ends = bytes(range(1, 256))
    block = bytearray()
    while len(block) < 1 << 20:
        block += source.randbytes(source.randrange(1, 3000)).translate(None, b"\n") + b"\n"
    block += line_ends
    return (bytes(block) * (size // len(block) + 1))[:size]


def send_in_odd_pieces(client, data, seed):
    source = random.Random(seed)
    at = 0
    while at < len(data):
        size = source.choice((1, 3, 17, 1021, 4096, 65537, 100003))
        client.sendall(data[at:at + size])
        at += size
    client.shutdown(socket.SHUT_WR)


class Proxy(ServiceTest):
    def setUp(self):
        super().setUp()
        self.upstream = socket.create_server(("127.0.0.1", 0))
        self.upstream.settimeout(TIMEOUT_S)
        self.addCleanup(self.upstream.close)
        port = self.upstream.getsockname()[1]
        self.process = self.start_proxy(port)

    def start_proxy(self, port):
        process = self.start_file(os.path.join(SOURCE, "examples", "line_proxy.dom"),
                                  given=("0", "127.0.0.1", str(port)))
        line = process.stdout.readline()
        match = re.fullmatch(r"proxy on 127\.0\.0\.1:(\d+)\n", line)
        self.assertIsNotNone(match, line)
        self.port = int(match.group(1))
        return process

    def pair(self):
        """A client and the upstream's end of its connection."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)
        self.addCleanup(client.close)
        server, _ = self.upstream.accept()
        server.settimeout(TIMEOUT_S)
        self.addCleanup(server.close)
        return client, server

    def finish_quietly(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((self.process.returncode, out, err), (0, "ended\n", ""))

    def test_lines_and_secrets(self):
        client, server = self.pair()
        client.sendall(b"user ann\npassw")
        self.assertEqual(server.recv(100), b"user ann\n")
        client.sendall(b"ord 12345\nlast")
        self.assertEqual(server.recv(100), b"password******\n")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(server), b"last")
        server.sendall(b"reply after the half-close\n")
        server.close()
        self.assertEqual(read_all(client), b"reply after the half-close\n")
        self.finish_quietly()

    def test_both_ways_exactly(self):
        client, server = self.pair()
        there, back = make_bytes(1, SIZE), make_bytes(2, SIZE)
        got = {}
        threads = [
            threading.Thread(target=send_in_odd_pieces, args=(client, there, 3)),
            threading.Thread(target=send_in_odd_pieces, args=(server, back, 4)),
            threading.Thread(target=lambda: got.update(there=read_all(server))),
            threading.Thread(target=lambda: got.update(back=read_all(client))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(got["there"]), SIZE)
        self.assertEqual(len(got["back"]), SIZE)
        self.assertTrue(got["there"] == there)
        self.assertTrue(got["back"] == back)
        self.finish_quietly()

    def test_a_slow_reader_makes_the_sender_wait(self):
        client, server = self.pair()
        client.sendall(b"begin\n")
        self.assertEqual(server.recv(100), b"begin\n")
        before_kib = self.resident_kib(self.process)
        data = make_bytes(5, 4 * SIZE)
        client.settimeout(2)
        sent = 0
        try:
            while sent < len(data):
                sent += client.send(data[sent:sent + 65536])
        except TimeoutError:
            pass
        self.assertLess(sent, len(data))  # it was made to wait
        if not SANITIZED:
            self.assertLess(self.resident_kib(self.process) - before_kib, SLOW_RSS_KIB)
        got = {}
        reader = threading.Thread(target=lambda: got.update(all=read_all(server)))
        reader.start()
        client.settimeout(TIMEOUT_S)
        client.sendall(data[sent:])
        client.shutdown(socket.SHUT_WR)
        reader.join()
        self.assertTrue(got["all"] == data)
        self.finish_quietly()

    def test_who_goes_takes_the_other_along(self):
        client, server = self.pair()
        client.sendall(b"x\n")
        self.assertEqual(server.recv(10), b"x\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        self.assertEqual(read_all(server), b"")
        self.upstream.close()  # now it is refused
        late = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)
        self.addCleanup(late.close)
        self.assertEqual(read_all(late), b"")
        self.finish_quietly()

    def test_many_at_once(self):
        pairs = [self.pair() for _ in range(40)]
        for i, (client, server) in enumerate(pairs):
            client.sendall(b"to %d\n" % i)
            server.sendall(b"from\n")
        for i, (client, server) in enumerate(pairs):
            self.assertEqual(client.recv(100), b"from\n")
            self.assertIn(server.recv(100), [b"to %d\n" % j for j in range(40)])
        self.finish_quietly()


if __name__ == "__main__":
    unittest.main()
