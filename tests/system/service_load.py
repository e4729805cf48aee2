#!/usr/bin/env python3
"""200 clients at once, 20,000 requests: none lost, none mixed up, all counters back to 0, and the
trace of it all replays. An altered trace is caught, and the message named."""

import os
import struct
import threading
import unittest

from support.service import ECHO_SERVICE, ServiceTest, info_pairs

CLIENTS = 200
REQUESTS_EACH = 100


class Load(ServiceTest):
    def drive(self, port):
        """The answers that were wrong."""
        wrong = []

        def client(number):
            for i in range(REQUESTS_EACH):
                request = b"client %d request %d " % (number, i) + bytes([i % 256]) * (i * 7)
                try:
                    answer = self.exchange(port, request)
                except OSError as error:
                    answer = error
                if answer != request:
                    wrong.append((number, i, answer))

        threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return wrong

    def verify(self, path, status):
        done = self.run_cli("trace", "verify", path)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_load_and_its_trace(self):
        trace = os.path.join(self.folder, "load.cbtrace")
        process, port = self.serve(ECHO_SERVICE, "--trace", trace)
        self.assertEqual(self.drive(port), [])
        lines, err = self.finish(process)
        self.assertEqual(err, "")
        info = info_pairs(lines[0])
        self.assertEqual(info["accepted"], str(CLIENTS * REQUESTS_EACH))
        self.assertEqual(info["completed"], str(CLIENTS * REQUESTS_EACH))
        for key in ("active", "pending", "queued", "running", "failed", "dropped"):
            self.assertEqual(info[key], "0", lines[0])
        self.assertEqual(lines[1], "open 0")
        self.verify(trace, 0)
        self.check_damage(trace)

    def check_damage(self, trace):
        """One bit of one field in the middle: the record is named."""
        size = os.path.getsize(trace)
        with open(trace, "r+b") as file:
            file.seek(size // 2)
            (byte,) = struct.unpack("B", file.read(1))
            file.seek(size // 2)
            file.write(struct.pack("B", byte ^ 0x10))
        said = self.verify(trace, 1)
        self.assertRegex(said, r"record \d+")


if __name__ == "__main__":
    unittest.main()
