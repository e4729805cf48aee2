#!/usr/bin/env python3
"""Forty clients that try to fill the memory of a service in eight ways at once: it stays within its
budget, and those who ask for little are served throughout."""

import http.client
import re
import socket
import threading
import time
import unittest

from support.cli import SANITIZED, TCP
from support.http_service import PLUGINS, Client, HttpTest
from support.prometheus import Page

MIB = 1 << 20
BUDGET = 64 * MIB
BESIDE = 64 * MIB  # what a process takes that no budget counts: code, stacks, what malloc keeps
SECONDS = 8
CLIENTS_A_WAY = 5
KEPT = 30  # connections that each of them holds open
# Memory is what they want. That so many requests would keep the processors busy is another matter,
# all the more under a sanitizer.
PAUSE_S = 0.4 if SANITIZED else 0.2
PROBE_MOST_S = 10.0 if SANITIZED else 2.0
SERVICE = (
    PLUGINS
    + TCP
    + """
plugin "../plugins/callback_udp_server/CallbackUdpServerPlugin";
plugin "../plugins/callback_worker/CallbackWorkerPlugin";

callback i32 OnRequest(ref blob $R)
{
    string $path = web.HttpRequestPath($R);
    if ($path == "/large")
    {
        blob $page[4194304];
        $R = web.HttpBlobResponse(200, "text/plain", $page);
        return(1);
    }
    if ($path == "/keep")
    {
        blob $data[60000];
        callbackworker.Start("Keep", $data, -1);
    }
    if ($path == "/wait") { timer.SleepMs(300); }
    $R = web.HttpTextResponse(200, "text/plain", "small");
    return(1);
}

// Its result is what it was given, and nobody ever takes it.
callback i32 Keep(ref blob $D)
{
    $D[0] = 1;
    return(1);
}

callback i32 OnBytes(ref blob $B)
{
    timer.SleepMs(20);
    $B[0] = $B[0];
    return(1);
}

i32 main()
{
    i64 $web = callbackhttp.Open("OnRequest", 60000, 0);
    i64 $raw = callbacktcp.Open("OnBytes", 60000);
    i64 $udp = callbackudpserver.Open("OnBytes", 60000, 0);
    printf("ports %d %d %d\\n", callbackhttp.Port($web), callbacktcp.Port($raw),
           callbackudpserver.Port($udp));
    while (callbackhttp.State($web) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
)
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"


class Ended(Exception):
    """The time of the attack is over."""


class Attacker:
    """What one client does until the time is over. It gives up at nothing and hangs never."""

    def __init__(self, ports, until):
        self.web, self.raw, self.udp = ports
        self.until = until
        self.sent = 0
        self.refused = 0  # answers of 503, and connections that were ended
        self.open = []

    def check(self):
        if time.monotonic() >= self.until:
            raise Ended

    def dial(self, port, receive_buffer=None):
        self.check()
        made = socket.socket()
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.settimeout(0.5)
        made.connect(("127.0.0.1", port))
        self.open.append(made)
        return made

    def send(self, to, data):
        """All of it, or as much as is taken until the other side refuses or the time is over."""
        view = memoryview(data)
        while view:
            self.check()
            try:
                size = to.send(view[:MIB])
            except TimeoutError:
                continue
            self.sent += size
            view = view[size:]

    def let_go(self, most):
        """Keeps the newest; looks whether the oldest was refused."""
        while len(self.open) > most:
            oldest = self.open.pop(0)
            oldest.settimeout(0.01)
            try:
                if oldest.recv(4096).startswith(b"HTTP/1.1 503"):
                    self.refused += 1
            except TimeoutError:
                pass
            finally:
                oldest.close()

    def run(self, way):
        try:
            while True:
                try:
                    self.check()
                    way(self)
                except (ConnectionError, TimeoutError):
                    self.refused += 1
                time.sleep(PAUSE_S)
                self.let_go(KEPT)
        except Ended:
            pass
        finally:
            for each in self.open:
                each.close()

    # -- the ways --

    def bodies_that_stop(self):
        client = self.dial(self.web)
        self.send(client, HEAD % (16 * MIB) + bytes(12 * MIB))

    def whole_bodies(self):
        client = self.dial(self.web)
        self.send(client, HEAD % (15 * MIB) + bytes(15 * MIB))

    def answers_not_read(self):
        client = self.dial(self.web, receive_buffer=4096)
        self.send(client, GET % b"/large")

    def requests_ahead(self):
        client = self.dial(self.web)
        self.send(client, GET % b"/wait" + (HEAD % 30000 + bytes(30000)) * 3)

    def long_heads(self):
        client = self.dial(self.web)
        self.send(client, b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"x" * 7000 + b"\r\n") * 9)

    def results_kept(self):
        with Client(self.web, timeout_s=5) as client:
            for _ in range(50):
                self.check()
                client.send(GET % b"/keep")
                answer = client.response()
                if answer is None or answer.status != 200:
                    self.refused += 1
                    break
                self.sent += 60000

    def raw_requests(self):
        client = self.dial(self.raw)
        self.send(client, bytes(15 * MIB))

    def packets(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(30):
                self.check()
                self.sent += sender.sendto(bytes(60000), ("127.0.0.1", self.udp))


WAYS = (Attacker.bodies_that_stop, Attacker.whole_bodies, Attacker.answers_not_read,
        Attacker.requests_ahead, Attacker.long_heads, Attacker.results_kept,
        Attacker.raw_requests, Attacker.packets)


class MemoryBudget(HttpTest):
    def begin(self):
        self.set_limit("CALLBOARD_MEMORY", BUDGET)
        self.set_limit("CALLBOARD_TRACE_BUFFER", MIB)
        self.set_limit("CALLBOARD_LOG_QUEUE", 65536)
        self.set_limit("CALLBOARD_MAX_ACTORS", 64)
        process = self.start(SERVICE, "--metrics", "0")
        metrics = re.fullmatch(r".*metrics at http://127.0.0.1:(\d+)/metrics\n",
                               process.stderr.readline())
        ports = re.fullmatch(r"ports (\d+) (\d+) (\d+)\n", process.stdout.readline())
        return process, int(metrics.group(1)), tuple(int(port) for port in ports.groups())

    @staticmethod
    def figures(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/metrics")
        page = Page(connection.getresponse().read().decode())
        connection.close()
        return tuple(page.samples[(f"callboard_memory_{name}", ())]
                     for name in ("bytes", "limit_bytes", "refused_total"))

    def probe(self, port, times):
        """A small request as others make it: answered with 200, in time."""
        begin = time.monotonic()
        with Client(port) as client:
            client.send(GET % b"/")
            answer = client.response()
        self.assertEqual((answer.status, answer.body), (200, b"small"))
        times.append(time.monotonic() - begin)

    def test_forty_clients(self):
        process, metrics, ports = self.begin()
        rest_kib = self.resident_kib(process)
        attackers = [(way, Attacker(ports, time.monotonic() + SECONDS))
                     for way in WAYS for _ in range(CLIENTS_A_WAY)]
        threads = [threading.Thread(target=each.run, args=(way,)) for way, each in attackers]
        for thread in threads:
            thread.start()
        begin = time.monotonic()
        times, counted, resident = [], [], []
        try:
            while any(thread.is_alive() for thread in threads):
                self.probe(ports[0], times)
                bytes_now, limit, _ = self.figures(metrics)
                counted.append(bytes_now)
                resident.append((time.monotonic() - begin, self.resident_kib(process)))
                time.sleep(0.02)
        finally:
            for thread in threads:
                thread.join()
        _, _, refused = self.figures(metrics)
        print(f"budget {limit / MIB:.0f} MiB; resident at rest {rest_kib // 1024} MiB")
        for at in range(0, len(resident), max(1, len(resident) // 16)):
            print(f"  {resident[at][0]:5.1f} s: {resident[at][1] / 1024:6.1f} MiB resident, "
                  f"{counted[at] / MIB:5.1f} MiB counted")
        for way in WAYS:
            own = [each for of, each in attackers if of is way]
            print(f"  {way.__name__:18} sent {sum(each.sent for each in own) / MIB:7.1f} MiB, "
                  f"refused {sum(each.refused for each in own)}")
        times.sort()
        print(f"{len(times)} small requests beside them, half within "
              f"{times[len(times) // 2] * 1000:.1f} ms, the slowest {times[-1] * 1000:.0f} ms; "
              f"refused {refused:.0f} times; at most {max(counted) / MIB:.1f} MiB counted, "
              f"{max(kib for _, kib in resident) / 1024:.1f} MiB resident")
        self.assertEqual(limit, BUDGET)
        self.assertGreater(refused, 0)
        self.assertGreater(max(counted), BUDGET / 3)  # they did fill it
        self.assertLessEqual(max(counted), BUDGET)
        self.assertLess(times[-1], PROBE_MOST_S)
        self.assertGreater(len(times), 5 if SANITIZED else 20)
        if not SANITIZED:
            self.assertLess(max(kib for _, kib in resident) * 1024, BUDGET + BESIDE)
        self.probe(ports[0], times)
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
