"""A service manager for tests: gives a program its sockets and listens to what it says of itself, as
systemd does."""

import os
import socket
import subprocess
import sys

from support.cli import CALLBOARD

# Puts the descriptors it is told of at 3 and up, and becomes the program.
LAUNCHER = """
import fcntl, os, sys
count = int(sys.argv[1])
given = [fcntl.fcntl(int(each), fcntl.F_DUPFD_CLOEXEC, 100) for each in sys.argv[2:2 + count]]
os.closerange(3, 100)
for i, each in enumerate(given):
    os.dup2(each, 3 + i, inheritable=True)
if "LISTEN_PID" not in os.environ:
    os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""


def listening(kind=socket.SOCK_STREAM, family=socket.AF_INET, address="127.0.0.1"):
    made = socket.socket(family, kind)
    made.bind((address, 0))
    if kind == socket.SOCK_STREAM:
        made.listen(64)
    return made


class Manager:
    """Starts scripts with sockets, which stay its own, so that it can start another one."""

    made = 0

    def __init__(self, test, sockets=(), names=None, notify=None):
        self.test = test
        self.sockets = list(sockets)
        self.names = names
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.settimeout(60)
        Manager.made += 1
        self.name = notify or os.path.join(test.folder, f"notify{Manager.made}")
        self.notify.bind("\0" + self.name[1:] if self.name.startswith("@") else self.name)
        for each in [self.notify, *self.sockets]:
            test.addCleanup(each.close)

    def start(self, text, *options, given=(), environment=None):
        path = self.test.write("service.dom", text)
        numbers = [str(each.fileno()) for each in self.sockets]
        variables = dict(os.environ, NOTIFY_SOCKET=self.name, LISTEN_FDS=str(len(numbers)))
        variables.update(environment or {})
        if self.names is not None:
            variables["LISTEN_FDNAMES"] = ":".join(self.names)
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(len(numbers)), *numbers, CALLBOARD, "run",
             *options, path, "--", *given],
            cwd=self.test.folder, env=variables, stdin=subprocess.DEVNULL, text=True,
            pass_fds=[each.fileno() for each in self.sockets],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.test.addCleanup(self.test.end, process)
        return process

    def hears(self):
        """What the service says next, its lines as a dictionary."""
        said = self.notify.recv(4096).decode()
        return dict(line.split("=", 1) for line in said.split("\n"))

    def hears_nothing_more(self):
        self.notify.setblocking(False)
        try:
            self.test.fail(self.notify.recv(4096))
        except BlockingIOError:
            pass
