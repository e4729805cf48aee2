"""UDP servers in a script under test: their packets, their counters, and what the kernel lost."""

import os
import socket
import struct
import time

from support.cli import BLOB, PRINT, TIMEOUT_S, TIMER
from support.service import ServiceTest, info_pairs

UDP = (
    PRINT
    + TIMER
    + BLOB
    + 'plugin "../plugins/callback_listener/CallbackListenerPlugin";\n'
    + 'plugin "../plugins/callback_udp_server/CallbackUdpServerPlugin";\n'
)

# Server 1 runs the callback under test, server 2 is asked for the counters of server 1. Subscriptions
# 1 and 2 are gates: callbacks that wait in held() go on when a packet "open" has come to server 2, and
# main when one "end" has.
SERVICE = """
callback i32 Control(ref blob $X)
{
    string $what = blob.ToText(blob.Slice($X, 17, $X.Length - 17));
    if ($what == "open") { callbacklistener.RouteClose(1); }
    if ($what == "end") { callbacklistener.RouteClose(2); }
    $X = blob.FromText(callbackudpserver.Info(1));
    return(1);
}

void held()
{
    while (callbacklistener.RouteState(1) == 1) { timer.SleepMs(1); }
}

CALLBACK

i32 main()
{
    callbacklistener.Open("Control", -1);
    callbacklistener.Open("Control", -1);
    i64 $server = callbackudpserver.Open("OnPacket", -1);
    i64 $control = callbackudpserver.Open("Control", -1);
    printf("port %d\\n", callbackudpserver.Port($server));
    printf("%d\\n", callbackudpserver.Port($control));
    while (callbacklistener.RouteState(2) == 1) { timer.SleepMs(1); }
    END
    return(0);
}
"""


class UdpTest(ServiceTest):
    def serve_udp(self, callback, end="", *arguments):
        """Starts the service with `callback i32 OnPacket(ref blob $X)`; main does `end` at last."""
        text = UDP + SERVICE.replace("CALLBACK", callback).replace("END", end)
        self.process, self.port = self.serve(text, *arguments)
        self.control_port = int(self.process.stdout.readline())
        self.control = self.client(self.control_port)
        return self.client(self.port)

    def client(self, port):
        """A socket that sends to the port, with as much room as the kernel gives."""
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        client.settimeout(TIMEOUT_S)
        client.bind(("127.0.0.1", 0))
        client.connect(("127.0.0.1", port))
        self.addCleanup(client.close)
        return client

    def ask(self, what):
        self.control.send(what)
        return self.control.recv(65536).decode()

    def counters(self):
        """(handled, dropped) of the server under test."""
        info = info_pairs(self.ask(b"info"))
        return int(info["handled"]), int(info["dropped"])

    def wait_for(self, condition, what):
        """Looks until it holds; returns what it was."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            value = condition()
            if value:
                return value
            self.assertLess(time.monotonic(), end, what)

    def wait_for_counters(self, handled, dropped):
        self.wait_for(lambda: self.counters() == (handled, dropped),
                      f"never {handled} handled, {dropped} dropped: {self.counters()}")

    def in_kernel(self, port=None):
        """(bytes that wait to be read, packets lost) of a port's socket, as the kernel says."""
        wanted = f"0100007F:{port or self.port:04X}"
        with open(f"/proc/{os.getpid()}/net/udp", encoding="ascii") as table:
            for line in table.readlines()[1:]:
                words = line.split()
                if words[1] == wanted:
                    return int(words[4].split(":")[1], 16), int(words[-1])
        return None

    def send_all(self, client, packets):
        """Sends so that the kernel loses none: no more than 64 before it has handed them on."""
        for start in range(0, len(packets), 64):
            for packet in packets[start:start + 64]:
                client.send(packet)
            self.wait_for(lambda: self.in_kernel()[0] == 0, "the server does not read")
        self.assertEqual(self.in_kernel()[1], 0)


def header(client):
    """What stands in front of a packet from this socket."""
    host, port = client.getsockname()
    return struct.pack("<II", port, len(host)) + host.encode()
