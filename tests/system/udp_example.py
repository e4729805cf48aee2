#!/usr/bin/env python3
"""examples/udp_echo.dom and examples/udp_client.dom, with each other and with other people's."""

import os
import re
import socket
import unittest

from support.cli import SOURCE, TIMEOUT_S
from support.service import ServiceTest

EXAMPLES = os.path.join(SOURCE, "examples")


class UdpExample(ServiceTest):
    def client(self, port, *words):
        return self.run_cli("run", os.path.join(EXAMPLES, "udp_client.dom"), "--", str(port), *words)

    def test_echo_and_client(self):
        process = self.start_file(os.path.join(EXAMPLES, "udp_echo.dom"))
        port = int(re.fullmatch(r"echo on udp port (\d+)\n", process.stdout.readline()).group(1))
        done = self.client(port, "hello", "you", "")
        self.check(done, 0, f"{port}: hello\n{port}: you\n{port}: \n", "")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.settimeout(TIMEOUT_S)
            for size in (0, 1, 1472, 65507):
                packet = os.urandom(size)
                plain.sendto(packet, ("127.0.0.1", port))
                self.assertEqual(plain.recvfrom(65536), (packet, ("127.0.0.1", port)))
        out, _ = self.finish(process)
        self.assertEqual(out, ["echoed 7, dropped 0"])

    def test_client_of_somebody_else(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            port = server.getsockname()[1]
            done = self.client(port, "nobody", "answers")  # it gives up by itself
            self.check(done, 1, "", "")
            server.settimeout(TIMEOUT_S)
            self.assertEqual([server.recv(100), server.recv(100)], [b"nobody", b"answers"])


if __name__ == "__main__":
    unittest.main()
