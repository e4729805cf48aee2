#!/usr/bin/env python3
"""UDP servers by the packet: what a callback is given, which of the bytes it leaves are the reply,
and the limits of a packet's size."""

import socket
import unittest

from support.udp import UDP, UdpTest, header

LARGEST = 65507

# The packet's first byte says what is done; the rest is there to be changed.
REPLIES = """
callback i32 OnPacket(ref blob $X)
{
    if ($X.Length == 17) { $X[0] = $X[0]; return(1); }
    i32 $what = $X[17];
    if ($what == 'w') { $X[17] = 'W'; }
    if ($what == 'l') { blob $more = blob.FromText("more"); $X = blob.Concat($X, $more); }
    if ($what == 's') { $X = blob.Slice($X, 0, 18); }
    if ($what == 'h') { $X = blob.Slice($X, 0, 17); }
    if ($what == 'p') { $X[0] = $X[0] ^ 1; }
    if ($what == 'a') { $X[16] = '9'; }
    if ($what == 't') { $X = blob.Slice($X, 0, 16); }
    if ($what == 'o') { $X = blob.FromText("own"); }
    if ($what == 'e') { $X = blob.FromText(""); }
    if ($what == 'r') { $X[17] = 'R'; return(0); }
    return(1);
}
"""

# The packet is the size of the reply, and whether the header is to be in front of it.
SIZES = """
callback i32 OnPacket(ref blob $X)
{
    blob $much[1048576];
    blob $reply = blob.Slice($much, 0, (i32)blob.ReadU32LE($X, 17));
    if ($X[21] == 1) { blob $head = blob.Slice($X, 0, 17); $reply = blob.Concat($head, $reply); }
    $X = $reply;
    return(1);
}
"""

# A client's callback tells what came; what it leaves goes nowhere.
CLIENT = """
plugin "../plugins/callback_udp_client/CallbackUdpClientPlugin";

callback i32 OnReply(ref blob $X)
{
    printf("%d %s\\n", blob.ReadU32LE($X, 0), blob.ToText(blob.Slice($X, 17, $X.Length - 17)));
    $X[0] = $X[0];
    return(1);
}

i32 main()
{
    i64 $client = callbackudpclient.Open("OnReply", -1);
    printf("port %d\\n", callbackudpclient.LocalPort($client));
    while (callbackudpclient.State($client) == 1) { timer.SleepMs(60000); }
    while (callbackudpclient.Delivered($client) + callbackudpclient.Dropped($client) < 300) { }
    printf("%s\\n", callbackudpclient.Info($client));
    return(0);
}
"""

WRITE_BACK = """
callback i32 OnPacket(ref blob $X)
{
    $X[0] = $X[0];
    return(1);
}
"""


class Packets(UdpTest):
    def exchange_packet(self, client, packet):
        client.send(packet)
        return client.recv(70000)

    def test_which_bytes_are_the_reply(self):
        client = self.serve_udp(REPLIES)
        head = header(client)
        self.assertEqual(len(head), 17)
        other_port = bytes([head[0] ^ 1]) + head[1:]
        other_host = head[:16] + b"9"
        for packet, reply in (
            (b"", b""),  # of no bytes, and so is what is left of it behind the header
            (b"write", b"Write"),
            (b"longer", b"longermore"),
            (b"shorter", b"s"),
            (b"header", b""),
            (b"port", other_port + b"port"),  # not the header that was given, so it is payload
            (b"address", other_host + b"address"),
            (b"too little", head[:16]),
            (b"own", b"own"),
        ):
            with self.subTest(packet):
                self.assertEqual(self.exchange_packet(client, packet), reply)
        for packet in (b"never written", b"empty", b"refused"):
            with self.subTest(packet):
                client.send(packet)
                # Packets are answered in order, so the first reply is the one to the second packet.
                self.assertEqual(self.exchange_packet(client, b"own"), b"own")
        self.wait_for_counters(15, 0)

    def test_the_largest_packet(self):
        client = self.serve_udp(WRITE_BACK)
        for size in (LARGEST, LARGEST - 1, 1, 0):
            packet = bytes(i * 7 % 256 for i in range(size))
            self.assertEqual(self.exchange_packet(client, packet), packet)
        self.wait_for_counters(4, 0)

    def test_replies_that_are_too_long(self):
        client = self.serve_udp(SIZES)
        for size, with_header, fits in (
            (LARGEST, 0, True),
            (LARGEST + 1, 0, False),
            (LARGEST, 1, True),  # what counts is what would be sent
            (LARGEST + 1, 1, False),
            (1 << 20, 0, False),
        ):
            with self.subTest(size=size, with_header=with_header):
                before = self.counters()
                client.send(size.to_bytes(4, "little") + bytes([with_header]))
                if fits:
                    self.assertEqual(client.recv(70000), bytes(size))
                self.wait_for_counters(before[0] + fits, before[1] + (not fits))
        self.assertEqual(self.counters(), (2, 3))
        self.assertEqual(self.exchange_packet(client, bytes([1, 0, 0, 0, 0])), b"\0")

    def test_nobody_listens_for_the_reply(self):
        client = self.serve_udp(WRITE_BACK)
        gone = self.client(self.port)
        gone.send(b"bye")
        gone.close()
        # The kernel may report the refused reply at a later call; the server goes on.
        self.assertEqual(self.exchange_packet(client, b"still there"), b"still there")
        self.wait_for_counters(2, 0)

    def test_loopback_alone(self):
        self.serve_udp(WRITE_BACK)
        self.assertIsNotNone(self.in_kernel())  # bound to 127.0.0.1, as the look-up asks for
        if not socket.has_ipv6:
            return
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
            try:
                other.connect(("::1", self.port))
            except OSError:
                return  # there is no ::1 on this machine
            other.settimeout(30)
            other.send(b"x")
            with self.assertRaises(ConnectionRefusedError):
                other.recv(1)

    def test_replies_to_a_client(self):
        """They come from whomever; they run in their order, and are not replied to."""
        self.process, self.port = self.serve(UDP + CLIENT)
        first = self.client(self.port)
        second = self.client(self.port)
        for i in range(150):
            self.send_all(first, [f"first {i}".encode()])
            self.send_all(second, [f"second {i}".encode()])
        lines, _ = self.finish(self.process)
        ports = first.getsockname()[1], second.getsockname()[1]
        self.assertEqual(lines[:-1], [f"{port} {name} {i}" for i in range(150)
                                      for port, name in zip(ports, ("first", "second"))])
        self.assertRegex(lines[-1], "state=closed .* delivered=300 dropped=0$")
        for client in (first, second):
            client.setblocking(False)
            with self.assertRaises(OSError):
                client.recv(100)


if __name__ == "__main__":
    unittest.main()
