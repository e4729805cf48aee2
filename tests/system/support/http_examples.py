"""HTTP clients for tests: requests that must come back well, and bytes as they are on the wire."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess

from support.cli import SOURCE, CliTest
from support.service import read_all

TIMEOUT_S = 60
NODE = shutil.which("node") or shutil.which("nodejs")


class HttpExampleTest(CliTest):
    def serve_example(self, name, *given):
        """Starts a script of examples/ that prints where it serves; (process, port)."""
        process = self.start_file(os.path.join(SOURCE, "examples", name), given=given)
        line = process.stdout.readline()
        match = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        if match is None:
            process.kill()
            self.fail(f"no address: {line}{process.stdout.read()}{process.stderr.read()}")
        return process, int(match.group(1))

    def finish(self, process, said=""):
        """SIGTERM, and the end: nothing else was printed, nothing failed."""
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((process.returncode, out, err), (0, said, ""))

    def connect(self, port):
        made = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self.addCleanup(made.close)
        return made

    @staticmethod
    def ask(connection, method, path, body=None, **fields):
        """One request on a connection that stays open: the response, with its body as `.body`."""
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request(method, path, body=body, headers=fields)
        response = connection.getresponse()
        response.body = response.read()
        return response

    @staticmethod
    def raw(port, request):
        """Sends bytes and reads until the other side closes."""
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
            client.sendall(request)
            return read_all(client)

    def run_tool(self, *command, **options):
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S,
                              cwd=self.folder, check=False, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout
