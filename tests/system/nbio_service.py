#!/usr/bin/env python3
"""Services of scripts on the raw event loop: clients, datagrams, timers, the end, the trace."""

import os
import re
import signal
import socket
import threading
import unittest

from support.cli import SOURCE, TCP, TIMER
from support.nbio import EVENT, HEAD, PLUGINS, NbioTest

with open(os.path.join(SOURCE, "examples", "nbio_echo.dom"), encoding="utf-8") as example:
    ECHO = example.read().replace("echo on 127.0.0.1:", "port ")

UDP_ECHO = (
    HEAD
    + """
callback i32 OnSent(ref blob $X) { return(1); }

callback i32 OnDatagram(ref blob $X)
{
    $X assign Event;
    nbio.Recv($X.Handle, 2048, "OnDatagram");
    nbio.SendTo($X.Handle, nbio.PeerAddress($X), nbio.PeerPort($X), nbio.EventBytes($X), "OnSent");
    return(1);
}

i32 main()
{
    i64 $u = nbio.UdpSocket("ADDRESS", 0);
    printf("port %d\\n", nbio.BoundPort($u));
    nbio.Recv($u, 2048, "OnDatagram");
    nbio.Run(-1);
    return(0);
}
"""
)

# 200 timers of the same length: each is due at its own time, or at the one's before it.
MANY_TIMERS = (
    HEAD
    + """
callback i32 OnTime(ref blob $X)
{
    $X assign Event;
    printf("%d\\n", $X.Op);
    return(1);
}

i32 main()
{
    for (i32 $i = 0; $i < 200; $i++) { nbio.Timeout(50, "OnTime"); }
    printf("%d\\n", nbio.Run(60000));
    return(0);
}
"""
)

# Everything that can be pending, is.
PENDING = (
    HEAD
    + """
callback i32 Never(ref blob $X) { printf("never\\n"); return(1); }

callback i32 OnDialled(ref blob $X)
{
    $X assign Event;
    nbio.Recv($X.Handle, 100, "Never");
    nbio.Send($X.Handle, blob.FromText("before the end"), "Sent");
    return(1);
}

callback i32 Sent(ref blob $X)
{
    printf("port 1\\n");
    return(1);
}

i32 main()
{
    i64 $l = nbio.Listen("127.0.0.1", 0);
    i64 $u = nbio.UdpSocket("127.0.0.1", 0);
    nbio.Accept(nbio.Listen("127.0.0.1", 0), "Never");
    nbio.Recv($u, 100, "Never");
    nbio.Poll($u, nbio.PollReadable(), "Never");
    nbio.Timeout(100000, "Never");
    nbio.Dial("127.0.0.1", nbio.BoundPort($l), "OnDialled");
    i32 $done = nbio.Run(-1);
    printf("run %d\\n", $done);
    // From here on nothing may fail, and nothing starts.
    nbio.Timeout(1, "Never");
    nbio.Close($l);
    printf("end\\n");
    return(0);
}
"""
)

# Two callers of one loop: main removes what the loop completes at the same time.
REMOVALS = (
    PLUGINS
    + TIMER
    + EVENT
    + """
callback i32 OnTime(ref blob $X)
{
    $X assign Event;
    printf("told %d\\n", $X.Op);
    return(1);
}

i32 main()
{
    for (i32 $i = 0; $i < 300; $i++) {
        i64 $op = nbio.Timeout($i % 3, "OnTime");
        if ($i % 2 == 0) { timer.SleepMs($i % 4); }
        nbio.Remove($op);
        nbio.Run(-1); // whatever was told is over
        printf("removed %d\\n", $op);
    }
    printf("%d\\n", nbio.NumWaiting());
    return(0);
}
"""
)

# Callbacks of another route use the loop as well; their verbs and the loop's callbacks interleave.
MIXED = (
    PLUGINS
    + TIMER
    + TCP
    + EVENT
    + """
callback i32 OnTime(ref blob $X) { return(1); }

callback i32 Serve(ref blob $X)
{
    for (i32 $i = 0; $i < 5; $i++) { nbio.Timeout($i, "OnTime"); }
    $X = blob.FromText("served");
    return(1);
}

i32 main()
{
    i64 $r = callbacktcp.Open("Serve", 30000);
    for (i32 $i = 0; $i < 40; $i++) { callbacktcp.BeginTextRequest($r, "x", 30000); }
    for (i64 $j = 1; $j <= 40; $j++) {
        callbacktcp.WaitComplete($j, 30000);
        callbacktcp.TakeTextResponse($j);
    }
    printf("%d %d\\n", nbio.Run(30000), nbio.NumWaiting());
    return(callbacktcp.Close($r));
}
"""
)

# A callback that fails, refuses or runs for ever: the loop goes on with the next event.
FAILING = (
    HEAD
    + """
callback i32 Fails(ref blob $X) { i32 $zero = $X.Length - 32; return(1 / $zero); }
callback i32 Refuses(ref blob $X) { return(0); }
callback i32 Works(ref blob $X) { $X = blob.FromText("any length at all"); printf("works\\n"); return(1); }

i32 main()
{
    nbio.Timeout(1, "Fails");
    nbio.Timeout(2, "Refuses");
    nbio.Timeout(3, "Works");
    printf("%d\\n", nbio.Run(30000));
    return(0);
}
"""
)


class Service(NbioTest):
    def talk(self, port, rounds, payload, answers):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            for _ in range(rounds):
                client.sendall(payload)
                got = b""
                while len(got) < len(payload):
                    part = client.recv(65536)
                    if not part:
                        return
                    got += part
                answers.append(got == payload)

    def test_echo(self):
        for name in self.each_loop():
            with self.subTest(name):
                process, port = self.serve(ECHO)
                answers = []
                sizes = (1, 64, 1000, 200000)
                threads = [threading.Thread(target=self.talk, args=(
                    port, 5, os.urandom(sizes[i % 4]), answers)) for i in range(16)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(timeout=120)
                self.assertEqual(answers, [True] * 80)
                self.finish(process)

    def test_datagrams(self):
        for name in self.each_loop():
            for address, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
                with self.subTest(f"{name} {address}"):
                    process, port = self.serve(UDP_ECHO.replace("ADDRESS", address))
                    with socket.socket(family, socket.SOCK_DGRAM) as client:
                        client.settimeout(60)
                        for data in (b"hello", b"", os.urandom(1400), b"x"):
                            client.sendto(data, (address, port))
                            got, peer = client.recvfrom(65536)
                            self.assertEqual((got, peer[:2]), (data, (address, port)))
                    self.finish(process)

    def test_many_timers_in_order(self):
        expected = "".join(f"{op}\n" for op in range(1, 201)) + "1\n"
        for name in self.each_loop():
            with self.subTest(name):
                self.check(self.run_script(MANY_TIMERS), 0, expected, "")

    def test_removals_are_final(self):
        for name in self.each_loop():
            with self.subTest(name):
                result = self.run_script(REMOVALS)
                self.check(result, 0, err="")
                gone = set()
                told = set()
                for line in result.stdout.splitlines()[:-1]:
                    word, op = line.split()
                    self.assertNotIn(op, gone, "told of after its removal, or twice")
                    self.assertNotIn(op, told if word == "told" else gone)
                    (told if word == "told" else gone).add(op)
                self.assertEqual(len(gone), 300)
                self.assertTrue(result.stdout.endswith("\n0\n"))

    def test_other_callbacks_use_the_loop(self):
        for name in self.each_loop():
            with self.subTest(name):
                self.check(self.run_script(MIXED), 0, "1 0\n", "")

    def test_callbacks_that_fail(self):
        result = self.run_script(FAILING)
        self.check(result, 0, "works\n1\n")
        self.assertRegex(result.stderr, "runtime error: .*zero")
        self.assertEqual(result.stderr.count("runtime error"), 1)

    def test_signal_with_everything_pending(self):
        for name in self.each_loop():
            with self.subTest(name):
                trace = os.path.join(self.folder, "pending.cbtrace")
                process, _ = self.serve(PENDING, "--trace", trace)
                out, err = self.finish(process)
                self.assertEqual((out, err), (["run 0", "end"], ""))
                self.check(self.run_cli("trace", "verify", trace), 0)

    def test_end_of_main_with_everything_pending(self):
        text = PENDING.replace("nbio.Run(-1)", "nbio.Run(1)")
        for line in ('nbio.Timeout(1, "Never");', "nbio.Close($l);"):
            text = text.replace(line, "")
        result = self.run_script(text)
        self.check(result, 0, err="")
        self.assertNotIn("never", result.stdout)
        self.assertRegex(result.stdout, r"\A(port \d+\n)?run 0\n(port \d+\n)?end\n(port \d+\n)?\Z")

    def test_last_words_arrive(self):
        """What was sent before the end is not lost with it, however slowly it is read."""
        text = HEAD + """
callback i32 OnSent(ref blob $X) { return(1); }
callback i32 OnClient(ref blob $X)
{
    $X assign Event;
    blob $b = blob.FromText("0123456789abcdef");
    for (i32 $i = 0; $i < 21; $i++) { $b = blob.Concat($b, $b); }
    nbio.Send($X.Handle, $b, "OnSent");
    printf("sending\\n");
    return(1);
}
i32 main()
{
    i64 $l = nbio.Listen("127.0.0.1", 0);
    printf("port %d\\n", nbio.BoundPort($l));
    nbio.Accept($l, "OnClient");
    nbio.Run(-1);
    return(0);
}
"""
        for name in self.each_loop():
            with self.subTest(name):
                process, port = self.serve(text)
                with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                    self.assertEqual(process.stdout.readline(), "sending\n")
                    process.send_signal(signal.SIGTERM)
                    self.assertEqual(len(self.read_all(client)), 32 << 20)
                out, err = process.communicate(timeout=60)
                self.assertEqual((process.returncode, out, err), (0, "", ""))

    def test_trace_replays(self):
        trace = os.path.join(self.folder, "echo.cbtrace")
        process, port = self.serve(ECHO, "--trace", trace)
        answers = []
        self.talk(port, 20, b"again and again", answers)
        self.assertEqual(answers, [True] * 20)
        self.finish(process)
        self.check(self.run_cli("trace", "verify", trace), 0)
        shown = self.run_cli("trace", "show", trace)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertGreater(len(re.findall("OrderDone", shown.stdout)), 40)

    def test_sockets_are_given_back(self):
        """Connections that come and go leave no descriptor behind."""
        process, port = self.serve(ECHO)
        answers = []
        self.talk(port, 1, b"first", answers)
        before = self.count_in_proc(process, "fd")
        for _ in range(100):
            self.talk(port, 1, b"one", answers)
        # The last close may not be over; one more exchange comes after all but the last.
        self.talk(port, 1, b"last", answers)
        self.assertLess(self.count_in_proc(process, "fd"), before + 10)
        self.assertEqual(answers, [True] * 102)
        self.finish(process)

    def test_address_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = self.run_script(HEAD + f"""
i32 main() {{ return((i32)nbio.Listen("127.0.0.1", {port})); }}
""")
        self.check(result, 1, "")
        self.assertIn(f"nbio.Listen: cannot bind 127.0.0.1:{port}: Address already in use",
                      result.stderr)


if __name__ == "__main__":
    unittest.main()
