"""callboard run --metrics: what a scraper sees, while idle, under load, at the end."""

import os
import re
import signal
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from support.cli import PRINT, TCP, TIMER
from support.prometheus import Page, BadPage, request, scrape
from support.service import ECHO_SERVICE, ServiceTest, read_all

NAME_SPACE = "callbacktcp"

# Requests run until the process is stopped.
SLOW_SERVICE = (
    PRINT
    + TIMER
    + TCP
    + """
callback i32 Slow(ref blob $X)
{
    i32 $turns = 0;
    while ($turns < 2) { $turns = 1; }
    return(1);
}

i32 main()
{
    printf("open %d\\n", callbacktcp.OpenCount());
    i64 $lid = callbacktcp.Open("Slow", -1);
    printf("port %d\\n", callbacktcp.Port($lid));
    while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
)

# Opens and closes routes, then leaves some open.
MANY_ROUTES = (
    PRINT
    + TIMER
    + TCP
    + """
callback i32 Echo(ref blob $X) { return(1); }

i32 main()
{
    i32 $i = 0;
    i64 $lid = 0;
    while ($i < 40) {
        $lid = callbacktcp.Open("Echo", -1);
        callbacktcp.Close($lid);
        $i = $i + 1;
    }
    $i = 0;
    while ($i < 5) {
        $lid = callbacktcp.Open("Echo", -1);
        $i = $i + 1;
    }
    printf("port %d\\n", callbacktcp.Port($lid));
    while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
)


class Metrics(ServiceTest):
    def metrics_port(self, process):
        line = process.stderr.readline()
        match = re.fullmatch(r"metrics at http://127\.0\.0\.1:(\d+)/metrics\n", line)
        self.assertIsNotNone(match, line)
        return int(match.group(1))

    def serve_with_metrics(self, text=ECHO_SERVICE):
        process, port = self.serve(text, "--metrics", "0")
        return process, port, self.metrics_port(process)

    @staticmethod
    def with_environment(test, **values):
        for name, value in values.items():
            os.environ[name] = value
            test.addCleanup(os.environ.pop, name, None)

    def assert_whole(self, page):
        """What holds of every page: nothing is lost between the beginning and the end of a job."""
        for route in page.label_values("jobs_begun_total", "route"):
            labels = {"namespace": NAME_SPACE, "route": route}
            begun = page.get("jobs_begun_total", **labels)
            ended = page.sum("jobs_ended_total", **labels)
            self.assertEqual(begun, ended + page.sum("jobs", **labels))
            self.assertEqual(
                page.get("job_queue_seconds_count", **labels),
                page.get("job_run_seconds_count", **labels),
            )
            self.assertLessEqual(page.get("job_seconds_count", **labels), ended)

    def test_load(self):
        """Scrapes beside 8 clients: no counter falls, every page adds up, and so does the last."""
        process, port, metrics = self.serve_with_metrics()
        each = 60
        failures = []

        def client(number):
            for i in range(each):
                sent = b"%d:%d" % (number, i)
                if self.exchange(port, sent) != sent:
                    failures.append((number, i))

        clients = [threading.Thread(target=client, args=(i,)) for i in range(8)]
        for thread in clients:
            thread.start()
        last = {}
        pages = 0
        while pages < 5 or any(thread.is_alive() for thread in clients):
            page = scrape(metrics)
            self.assert_whole(page)
            now = dict(page.counters())
            for key, value in last.items():
                self.assertGreaterEqual(now.get(key, 0), value, key)
            last = now
            pages += 1
        for thread in clients:
            thread.join()
        self.assertEqual(failures, [])
        # The response is out before its client can see its end.
        page = scrape(metrics)
        labels = {"namespace": NAME_SPACE, "route": "1"}
        sent = sum(len(b"%d:%d" % (n, i)) for n in range(8) for i in range(each))
        self.assertEqual(page.get("jobs_ended_total", outcome="success", **labels), 8 * each)
        self.assertEqual(page.sum("jobs_ended_total"), 8 * each)
        self.assertEqual(page.sum("jobs"), 0)
        for name in ("job_queue_seconds", "job_run_seconds", "job_seconds"):
            self.assertEqual(page.get(name + "_count", **labels), 8 * each)
        self.assertGreaterEqual(
            page.get("job_seconds_sum", **labels), page.get("job_run_seconds_sum", **labels)
        )
        self.assertEqual(page.get("received_bytes_total", **labels), sent)
        self.assertEqual(page.get("sent_bytes_total", **labels), sent)
        self.assertGreater(page.get("supervisor_inputs_total"), 8 * each * 4)
        self.assertEqual(page.get("routes_open", namespace=NAME_SPACE), 1)
        self.finish(process)

    def test_busy(self):
        """All actors are in callbacks that do not end: the page is there, and says so."""
        self.with_environment(self, CALLBOARD_MAX_ACTORS="2", CALLBOARD_GRACE_MS="100")
        process = self.start(SLOW_SERVICE, "--metrics", "0")
        self.assertEqual(process.stdout.readline(), "open 0\n")
        port = int(process.stdout.readline().split()[1])
        metrics = self.metrics_port(process)
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(b"x")
            client.shutdown(socket.SHUT_WR)
        labels = {"namespace": NAME_SPACE, "route": "1"}
        while scrape(metrics).get("jobs", phase="running", **labels) < 2:
            pass
        page = scrape(metrics)
        self.assertEqual(page.get("jobs", phase="running", **labels), 2)
        self.assertEqual(page.get("jobs", phase="queued", **labels), 1)
        self.assertEqual(page.get("actors", state="busy") + page.get("actors", state="suspect"), 2)
        self.assertEqual(page.get("shutting_down"), 0)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        self.assertEqual(process.returncode, 1)

    def test_end(self):
        """Until the end of the end there are pages."""
        self.with_environment(self, CALLBOARD_GRACE_MS="60000")
        process = self.start(SLOW_SERVICE, "--metrics", "0")
        process.stdout.readline()
        port = int(process.stdout.readline().split()[1])
        metrics = self.metrics_port(process)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"x")
            client.shutdown(socket.SHUT_WR)
            while scrape(metrics).sum("jobs", phase="running") < 1:
                pass
            process.send_signal(signal.SIGTERM)
            while scrape(metrics).get("shutting_down") == 0:
                pass
            page = scrape(metrics)
            self.assertEqual(page.get("routes_open", namespace=NAME_SPACE), 0)
            self.assertEqual(page.sum("route_info", route="1"), 0)

    def test_routes(self):
        """Routes that closed, and those past the limit, are one row."""
        self.with_environment(self, CALLBOARD_METRICS_ROUTES="2")
        process, port, metrics = self.serve_with_metrics(MANY_ROUTES)
        self.assertEqual(self.exchange(port, b""), b"")
        page = scrape(metrics)
        self.assertEqual(page.label_values("route_info", "route"), ["41", "42"])
        self.assertEqual(
            page.label_values("jobs_begun_total", "route"), ["41", "42", "others"]
        )
        self.assertEqual(
            page.get(
                "jobs_ended_total", namespace=NAME_SPACE, route="others",
                outcome="success",
            ),
            1,
        )
        self.assertEqual(page.get("routes_live"), 5)
        self.finish(process)

    def test_http(self):
        process, _, metrics = self.serve_with_metrics()
        status, headers, body = request(metrics, "HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 1000)
        status, headers, _ = request(metrics, "DELETE")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(request(metrics, "GET", "/metrics?name[]=x")[0], 200)
        self.assertEqual(request(metrics, "GET", f"http://127.0.0.1:{metrics}/metrics")[0], 200)
        host = f"http://127.0.0.1:{metrics}"
        for path in ("/", "/metrics/", "/metric", "/metricsx", "/Metrics", "//metrics", host,
                     host + "?/metrics"):
            self.assertEqual(request(metrics, "GET", path)[0], 404, path)
        self.assertEqual(request(metrics, "POST", "/metrics", b"x" * 10)[0], 413)
        self.finish(process)

    def raw(self, port, *pieces):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            return read_all(client)

    def test_bytes(self):
        """Requests as no good client sends them."""
        process, _, metrics = self.serve_with_metrics()
        whole = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
        answers = [
            (self.raw(metrics, *(bytes([byte]) for byte in whole)), b"200"),
            (self.raw(metrics, whole + whole), b"200"),
            (self.raw(metrics, b"GET /metrics HTTP/1.0\r\n\r\n"), b"200"),
            (self.raw(metrics, b"GET /metrics HTTP/1.1\r\n\r\n"), b"400"),
            (self.raw(metrics, b"GET /metrics\r\n\r\n"), b"400"),
            (self.raw(metrics, b"\x16\x03\x01\x02\x00\x01"), b"400"),
            (self.raw(metrics, b"GET /" + b"x" * 10000), b"414"),
            (self.raw(metrics, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300), b"431"),
        ]
        for answer, status in answers:
            self.assertEqual(answer.split(b" ", 2)[1], status, answer[:200])
        self.assertEqual(answers[1][0].count(b"HTTP/1.1 "), 1)
        with socket.create_connection(("127.0.0.1", metrics), timeout=30) as client:
            client.sendall(b"GET /met")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(client), b"")
        self.finish(process)

    def ask_for(self, port, host, target="/metrics", version="1.1", method="GET"):
        """The status and the body of a request with this Host field, or None for no field."""
        field = f"Host: {host}\r\n" if host is not None else ""
        request = f"{method} {target} HTTP/{version}\r\n{field}\r\n"
        head, _, body = self.raw(port, request.encode("latin-1")).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body.decode()

    def test_hosts(self):
        """A page of another name, which leads to this machine, learns nothing (DNS rebinding)."""
        self.with_environment(self, CALLBOARD_METRICS_HOSTS="metrics.example.org,box")
        process, _, metrics = self.serve_with_metrics()
        known = ("127.0.0.1", f"127.0.0.1:{metrics}", "[::1]", "[::1]:80", "localhost",
                 f"LOCALHOST:{metrics}", "localhost.", "metrics.example.org",
                 "Metrics.Example.Org.:80", "box", "192.0.2.1")
        unknown = ("evil.example.org", f"evil.example.org:{metrics}", "localhost.example.org",
                   "127.0.0.1.example.org", "127.1", "2130706433", "127.0.0.1.", "boxes",
                   "metrics.example.org..", "local%68ost")
        for host in known:
            self.assertEqual(self.ask_for(metrics, host)[0], 200, host)
            status, body = self.ask_for(metrics, None, f"http://{host}/metrics", "1.0")
            self.assertEqual(status, 200, host)
            self.assertIn("callboard_build_info", body)
        for host in unknown:
            for target in ("/metrics", "/", f"http://{host}/metrics"):
                for method in ("GET", "DELETE"):
                    status, body = self.ask_for(metrics, host, target, "1.1", method)
                    self.assertEqual(status, 421, host)
                    self.assertNotIn("callboard_", body)
                    self.assertIn("CALLBOARD_METRICS_HOSTS", body)
            self.assertEqual(self.ask_for(metrics, host, method="HEAD"), (421, ""))
        # The target's host counts, whatever the field says.
        evil = "http://evil.example.org/metrics"
        self.assertEqual(self.ask_for(metrics, None, evil, "1.0")[0], 421)
        self.assertEqual(self.ask_for(metrics, "evil.example.org", evil, "1.0")[0], 421)
        self.assertEqual(self.ask_for(metrics, "localhost", evil)[0], 400)
        self.assertEqual(self.ask_for(metrics, None, version="1.0")[0], 200)
        self.assertEqual(self.ask_for(metrics, None, version="1.1")[0], 400)
        for odd in ("", "[::1", "a b", "[::1%25lo]", "user@localhost", "localhost:99999"):
            self.assertEqual(self.ask_for(metrics, odd)[0], 400, odd)
        self.finish(process)

    def test_hosts_that_were_not_told(self):
        process, _, metrics = self.serve_with_metrics()
        self.assertEqual(self.ask_for(metrics, "metrics.example.org")[0], 421)
        self.assertEqual(self.ask_for(metrics, "localhost")[0], 200)
        self.finish(process)

    def test_hosts_that_are_none(self):
        for wrong in ("box:9464", "http://box", "*", "a, [::1]"):
            self.with_environment(self, CALLBOARD_METRICS_HOSTS=wrong)
            result = self.run_script(ECHO_SERVICE, "--metrics", "0")
            self.assertEqual((result.returncode, result.stdout), (1, ""), wrong)
            self.assertIn("cannot serve metrics: what metrics may be asked for by", result.stderr)
            os.environ.pop("CALLBOARD_METRICS_HOSTS")
        with_none = 'i32 main() { return(0); }\n'
        self.with_environment(self, CALLBOARD_METRICS_HOSTS="*")
        self.check(self.run_script(with_none), 0, "", "")  # nobody serves

    def test_idle_clients(self):
        """Those that hold all connections and say nothing are put out, then others have their
        turn."""
        self.with_environment(self, CALLBOARD_TCP_IDLE_MS="300")
        process, _, metrics = self.serve_with_metrics()
        idle = [socket.create_connection(("127.0.0.1", metrics)) for _ in range(20)]
        for client in idle:
            self.addCleanup(client.close)
        self.assertEqual(scrape(metrics).get("shutting_down"), 0)
        self.finish(process)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = self.run_script(ECHO_SERVICE, "--metrics", str(port))
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn(
            f"callboard: cannot serve metrics: cannot listen on 127.0.0.1 port {port}: "
            "Address already in use\n",
            result.stderr,
        )

    def test_usage(self):
        for port in ("", "x", "-1", "65536", "80x", "99999999999999999999", " 80"):
            result = self.run_script(ECHO_SERVICE, "--metrics", port)
            self.assertEqual((result.returncode, result.stdout), (2, ""), port)
            self.assertIn("--metrics needs a port", result.stderr)


class Reader(unittest.TestCase):
    """The reader of these tests refuses what is wrong."""

    def test_refuses(self):
        head = "# HELP callboard_a_total x\n# TYPE callboard_a_total counter\n"
        hist = "# HELP callboard_h x\n# TYPE callboard_h histogram\n"
        Page(head + "callboard_a_total 1\n")
        for wrong in (
            "callboard_a_total 1\n",
            head + "callboard_a_total 1",
            head + "callboard_a_total 1\ncallboard_a_total 1\n",
            head + 'callboard_a_total{a="1",} 1\n',
            head + 'callboard_a_total{a="\\x"} 1\n',
            head + "callboard_a_total -\n",
            head + "callboard_b_total 1\n",
            hist + 'callboard_h_bucket{le="1"} 2\ncallboard_h_sum 1\ncallboard_h_count 2\n',
            hist + 'callboard_h_bucket{le="1"} 2\ncallboard_h_bucket{le="+Inf"} 1\n'
            "callboard_h_sum 1\ncallboard_h_count 1\n",
            hist + 'callboard_h_bucket{le="+Inf"} 1\ncallboard_h_sum 1\ncallboard_h_count 2\n',
        ):
            with self.assertRaises(BadPage, msg=wrong):
                Page(wrong)


if __name__ == "__main__":
    unittest.main()
