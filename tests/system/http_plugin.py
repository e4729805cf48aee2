#!/usr/bin/env python3
"""callbackhttp seen from both sides: what scripts are told of their listener while clients talk to it,
its close in one step and in two, and TLS."""

import http.client
import os
import re
import socket
import ssl
import threading
import unittest

from support.certificates import Authority
from support.cli import BLOB, HTTP, PRINT, STATE, STR, TIMER, WEB
from support.http_examples import TIMEOUT_S, HttpExampleTest

HEAD = PRINT + TIMER + BLOB + STR + WEB + STATE + HTTP + 'plugin "builtin:os";\n'

# Callbacks that come back when main lets them, by the first byte of block 1.
HELD = (
    HEAD
    + """
void letGo()
{
    ref blob &S = blob.RefFromPointer(script_state.GetPointer(1), 1);
    S[0] = 1;
}

callback i32 Held(ref blob $request)
{
    ref blob &S = blob.RefFromPointer(script_state.GetPointer(1), 1);
    while (S[0] == 0) { timer.SleepMs(1); }
    $request = web.HttpTextResponse(200, "text/plain", "done", $request);
    return(1);
}
"""
)

TWO_STEPS = (
    HELD
    + """
i32 main()
{
    script_state.Allocate(1);
    i64 $l = callbackhttp.Open("Held", -1);
    printf("port %d\\n", callbackhttp.Port($l));
    while (callbackhttp.Running($l) != 1 || callbackhttp.Queued($l) != 2) { timer.SleepMs(1); }
    printf("%d %d %d\\n", callbackhttp.Active($l), callbackhttp.RouteQueued($l),
           callbackhttp.RouteRunning($l));
    printf("%d %d\\n", callbackhttp.WaitDrained($l, 20), callbackhttp.Drained($l));
    printf("%d %d\\n", callbackhttp.RouteClose($l), callbackhttp.RouteClose($l));
    printf("%d %d %d %d\\n", callbackhttp.State($l), callbackhttp.RouteKnown($l),
           callbackhttp.RouteCloseAccepted($l), callbackhttp.RouteClosedQueued($l));
    printf("%d %d\\n", callbackhttp.Running($l), callbackhttp.WaitRouteDrained($l, 20));
    printf("closing\\n");
    while (callbackhttp.Active($l) != 1) { timer.SleepMs(1); }
    printf("%s\\n", callbackhttp.RouteCloseInfo($l));
    letGo();
    printf("%d\\n", callbackhttp.WaitRouteDrained($l, -1));
    printf("%d %d\\n", callbackhttp.Close($l), callbackhttp.OpenCount());
    return(0);
}
"""
)

ONE_STEP = (
    HEAD
    + """
callback i32 Slow(ref blob $request)
{
    timer.SleepMs(300);
    $request = web.HttpTextResponse(200, "text/plain", "done", $request);
    return(1);
}

i32 main()
{
    i64 $l = callbackhttp.Open("Slow", -1);
    printf("port %d\\n", callbackhttp.Port($l));
    while (callbackhttp.Running($l) != 1) { timer.SleepMs(1); }
    printf("%d\\n", callbackhttp.Close($l));
    printf("%d %d\\n", callbackhttp.Active($l), callbackhttp.Drained($l));
    return(0);
}
"""
)

# Each request does what its path says, and is told what that answered.
SERVICE = (
    HEAD
    + """
callback i32 Answer(ref blob $request)
{
    string $path = web.HttpRequestPath($request);
    i32 $value = 0;
    if ($path == "/close") {
        $value = callbackhttp.Close(1);
    } else if ($path == "/tls") {
        $value = callbackhttp.EnableTls(1, "server.crt", "server.key");
    } else if ($path == "/refuse") {
        return(0);
    } else if ($path == "/fail") {
        blob $none;
        $none[0] = 1;
    } else if ($path == "/nothing") {
        return(1);
    } else if ($path == "/slow") {
        timer.SleepMs(10000000);
    } else {
        $value = callbackhttp.Active(1);
    }
    $request = web.HttpTextResponse(200, "text/plain", str.FromInt($value), $request);
    return(1);
}

i32 main()
{
    i64 $l = callbackhttp.Open("Answer", 2000, (i32)str.ToInt(os.Args(0)), (i32)str.ToInt(os.Args(1)));
    printf("port %d\\n", callbackhttp.Port($l));
    while (callbackhttp.State($l) == 1) { timer.SleepMs(100); }
    callbackhttp.WaitDrained($l, -1);
    callbackhttp.Close($l);
    printf("%s\\n", callbackhttp.RouteInfo($l));
    return(0);
}
"""
)


class HttpPlugin(HttpExampleTest):
    def serve(self, text, *given):
        process = self.start_file(self.write("script.dom", text), given=given)
        line = process.stdout.readline()
        match = re.fullmatch(r"port (\d+)\n", line)
        if match is None:
            process.kill()
            self.fail(f"no port: {line}{process.stdout.read()}{process.stderr.read()}")
        return process, int(match.group(1))

    def in_background(self, port, path="/"):
        """A request in a thread: (thread, what will hold status, body and Connection field)."""
        got = []

        def run():
            answer = self.ask(self.connect(port), "GET", path)
            got.append((answer.status, answer.body, answer.getheader("Connection")))

        thread = threading.Thread(target=run)
        thread.start()
        return thread, got

    def test_close_in_two_steps(self):
        os.environ["CALLBOARD_MAX_ACTORS"] = "1"
        self.addCleanup(os.environ.pop, "CALLBOARD_MAX_ACTORS")
        process, port = self.serve(TWO_STEPS)
        idle = self.connect(port)
        idle.connect()  # a connection without a request counts nowhere
        asked = [self.in_background(port) for _ in range(3)]
        lines = [process.stdout.readline().rstrip("\n") for _ in range(6)]
        self.assertEqual(lines, ["3 2 1", "0 0", "1 0", "0 0 1 1", "1 0", "closing"])
        with self.assertRaises(OSError):
            self.ask(self.connect(port), "GET", "/")  # nobody new
        self.assertRegex(process.stdout.readline(),
                         r"\Aid=1 state=closed callback=Held timeout=-1 port=\d+ bind=local "
                         r"drained=0 pending=0 queued=0 running=1 active=1 closeAccepted=1 "
                         r"closedQueued=1\n\Z")
        self.assertEqual(process.stdout.read(), "1\n0 0\n")
        self.assertEqual((process.wait(TIMEOUT_S), process.stderr.read()), (0, ""))
        for thread, _ in asked:
            thread.join(TIMEOUT_S)
        got = sorted(answers[0] for _, answers in asked)
        self.assertEqual(got[0][:2], (200, b"done"))
        for answer in got[1:]:  # what waited
            self.assertEqual((answer[0], answer[2]), (503, "close"))

    def test_close_in_one_step(self):
        process, port = self.serve(ONE_STEP)
        thread, got = self.in_background(port)
        out, err = process.communicate(timeout=TIMEOUT_S)
        thread.join(TIMEOUT_S)
        self.assertEqual((process.returncode, out, err), (0, "1\n0 1\n", ""))
        self.assertEqual(got[0][:2], (200, b"done"))

    def test_close_from_its_own_callback(self):
        process, port = self.serve(SERVICE, "0", "0")
        self.assertEqual(self.ask(self.connect(port), "GET", "/close").body, b"1")
        out, err = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertRegex(out, r"\Aid=1 state=closed stateCode=0 callback=Answer timeout=2000 "
                              r"port=\d+ bind=local bindCode=0 drained=1 pending=0 queued=0 "
                              r"running=0 active=0\n\Z")

    def test_what_callbacks_leave(self):
        process, port = self.serve(SERVICE, "0", "0")
        client = self.connect(port)
        self.assertEqual(self.ask(client, "GET", "/").body, b"1")
        for path, status in (("/refuse", 500), ("/fail", 500), ("/slow", 504)):
            answer = self.ask(self.connect(port), "GET", path)
            self.assertEqual((answer.status, answer.getheader("Connection")), (status, "close"))
        with self.assertRaises(http.client.RemoteDisconnected):
            self.ask(self.connect(port), "GET", "/nothing")
        self.assertEqual(self.ask(client, "GET", "/").body, b"1")  # the others are as they were
        process.terminate()
        out, err = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, 0)
        self.assertIn("index 0 is out of range", err)
        self.assertIn("state=closed", out)

    def test_shutdown_leaves_idle_connections_no_wait(self):
        process, port = self.serve(SERVICE, "0", "0")
        idle = [self.connect(port) for _ in range(5)]
        for client in idle:
            self.assertEqual(self.ask(client, "GET", "/").body, b"1")
        process.terminate()
        out, err = process.communicate(timeout=20)  # less than they may idle
        self.assertEqual((process.returncode, err), (0, ""), out)

    def test_ports(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            for mode, address in (("0", r"127\.0\.0\.1"), ("1", r"(::|0\.0\.0\.0)")):
                script = self.write("script.dom", SERVICE)
                done = self.run_cli("run", script, "--", str(port), mode)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertRegex(done.stderr, "runtime error: callbackhttp.Open: cannot listen on "
                                              f"{address} port {port}: Address already in use\n")
        process, got = self.serve(SERVICE, str(port), "0")
        self.assertEqual(got, port)
        self.assertEqual(self.ask(self.connect(port), "GET", "/").body, b"1")
        process.kill()

    def test_bind_modes(self):
        for mode, reached in (("0", False), ("1", True)):
            process, port = self.serve(SERVICE, "0", mode)
            for address in ("127.0.0.1", "127.0.0.2", "::1"):
                client = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
                self.addCleanup(client.close)
                if reached or address == "127.0.0.1":
                    if address == "::1" and not has_ip6():
                        continue
                    self.assertEqual(self.ask(client, "GET", "/").body, b"1")
                else:
                    with self.assertRaises(OSError):
                        client.connect()
            process.kill()

    def test_tls(self):
        authority = Authority(self.folder)
        authority.sign("server")
        process, port = self.serve(SERVICE, "0", "0")
        plain = self.connect(port)
        self.assertEqual(self.ask(plain, "GET", "/tls").body, b"0")
        self.assertEqual(self.ask(plain, "GET", "/").body, b"1")  # it stood before
        trust = ssl.create_default_context(cafile=authority.path("ca.crt"))
        secure = http.client.HTTPSConnection("localhost", port, timeout=TIMEOUT_S, context=trust)
        self.addCleanup(secure.close)
        for _ in range(3):
            self.assertEqual(self.ask(secure, "GET", "/").body, b"1")
        said = self.run_tool("curl", "-sS", "--http2", "--cacert", authority.path("ca.crt"), "-w",
                             " %{http_version}", f"https://localhost:{port}/")
        self.assertEqual(said, "1 1.1")
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, 0)


def has_ip6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
