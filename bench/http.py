#!/usr/bin/env python3
"""How many small pages a second over HTTP connections that stay open, driven by wrk: Callboard with
a script's callback, Node, Go, nginx with Lua, and Python's own server, those of them that are
installed; in turns, in one run.

    http.py [--pin] [connections [seconds a round [rounds [part of a name]]]]

The default is 1, 64 and 512 connections, 2 s, 6 rounds, and all servers. With --pin wrk has the first
processor and the servers have the last one, so that it is not the kernel's choice who shares one.

Prints for each server requests each second (median, least, most) and its CPU time for each request;
then the ratios of the medians, with the least and the most of single rounds. wrk has one thread and
takes about one processor, so on two it is often the limit: CPU for each request then says more.

    http.py idle

What 10,000 connections that ask for nothing cost: memory each, and the rate of 64 others beside them
to that of 64 alone. Without arguments this comes last.
"""

import argparse
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "http")
CALLBOARD = os.environ.get("CALLBOARD", "build/release/bin/callboard")
COUNTS = (1, 64, 512)
WARM_UP_S = 1
IDLE = 10000
BUSY = 64
# Server and what we want to be, as a ratio of its rate at so many connections.
BARS = {"node": {1: 0.75, 64: 1.6, 512: 1.8}, "go": {64: 1.3, 512: 1.2},
        "nginx + lua": {64: 0.85, 512: 0.9}}


pinned = False


def on_processor(number):
    """What a child process does first."""
    def settle():
        if pinned:
            os.sched_setaffinity(0, [sorted(os.sched_getaffinity(0))[number]])

    return settle


def quiet(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          preexec_fn=on_processor(0))
    return (done.stdout + done.stderr).strip()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A program that prints `port N`; what was measured of it."""

    def __init__(self, name, command, version):
        self.name = name
        self.command = command
        self.version = version
        self.rates = []
        self.cpu_us = []
        self.process = None
        self.port = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=on_processor(-1))
        line = self.process.stdout.readline()
        if not line.startswith("port "):
            sys.exit(f"{self.name} did not start: {' '.join(self.command)}")
        self.port = int(line[5:])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def cpu_s(self):
        """Of all the threads that it has and had: the clock that clock_getcpuclockid names."""
        return time.clock_gettime(~self.process.pid << 3 | 2)


class Nginx(Server):
    """Does not say its port: we choose one and wait until somebody is there."""

    def start(self):
        self.folder = tempfile.mkdtemp(prefix="callboard_bench_")
        self.port = free_port()
        with open(os.path.join(HERE, "nginx.conf"), encoding="ascii") as file:
            text = file.read().replace("@FOLDER@", self.folder).replace("@PORT@", str(self.port))
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        log = os.path.join(self.folder, "error.log")
        self.process = subprocess.Popen([*self.command, "-c", path, "-e", log],
                                        stdout=subprocess.PIPE, preexec_fn=on_processor(-1))
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        sys.exit(f"{self.name} did not start; see {log}")

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder)


def drive(server, connections, seconds):
    """Requests each second, and the server's CPU time for one, by wrk."""
    cpu_s = server.cpu_s()
    said = quiet(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
                  f"http://127.0.0.1:{server.port}/"])
    cpu_s = server.cpu_s() - cpu_s
    done = re.search(r"(\d+) requests in ([0-9.]+)s", said)
    if done is None or int(done.group(1)) == 0:
        sys.exit(f"{server.name}: {said}")
    if "Socket errors" in said or "Non-2xx" in said:
        print(f"  {server.name}: {said.splitlines()[-3].strip()}")
    return int(done.group(1)) / float(done.group(2)), cpu_s * 1e6 / int(done.group(1))


def run_round(server, connections, seconds):
    rate, cpu_us = drive(server, connections, seconds)
    server.rates.append(rate)
    server.cpu_us.append(cpu_us)


def print_ratio(ours, peer, connections):
    of_rounds = [one / other for one, other in zip(ours.rates, peer.rates)]
    ratio = statistics.median(ours.rates) / statistics.median(peer.rates)
    of_cpu = statistics.median(ours.cpu_us) / statistics.median(peer.cpu_us)
    bar = BARS.get(peer.name, {}).get(connections)
    print(f"  callboard : {peer.name:12} {ratio:5.2f} of its rate ({min(of_rounds):.2f} to "
          f"{max(of_rounds):.2f}{f'; at least {bar}' if bar else ''}), "
          f"{of_cpu:.2f} of its CPU a request")


def compare(servers, connections, seconds, rounds):
    print(f"{connections} connections, {rounds} rounds of {seconds} s in turns")
    for server in servers:
        server.rates, server.cpu_us = [], []
        server.start()
        drive(server, connections, WARM_UP_S)
    for _ in range(rounds):
        for server in servers:
            run_round(server, connections, seconds)
    for server in servers:
        server.stop()
    for server in servers:
        print(f"  {server.name:12} {statistics.median(server.rates):8.0f} requests/s "
              f"({min(server.rates):.0f} to {max(server.rates):.0f}), server CPU "
              f"{statistics.median(server.cpu_us):.1f} us a request "
              f"({min(server.cpu_us):.1f} to {max(server.cpu_us):.1f})")
    if servers[0].name == "callboard":
        for peer in servers[1:]:
            print_ratio(servers[0], peer, connections)
    sys.stdout.flush()


def callboard():
    """Ours, another one each time."""
    version = quiet([CALLBOARD, "--version"]).splitlines()[0]
    return Server("callboard", [CALLBOARD, "run", os.path.join(HERE, "hello.dom")], version)


def present(folder):
    """The servers that this machine can run; ours is the first."""
    servers = [callboard()]
    if shutil.which("node"):
        servers.append(Server("node", ["node", os.path.join(HERE, "hello.js")],
                              "Node " + quiet(["node", "--version"])))
    if shutil.which("go"):
        program = os.path.join(folder, "hello")
        os.environ.setdefault("GOCACHE", os.path.join(folder, "go"))
        if quiet(["go", "build", "-o", program, os.path.join(HERE, "hello.go")]) == "":
            servers.append(Server("go", [program], quiet(["go", "version"])))
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if os.path.exists("/usr/lib/nginx/modules/ngx_http_lua_module.so") and os.path.exists(nginx):
        servers.append(Nginx("nginx + lua", [nginx], quiet([nginx, "-v"])))
    servers.append(Server("python", [sys.executable, os.path.join(HERE, "hello.py")],
                          "Python " + sys.version.split()[0]))
    return servers


def resident_bytes(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) * 1024


def compare_idle(alone, beside, seconds, rounds):
    """Two of our servers, one of which has the idle connections."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < IDLE + 200:
        print(f"{IDLE} idle connections: only {limits[1]} descriptors are allowed here")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    for name in ("HEAD", "IDLE"):
        os.environ[f"CALLBOARD_HTTP_{name}_MS"] = "3600000"
    for server in (alone, beside):
        server.start()
        drive(server, BUSY, WARM_UP_S)
    before = resident_bytes(beside.process)
    idle = [socket.create_connection(("127.0.0.1", beside.port)) for _ in range(IDLE)]
    for one in idle:
        one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for one in idle:
        one.recv(4096)
    each = (resident_bytes(beside.process) - before) / IDLE
    for _ in range(rounds):
        for server in (alone, beside):
            run_round(server, BUSY, seconds)
    ratio = statistics.median(beside.rates) / statistics.median(alone.rates)
    of_cpu = statistics.median(beside.cpu_us) / statistics.median(alone.cpu_us)
    print(f"{IDLE} idle connections: {each:.0f} bytes of memory each; {BUSY} others have {ratio:.2f} "
          f"of their rate beside them (at least 0.85) and take {of_cpu:.2f} of the CPU a request")
    for one in idle:
        one.close()
    for server in (alone, beside):
        server.stop()


def main():
    parser = argparse.ArgumentParser(description="small pages a second")
    parser.add_argument("--pin", action="store_true")
    parser.add_argument("connections", nargs="?", default="")
    parser.add_argument("seconds", type=int, nargs="?", default=2)
    parser.add_argument("rounds", type=int, nargs="?", default=6)
    parser.add_argument("name", nargs="?", default="")
    given = parser.parse_args()
    global pinned
    pinned = given.pin
    for program in ("wrk", CALLBOARD):
        if shutil.which(program) is None:
            sys.exit(f"there is no {program}")
    with tempfile.TemporaryDirectory(prefix="callboard_bench_") as folder:
        servers = [each for each in present(folder) if given.name in each.name]
        print("; ".join(each.version for each in servers))
        print(f"Linux {os.uname().release}, {os.cpu_count()} processors; "
              f"{quiet(['wrk', '-v']).splitlines()[0].split(' Copyright')[0]}"
              f"{'; servers and wrk have a processor each' if pinned else ''}")
        if given.connections != "idle":
            for connections in map(int, [given.connections] if given.connections else COUNTS):
                compare(servers, connections, given.seconds, given.rounds)
        if given.connections in ("", "idle"):
            compare_idle(callboard(), callboard(), given.seconds, given.rounds)


if __name__ == "__main__":
    main()
