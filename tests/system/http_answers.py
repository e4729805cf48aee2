#!/usr/bin/env python3
"""What comes back: the callback's bytes unchanged and the connection kept open behind those whose
end a client can see, the listener's own answers for all that gives none, Expect, HEAD, HTTP/1.0,
and the time limits of a connection."""

import socket
import time
import unittest

from support.http_service import PLUGINS, BadResponse, Client, HttpTest, service

# The body of the request is the response.
SERVICE = service("""
i32 Fail() { i32 $zero = 0; return(1 / $zero); }

callback i32 OnRequest(ref blob $R)
{
    string $path = web.HttpRequestPath($R);
    if ($path == "/nothing") { return(1); }
    if ($path == "/refuse") { $R[0] = 65; return(0); }
    if ($path == "/fail") { return(Fail()); }
    if ($path == "/slow") { timer.SleepMs(60000); }
    if ($path == "/busy") { while (1 == 1) { } }
    if ($path == "/empty") { $R = web.HttpRequestBody($R); return(1); }
    if ($path == "/text") { $R = web.HttpTextResponse(200, "text/plain", "text", $R); return(1); }
    $R = web.HttpRequestBody($R);
    return(1);
}
""", timeout_ms=1000)
TEXT = b"GET /text HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def ask(response=b"", path=b"/raw", method=b"POST", version=b"HTTP/1.1", fields=b""):
    return (b"%s %s %s\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s" %
            (method, path, version, fields, len(response), response))


# Section of RFC 9112, what the callback's bytes are, and whether another response may follow them.
RESPONSES = [
    ("6.3", OK + b"Content-Length: 5\r\n\r\nhello", True),
    ("6.3", OK + b"content-length: 0\r\n\r\n", True),
    ("7.1", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True),
    ("7.1", OK + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", True),
    ("6.3", b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ("6.3", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", True),
    ("4", b"HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n", True),
    ("9.3", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
    ("9.3", b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
    ("9.6", OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", False),
    ("9.6", OK + b"Connection: x, CLOSE\r\nContent-Length: 5\r\n\r\nhello", False),
    ("6.3", OK + b"\r\nhello", False),
    ("6.3", OK + b"Content-Length: 4\r\n\r\nhello", False),
    ("6.3", OK + b"Content-Length: 6\r\n\r\nhello", False),
    ("6.3", OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", False),
    ("6.3", OK + b"Content-Length: +5\r\n\r\nhello", False),
    ("6.1", OK + b"Content-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     False),
    ("7.1", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", False),
    ("7.1", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nmore", False),
    ("6.3", b"HTTP/1.1 204 No Content\r\n\r\nhello", False),
    ("6.3", b"HTTP/1.1 100 Continue\r\n\r\n", False),
    ("2.2", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", False),
    ("5.1", OK + b"Content-Length : 5\r\n\r\nhello", False),
    ("4", b"HTTP/2 200 OK\r\nContent-Length: 5\r\n\r\nhello", False),
    ("4", b"hello", False),
    ("4", b"\0", False),
]


class Responses(HttpTest):
    def setUp(self):
        super().setUp()
        self.process, self.port = self.serve(SERVICE)

    def check_raw(self, request, response, stays_open):
        """Exactly these bytes; then the connection's next answer, or its end."""
        with Client(self.port) as client:
            client.send(request)
            self.assertEqual(client.take(len(response)), response)
            if stays_open:
                client.send(TEXT)
                self.assertEqual(client.response().body, b"text")
            else:
                self.assertFalse(client.more(), client.unread)

    def test_bytes_go_out_unchanged(self):
        for section, response, stays_open in RESPONSES:
            with self.subTest(section=section, response=response):
                self.check_raw(ask(response), response, stays_open)
                self.check_raw(ask(response, fields=b"Connection: close\r\n"), response, False)

    def test_nothing_behind_a_response_that_ends_the_connection(self):
        for section, response, stays_open in RESPONSES:
            with self.subTest(section=section, response=response), Client(self.port) as client:
                client.send(ask(response) + TEXT)
                self.assertEqual(client.take(len(response)), response)
                if stays_open:
                    self.assertEqual(client.response().body, b"text")
                else:
                    self.assertFalse(client.more(), client.unread)

    def test_head(self):
        """RFC 9110, 9.3.2: a length, no body, and the connection stays open."""
        for response in (OK + b"Content-Length: 5\r\n\r\n",
                         OK + b"Transfer-Encoding: chunked\r\n\r\n", OK + b"\r\n"):
            with self.subTest(response):
                self.check_raw(ask(response, method=b"HEAD"), response, True)
        self.check_raw(ask(OK + b"Content-Length: 5\r\n\r\nhello", method=b"HEAD"),
                       OK + b"Content-Length: 5\r\n\r\nhello", False)
        with Client(self.port) as client:
            client.send(TEXT.replace(b"GET", b"HEAD") + TEXT)
            response = client.response(to_head=True)
            self.assertIn(("content-length", "4"), response.fields)
            self.assertEqual(client.response().body, b"text")

    def test_http_1_0(self):
        """RFC 9112, 9.3: it closes, unless the client and the response both say otherwise."""
        whole = OK + b"Content-Length: 5\r\n\r\nhello"
        kept = OK + b"Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"
        asks_to_stay = b"Connection: keep-alive\r\n"
        chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        old = {"version": b"HTTP/1.0"}
        self.check_raw(ask(whole, **old), whole, False)
        self.check_raw(ask(kept, **old), kept, False)
        self.check_raw(ask(kept, fields=asks_to_stay, **old), kept, True)
        self.check_raw(ask(chunked, fields=asks_to_stay, **old), chunked, False)

    def test_no_bytes_close_the_connection(self):
        for path in (b"/nothing", b"/empty"):
            with self.subTest(path), Client(self.port) as client:
                client.send(ask(path=path) + TEXT)
                self.assertEqual(client.all_responses(), [])

    def own_answer(self, status, *requests):
        with Client(self.port) as client:
            client.send(b"".join(requests) + TEXT)
            responses = client.all_responses()
            self.assertEqual([each.status for each in responses],
                             [200] * (len(requests) - 1) + [status])
            self.assertIn(("connection", "close"), responses[-1].fields)
            self.assertIn("content-length", dict(responses[-1].fields))

    def test_own_answers(self):
        self.own_answer(500, ask(path=b"/refuse"))
        self.own_answer(500, ask(path=b"/fail"))
        self.own_answer(500, TEXT, ask(path=b"/fail"))
        self.own_answer(504, ask(path=b"/slow"))
        self.own_answer(504, ask(path=b"/busy"))

    def test_own_answers_to_head_have_no_body(self):
        with Client(self.port) as client:
            client.send(ask(path=b"/fail", method=b"HEAD"))
            self.assert_status(client.response(to_head=True), 500)
            self.assertIsNone(client.response())

    def test_expectation(self):
        """RFC 9110, 10.1.1."""
        body = OK + b"Content-Length: 5\r\n\r\nhello"
        request = ask(body, fields=b"Expect: 100-continue\r\n")
        head = request[:-len(body)]
        for _ in range(3):
            with Client(self.port) as client:
                client.send(head)
                self.assertEqual(client.take(25), b"HTTP/1.1 100 Continue\r\n\r\n")
                client.send(body)
                self.assertEqual(client.response().body, b"hello")
                client.send(head)  # and once more on the same connection
                self.assertEqual(client.take(25), b"HTTP/1.1 100 Continue\r\n\r\n")
                client.send(body + TEXT)
                self.assertEqual(client.response().body, b"hello")
                self.assertEqual(client.response().body, b"text")

    def test_expectation_behind_another_request(self):
        """100 is an answer too: not before the answers that come first."""
        body = OK + b"Content-Length: 0\r\n\r\n"
        head = ask(body, fields=b"Expect: 100-continue\r\n")[:-len(body)]
        with Client(self.port) as client:
            client.send(TEXT + head)
            self.assertEqual(client.response().body, b"text")
            self.assertEqual(client.take(25), b"HTTP/1.1 100 Continue\r\n\r\n")
            client.send(body)
            self.assert_status(client.response(), 200)

    def test_expectation_of_http_1_0_is_ignored(self):
        body = OK + b"Content-Length: 0\r\n\r\n"
        request = ask(body, version=b"HTTP/1.0", fields=b"Expect: 100-continue\r\n")
        with Client(self.port) as client:
            client.send(request[:-len(body)])
            with Client(self.port) as other:
                other.send(TEXT)
                self.assert_status(other.response(), 200)
            client.send(body)
            self.assert_status(client.response(), 200)


class Overload(HttpTest):
    def test_503_when_the_queue_is_full(self):
        self.set_limit("CALLBOARD_MAX_ACTORS", 1)
        self.set_limit("CALLBOARD_MAX_QUEUED", 4)
        self.set_limit("CALLBOARD_HAND_BATCH", 1)
        _, port = self.serve(SERVICE)
        slow = ask(path=b"/slow")
        clients = [Client(port) for _ in range(12)]
        for client in clients:
            self.addCleanup(client.socket.close)
            client.send(slow)
        statuses = [client.response().status for client in clients]
        self.assertEqual(set(statuses), {503, 504})
        self.assertGreaterEqual(statuses.count(503), 12 - 4 - 2)
        self.assertGreaterEqual(statuses.count(504), 4)

    def test_503_when_the_route_closes(self):
        """What waits for its turn is told; what runs may finish."""
        self.set_limit("CALLBOARD_MAX_ACTORS", 1)
        _, port = self.serve(PLUGINS + """
callback i32 OnRequest(ref blob $R)
{
    if (web.HttpRequestPath($R) == "/close") { callbackhttp.RouteClose(1); }
    timer.SleepMs(300);
    $R = web.HttpTextResponse(200, "text/plain", "ran");
    return(1);
}
i32 main()
{
    i64 $lid = callbackhttp.Open("OnRequest", 60000, 0);
    printf("port %d\\n", callbackhttp.Port($lid));
    while (callbackhttp.State($lid) == 1) { timer.SleepMs(20); }
    callbackhttp.WaitDrained($lid, -1);
    return(0);
}
""")
        first = Client(port)
        self.addCleanup(first.socket.close)
        first.send(b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n")
        others = []
        try:
            while True:  # until the port is closed
                others.append(Client(port))
                self.addCleanup(others[-1].socket.close)
                others[-1].send(TEXT)
        except OSError:
            self.assertGreater(len(others), 1)
        self.assert_status(first.response(), 200)
        seen = set()
        for client in others:
            try:
                response = client.response()
                seen.add(response and response.status)
            except (ConnectionResetError, BadResponse) as error:
                seen.add(type(error))
        self.assertIn(503, seen)
        self.assertLessEqual(seen, {200, 503, None, ConnectionResetError})


class Times(HttpTest):
    def setUp(self):
        super().setUp()
        self.set_limit("CALLBOARD_HTTP_HEAD_MS", 400)
        self.set_limit("CALLBOARD_HTTP_IDLE_MS", 400)
        self.set_limit("CALLBOARD_HTTP_PACE_MS", 400)
        self.process, self.port = self.serve(SERVICE)

    def check_end(self, sent, statuses, trickle=b"", least_s=0.3):
        """Closed after about the limit, however the client goes on."""
        with Client(self.port) as client:
            begin = time.monotonic()
            client.send(sent)
            client.socket.settimeout(0.05 if trickle else 30)
            found = []
            while True:
                try:
                    response = client.response()
                except socket.timeout:
                    self.assertLess(time.monotonic() - begin, 30)
                    client.send_while_it_may(trickle)
                    continue
                if response is None:
                    break
                found.append(response.status)
            self.assertGreater(time.monotonic() - begin, least_s)
            self.assertEqual(found, statuses)

    def test_a_head_that_does_not_end(self):
        self.check_end(TEXT[:-2], [408])
        self.check_end(TEXT[:-2], [408], trickle=b"X")
        self.check_end(b"GE", [408])

    def test_a_body_that_does_not_end(self):
        self.check_end(ask(b"x" * 10)[:-1], [408])
        self.check_end(ask(b"x" * 100000)[:-99000], [408], trickle=b"x")
        self.check_end(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", [408],
                       trickle=b"1\r\nx\r\n")

    def test_nothing_between_requests(self):
        """It was answered, and there is nothing to say."""
        self.check_end(TEXT, [200])
        self.check_end(b"", [])

    def test_a_request_takes_as_long_as_its_callback(self):
        with Client(self.port) as client:
            client.send(ask(path=b"/slow"))
            self.assert_status(client.response(), 504)


if __name__ == "__main__":
    unittest.main()
