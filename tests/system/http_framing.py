#!/usr/bin/env python3
"""Where a request ends, over real connections: what could be read in two ways is refused before a
callback runs, the connection ends there, and nothing behind it is looked at; what is well formed is
answered, however its bytes arrive. The rows are in support/http_malformed.py and _well_formed.py."""

import random
import signal
import socket
import struct
import threading
import unittest

from support import http_malformed, http_well_formed
from support.http_service import Client, HttpTest, LoggingService
from support.service import info_pairs

HIDDEN = http_malformed.HIDDEN
GOOD = b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
SEED = 20260114


def given(request):
    """What the callback gets: an empty line before a request is not part of it."""
    return request[2:] if request.startswith(b"\r\n") else request


class FramingTest(HttpTest):
    def setUp(self):
        super().setUp()
        self.service = LoggingService(self)
        self.port = self.service.port

    def check_own_answer(self, response, status):
        """The listener's own, and that it says that the connection ends."""
        self.assert_status(response, status)
        self.assertEqual(response.version, "HTTP/1.1")
        self.assertIn(("connection", "close"), response.fields)
        self.assertIn("content-length", dict(response.fields))
        self.assertTrue(response.reason)


class Malformed(FramingTest):
    def check_row(self, row, before, step=None):
        section, what, request, status = row
        with self.subTest(f"{what} (RFC {section})"), Client(self.port) as client:
            sent = b"".join(before) + request + HIDDEN
            client.send_while_it_may(sent, step or len(sent))
            responses = client.all_responses()
            self.assertEqual([each.status for each in responses], [200] * len(before) + [status])
            self.assertEqual([each.body for each in responses[:-1]], before)
            self.check_own_answer(responses[-1], status)
            self.assertEqual(self.service.ran(), before)

    def test_rows_name_their_section(self):
        for section, what, request, _ in http_malformed.ROWS + http_well_formed.ROWS:
            self.assertRegex(section, r"^(9110|9112|9113|6585) [0-9A-C]+(\.[0-9]+)*$", what)
            self.assertIsInstance(request, bytes)
        self.assertGreater(len(http_malformed.ROWS), 200)

    def test_first_on_a_connection(self):
        for row in http_malformed.ROWS:
            self.check_row(row, before=[])

    def test_behind_good_requests(self):
        """Whose answers come first, also when they take their time."""
        for number, row in enumerate(http_malformed.ROWS):
            self.check_row(row, before=[SLOW, GOOD] if number % 20 == 0 else [GOOD])

    def test_in_small_pieces(self):
        for row in http_malformed.ROWS:
            self.check_row(row, before=[], step=1 + len(row[2]) // 400)

    def test_all_at_once(self):
        """Side by side, and none of them changes what another one gets."""
        clients = [Client(self.port) for _ in http_malformed.ROWS]
        for client, row in zip(clients, http_malformed.ROWS):
            self.addCleanup(client.socket.close)
            client.send_while_it_may(row[2] + HIDDEN, 1 << 20)
        for client, (section, what, _, status) in zip(clients, http_malformed.ROWS):
            with self.subTest(f"{what} (RFC {section})"):
                self.assertEqual([each.status for each in client.all_responses()], [status])
        self.assertEqual(self.service.ran(), [])

    def test_no_callback_ran_in_the_end(self):
        """The counts say the same as the callback's own words."""
        for row in http_malformed.ROWS[:50]:
            with Client(self.port) as client:
                client.send_while_it_may(row[2] + HIDDEN, 1 << 20)
                self.assertEqual([each.status for each in client.all_responses()], [row[3]])
        with Client(self.port) as client:
            client.send(GOOD)
            self.assert_status(client.response(), 200)
        self.service.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.service.process.wait(60), 0, self.service.process.stderr.read())
        self.service.reader.join()
        info = info_pairs(self.service.last_line)
        self.assertEqual((info["active"], info["pending"], info["queued"], info["running"]),
                         ("0", "0", "0", "0"))
        self.assertEqual(self.service.runs.get(), GOOD)
        self.assertTrue(self.service.runs.empty())


class WellFormed(FramingTest):
    def check_row(self, row, step=None):
        """Answered; and the next one too, if the connection stays open, or else not even read."""
        section, what, request, stays_open = row
        expected = [given(request)] + ([GOOD] if stays_open else [])
        with self.subTest(f"{what} (RFC {section})"), Client(self.port) as client:
            sent = request + GOOD
            client.send_while_it_may(sent, step or len(sent))
            if stays_open:
                responses = [client.final_response() for _ in expected]
            else:
                responses = client.all_responses()
            self.assertEqual([each and each.status for each in responses], [200] * len(expected))
            self.assertEqual([each.body for each in responses], expected)
            self.assertEqual(self.service.ran(), expected)

    def test_in_one_piece(self):
        for row in http_well_formed.ROWS:
            self.check_row(row)

    def test_in_small_pieces(self):
        for row in http_well_formed.ROWS:
            self.check_row(row, step=1 + len(row[2]) // 400)

    def test_cut_at_every_position(self):
        """In two pieces, of which the listener has seen the first before the second is sent."""
        for section, what, request, stays_open in http_well_formed.SMALL:
            with self.subTest(f"{what} (RFC {section})"):
                client = Client(self.port)
                for cut in range(1, len(request)):
                    client.send(request[:cut])
                    self.service.round_trip()
                    client.send(request[cut:])
                    response = client.final_response()
                    self.assert_status(response, 200, f"cut at {cut}")
                    self.assertEqual(response.body, given(request), f"cut at {cut}")
                    if not stays_open:
                        self.assertIsNone(client.response())
                        client.socket.close()
                        client = Client(self.port)
                client.socket.close()
                self.assertEqual(self.service.ran(), [given(request)] * (len(request) - 1))

    def test_client_that_ends_its_side(self):
        for section, what, request, _ in http_well_formed.SMALL:
            with self.subTest(f"{what} (RFC {section})"), Client(self.port) as client:
                client.send(request)
                client.socket.shutdown(socket.SHUT_WR)
                self.assertEqual([each.body for each in client.all_responses()], [given(request)])
                self.assertEqual(self.service.ran(), [given(request)])

    def test_client_that_goes_before_the_end(self):
        """Half a request is no request, whether its client ends or breaks off."""
        request = http_malformed.post(b"Content-Length: 5\r\n")
        for cut in range(1, len(request)):
            with Client(self.port) as client:
                client.send(request[:cut])
                self.service.round_trip()
                if cut % 2:
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                             struct.pack("ii", 1, 0))
                else:
                    client.socket.shutdown(socket.SHUT_WR)
                    self.assertNotIn(200, [each.status for each in client.all_responses()])
            self.assertEqual(self.service.ran(), [])


class Pipelined(FramingTest):
    def mix(self, chance, count):
        rows = [row[2] for row in http_well_formed.SMALL if row[3]]
        requests = [SLOW if chance.random() < 0.02 else chance.choice(rows) for _ in range(count)]
        return [b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i if i % 3 == 0 else request
                for i, request in enumerate(requests)]

    def check_order(self, client, requests):
        for number, request in enumerate(requests):
            response = client.final_response()
            self.assert_status(response, 200, f"number {number}")
            self.assertEqual(response.body, given(request), f"number {number}")

    def test_answers_in_the_order_of_requests(self):
        requests = self.mix(random.Random(SEED), 1000)
        with Client(self.port) as client:
            client.send(b"".join(requests))
            self.check_order(client, requests)
            self.assertEqual(self.service.ran(), [given(request) for request in requests])

    def test_cut_anywhere(self):
        chance = random.Random(SEED + 1)
        requests = self.mix(chance, 1000)
        stream = b"".join(requests)
        with Client(self.port) as client:
            at = 0
            while at < len(stream):
                size = chance.choice((1, 2, 3, 17, 100, 4000))
                client.send(stream[at:at + size])
                at += size
            self.check_order(client, requests)

    def test_many_connections(self):
        chance = random.Random(SEED + 2)
        clients = [(Client(self.port), self.mix(chance, 100)) for _ in range(30)]
        for client, requests in clients:
            self.addCleanup(client.socket.close)
            client.send(b"".join(requests))
        for client, requests in clients:
            self.check_order(client, requests)

    def test_close_in_the_middle(self):
        """What stands behind a request that ends the connection is not looked at."""
        close = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        with Client(self.port) as client:
            client.send(GOOD + SLOW + close + HIDDEN * 3)
            self.assertEqual([each.body for each in client.all_responses()], [GOOD, SLOW, close])
            self.assertEqual(self.service.ran(), [GOOD, SLOW, close])

    def test_client_that_reads_nothing_meanwhile(self):
        """So many that neither side's buffers hold the answers: they wait, in order."""
        requests = [b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" % i +
                    b"%d" % (i % 10) * 20000 for i in range(300)]
        with Client(self.port, receive_buffer=4096) as client:
            sender = threading.Thread(target=client.send, args=(b"".join(requests),))
            sender.start()
            for _ in range(100):
                self.service.round_trip()
            self.check_order(client, requests)
            sender.join()


class OnEpoll:
    """The same on the loop that serves where io_uring is refused."""

    def setUp(self):
        self.set_limit("CALLBOARD_LOOP", "epoll")
        super().setUp()


class MalformedOnEpoll(OnEpoll, Malformed):
    pass


class WellFormedOnEpoll(OnEpoll, WellFormed):
    pass


class PipelinedOnEpoll(OnEpoll, Pipelined):
    pass


if __name__ == "__main__":
    unittest.main()
