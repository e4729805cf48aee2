"""A script whose route speaks TLS as told by requests to a second, plain route."""

import socket
import ssl

from support.certificates import Authority
from support.cli import BLOB, PRINT, STR, TCP, TIMER
from support.service import ServiceTest, info_pairs

# A control request is the name of a certificate, with which the route speaks TLS from then on, or
# empty: the answer is the route's state.
SERVICE = (
    PRINT
    + TIMER
    + TCP
    + BLOB
    + STR
    + """
callback i32 Echo(ref blob $X)
{
    if ($X.Length > 0) { $X[0] = $X[0]; }
    return(1);
}

callback i32 Control(ref blob $X)
{
    if ($X.Length > 0)
    {
        string $name = blob.ToText($X);
        callbacktcp.EnableTls(1, str.Concat($name, ".crt"), str.Concat($name, ".key"));
        $X = blob.FromText("enabled");
        return(1);
    }
    $X = blob.FromText(callbacktcp.Info(1));
    return(1);
}

i32 main()
{
    i64 $lid = callbacktcp.Open("Echo", 60000);
    i64 $control = callbacktcp.Open("Control", 60000);
    printf("port %d\\n", callbacktcp.Port($lid));
    printf("%d\\n", callbacktcp.Port($control));
    while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }
    callbacktcp.Close($lid);
    return(0);
}
"""
)


class TlsClient:
    """A connection whose two directions end one after the other, which those of the module ssl do
    not. It trusts what the context does."""

    def __init__(self, port, context, session=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost",
                                    session=session)
        self.plain = socket.create_connection(("127.0.0.1", port), timeout=60)
        try:
            self.go_on(self.tls.do_handshake)
        except BaseException:
            self.plain.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.plain.close()

    def go_on(self, call):
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                self.flush()
                came = self.plain.recv(65536)
                if came:
                    self.incoming.write(came)
                else:
                    self.incoming.write_eof()
            else:
                self.flush()
                return result

    def flush(self):
        if self.outgoing.pending:
            self.plain.sendall(self.outgoing.read())

    def send(self, request):
        self.tls.write(request)
        self.flush()

    def say_goodbye(self):
        """The close_notify; the other side's is not awaited."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()

    def read_all(self):
        parts = [None]
        while parts[-1] != b"":
            try:
                parts.append(self.go_on(lambda: self.tls.read(65536)))
            except ssl.SSLZeroReturnError:  # the same as b"", for one that has said good-bye
                break
        return b"".join(parts[1:])

    def peer(self):
        """The name in the peer's certificate."""
        return dict(pair[0] for pair in self.tls.getpeercert()["subject"])["commonName"]


class TlsServiceTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.authority.sign("server")
        self.process, self.port = self.serve(SERVICE)
        self.control_port = int(self.process.stdout.readline())

    def enable(self, name="server"):
        self.assertEqual(self.exchange(self.control_port, name.encode()), b"enabled")

    def info(self, accepted):
        """What the route says once so many connections have come to their end."""
        while True:
            pairs = self.route_now()
            if pairs["drained"] == "1" and int(pairs["accepted"]) >= accepted:
                self.assertEqual(int(pairs["accepted"]), accepted, pairs)
                return pairs

    def route_now(self):
        return info_pairs(self.exchange(self.control_port, b"").decode())

    def ends(self, completed, dropped):
        info = self.info(completed + dropped)
        self.assertEqual((info["completed"], info["dropped"]), (str(completed), str(dropped)))

    def context(self, ca="ca.crt"):
        """A client that trusts our authority."""
        return ssl.create_default_context(cafile=self.authority.path(ca))

    def connect(self, context=None):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return (context or self.context()).wrap_socket(plain, server_hostname="localhost")

    def tls_exchange(self, request, context=None):
        """One request, ended by a good-bye of its own; the whole answer."""
        with TlsClient(self.port, context or self.context()) as client:
            client.send(request)
            client.say_goodbye()
            return client.read_all()
