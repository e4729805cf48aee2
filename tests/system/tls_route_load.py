#!/usr/bin/env python3
"""TLS on a route under load: many handshakes at once, certificates that change while requests are
under way, and TLS that is switched on among clients in plain text."""

import asyncio
import os
import resource
import threading
import unittest

from support.cli import BLOB, PRINT, TCP, CliTest
from support.certificates import Authority
from support.tls_service import TlsClient, TlsServiceTest

HANDSHAKES = 1000
ROTATIONS = 40


class Load(TlsServiceTest):
    def setUp(self):
        # A client may have to wait for its turn of the processor.
        for name in ("IDLE", "TOTAL"):
            os.environ[f"CALLBOARD_TCP_{name}_MS"] = "120000"
            self.addCleanup(os.environ.pop, f"CALLBOARD_TCP_{name}_MS")
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def test_a_thousand_handshakes_at_once(self):
        self.enable()
        context = self.context()

        async def client(number, gate):
            # All are connected before the first one begins to talk.
            plain = await asyncio.open_connection("127.0.0.1", self.port)
            gate.connected += 1
            if gate.connected == HANDSHAKES:
                gate.all.set()
            await gate.all.wait()
            reader, writer = plain
            await writer.start_tls(context, server_hostname="localhost",
                                   ssl_handshake_timeout=120)
            writer.write(b"client %d" % number)
            said = await reader.read()
            writer.close()
            return said

        async def everybody():
            class Gate:
                connected = 0
                all = asyncio.Event()

            gate = Gate()
            return await asyncio.gather(*(client(i, gate) for i in range(HANDSHAKES)))

        said = asyncio.run(everybody())
        self.assertEqual(said, [b"client %d" % i for i in range(HANDSHAKES)])
        self.ends(completed=HANDSHAKES, dropped=0)

    def hammer(self, count, one):
        """Has `count` threads call one(number, turn) until the answer is to stop; what it gave."""
        stop = threading.Event()
        given = []

        def loop(number):
            turn = 0
            while not stop.is_set():
                try:
                    given.append(one(number, turn))
                except Exception as error:  # shown by the test
                    given.append(error)
                turn += 1

        threads = [threading.Thread(target=loop, args=(i,), daemon=True) for i in range(count)]
        self.addCleanup(stop.set)
        for thread in threads:
            thread.start()

        def end():
            stop.set()
            for thread in threads:
                thread.join()
            return given

        return end

    def test_certificates_change_without_a_failed_request(self):
        """Half of the clients come back with the session of their last visit, which may be one of
        a certificate that has gone. Whoever comes after the change sees the new one."""
        self.authority.sign("second")
        self.enable()
        context = self.context()
        sessions = {}
        resumed = []
        seen = set()

        def one(number, turn):
            text = b"%d %d" % (number, turn)
            with TlsClient(self.port, context, sessions.get(number)) as client:
                client.send(text)
                client.say_goodbye()
                answer = client.read_all()
                seen.add(client.peer())
                resumed.append(client.tls.session_reused)
                if number % 2 == 0:
                    sessions[number] = client.tls.session
            return answer == text

        end = self.hammer(4, one)
        for turn in range(ROTATIONS):
            name = ("second", "server")[turn % 2]
            self.enable(name)
            with TlsClient(self.port, self.context()) as client:
                self.assertEqual(client.peer(), name)
                client.send(b"x")
                self.assertEqual(client.read_all(), b"x")
        given = end()
        self.assertEqual([each for each in given if each is not True], [])
        self.assertEqual(seen, {"second", "server"})
        self.assertIn(True, resumed)
        self.assertIn(False, resumed)
        self.ends(completed=len(given) + ROTATIONS, dropped=0)

    def test_tls_is_switched_on_among_clients_in_plain_text(self):
        """Each of them gets its own answer or a reset, and nothing that could be taken for one."""
        def one(number, turn):
            text = b"%d %d" % (number, turn)
            try:
                return self.exchange(self.port, text) == text
            except ConnectionError:
                return None

        end = self.hammer(4, one)
        while int(self.route_now()["completed"]) < 20:
            pass
        self.enable()
        self.assertEqual(self.tls_exchange(b"secret"), b"secret")
        refused = int(self.route_now()["dropped"])
        while int(self.route_now()["dropped"]) < refused + 20:
            pass
        given = end()
        self.assertNotIn(False, given)
        self.assertEqual([each for each in given if isinstance(each, Exception)], [])
        self.ends(completed=given.count(True) + 1, dropped=given.count(None))


class Scripts(CliTest):
    def test_requests_of_the_script_while_certificates_change(self):
        authority = Authority(self.folder)
        for name in ("one", "two"):
            authority.sign(name)
        done = self.run_script(PRINT + TCP + BLOB + """
callback i32 Echo(ref blob $X)
{
    $X[0] = $X[0];
    return(1);
}

i32 main()
{
    i64 $lid = callbacktcp.Open("Echo", 60000);
    callbacktcp.EnableTls($lid, "one.crt", "one.key");
    i32 $good = 0;
    for (i32 $turn = 0; $turn < %d; $turn = $turn + 1)
    {
        i64 $first = callbacktcp.BeginTextRequest($lid, "request", 60000);
        i64 $last = $first;
        for (i32 $i = 1; $i < 20; $i = $i + 1)
        {
            $last = callbacktcp.BeginTextRequest($lid, "request", 60000);
        }
        if ($turn %% 2 == 0) { callbacktcp.EnableTls($lid, "two.crt", "two.key"); }
        else { callbacktcp.EnableTls($lid, "one.crt", "one.key"); }
        for (i64 $r = $first; $r <= $last; $r = $r + 1)
        {
            callbacktcp.WaitComplete($r, -1);
            if (callbacktcp.TakeTextResponse($r) == "request") { $good = $good + 1; }
        }
    }
    printf("%%d\\n", $good);
    return(0);
}
""" % ROTATIONS)
        self.check(done, 0, f"{20 * ROTATIONS}\n", "")


if __name__ == "__main__":
    unittest.main()
