#!/usr/bin/env python3
"""The chat of examples/: names, lines across reads, who comes and who leaves, and its end."""

import os
import re
import signal
import socket
import unittest

from support.cli import SOURCE, CliTest

TIMEOUT_S = 30


class Guest:
    """A client that reads line by line."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.lines = self.socket.makefile("rb")

    def join(self, name):
        self.expect("your name?")
        self.say(name)
        self.expect(f"hello {name}")
        # Once this is answered, everybody has been told of the new one.
        self.say("/who")
        who = self.read()
        if name not in who.split():
            raise AssertionError(f"{name!r} is not in {who!r}")

    def say(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def read(self):
        return self.lines.readline().decode().rstrip("\n")

    def expect(self, line):
        got = self.read()
        if got != line:
            raise AssertionError(f"expected {line!r}, got {got!r}")

    def close(self):
        self.lines.close()
        self.socket.close()


class Chat(CliTest):
    def setUp(self):
        super().setUp()
        self.process = self.start_file(os.path.join(SOURCE, "examples", "chat.dom"))
        self.port = int(re.fullmatch(r"chat on 127\.0\.0\.1:(\d+)\n",
                                     self.process.stdout.readline()).group(1))

    def guest(self, name=None):
        made = Guest(self.port)
        self.addCleanup(made.close)
        if name is not None:
            made.join(name)
        return made

    def end_chat(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((self.process.returncode, out, err), (0, "ended\n", ""))

    def test_several_talk(self):
        ann = self.guest("ann")
        bob = self.guest("bob")
        ann.expect("* bob is here")
        eve = self.guest("eve")
        ann.expect("* eve is here")
        bob.expect("* eve is here")
        ann.say("hello all")
        bob.expect("ann: hello all")
        eve.expect("ann: hello all")
        bob.say("/who")
        bob.expect("* ann bob eve")
        bob.say("/quit")
        bob.expect("bye")
        bob.expect("")  # the end
        ann.expect("* bob has left")
        eve.expect("* bob has left")
        eve.close()
        ann.expect("* eve has left")
        self.end_chat()
        ann.expect("")

    def test_lines_do_not_depend_on_reads(self):
        ann = self.guest("ann")
        bob = self.guest("bob")
        ann.expect("* bob is here")
        for byte in b"in single bytes\r\n":
            ann.socket.sendall(bytes([byte]))
        bob.expect("ann: in single bytes")
        ann.socket.sendall(b"one\ntwo\nthr")
        bob.expect("ann: one")
        bob.expect("ann: two")
        ann.socket.sendall(b"ee\n\n")
        bob.expect("ann: three")
        bob.expect("ann: ")
        many = [f"line {i} " + "x" * (i % 700) for i in range(500)]
        ann.socket.sendall("".join(line + "\n" for line in many).encode())
        for line in many:
            bob.expect("ann: " + line.strip())
        self.end_chat()

    def test_odd_guests(self):
        ann = self.guest("ann")
        rude = self.guest()
        rude.expect("your name?")
        rude.say("no name!")
        rude.expect("letters and digits, please. Your name?")
        rude.say("x" * 21)
        rude.expect("letters and digits, please. Your name?")
        rude.say("rude")
        rude.expect("hello rude")
        ann.expect("* rude is here")
        rude.socket.sendall(b"y" * 1001)  # and no end of the line
        rude.expect("that line is too long")
        rude.expect("")
        ann.expect("* rude has left")
        quiet = self.guest()
        quiet.expect("your name?")
        quiet.close()  # nobody hears of who never said a name
        reset = self.guest("reset")
        ann.expect("* reset is here")
        reset.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        reset.close()
        ann.expect("* reset has left")
        self.end_chat()

    def test_many_guests(self):
        guests = [self.guest(f"guest{i}") for i in range(50)]
        for i, guest in enumerate(guests):
            for j in range(i + 1, 50):
                guest.expect(f"* guest{j} is here")
        for guest in guests:
            guest.say("hi")
        for i, guest in enumerate(guests):
            heard = {guest.read() for _ in range(49)}
            self.assertEqual(heard, {f"guest{j}: hi" for j in range(50) if j != i})
        self.end_chat()
        for guest in guests:
            guest.expect("")


if __name__ == "__main__":
    unittest.main()
