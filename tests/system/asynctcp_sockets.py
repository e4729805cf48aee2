#!/usr/bin/env python3
"""Long-lived connections of scripts: order, half-close, resets, time limits, TLS, many at once, the
end of the program, and its trace."""

import os
import signal
import socket
import ssl
import struct
import subprocess
import threading
import unittest

from support.certificates import Authority
from support.cli import CALLBOARD, PRINT, TIMER
from support.service import ServiceTest, read_all

ASYNC_TCP = 'plugin "../plugins/async_tcp/AsyncTcpPlugin";\n'
BLOB = 'plugin "../plugins/blob/BlobPlugin";\n'
TIMEOUT_S = 60

# An echo that says each event on standard output. Its sockets count what they were sent.
SERVICE = (
    PRINT
    + TIMER
    + ASYNC_TCP
    + BLOB
    + """
callback i32 OnConnect(ref blob $E)
{
    SETUP
    return(1);
}
callback i32 OnRead(ref blob $E)
{
    asynctcp.TryWrite(asynctcp.EventSocket($E), asynctcp.EventBytes($E));
    return(1);
}
callback i32 OnEvent(ref blob $E)
{
    i64 $s = asynctcp.EventSocket($E);
    i32 $k = asynctcp.EventKind($E);
    printf("%s: %s\\n", asynctcp.EventText($k), blob.ToText(asynctcp.EventBytes($E)));
    if ($k == asynctcp.KindEof()) { asynctcp.TryClose($s); }
    return(1);
}
i32 main()
{
    i64 $server = asynctcp.Server("127.0.0.1", 0, "OnConnect", "OnRead", "OnEvent");
    MAIN
    printf("port %d\\n", asynctcp.LocalPort($server));
    while (asynctcp.State($server) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
)


class EchoTest(ServiceTest):
    def start_service(self, *arguments, setup="", main=""):
        return self.serve(SERVICE.replace("SETUP", setup).replace("MAIN", main), *arguments)

    def connect(self, port):
        client = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.addCleanup(client.close)
        return client

    def read_exactly(self, client, size):
        parts = b""
        while len(parts) < size:
            part = client.recv(size - len(parts))
            self.assertNotEqual(part, b"", "the stream ended early")
            parts += part
        return parts


class Sockets(EchoTest):
    def test_half_close_leaves_replies(self):
        process, port = self.start_service()
        client = self.connect(port)
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(client), b"question")
        self.assertEqual(self.finish(process), (["end of stream: ", "closed: "], ""))

    def test_reset_is_told_once(self):
        process, port = self.start_service()
        client = self.connect(port)
        client.sendall(b"x")
        self.assertEqual(client.recv(1), b"x")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.assertEqual(process.stdout.readline(),
                         "connection failed: connection failed: Connection reset by peer\n")
        self.assertEqual(self.finish(process), ([], ""))

    def test_time_limit(self):
        process, port = self.start_service(
            setup="asynctcp.SetTimeouts(asynctcp.EventSocket($E), 0.2, 0.0);")
        client = self.connect(port)
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.assertEqual(process.stdout.readline(), "timed out: nothing was received for 0.2 s\n")
        self.assertEqual(self.finish(process), ([], ""))

    def test_order_under_load(self):
        """Each connection is answered with what it sent, whatever the others do."""
        process, port = self.start_service()
        failures = []

        def talk(number):
            client = self.connect(port)
            data = b"".join(struct.pack("<II", number, i) for i in range(20000))
            writer = threading.Thread(target=client.sendall, args=(data,))
            writer.start()
            if self.read_exactly(client, len(data)) != data:
                failures.append(number)
            writer.join()
            client.close()

        threads = [threading.Thread(target=talk, args=(i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.finish(process)

    def test_a_thousand_connections(self):
        process, port = self.start_service()
        clients = [self.connect(port) for _ in range(1000)]
        for number, client in enumerate(clients):
            client.sendall(b"%08d" % number)
        for number, client in enumerate(clients):
            self.assertEqual(self.read_exactly(client, 8), b"%08d" % number)
        for client in clients:
            client.close()
        lines, err = self.finish(process)
        self.assertEqual(err, "")
        self.assertLessEqual(set(lines), {"end of stream: ", "closed: "})

    def test_the_limit_of_connections(self):
        os.environ["CALLBOARD_MAX_CONNECTIONS"] = "3"
        self.addCleanup(os.environ.pop, "CALLBOARD_MAX_CONNECTIONS")
        process, port = self.start_service()
        clients = [self.connect(port) for _ in range(4)]
        for client in clients:
            client.sendall(b"x")
        for client in clients[:3]:
            self.assertEqual(client.recv(1), b"x")
        clients[3].settimeout(0.3)
        with self.assertRaises(TimeoutError):  # it waits in the backlog
            clients[3].recv(1)
        clients[0].close()
        clients[3].settimeout(TIMEOUT_S)
        self.assertEqual(clients[3].recv(1), b"x")
        self.finish(process)

    def test_the_end_delivers_what_was_written(self):
        process, port = self.start_service(
            setup="blob $b[700000]; i64 $s = asynctcp.EventSocket($E); asynctcp.Write($s, $b);"
                  "printf(\"written\\n\");")
        clients = [self.connect(port) for _ in range(8)]
        for _ in clients:
            self.assertEqual(process.stdout.readline(), "written\n")
        process.send_signal(signal.SIGTERM)
        for client in clients:
            self.assertEqual(len(read_all(client)), 700000)
            client.close()
        out, err = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((process.returncode, out, err), (0, "", ""))

    def test_a_failing_callback_ends_its_connection_alone(self):
        process, port = self.start_service(
            setup="if (asynctcp.OpenCount() == 2) { blob $b[1]; $b[1] = 1; }")
        healthy = self.connect(port)
        for _ in range(2):
            healthy.sendall(b"x")
            self.assertEqual(healthy.recv(1), b"x")
            with self.assertRaises(ConnectionResetError):  # it may be as early as in connect
                self.connect(port).recv(1)
            self.assertEqual(process.stdout.readline(), "closed: \n")
        _, err = self.finish(process)
        self.assertEqual(err.count("runtime error"), 2, err)
        self.assertEqual(read_all(healthy), b"")

    def test_trace_of_a_run(self):
        trace = os.path.join(self.folder, "run.trace")
        process, port = self.start_service("--trace", trace)
        clients = [self.connect(port) for _ in range(20)]
        for client in clients:
            client.sendall(b"x" * 100000)
        for client in clients:
            self.read_exactly(client, 100000)
        for client in clients[10:]:
            client.close()
        self.finish(process)
        done = subprocess.run([CALLBOARD, "trace", "verify", trace], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("replay gives the same", done.stdout)


class Tls(EchoTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.authority.sign("server")

    def enable(self):
        return (f'asynctcp.EnableTls($server, "{self.authority.path("server.crt")}", '
                f'"{self.authority.path("server.key")}");')

    def test_s_client(self):
        process, port = self.start_service(main=self.enable())
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet", "-no_ign_eof",
             "-verify_return_error", "-CAfile", self.authority.path("ca.crt"),
             "-verify_hostname", "localhost"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, client)
        client.stdin.write(b"over TLS\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), b"over TLS\n")
        _, err = client.communicate(timeout=TIMEOUT_S)  # the end of its input ends it
        self.assertEqual(client.returncode, 0, err)
        self.finish(process)

    def test_who_does_not_speak_it(self):
        process, port = self.start_service(main=self.enable())
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
            client.sendall(b"plain text, which is no TLS\n")
            try:
                read_all(client)
            except ConnectionResetError:
                pass  # what it sent last was not read any more
        self.assertTrue(process.stdout.readline().startswith("TLS failed: "))
        trusting = ssl.create_default_context(cafile=self.authority.path("ca.crt"))
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
            with trusting.wrap_socket(client, server_hostname="localhost") as secured:
                secured.sendall(b"x" * 200000)
                self.read_exactly(secured, 200000)
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
