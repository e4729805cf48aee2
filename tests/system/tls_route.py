#!/usr/bin/env python3
"""A script's route speaks TLS: other people's clients, bad certificates, cut-off streams, clients
in plain text, and requests of the script itself."""

import os
import shutil
import socket
import ssl
import subprocess
import unittest

from support.cli import BLOB, BUILD, CALLBOARD, PRINT, TCP, TIMER, CliTest
from support.certificates import Authority
from support.service import read_all
from support.tls_service import TlsClient, TlsServiceTest

HTTP = "HTTP/1.0 200 OK\\r\\nContent-Length: 7\\r\\n\\r\\nanswer\\n"


def run(*command, given=b""):
    return subprocess.run(command, input=given, capture_output=True, timeout=60, check=False)


class Clients(TlsServiceTest):
    def test_python(self):
        self.enable()
        for size in (1, 100, 5000, 1 << 20):
            text = os.urandom(size)
            self.assertEqual(self.tls_exchange(text), text)

    def test_openssl_s_client(self):
        self.enable()
        for version in ("-tls1_2", "-tls1_3"):
            # It ends with its input, so that is kept open until the answer has come.
            client = subprocess.Popen(
                ["openssl", "s_client", "-quiet", "-verify_return_error", version, "-CAfile",
                 self.authority.path("ca.crt"), "-verify_hostname", "localhost", "-connect",
                 f"127.0.0.1:{self.port}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            client.stdin.write(b"from s_client\n")
            client.stdin.flush()
            with client:
                said = client.stdout.read()
            self.assertEqual(said, b"from s_client\n")

    def test_older_versions_are_refused(self):
        self.enable()
        done = run("openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect",
                   f"127.0.0.1:{self.port}")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("alert protocol version", done.stderr.decode())
        self.ends(completed=0, dropped=1)

    def test_a_short_silence_ends_a_request_too(self):
        self.enable()
        with self.connect() as client:
            client.sendall(b"all")
            self.assertEqual(read_all(client), b"all")
        self.ends(completed=1, dropped=0)

    def test_the_end_of_a_clients_stream_ends_its_request(self):
        self.enable()
        with TlsClient(self.port, self.context()) as client:
            client.send(b"all")
            client.say_goodbye()
            client.plain.shutdown(socket.SHUT_WR)
            self.assertEqual(client.read_all(), b"all")
        self.ends(completed=1, dropped=0)

    def test_a_stream_that_is_cut_off_is_no_request(self):
        self.enable()
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        client = self.context().wrap_socket(plain, server_hostname="localhost")
        client.sendall(b"pay 10 euros")
        # FIN without a close_notify, with the record before it in one go.
        socket.socket(fileno=client.detach()).close()
        self.ends(completed=0, dropped=1)
        self.assertEqual(self.tls_exchange(b"others"), b"others")

    def test_clients_in_plain_text_are_dropped_and_counted(self):
        self.enable()
        for text in (b"x", b"GET / HTTP/1.0\r\n\r\n", b"plain text " * 1000):
            with self.assertRaises(ConnectionError):
                if self.exchange(self.port, text) != b"":
                    self.fail("answered")
                raise AssertionError("took it for an answer")
        self.assertEqual(self.tls_exchange(b"secret"), b"secret")
        self.ends(completed=1, dropped=3)

    def test_what_an_alert_can_answer_is_not_reset(self):
        """A peer that speaks TLS wrongly reads the alert and then the end, although most of what
        it sent was never looked at."""
        self.enable()
        wrong = b"\x16\x03\x01\x00\x05" + b"\xff\x00\x00\x01\x00"  # no ClientHello
        for text in (wrong, wrong + b"\x16\x03\x01\x40\x00" + b"y" * 200000):
            said = self.exchange(self.port, text, half_close=False)
            self.assertEqual(len(said), 7, said)
            self.assertEqual((said[0], said[1], said[3:6]), (21, 3, b"\x00\x02\x02"))
        self.ends(completed=0, dropped=2)

    def test_tls_clients_of_a_plain_route_fail_and_harm_nobody(self):
        with self.assertRaises((ssl.SSLError, OSError)):
            self.tls_exchange(b"x")
        self.assertEqual(self.exchange(self.port, b"plain"), b"plain")

    def test_nothing_said_in_a_handshake_is_no_request(self):
        self.enable()
        for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as client:
                client.sendall(said)
        self.ends(completed=0, dropped=2)


class Judgement(TlsServiceTest):
    """What clients that verify say of certificates, and that the route goes on."""

    def judged(self, name, host, status, what):
        self.enable(name)
        done = run("curl", "--silent", "--show-error", "--max-time", "30", "--cacert",
                   self.authority.path("ca.crt"), "--resolve", f"{host}:{self.port}:127.0.0.1",
                   f"https://{host}:{self.port}/")
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(what, done.stderr.decode())

    def test_certificates(self):
        self.assertIsNotNone(shutil.which("curl"), "curl is not installed; run ./dev setup")
        self.authority.sign("elsewhere", names="DNS:elsewhere.example")
        self.authority.sign("expired", days="-1")
        Authority(self.folder, name="self")  # signs itself
        self.judged("elsewhere", "localhost", 60, "no alternative certificate subject name matches")
        self.judged("expired", "localhost", 60, "certificate has expired")
        self.judged("self", "localhost", 60, "self-signed")
        self.enable()
        self.assertEqual(self.tls_exchange(b"fine"), b"fine")
        # Names are looked at after the handshake, so that one said good-bye without a request.
        self.ends(completed=2, dropped=2)


SCRIPT = (
    PRINT
    + TCP
    + TIMER
    + BLOB
    + """
callback i32 Answer(ref blob $X)
{{
    {answer}
    return(1);
}}

i32 main()
{{
    i64 $lid = callbacktcp.Open("Answer", 60000);
    {body}
    return(0);
}}
"""
)


class Scripts(CliTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        for name in ("server", "second"):
            self.authority.sign(name)

    def run_main(self, body, answer="$X[0] = $X[0];", **options):
        return self.run_script(SCRIPT.format(body=body, answer=answer), **options)

    def test_curl_gets_a_page(self):
        process = self.start(SCRIPT.format(
            answer=f'$X = blob.FromText("{HTTP}");',
            body='callbacktcp.EnableTls($lid, "server.crt", "server.key");'
                 'printf("%d\\n", callbacktcp.Port($lid));'
                 'while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }'))
        port = int(process.stdout.readline())
        done = run("curl", "--silent", "--show-error", "--max-time", "30", "--cacert",
                   self.authority.path("ca.crt"), f"https://localhost:{port}/")
        self.assertEqual((done.returncode, done.stdout), (0, b"answer\n"), done.stderr)

    def test_requests_of_the_script(self):
        done = self.run_main("""
    printf("%s\\n", callbacktcp.RequestText($lid, "plain", 60000));
    printf("%d\\n", callbacktcp.EnableTls($lid, "server.crt", "server.key"));
    printf("%s\\n", callbacktcp.RequestText($lid, "secret", 60000));
    printf("%d\\n", callbacktcp.EnableTls($lid, "server.crt", "server.key"));
    printf("%s\\n", callbacktcp.RequestText($lid, "the same", 60000));
    printf("%d\\n", callbacktcp.EnableTls($lid, "second.crt", "second.key"));
    printf("%s\\n", callbacktcp.RequestText($lid, "another", 60000));
    printf("%d\\n", callbacktcp.Close($lid));""")
        self.check(done, 0, "plain\n0\nsecret\n0\nthe same\n0\nanother\n0\n", "")

    def test_a_request_from_inside_a_callback(self):
        done = self.run_main("""
    i64 $inner = callbacktcp.Open("Inner", 60000);
    callbacktcp.EnableTls($inner, "server.crt", "server.key");
    callbacktcp.EnableTls($lid, "second.crt", "second.key");
    printf("%s\\n", callbacktcp.RequestText($lid, "through both", 60000));""",
                             answer="$X = blob.FromText(callbacktcp.RequestText(2, "
                                    "blob.ToText($X), 60000)); return(1);\n}\n"
                                    "callback i32 Inner(ref blob $X)\n{\n$X[0] = $X[0];")
        self.check(done, 0, "through both\n", "")

    def refused(self, certificate, key, *parts):
        done = self.run_main(f'callbacktcp.EnableTls($lid, "{certificate}", "{key}");')
        self.check(done, 1)
        for part in ("runtime error: callbacktcp.EnableTls: ", *parts):
            self.assertIn(part, done.stderr)

    def test_files_that_do_not_do(self):
        self.write("rubbish.crt", "not a certificate\n")
        self.refused("server.crt", "second.key", "second.key", "server.crt")
        self.refused("missing.crt", "server.key", "missing.crt")
        self.refused("rubbish.crt", "server.key", "rubbish.crt")
        self.refused("", "server.key", "certFile is empty")
        self.refused("server.crt", "", "keyFile is empty")

    def test_without_the_plugin(self):
        """The error names what is missing, and the route goes on in plain text."""
        plugins = os.path.join(self.folder, "alone", "plugins")
        alone = os.path.join(self.folder, "alone", "bin", "callboard")
        shutil.copytree(os.path.join(BUILD, "plugins"), plugins,
                        ignore=shutil.ignore_patterns("tls"))
        os.mkdir(os.path.dirname(alone))
        shutil.copy(CALLBOARD, alone)  # plugins are also looked for beside the program
        script = SCRIPT.format(body="""
    i64 $r = callbacktcp.BeginTextRequest(callbacktcp.Open("Enables", 60000), "1", 60000);
    callbacktcp.WaitComplete($r, -1);
    printf("%s\\n", callbacktcp.ErrorText($r));
    printf("%s\\n", callbacktcp.RequestText($lid, "plain", 60000));""",
                             answer='$X[0] = $X[0]; return(1);\n}\ncallback i32 Enables('
                                    'ref blob $X)\n{\ncallbacktcp.EnableTls(1, "server.crt", '
                                    '"server.key");')
        done = subprocess.run([alone, "run", self.write("script.dom", script)], cwd=self.folder,
                              capture_output=True, text=True, timeout=60, check=False,
                              env=dict(os.environ, CALLBOARD_PLUGIN_PATH=plugins))
        self.check(done, 0)
        self.assertRegex(done.stdout, "callbacktcp.EnableTls: .*tls/TlsPlugin")
        self.assertTrue(done.stdout.endswith("\nplain\n"), done.stdout)


if __name__ == "__main__":
    unittest.main()
