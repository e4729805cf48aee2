#!/usr/bin/env python3
"""examples/hello_http.dom, the smallest service: the same answer to whatever is asked, to many
clients at once, on connections that stay, and on one that asks ahead."""

import socket
import threading
import unittest

from support.http_examples import TIMEOUT_S, HttpExampleTest

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"
CLIENTS = 16
REQUESTS = 50


class HelloHttp(HttpExampleTest):
    def setUp(self):
        super().setUp()
        self.process, self.port = self.serve_example("hello_http.dom")

    def test_hello(self):
        client = self.connect(self.port)
        for method, path, body in (("GET", "/", None), ("GET", "/any/where?x", None),
                                   ("POST", "/", b"x" * 100_000), ("DELETE", "/x", None)):
            got = self.ask(client, method, path, body)
            self.assertEqual((got.status, got.body), (200, b"hello\n"))
        got = self.raw(self.port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(got, ANSWER)
        self.finish(self.process)

    def test_asking_ahead(self):
        request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET / HTTP/1.0\r\n\r\n"
        self.assertEqual(self.raw(self.port, request * 200 + last), ANSWER * 201)
        self.finish(self.process)

    def test_many_clients(self):
        wrong = []

        def run():
            client = self.connect(self.port)
            for _ in range(REQUESTS):
                got = self.ask(client, "GET", "/")
                if (got.status, got.body) != (200, b"hello\n"):
                    wrong.append(got.status)

        threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.finish(self.process)

    def test_a_given_port(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
        process, got = self.serve_example("hello_http.dom", str(port))
        self.assertEqual(got, port)
        said = self.run_tool("curl", "-sS", f"http://127.0.0.1:{port}/",
                             "--max-time", str(TIMEOUT_S))
        self.assertEqual(said, "hello\n")
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
