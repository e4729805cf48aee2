#!/usr/bin/env python3
"""Large bodies both ways: up to the limit and one byte beyond it, and a response of 100 MB."""

import hashlib
import threading
import unittest

from support.cli import SANITIZED
from support.http_service import BadResponse, Client, HttpTest, service

MIB = 1 << 20
LIMIT = 16 * MIB  # what CALLBOARD_MAX_REQUEST is if it is not set
BIG = 100 * 1000 * 1000
PROMISES = 500
STEP = 4096  # each so many bytes of the big response hold their own place in it
SERVICE = service("""
callback i32 OnRequest(ref blob $R)
{
    if (web.HttpRequestPath($R) == "/big")
    {
        blob $B[%d];
        for (i64 $at = 0; $at < %d - 8; $at = $at + %d) { blob.WriteU64LE($B, $at, (u64)$at); }
        $R = web.HttpBlobResponse(200, "application/octet-stream", $B);
        return(1);
    }
    if (web.HttpRequestPath($R) == "/raw")
    {
        $R = web.HttpBlobResponse(200, "application/octet-stream", $R);
        return(1);
    }
    $R = web.HttpBlobResponse(200, "application/octet-stream", web.HttpRequestBody($R));
    return(1);
}
""" % (BIG, BIG, STEP))
GET = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
# A callback's copies of what it was given and of what it gives, and what the kernel was not handed.
MEMORY_KIB = 5 * BIG // 1024


def post(fields, path=b"/echo"):
    return b"POST " + path + b" HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n"


def pattern(size):
    """Bytes without a period below their size."""
    return b"".join(b"%015x\n" % i for i in range(0, size, 16))[:size]


def chunks(data, size):
    parts = [data[at:at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def big_hash():
    digest = hashlib.sha256()
    for at in range(0, BIG, STEP):
        digest.update((at.to_bytes(8, "little") + bytes(STEP - 8))[:BIG - at])
    return digest.hexdigest()


class Sizes(HttpTest):
    def setUp(self):
        super().setUp()
        self.process, self.port = self.serve(SERVICE)

    def exchange_body(self, client, head, body):
        """The response, while the body may still be on its way."""
        sender = threading.Thread(target=client.send_while_it_may, args=(head + body, 4 * MIB))
        sender.start()
        response = client.response()
        sender.join()
        return response

    def test_a_body_of_the_limit(self):
        body = pattern(LIMIT)
        with Client(self.port) as client:
            for _ in range(2):  # and the connection is good for another one
                response = self.exchange_body(
                    client, post(b"Content-Length: %d\r\n" % LIMIT), body)
                self.assert_status(response, 200)
                self.assertEqual(response.body, body)

    def test_chunks_of_the_limit(self):
        body = pattern(LIMIT)
        for size in (LIMIT, 65536, 1000):
            with self.subTest(size), Client(self.port) as client:
                response = self.exchange_body(
                    client, post(b"Transfer-Encoding: chunked\r\n"), chunks(body, size))
                self.assert_status(response, 200)
                self.assertEqual(response.body, body)

    def test_chunks_reach_the_callback_as_they_came(self):
        request = post(b"Transfer-Encoding: chunked\r\n", b"/raw") + chunks(pattern(MIB), 100)
        with Client(self.port) as client:
            response = self.exchange_body(client, request, b"")
            self.assert_status(response, 200)
            self.assertEqual(response.body, request)

    def check_too_large(self, head, body):
        """413, then the end; the client is told before it has sent what nobody wants."""
        with Client(self.port) as client:
            response = self.exchange_body(client, head, body)
            self.assert_status(response, 413)
            self.assertIsNone(client.response())
        with Client(self.port) as client:
            client.send(GET)
            self.assert_status(client.response(), 200)

    def test_one_byte_beyond_the_limit(self):
        self.check_too_large(post(b"Content-Length: %d\r\n" % (LIMIT + 1)), b"")
        self.check_too_large(post(b"Content-Length: %d\r\n" % (LIMIT + 1)), pattern(LIMIT + 1))

    def test_chunks_one_byte_beyond_the_limit(self):
        head = post(b"Transfer-Encoding: chunked\r\n")
        for size in (LIMIT + 1, 65536, 1000):
            with self.subTest(size):
                self.check_too_large(head, chunks(pattern(LIMIT + 1), size))

    def test_much_around_few_data(self):
        """What chunks add is bounded as well: the bytes are kept as they came."""
        self.check_too_large(post(b"Transfer-Encoding: chunked\r\n"),
                             b"1;" + b"a" * 200 + b"\r\nx\r\n" +
                             (b"1;" + b"a" * 200 + b"\r\nx\r\n") * (LIMIT // 4 // 200))

    def test_too_large_for_an_expectation(self):
        """The final answer comes at once instead of 100."""
        self.check_too_large(
            post(b"Expect: 100-continue\r\nContent-Length: %d\r\n" % (LIMIT + 1)), b"")

    def test_another_limit(self):
        self.set_limit("CALLBOARD_MAX_REQUEST", 10)
        _, self.port = self.serve(SERVICE)
        with Client(self.port) as client:
            client.send(post(b"Content-Length: 10\r\n") + b"0123456789")
            self.assertEqual(client.response().body, b"0123456789")
        self.check_too_large(post(b"Content-Length: 11\r\n"), b"")

    def test_100_megabytes_back(self):
        expected = big_hash()
        with Client(self.port) as client:
            client.send(GET.replace(b"/small", b"/big") + GET)
            response = client.response()
            self.assert_status(response, 200)
            self.assertEqual(len(response.body), BIG)
            self.assertEqual(hashlib.sha256(response.body).hexdigest(), expected)
            self.assert_status(client.response(), 200)
        if not SANITIZED:
            self.assertLess(self.resident_kib(self.process), MEMORY_KIB)

    def test_100_megabytes_to_one_who_leaves(self):
        """Others are served meanwhile and afterwards, and the memory is given back."""
        with Client(self.port) as other:
            for _ in range(3):
                client = Client(self.port, receive_buffer=4096)
                client.send(GET.replace(b"/small", b"/big"))
                client.take(100000)
                other.send(GET)
                self.assert_status(other.response(), 200)
                client.socket.close()
            other.send(GET)
            self.assert_status(other.response(), 200)
        if not SANITIZED:
            self.assertLess(self.resident_kib(self.process), MEMORY_KIB)

    def test_bodies_that_are_only_promised(self):
        """Memory is for what has come, not for what a client says will come."""
        before_kib = self.resident_kib(self.process)
        clients = [Client(self.port) for _ in range(PROMISES)]
        for client in clients:
            self.addCleanup(client.socket.close)
            client.send(post(b"Content-Length: %d\r\n" % LIMIT) + b"x" * 4000)
        with Client(self.port) as client:
            client.send(GET)
            self.assert_status(client.response(), 200)
        if not SANITIZED:
            each = (self.resident_kib(self.process) - before_kib) * 1024 / PROMISES
            self.assertLess(each, 20000)

    def test_a_body_that_breaks_off(self):
        """It never becomes a request, at whatever place the client goes."""
        body = pattern(MIB)
        for sent in (0, 1, MIB // 2, MIB - 1):
            with Client(self.port) as client:
                client.send(post(b"Content-Length: %d\r\n" % MIB) + body[:sent])
                client.socket.shutdown(1)
                try:
                    self.assertNotIn(200, [each.status for each in client.all_responses()])
                except (BadResponse, ConnectionResetError):
                    self.fail(f"no orderly end behind {sent} bytes")
        with Client(self.port) as client:
            client.send(GET)
            self.assert_status(client.response(), 200)


if __name__ == "__main__":
    unittest.main()
