"""Running the command `callboard` from tests: one small layer over subprocess and unittest."""

import os
import signal
import subprocess
import tempfile
import unittest

CALLBOARD = os.environ["CALLBOARD"]
BUILD = os.environ.get("CALLBOARD_BUILD", os.path.dirname(os.path.dirname(CALLBOARD)))
SOURCE = os.environ.get(
    "CALLBOARD_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
)
BAD_PLUGINS = os.path.join(BUILD, "tests", "plugins_bad")
SANITIZED = os.environ.get("CALLBOARD_SANITIZER", "") != ""
TIMEOUT_S = 60  # for anything that should take moments, on a slow machine with sanitizers

PRINT = 'plugin "../plugins/print/PrintPlugin";\n'
TIMER = 'plugin "../plugins/timer/TimerPlugin";\n'
BLOB = 'plugin "../plugins/blob/BlobPlugin";\n'
STR = 'plugin "../plugins/str/StrPlugin";\n'
TCP = 'plugin "../plugins/callback_tcp_listener/CallbackTcpListenerPlugin";\n'
HTTP = 'plugin "../plugins/callback_http_listener/CallbackHttpListenerPlugin";\n'
WEB = 'plugin "../plugins/web_util/WebUtilPlugin";\n'
STATE = 'plugin "../plugins/script_state/ScriptStatePlugin";\n'


class CliTest(unittest.TestCase):
    """A test case with a folder of its own, in which scripts are written and run."""

    def setUp(self):
        self.folder_holder = tempfile.TemporaryDirectory(prefix="callboard_cli_")
        self.addCleanup(self.folder_holder.cleanup)
        self.folder = self.folder_holder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_cli(self, *arguments, **options):
        """Runs callboard in the test's folder; stdin is empty if not given."""
        options.setdefault("input", "")
        return subprocess.run(
            [CALLBOARD, *arguments],
            cwd=options.pop("cwd", self.folder),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            **options,
        )

    def run_script(self, text, *arguments, **options):
        return self.run_cli("run", self.write("script.dom", text), *arguments, **options)

    def start(self, text, *arguments, name="script.dom"):
        """Starts a script and leaves it running; it is killed at the end of the test."""
        return self.start_file(self.write(name, text), *arguments)

    def start_file(self, path, *arguments, given=()):
        """The same for a script that is there already; `given` are the script's own arguments."""
        process = subprocess.Popen(
            [CALLBOARD, "run", *arguments, path, *(["--", *given] if given else [])],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()

    def check(self, result, status, out=None, err=None):
        """The exit status, and the exact output where it is given."""
        said = f"status {result.returncode}\n{result.stdout}{result.stderr}"
        self.assertEqual(result.returncode, status, said)
        if out is not None:
            self.assertEqual(result.stdout, out, said)
        if err is not None:
            self.assertEqual(result.stderr, err, said)
