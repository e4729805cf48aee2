#!/usr/bin/env python3
"""Real clients reach a listener: nc, curl, Python, Node; slow ones, rude ones, empty ones."""

import shutil
import socket
import struct
import unittest

from support.service import ServiceTest, info_pairs, read_all, run_client

NODE = """
const socket = require('net').connect(%d, '127.0.0.1', () => socket.end('from node'));
socket.on('data', (bytes) => process.stdout.write(bytes));
"""


class Clients(ServiceTest):
    def setUp(self):
        super().setUp()
        self.process, self.port = self.serve()

    def test_nc(self):
        nc = shutil.which("nc")
        self.assertIsNotNone(nc, "netcat-openbsd is not installed; run ./dev setup")
        self.assertEqual(
            run_client([nc, "-N", "127.0.0.1", str(self.port)], b"from nc"), b"from nc"
        )

    def test_curl(self):
        curl = shutil.which("curl")
        self.assertIsNotNone(curl, "curl is not installed; run ./dev setup")
        said = run_client(
            [curl, "--silent", "--max-time", "20", f"telnet://127.0.0.1:{self.port}"], b"from curl"
        )
        self.assertEqual(said, b"from curl")

    def test_node(self):
        node = shutil.which("node")
        if node is None:
            self.skipTest("Node is not installed")
        self.assertEqual(run_client([node, "-e", NODE % self.port]), b"from node")

    def test_silence_ends_a_request_without_a_half_close(self):
        self.assertEqual(self.exchange(self.port, b"quiet", half_close=False), b"quiet")

    def test_one_byte_at_a_time(self):
        text = bytes(range(256))
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in text:
                client.sendall(bytes([byte]))
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(client), text)

    def test_nothing_but_a_half_close_is_an_empty_request(self):
        self.assertEqual(self.exchange(self.port, b""), b"")

    def test_large_requests_come_back_whole(self):
        text = bytes(i * 31 % 251 for i in range(1 << 20)) * 3
        self.assertEqual(self.exchange(self.port, text), text)

    def test_a_reset_midway_is_counted_and_harms_nobody(self):
        for _ in range(50):
            client = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            client.sendall(b"half a requ")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        self.assertEqual(self.exchange(self.port, b"still there"), b"still there")
        lines, _ = self.finish(self.process)
        info = info_pairs(lines[0])
        self.assertEqual(info["accepted"], "51")
        ended = sum(int(info[key]) for key in ("completed", "failed", "dropped"))
        self.assertEqual(ended, 51, lines[0])
        for key in ("active", "pending", "queued", "running"):
            self.assertEqual(info[key], "0", lines[0])


if __name__ == "__main__":
    unittest.main()
