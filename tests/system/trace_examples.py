#!/usr/bin/env python3
"""The trace of every example replays: same effects, same answers, same state."""

import glob
import os
import re
import signal
import unittest

from support.cli import SOURCE, CliTest

EXAMPLES = sorted(
    glob.glob(os.path.join(SOURCE, "examples", "**", "*.dom"), recursive=True)
    + glob.glob(os.path.join(SOURCE, "tests", "script", "plugins", "callbacktcp_pages", "*.dom"))
)


GIVEN = {"static_files.dom": (".",)}  # arguments of those that need some

# They need more than themselves, and have tests of their own.
NEEDY = ("demo.dom", "line_proxy.dom", "https.dom", "udp_client.dom")


class Examples(CliTest):
    def record(self, script, trace):
        """Runs a script to its end; one that serves is told to end once it is up."""
        process = self.start_file(script, "--trace", trace,
                                  given=GIVEN.get(os.path.basename(script), ()))
        with open(script, encoding="utf-8") as file:
            if re.search(r"while \(\w+\.State\(|nbio\.Run\(", file.read()):
                process.stdout.readline()
                process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, script + out + err)

    def test_every_example(self):
        self.assertGreater(len(EXAMPLES), 60)
        for script in EXAMPLES:
            if os.path.basename(script) in NEEDY:
                continue
            with self.subTest(os.path.relpath(script, SOURCE)):
                trace = os.path.join(self.folder, os.path.basename(script) + ".cbtrace")
                self.record(script, trace)
                done = self.run_cli("trace", "verify", trace)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                shown = self.run_cli("trace", "show", trace)
                self.assertEqual(shown.returncode, 0, shown.stderr)


if __name__ == "__main__":
    unittest.main()
