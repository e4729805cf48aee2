"""An HTTP service under test, and a client that takes nothing on trust: it sends bytes as they are
given and reads responses by RFC 9112, strictly."""

import collections
import os
import queue
import re
import socket
import threading

from support.cli import BLOB, HTTP, PRINT, STR, TIMER, WEB
from support.service import ServiceTest

PLUGINS = PRINT + TIMER + BLOB + STR + HTTP + WEB

# What a script of these tests ends with: it serves until it is told to end, then says what it did.
MAIN = """
i32 main()
{
    i64 $lid = callbackhttp.Open("OnRequest", %d, 0);
    printf("port %%d\\n", callbackhttp.Port($lid));
    while (callbackhttp.State($lid) == 1) { timer.SleepMs(60000); }
    callbackhttp.Close($lid);
    printf("%%s\\n", callbackhttp.RouteInfo($lid));
    return(0);
}
"""

Response = collections.namedtuple("Response", "version status reason fields body head")


def service(callback, timeout_ms=60000):
    """The whole script around `callback i32 OnRequest`."""
    return PLUGINS + callback + MAIN % timeout_ms


# Answers with what it was given, byte for byte, and says on its output that it ran.
LOGGING = service("""
callback i32 OnRequest(ref blob $R)
{
    printf("ran %s\\n", blob.ToHex($R));
    if (web.HttpRequestPath($R) == "/slow") { timer.SleepMs(30); }
    $R = web.HttpBlobResponse(200, "application/octet-stream", $R);
    return(1);
}
""")


class BadResponse(Exception):
    """Bytes that are no response."""


def one_field(fields, name):
    """The value of a field that stands at most once; None if it is not there."""
    values = [value for field, value in fields if field == name]
    if len(values) > 1:
        raise BadResponse(f"{name} stands {len(values)} times")
    return values[0] if values else None


def split_head(head):
    """Status line and fields; `head` is without the empty line."""
    lines = head.split(b"\r\n")
    status = re.fullmatch(rb"(HTTP/1\.[01]) ([1-5][0-9][0-9]) ([\t -~]*)", lines[0])
    if status is None:
        raise BadResponse(f"status line {lines[0]!r}")
    fields = []
    for line in lines[1:]:
        field = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*", line)
        if field is None:
            raise BadResponse(f"field line {line!r}")
        fields.append((field.group(1).decode().lower(), field.group(2).decode("latin-1")))
    return status.group(1).decode(), int(status.group(2)), status.group(3).decode(), fields


class Client:
    """One connection."""

    def __init__(self, port, timeout_s=30, host="127.0.0.1", receive_buffer=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout_s)
        try:
            self.socket.connect((host, port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        self.over = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_while_it_may(self, data, step=1):
        """In pieces; a server that has refused the request need not take all of them."""
        for at in range(0, len(data), step):
            try:
                self.socket.sendall(data[at:at + step])
            except (BrokenPipeError, ConnectionResetError):
                return

    def more(self):
        """False at the end."""
        if self.over:
            return False
        part = self.socket.recv(1 << 20)
        self.over = not part
        self.unread += part
        return not self.over

    def take(self, size):
        """Exactly so many bytes."""
        parts = [self.unread[:size]]
        missing = size - len(parts[0])
        self.unread = self.unread[size:]
        while missing > 0:
            part = self.socket.recv(min(missing, 1 << 20))
            if not part:
                raise BadResponse(f"the end, {missing} of {size} bytes before it should be")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def take_line(self):
        while b"\r\n" not in self.unread:
            if not self.more():
                raise BadResponse(f"the end in the line {self.unread!r}")
        line, self.unread = self.unread.split(b"\r\n", 1)
        return line

    def take_chunks(self):
        body = b""
        while True:
            size = int(re.fullmatch(rb"[0-9A-Fa-f]{1,8}", self.take_line()).group(), 16)
            if size == 0:
                break
            body += self.take(size)
            if self.take(2) != b"\r\n":
                raise BadResponse("a chunk that does not end where it says")
        while self.take_line():
            pass
        return body

    def response(self, to_head=False):
        """The next response; None at an end that comes before its first byte."""
        while b"\r\n\r\n" not in self.unread:
            if not self.more():
                if self.unread:
                    raise BadResponse(f"the end in the head {self.unread!r}")
                return None
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        version, status, reason, fields = split_head(head)
        length = one_field(fields, "content-length")
        coding = one_field(fields, "transfer-encoding")
        if coding is not None and (coding != "chunked" or length is not None):
            raise BadResponse(f"Transfer-Encoding {coding}, Content-Length {length}")
        if to_head or status < 200 or status in (204, 304):
            body = b""
        elif coding is not None:
            body = self.take_chunks()
        elif length is not None:
            body = self.take(int(length))
        else:
            while self.more():
                pass
            body, self.unread = self.unread, b""
        return Response(version, status, reason, fields, body, head)

    def final_response(self):
        """The same without the interim ones, which a client gets that takes its time."""
        while (response := self.response()) is not None and response.status == 100:
            pass
        return response

    def all_responses(self):
        """Up to the end of the connection, which must be an orderly one."""
        found = []
        while (each := self.final_response()) is not None:
            found.append(each)
        return found


class HttpTest(ServiceTest):
    def set_limit(self, name, value):
        """An environment variable for the services that the test starts."""
        before = os.environ.get(name)
        os.environ[name] = str(value)

        def restore():
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before

        self.addCleanup(restore)

    @staticmethod
    def sockets(process):
        """How many network sockets it has open."""
        count = 0
        for name in os.listdir(f"/proc/{process.pid}/fd"):
            try:
                count += os.readlink(f"/proc/{process.pid}/fd/{name}").startswith("socket:")
            except FileNotFoundError:
                pass  # closed meanwhile
        return count

    def assert_status(self, response, status, said=""):
        self.assertIsNotNone(response, f"no response {said}")
        self.assertEqual(response.status, status, f"{response.head} {said}")


class LoggingService:
    """LOGGING, and what its callback was given so far."""

    def __init__(self, test, *arguments):
        self.test = test
        self.process, self.port = test.serve(LOGGING, *arguments)
        self.runs = queue.SimpleQueue()
        self.last_line = None
        self.marks = 0
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        test.addCleanup(self.reader.join)
        test.addCleanup(self.process.kill)
        self.steady = Client(self.port)
        test.addCleanup(self.steady.socket.close)

    def read(self):
        for line in self.process.stdout:
            if line.startswith("ran "):
                self.runs.put(bytes.fromhex(line[4:]))
            else:
                self.last_line = line

    def round_trip(self):
        """A request on a connection of its own; the request. The listener is one thread, so it has
        looked at whatever reached it before."""
        self.marks += 1
        mark = b"GET /mark/%d HTTP/1.1\r\nHost: a\r\n\r\n" % self.marks
        self.steady.send(mark)
        response = self.steady.response()
        self.test.assert_status(response, 200)
        self.test.assertEqual(response.body, mark)
        return mark

    def ran(self):
        """The requests for which a callback ran since this was called last, in the order in which
        they ran; round trips are left out."""
        mark = self.round_trip()
        found = []
        while (run := self.runs.get(timeout=30)) != mark:
            if not run.startswith(b"GET /mark/"):
                found.append(run)
        return found
