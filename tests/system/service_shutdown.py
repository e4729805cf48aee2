#!/usr/bin/env python3
"""SIGTERM under load: what was accepted is answered, new clients are refused, status 0, within the
grace time."""

import socket
import threading
import time
import unittest

from support.service import ServiceTest, info_pairs

CLIENTS = 40
GRACE_S = 5
RUNS = 3


class Shutdown(ServiceTest):
    def load(self, port, answered, over):
        """Requests until one is refused; only whole answers count."""
        while not over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                    client.sendall(b"a request")
                    client.shutdown(socket.SHUT_WR)
                    parts = []
                    while part := client.recv(4096):
                        parts.append(part)
            except OSError:
                return
            if b"".join(parts) == b"a request":
                answered.append(1)
            else:
                answered.append(0)

    def test_accepted_requests_are_answered(self):
        for _ in range(RUNS):
            self.check_one_run()

    def check_one_run(self):
        process, port = self.serve()
        answered = []
        over = threading.Event()
        threads = [
            threading.Thread(target=self.load, args=(port, answered, over)) for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        while len(answered) < 500:  # the load is on its way
            time.sleep(0.001)
        begin = time.monotonic()
        lines, err = self.finish(process)
        self.assertLess(time.monotonic() - begin, GRACE_S)
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(err, "")
        info = info_pairs(lines[0])
        self.assertEqual(info["state"], "closed")
        self.assertEqual(info["accepted"], info["completed"], lines[0])
        # Every request that the listener answered arrived whole, and no other answer did.
        self.assertEqual(sum(answered), int(info["completed"]), lines[0])
        self.assertNotIn(0, answered)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


if __name__ == "__main__":
    unittest.main()
