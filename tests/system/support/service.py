"""A script service under test: start it, talk to it over sockets, read what it printed."""

import errno
import os
import re
import signal
import socket
import subprocess

from support.cli import PRINT, TCP, TIMER, CliTest

# Prints its port, serves until it is told to end, then prints its last state. The callbacks answer
# with what they were sent, so that a client can tell its own answer from anybody else's.
ECHO_SERVICE = (
    PRINT
    + TIMER
    + TCP
    + """
callback i32 Echo(ref blob $X)
{
    if ($X.Length > 0) { $X[0] = $X[0]; }
    return(1);
}

i32 main()
{
    i64 $lid = callbacktcp.Open("Echo", 5000);
    printf("port %d\\n", callbacktcp.Port($lid));
    while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }
    callbacktcp.Close($lid); // what was accepted is answered first
    printf("%s\\n", callbacktcp.Info($lid));
    printf("open %d\\n", callbacktcp.OpenCount());
    return(0);
}
"""
)


def info_pairs(text):
    """The key=value pairs of an Info line."""
    return dict(pair.split("=", 1) for pair in text.split())


def end_writing(client):
    """The half-close; of a connection that was reset meanwhile the kernel says that it is none."""
    try:
        client.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise
        raise ConnectionResetError(errno.ECONNRESET, "reset by the other side") from error


class ServiceTest(CliTest):
    def serve(self, text=ECHO_SERVICE, *arguments):
        """Starts the service and waits for its port."""
        process = self.start(text, *arguments)
        line = process.stdout.readline()
        match = re.fullmatch(r"port (\d+)\n", line)
        if match is None:
            process.kill()
            self.fail(f"no port: {line}{process.stdout.read()}{process.stderr.read()}")
        return process, int(match.group(1))

    def finish(self, process):
        """SIGTERM, then what it printed until its end: (lines, stderr)."""
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        return out.splitlines(), err

    @staticmethod
    def exchange(port, request, half_close=True, timeout=30):
        """One request as a client makes it; the whole answer."""
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
            client.sendall(request)
            if half_close:
                end_writing(client)
            return read_all(client)

    @staticmethod
    def count_in_proc(process, what):
        return len(os.listdir(f"/proc/{process.pid}/{what}"))

    @staticmethod
    def resident_kib(process):
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1))


def read_all(client):
    parts = []
    while True:
        part = client.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


def run_client(command, given=b""):
    """An outside program as a client: what it printed."""
    done = subprocess.run(command, input=given, capture_output=True, timeout=30, check=False)
    return done.stdout
