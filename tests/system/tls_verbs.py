#!/usr/bin/env python3
"""The verbs of the plugin tls, with other people's TLS at the other end: openssl s_client and
s_server, curl, and Python's."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from support.certificates import Authority
from support.cli import CALLBOARD, PRINT, TCP, TIMER, CliTest

TLS = 'plugin "../plugins/tls/TlsPlugin";\n'
BLOB = 'plugin "../plugins/blob/BlobPlugin";\n'
HEAD = PRINT + TIMER + TLS + BLOB


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


# Talks to a server: sends a line, reads until the good-bye.
CLIENT = (
    HEAD
    + """
i32 main()
{{
    i64 $h = tls.NewClient("{host}", {port});
    {before}
    printf("shake %d\\n", tls.Handshake($h, 10000));
    printf("%s %s\\n", tls.Version($h), tls.PeerSubject($h));
    printf("wrote %d\\n", tls.Write($h, blob.FromText("hello\\n")));
    i32 $open = 1;
    while ($open == 1)
    {{
        blob $b = tls.Read($h, 65536, 10000);
        if ($b.Length == 0) {{ $open = 0; }}
        printf("%s", blob.ToText($b));
    }}
    printf("close %d\\n", tls.Close($h));
    return(0);
}}
"""
)

# Serves one client after the other, {count} of them: an answer to the first bytes that come.
SERVER = (
    HEAD
    + """
i32 main()
{{
    i64 $c = tls.NewServerContext("server.crt", "server.key");
    {before}
    printf("ready %d\\n", tls.Accept($c, {port}, 0));
    for (i32 $i = 0; $i < {count}; $i = $i + 1)
    {{
        i64 $h = tls.Accept($c, {port}, 20000);
        tls.Handshake($h, 10000);
        printf("%s [%s]\\n", tls.Version($h), tls.PeerSubject($h));
        blob $b = tls.Read($h, 65536, 10000);
        tls.Write($h, blob.FromText("HTTP/1.0 200 OK\\r\\nContent-Length: 7\\r\\n\\r\\nanswer\\n"));
        tls.Close($h);
    }}
    printf("end %d\\n", tls.CloseServerContext($c));
    return(0);
}}
"""
)


class TlsTest(CliTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.authority.sign("server")
        self.port = free_port()

    def spawn(self, *command, **options):
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, **options)
        self.addCleanup(self.end, process)
        return process

    def wait_for_port(self):
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.025)
        self.fail("nobody listens")

    # -- our client ---------------------------------------------------------------------------

    def client(self, host="localhost", before='tls.LoadCa($h, "ca.crt");'):
        return self.run_script(CLIENT.format(host=host, port=self.port, before=before))

    def python_server(self, talk, certificate="server", minimum=None, maximum=None):
        """Serves clients by `talk(connection)` until the test's end."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.path(certificate + ".crt"),
                                self.authority.path(certificate + ".key"))
        if maximum is not None:
            context.maximum_version = maximum
        listener = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        talk(connection)
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def answer(connection):
        connection.sendall(b"got " + connection.recv(100))
        connection.unwrap()

    def test_client_of_s_server(self):
        server = self.spawn("openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert",
                            "server.crt", "-key", "server.key", "-rev", "-naccept", "2",
                            stdin=subprocess.DEVNULL)
        self.wait_for_port()  # that was the first connection
        text = HEAD + f"""
i32 main()
{{
    i64 $h = tls.NewClient("localhost", {self.port});
    tls.LoadCa($h, "ca.crt");
    tls.Handshake($h);
    tls.Write($h, blob.FromText("olleh\\n"));
    printf("%s", blob.ToText(tls.Read($h, 100, 10000)));
    printf("%s %s\\n", tls.Version($h), tls.PeerSubject($h));
    return tls.Close($h);
}}
"""
        self.check(self.run_script(text), 0, "hello\nTLSv1.3 CN=server\n", "")
        server.wait(timeout=30)

    def test_client(self):
        self.python_server(self.answer)
        said = "shake 0\nTLSv1.3 CN=server\nwrote 6\ngot hello\nclose 0\n"
        self.check(self.client(), 0, said, "")
        self.check(self.client("127.0.0.1"), 0, said, "")
        self.check(self.client(before="tls.SetVerify($h, 0);"), 0, said, "")

    def test_client_of_tls_1_2(self):
        self.python_server(self.answer, maximum=ssl.TLSVersion.TLSv1_2)
        self.check(self.client(), 0,
                   "shake 0\nTLSv1.2 CN=server\nwrote 6\ngot hello\nclose 0\n", "")

    def refused(self, text, **arguments):
        result = self.client(**arguments)
        self.check(result, 1, "")
        self.assertIn(text, result.stderr)

    def test_client_verifies(self):
        self.authority.sign("elsewhere", names="DNS:example.org")
        self.python_server(self.answer, certificate="elsewhere")
        self.refused("tls.Handshake: localhost: the peer's certificate is not for localhost but for"
                     " example.org")
        self.refused("signed by an authority that is not trusted", before="")

    def test_cut_off(self):
        # The socket is shut down underneath TLS, which says no good-bye.
        def shut(connection):
            connection.recv(100)
            connection.sendall(b"half")
            raw = socket.socket(fileno=os.dup(connection.fileno()))
            raw.shutdown(socket.SHUT_RDWR)
            raw.close()
        self.python_server(shut)
        result = self.client()
        self.check(result, 1, "shake 0\nTLSv1.3 CN=server\nwrote 6\nhalf")
        self.assertIn("tls.Read: the connection was cut off", result.stderr)

    def test_silent_server(self):
        silent = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(silent.close)
        result = self.run_script(HEAD + f"""
i32 main() {{ return tls.Handshake(tls.NewClient("127.0.0.1", {self.port}), 200); }}
""")
        self.check(result, 1, "")
        self.assertIn("tls.Handshake: 127.0.0.1: the time limit has passed", result.stderr)

    def test_not_tls(self):
        plain = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(plain.close)

        def serve():
            connection, _ = plain.accept()
            connection.sendall(b"220 mail.example.org ready\r\n")
            connection.recv(1000)
            connection.close()

        threading.Thread(target=serve, daemon=True).start()
        self.refused("the peer does not speak TLS")

    # -- our server ---------------------------------------------------------------------------

    def server(self, count, before=""):
        process = self.start(SERVER.format(port=self.port, count=count, before=before))
        self.assertEqual(process.stdout.readline(), "ready 0\n")
        return process

    def server_said(self, process):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        return out

    def test_server_of_curl(self):
        server = self.server(2)
        for version in ("--tlsv1.3", "--tls-max"):
            more = [version] if version == "--tlsv1.3" else [version, "1.2"]
            done = subprocess.run(["curl", "-sS", "--cacert", "ca.crt", *more,
                                   f"https://localhost:{self.port}/"], cwd=self.folder,
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.stdout, "answer\n", done.stderr)
        self.assertEqual(self.server_said(server), "TLSv1.3 []\nTLSv1.2 []\nend 0\n")

    def test_server_of_s_client(self):
        server = self.server(1)
        done = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{self.port}",
                               "-CAfile", "ca.crt", "-verify_return_error", "-verify_hostname",
                               "localhost", "-quiet"], cwd=self.folder, input="GET /\n",
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("answer\n", done.stdout)
        self.assertEqual(self.server_said(server), "TLSv1.3 []\nend 0\n")

    def test_clients_with_certificates(self):
        self.authority.sign("client", names="DNS:client")
        server = self.server(1, 'tls.LoadCa($c, "ca.crt"); tls.SetVerify($c, 1);')
        done = subprocess.run(["curl", "-sS", "--cacert", "ca.crt", "--cert", "client.crt", "--key",
                               "client.key", f"https://localhost:{self.port}/"], cwd=self.folder,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.stdout, "answer\n", done.stderr)
        self.assertEqual(self.server_said(server), "TLSv1.3 [CN=client]\nend 0\n")

    def test_client_without_certificate(self):
        server = self.server(1, 'tls.LoadCa($c, "ca.crt"); tls.SetVerify($c, 1);')
        done = subprocess.run(["curl", "-sS", "--cacert", "ca.crt",
                               f"https://localhost:{self.port}/"], cwd=self.folder,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        _, err = server.communicate(timeout=60)
        self.assertEqual(server.returncode, 1)
        self.assertIn("tls.Handshake: the peer has shown no certificate, but one is required", err)

    # -- ours with ours, many bytes ------------------------------------------------------------

    def test_many_bytes(self):
        """4 MiB through TLS at once, both ways; the far end is a callback that echoes."""
        def echo(connection):
            total = 0
            parts = []
            while total < 4 << 20:
                parts.append(connection.recv(65536))
                total += len(parts[-1])
            connection.sendall(b"".join(parts))
            connection.unwrap()

        self.python_server(echo)
        text = HEAD + f"""
i32 main()
{{
    blob $b = blob.FromText("0123456789abcdef");
    for (i32 $i = 0; $i < 18; $i = $i + 1) {{ $b = blob.Concat($b, $b); }}
    i64 $h = tls.NewClient("localhost", {self.port});
    tls.LoadCa($h, "ca.crt");
    tls.Handshake($h);
    printf("%d\\n", tls.Write($h, $b));
    i64 $total = 0;
    i32 $same = 1;
    i32 $open = 1;
    while ($open == 1)
    {{
        blob $p = tls.Read($h, 1000000);
        if ($p.Length == 0) {{ $open = 0; }}
        else
        {{
            if (blob.Compare($p, blob.Slice($b, $total, $p.Length)) != 0) {{ $same = 0; }}
            $total = $total + $p.Length;
        }}
    }}
    printf("%d %d\\n", $total, $same);
    return tls.Close($h);
}}
"""
        self.check(self.run_script(text), 0, "4194304\n4194304 1\n", "")

    def test_many_threads(self):
        """Callbacks dial and callbacks serve, all at once and over one context."""
        result = self.run_script(HEAD + TCP + f"""
callback i32 Serves(ref blob $b)
{{
    i64 $h = tls.Accept(1, {self.port}, 20000);
    tls.Handshake($h);
    tls.Write($h, tls.Read($h, 1000));
    tls.Close($h);
    $b = blob.FromText("served");
    return(1);
}}
callback i32 Dials(ref blob $b)
{{
    i64 $h = tls.NewClient("localhost", {self.port});
    tls.LoadCa($h, "ca.crt");
    tls.Handshake($h);
    tls.Write($h, $b);
    $b = tls.Read($h, 1000);
    tls.Close($h);
    return(1);
}}
i32 main()
{{
    i64 $c = tls.NewServerContext("server.crt", "server.key");
    tls.Accept($c, {self.port}, 0);
    i64 $serves = callbacktcp.Open("Serves", 30000);
    i64 $dials = callbacktcp.Open("Dials", 30000);
    for (i32 $i = 0; $i < 20; $i = $i + 1)
    {{
        callbacktcp.BeginTextRequest($serves, "x", 30000);
        callbacktcp.BeginTextRequest($dials, "hello", 30000);
    }}
    for (i64 $j = 1; $j <= 40; $j = $j + 1)
    {{
        callbacktcp.WaitComplete($j, 30000);
        printf("%s\\n", callbacktcp.TakeTextResponse($j));
    }}
    return tls.CloseServerContext($c);
}}
""")
        self.check(result, 0, "served\nhello\n" * 20, "")

    # -- stopping ------------------------------------------------------------------------------

    def test_shutdown_ends_accept(self):
        process = self.start(HEAD + f"""
i32 main()
{{
    i64 $c = tls.NewServerContext("server.crt", "server.key");
    tls.Accept($c, {self.port}, 0);
    printf("ready\\n");
    printf("%d\\n", tls.Accept($c, {self.port}));
    return(0);
}}
""")
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out, err), (0, "0\n", ""))

    def test_time_limit_ends_read(self):
        silent = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(silent.close)
        result = self.run_script(HEAD + TCP + f"""
callback i32 Hangs(ref blob $b)
{{
    i64 $h = tls.NewClient("127.0.0.1", {self.port});
    tls.Handshake($h, -1);
    return(1);
}}
i32 main()
{{
    i64 $r = callbacktcp.Open("Hangs", 300);
    i64 $j = callbacktcp.BeginTextRequest($r, "x", 20000);
    callbacktcp.WaitComplete($j, 20000);
    printf("%d\\n", callbacktcp.Status($j));
    while (callbacktcp.Drained($r) == 0) {{ timer.SleepMs(1); }}
    printf("%d\\n", tls.Handshake(1, 100));
    return(0);
}}
""")
        # The handle lives on; nobody uses it any more, so that the last line finds it free.
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("the time limit has passed", result.stderr)
        self.assertNotIn("in use", result.stderr)

    # -- handles -------------------------------------------------------------------------------

    def fails(self, body, text, **options):
        result = self.run_script(HEAD + "i32 main()\n{\n" + body + "\nreturn(0);\n}\n", **options)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("runtime error: tls." + text, result.stderr)
        return result

    def test_wrong_calls(self):
        context = 'i64 $c = tls.NewServerContext("server.crt", "server.key"); '
        link = f'i64 $h = tls.NewClient("127.0.0.1", {self.port}); '
        silent = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(silent.close)
        self.authority.sign("other")
        cases = [
            ("tls.Close(1);", "Close: there is no handle 1"),
            ("tls.Close(-5);", "Close: there is no handle -5"),
            (context + "tls.Close($c);", "Close: handle 1 is a server's context"),
            (context + "tls.Read($c, 5);", "Read: handle 1 is a server's context"),
            (context + "tls.CloseServerContext($c); tls.CloseServerContext($c);",
             "CloseServerContext: handle 1 is closed"),
            (context + "tls.SetVerify($c, 1);", "SetVerify: whose signature clients need"),
            (context + "tls.SetVerify($c, 2);", "SetVerify: verify is 2; it must be 0 or 1"),
            (context + 'tls.LoadCa($c, "none.crt");', "LoadCa: cannot open none.crt: No such file"),
            (context + "tls.Accept($c, 0);", "Accept: port is 0; it must be 1..65535"),
            (context + f"tls.Accept($c, {self.port}, 0);",
             f"Accept: cannot listen on 127.0.0.1 port {self.port}: Address already in use"),
            (context + "tls.Accept($c, 65535, 0, \"nowhere\");",
             'Accept: "nowhere" is no IPv4 or IPv6 address'),
            (link + "tls.Read($h, 5);", "Read: the handshake has not been made"),
            (link + 'tls.Write($h, blob.FromText("x"));', "Write: the handshake has not been made"),
            (link + "tls.Accept($h, 5);", "Accept: handle 1 is a connection"),
            (link + "tls.Handshake($h, -2);", "Handshake: timeoutMs is -2"),
            (link + "tls.Close($h); tls.Close($h);", "Close: handle 1 is closed"),
            (link + 'tls.LoadCa($h, "");', "LoadCa: file is empty"),
            ('tls.NewClient("", 5);', "NewClient: host is empty"),
            ('tls.NewClient("x", 70000);', "NewClient: port is 70000"),
            ('tls.NewClient("no.such.host.invalid", 443);',
             "NewClient: no.such.host.invalid port 443: cannot find no.such.host.invalid: "),
            ('tls.NewServerContext("none.crt", "server.key");',
             "NewServerContext: cannot open none.crt: No such file"),
            ('tls.NewServerContext("server.crt", "other.key");',
             "NewServerContext: the key in other.key does not belong to the certificate in"),
        ]
        for body, text in cases:
            with self.subTest(body):
                self.fails(body, text)

    def test_bound_of_handles(self):
        text = 'for (i32 $i = 0; $i < 9; $i = $i + 1) ' \
               '{ printf("%d\\n", tls.NewServerContext("server.crt", "server.key")); }'
        environment = dict(os.environ, CALLBOARD_MAX_TLS_HANDLES="3")
        result = self.fails(text, "NewServerContext: 3 handles are open (CALLBOARD_MAX_TLS_HANDLES)",
                            env=environment)
        self.assertEqual(result.stdout, "1\n2\n3\n")
        text = 'for (i32 $i = 0; $i < 9; $i = $i + 1) ' \
               '{ tls.CloseServerContext(tls.NewServerContext("server.crt", "server.key")); }\n' \
               'printf("%d\\n", tls.NewServerContext("server.crt", "server.key"));'
        result = self.run_script(HEAD + "i32 main()\n{\n" + text + "\nreturn(0);\n}\n",
                                 env=environment)
        self.check(result, 0, "10\n", "")


if __name__ == "__main__":
    if shutil.which("openssl") is None or not os.path.exists(CALLBOARD):
        raise SystemExit("openssl and callboard are needed")
    unittest.main(verbosity=2)
