#!/usr/bin/env python3
"""A script's TLS clients (asynctcp.ConnectTls) and `openssl s_server`: what they agree on, whom they
refuse and what the server is told of it, and streams that are cut off."""

import re
import subprocess
import unittest

from support.certificates import Authority
from support.cli import BLOB, PRINT, TIMER, TIMEOUT_S, CliTest

# Says each event in words, with its bytes; os.Args: the host, the port, the authority's file.
CLIENT = (
    PRINT
    + TIMER
    + BLOB
    + """plugin "../plugins/async_tcp/AsyncTcpPlugin";
plugin "../plugins/str/StrPlugin";
plugin "builtin:os";

callback i32 OnRead(ref blob $Event)
{
    printf("read: %s", blob.ToText(asynctcp.EventBytes($Event)));
    return(1);
}

callback i32 OnEvent(ref blob $Event)
{
    i32 $kind = asynctcp.EventKind($Event);
    i64 $socket = asynctcp.EventSocket($Event);
    if ($kind == asynctcp.KindConnected()) { asynctcp.WriteText($socket, "olleh\\n"); }
    if ($kind == asynctcp.KindEof()) { asynctcp.TryClose($socket); }
    printf("%s: %s\\n", asynctcp.EventText($kind), blob.ToText(asynctcp.EventBytes($Event)));
    return(1);
}

i32 main()
{
    i64 $socket = asynctcp.ConnectTls(os.Args(0), (i32)str.ToInt(os.Args(1)), "OnRead", "OnEvent",
                                      os.Args(2));
    while (asynctcp.Closed($socket) == 0) { timer.SleepMs(2); }
    return(0);
}
"""
)


class Clients(CliTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)

    def s_server(self, name, *more):
        """Answers each line with the line reversed; the process and its port."""
        server = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-rev", "-cert",
             self.authority.path(name + ".crt"), "-key", self.authority.path(name + ".key"), *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, server)
        for line in server.stdout:
            found = re.match(r"ACCEPT 127\.0\.0\.1:(\d+)", line)
            if found:
                return server, int(found.group(1))
        return self.fail(server.stderr.read())

    def connect(self, port, host="localhost", ca="ca"):
        return self.start_file(self.write("client.dom", CLIENT),
                               given=(host, str(port), self.authority.path(ca + ".crt")))

    def said(self, client):
        out, err = client.communicate(timeout=TIMEOUT_S)
        self.assertEqual((client.returncode, err), (0, ""), out)
        return out

    def test_both_versions(self):
        self.authority.sign("server")
        for version in ("-tls1_2", "-tls1_3"):
            server, port = self.s_server("server", version)
            client = self.connect(port)
            self.assertEqual(client.stdout.readline(), "connected: \n")
            self.assertEqual(client.stdout.readline(), "read: hello\n")
            server.kill()
            self.assertEqual(self.said(client),
                             "TLS stream cut off: the connection ended before the TLS stream did\n")

    def refuses(self, name, why, alert, host="localhost", ca="ca"):
        """The client says why, and the server is told by an alert and not by a reset."""
        server, port = self.s_server(name, "-naccept", "1")
        out = self.said(self.connect(port, host, ca))
        self.assertRegex(out, r"\ATLS failed: .*" + why + r".*\n\Z")
        _, err = server.communicate(timeout=TIMEOUT_S)
        self.assertIn(alert, err)

    def test_whom_they_refuse(self):
        self.authority.sign("server")
        self.authority.sign("elsewhere", names="DNS:elsewhere.example")
        self.authority.sign("named", names="DNS:localhost")
        self.authority.sign("expired", days="-1")
        Authority(self.folder, name="self")
        self.refuses("elsewhere", "not for localhost but for elsewhere.example", "alert")
        self.refuses("named", r"not for 127\.0\.0\.1 but for localhost", "alert", host="127.0.0.1")
        self.refuses("expired", "certificate has expired", "alert certificate expired")
        self.refuses("self", "self-signed and not among the trusted ones", "alert unknown ca")
        self.refuses("server", "signed by an authority that is not trusted", "alert unknown ca",
                     ca="self")

    def test_old_versions_are_refused(self):
        self.authority.sign("server")
        server, port = self.s_server("server", "-naccept", "1", "-tls1_1", "-cipher",
                                     "ALL:@SECLEVEL=0")
        self.assertRegex(self.said(self.connect(port)), r"\ATLS failed: .*protocol version\n\Z")
        server.communicate(timeout=TIMEOUT_S)


if __name__ == "__main__":
    unittest.main()
