#!/usr/bin/env python3
"""The units of examples/systemd: systemd finds nothing wrong with them, rates what they protect
against, and starting the service as the unit says serves the unit's socket."""

import os
import re
import shlex
import shutil
import subprocess
import unittest

from support.cli import CALLBOARD, SOURCE, TIMEOUT_S
from support.manager import Manager, listening
from support.service import ServiceTest

UNITS = os.path.join(SOURCE, "examples", "systemd")
NAMES = ("callboard-hello.service", "callboard-hello.socket")
EXPOSURE_MOST = 15  # of 100, in tenths of what `systemd-analyze security` prints


def settings_of(unit):
    with open(os.path.join(UNITS, unit), encoding="utf-8") as file:
        return dict(re.findall(r"^(\w+)=(.*)$", file.read(), re.MULTILINE))


class Units(ServiceTest):
    def setUp(self):
        super().setUp()
        self.paths = []
        self.analyze = shutil.which("systemd-analyze")
        self.assertIsNotNone(self.analyze, "systemd-analyze is not there; run ./dev setup")
        # The command has to be there to be verified, under a name without spaces.
        command = os.path.join(self.folder, "callboard")
        os.symlink(CALLBOARD, command)
        for name in NAMES:
            with open(os.path.join(UNITS, name), encoding="utf-8") as file:
                text = file.read()
            self.paths.append(self.write(name, text.replace("/usr/local/bin/callboard", command)))

    def run_analyze(self, *arguments):
        return subprocess.run([self.analyze, *arguments], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)

    def test_verify(self):
        done = self.run_analyze("verify", "--man=no", *self.paths)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        # It would have found a mistake.
        with open(self.paths[0], "a", encoding="utf-8") as file:
            file.write("\n[Service]\nProtectSystem=somewhat\n")
        done = self.run_analyze("verify", "--man=no", *self.paths)
        self.assertIn("somewhat", done.stdout + done.stderr)

    def test_protection(self):
        done = self.run_analyze("security", "--offline=yes", f"--threshold={EXPOSURE_MOST}",
                                self.paths[0])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_service_serves_the_socket(self):
        service, its_socket = settings_of(NAMES[0]), settings_of(NAMES[1])
        self.assertEqual(service["Type"], "notify")
        command = shlex.split(service["ExecStart"])
        self.assertEqual(command[:2], ["/usr/local/bin/callboard", "run"])
        grace_ms = int(service["Environment"].split("=")[1])
        self.assertGreater(int(service["TimeoutStopSec"]) * 1000, grace_ms)
        with open(os.path.join(SOURCE, "examples", os.path.basename(command[2])),
                  encoding="utf-8") as file:
            text = file.read()
        address = its_socket["ListenStream"].rpartition(":")[0]
        hello = listening(address=address)
        manager = Manager(self, [hello], [its_socket["FileDescriptorName"]])
        process = manager.start(text, given=command[3:])
        self.assertEqual(manager.hears()["READY"], "1")
        port = hello.getsockname()[1]
        said = self.exchange(port, b"GET / HTTP/1.0\r\n\r\n", half_close=False)
        self.assertTrue(said.endswith(b"\r\n\r\nhello\n"), said)
        self.finish(process)
        self.assertIn("STOPPING", manager.hears())


if __name__ == "__main__":
    unittest.main()
