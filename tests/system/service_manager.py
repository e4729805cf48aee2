#!/usr/bin/env python3
"""Scripts under a service manager: sockets they are given, and what they say of themselves."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from support.certificates import Authority
from support.cli import BLOB, CALLBOARD, PRINT, TCP, TIMEOUT_S, TIMER
from support.manager import Manager, listening
from support.service import ServiceTest, read_all
from support.tls_service import TlsClient

HEAD = (
    PRINT
    + TIMER
    + TCP
    + BLOB
    + """plugin "../plugins/callback_http_listener/CallbackHttpListenerPlugin";
plugin "../plugins/callback_udp_server/CallbackUdpServerPlugin";
plugin "../plugins/str/StrPlugin";
plugin "builtin:os";

callback i32 Shop(ref blob $X) { $X[0] = $X[0]; return(1); }
callback i32 Page(ref blob $X)
{
    $X = blob.FromText("HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\npage");
    return(1);
}
"""
)


def main(body):
    return HEAD + "i32 main()\n{\n" + body + "\n    return(0);\n}\n"


SERVES = "    while (callbacktcp.State($l) == 1) { timer.SleepMs(60000); }"
SHOP = main('    i64 $l = callbacktcp.Open("Shop", 5000);\n'
            '    printf("%d\\n", callbacktcp.Port($l));\n' + SERVES)


def port_of(made):
    return made.getsockname()[1]


class ManagerTest(ServiceTest):
    def ends(self, process, err=""):
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((process.returncode, said), (0, err), out)
        return out


class Notices(ManagerTest):
    def check_notices(self, name):
        manager = Manager(self, notify=name)
        process = manager.start(SHOP)
        self.assertEqual(manager.hears(), {"READY": "1", "STATUS": "Serving"})
        # Nothing had to be waited for: the port was said before.
        port = int(process.stdout.readline())
        self.assertEqual(self.exchange(port, b"hello"), b"hello")
        self.ends(process)
        self.assertEqual(manager.hears()["STOPPING"], "1")
        manager.hears_nothing_more()

    def test_ready_and_stopping(self):
        self.check_notices(None)

    def test_an_abstract_socket(self):
        self.check_notices(f"@callboard-test-{os.getpid()}")

    def test_stopping_is_said_while_requests_are_finished(self):
        manager = Manager(self)
        process = manager.start(main(
            '    i64 $l = callbacktcp.Open("Slow", 20000);\n'
            '    printf("%d\\n", callbacktcp.Port($l));\n' + SERVES).replace(
                "i32 main()", "callback i32 Slow(ref blob $X)\n{\n"
                '    printf("begun\\n");\n'
                "    i32 $n = 0;\n"
                "    for (i64 $k = 0; $k < 3000000; $k = $k + 1) { $n = $n + 1; }\n"
                "    $X[0] = $X[0];\n    return(1);\n}\ni32 main()"))
        self.assertEqual(manager.hears()["READY"], "1")
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
            client.sendall(b"x")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(process.stdout.readline(), "begun\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(manager.hears()["STOPPING"], "1")
            self.assertIsNone(process.poll())
            self.assertEqual(read_all(client), b"x")
        process.communicate(timeout=TIMEOUT_S)

    def test_not_ready_without_a_route(self):
        manager = Manager(self)
        process = manager.start(main("    timer.SleepMs(1);\n    timer.SleepMs(1);"))
        self.assertEqual(process.communicate(timeout=TIMEOUT_S), ("", ""))
        self.assertIn("STOPPING", manager.hears())
        manager.hears_nothing_more()

    def test_a_callbacks_sleep_makes_nobody_ready(self):
        manager = Manager(self)
        process = manager.start(main(
            '    i64 $l = callbacktcp.Open("Naps", 5000);\n'
            '    printf("%s\\n", callbacktcp.RequestText($l, "x", 20000));').replace(
                "i32 main()", "callback i32 Naps(ref blob $X)\n{\n    timer.SleepMs(1);\n"
                "    $X[0] = $X[0];\n    return(1);\n}\ni32 main()"))
        self.assertEqual(process.communicate(timeout=TIMEOUT_S), ("x\n", ""))
        self.assertIn("STOPPING", manager.hears())
        manager.hears_nothing_more()

    def test_nobody_hears(self):
        for name, why in (("/nowhere/at/all", "cannot notify /nowhere/at/all: No such file"),
                          ("relative", "which names no socket"),
                          ("/" + "x" * 200, "which names no socket"),
                          ("@", "which names no socket")):
            done = self.run_script(main('    callbacktcp.Open("Shop", 5000);\n'
                                        '    printf("%s.\\n", os.Env("NOTIFY_SOCKET"));\n'
                                        "    timer.SleepMs(1);"),
                                   env=dict(os.environ, NOTIFY_SOCKET=name))
            self.check(done, 0, ".\n")
            lines = done.stderr.splitlines()
            self.assertEqual(len(lines), 2, lines)
            for line in lines:
                self.assertTrue(line.startswith("callboard: warning: "), line)
                self.assertIn(why, line)


class Sockets(ManagerTest):
    def test_by_name_and_by_port(self):
        """TCP and UDP by the callback's name, HTTP by its port; and what the script is told."""
        shop, page, packets = listening(), listening(address="0.0.0.0"), listening(
            socket.SOCK_DGRAM)
        manager = Manager(self, [page, packets, shop], ["web", "Echo", "Shop"])
        process = manager.start(main(
            '    i64 $h = callbackhttp.Open("Page", 5000, (i32)str.ToInt(os.Args(0)));\n'
            '    i64 $u = callbackudpserver.Open("Echo", 5000);\n'
            '    i64 $l = callbacktcp.Open("Shop", 5000);\n'
            '    i64 $other = callbacktcp.Open("Shop", 5000);\n'
            '    printf("%d %d %d %d\\n", callbackhttp.Port($h), callbackudpserver.Port($u),\n'
            '           callbacktcp.Port($l), callbacktcp.Port($other) == callbacktcp.Port($l));\n'
            '    printf("%s %s\\n", callbackhttp.BindModeText($h), callbacktcp.RequestText($l, '
            '"own", 20000));\n'
            '    printf("%s%s%s.\\n", os.Env("LISTEN_FDS"), os.Env("LISTEN_PID"), '
            'os.Env("LISTEN_FDNAMES"));\n' + SERVES).replace(
                "i32 main()", "callback i32 Echo(ref blob $X) { $X[0] = $X[0]; return(1); }\n"
                "i32 main()"), given=[str(port_of(page))])
        self.assertEqual(manager.hears()["READY"], "1")
        self.assertEqual(process.stdout.readline(),
                         f"{port_of(page)} {port_of(packets)} {port_of(shop)} 0\n")
        self.assertEqual(process.stdout.readline(), "any own\n")
        self.assertEqual(process.stdout.readline(), ".\n")
        self.assertEqual(self.exchange(port_of(shop), b"bytes"), b"bytes")
        said = self.exchange(port_of(page), b"GET / HTTP/1.0\r\n\r\n", half_close=False)
        self.assertTrue(said.endswith(b"\r\n\r\npage"), said)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(TIMEOUT_S)
            client.sendto(b"packet", packets.getsockname())
            self.assertEqual(client.recvfrom(100), (b"packet", packets.getsockname()))
        for number in (3, 4, 5):  # nothing that the service starts gets them
            with open(f"/proc/{process.pid}/fdinfo/{number}", encoding="ascii") as file:
                flags = next(line for line in file if line.startswith("flags:"))
            self.assertTrue(int(flags.split()[1], 8) & os.O_CLOEXEC)
        self.ends(process)

    def test_restart_loses_nobody(self):
        """Who comes while no service runs waits in the socket's backlog for the next one."""
        shop = listening()
        manager = Manager(self, [shop], ["Shop"])
        for turn in range(3):
            with socket.create_connection(shop.getsockname(), timeout=TIMEOUT_S) as client:
                client.sendall(b"turn %d" % turn)
                client.shutdown(socket.SHUT_WR)
                process = manager.start(SHOP)
                self.assertEqual(read_all(client), b"turn %d" % turn)
            self.ends(process)

    def test_upgrades_under_load_fail_no_request(self):
        """Requests over TCP and HTTP without a pause, while the service is replaced again and
        again: some wait, none is lost."""
        shop, page = listening(), listening()
        manager = Manager(self, [shop, page], ["Shop", "Page"])
        text = main('    i64 $l = callbacktcp.Open("Shop", 5000);\n'
                    '    callbackhttp.Open("Page", 5000);\n' + SERVES)
        stop = threading.Event()
        failed = []
        counts = [0] * 4

        def client(number):
            while not stop.is_set():
                sent = b"%d %d" % (number, counts[number])
                try:
                    if number % 2 == 0:
                        good = self.exchange(port_of(shop), sent, timeout=TIMEOUT_S) == sent
                    else:
                        said = self.exchange(port_of(page), b"GET / HTTP/1.1\r\nHost: x\r\n"
                                             b"Connection: close\r\n\r\n", half_close=False,
                                             timeout=TIMEOUT_S)
                        good = said.endswith(b"\r\n\r\npage")
                except OSError as error:
                    good = False
                    failed.append(error)
                if not good:
                    failed.append(sent)
                counts[number] += 1

        threads = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(4)]
        self.addCleanup(stop.set)
        for thread in threads:
            thread.start()
        for _ in range(6):
            process = manager.start(text)
            self.assertEqual(manager.hears()["READY"], "1")
            enough = [count + 20 for count in counts]
            while any(count < most for count, most in zip(counts, enough)) and not failed:
                time.sleep(0.01)
            self.ends(process)
            self.assertIn("STOPPING", manager.hears())
        process = manager.start(text)
        stop.set()
        for thread in threads:
            thread.join()
        self.ends(process)
        self.assertEqual(failed, [])

    def test_tls(self):
        authority = Authority(self.folder)
        authority.sign("server")
        shop = listening()
        manager = Manager(self, [shop], ["Shop"])
        process = manager.start(SHOP.replace(
            "    printf", '    callbacktcp.EnableTls($l, "server.crt", "server.key");\n    printf'))
        self.assertEqual(manager.hears()["READY"], "1")
        context = ssl.create_default_context(cafile=authority.path("ca.crt"))
        with TlsClient(port_of(shop), context) as client:
            client.send(b"secret")
            self.assertEqual(client.read_all(), b"secret")
        self.ends(process)

    def test_what_nobody_uses_is_said(self):
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        local.bind(os.path.join(self.folder, "local"))
        local.listen()
        peer, pair = socket.socketpair()
        self.addCleanup(peer.close)
        deaf = socket.socket()
        deaf.bind(("127.0.0.1", 0))
        left = listening()
        given = [left, local, pair, deaf, listening(socket.SOCK_DGRAM, socket.AF_INET6, "::1"),
                 open(os.devnull, encoding="ascii"), listening(socket.SOCK_DGRAM)]
        # The last has the name of a callback, but its kind is another one.
        manager = Manager(self, given,
                          ["left", "local", "pair", "deaf", "six", "file", "Shop"])
        process = manager.start(SHOP)
        self.assertEqual(manager.hears()["READY"], "1")
        self.assertNotIn(int(process.stdout.readline()), [port_of(left), port_of(given[-1])])
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT_S)
        lines = err.splitlines()
        for name, why in (("left", f"(descriptor 3, TCP 127.0.0.1:{port_of(left)}): no Open asks"),
                          ("local", "(descriptor 4) cannot be used: it is neither of IPv4"),
                          ("pair", "(descriptor 5) cannot be used: it is neither of IPv4"),
                          ("deaf", "(descriptor 6) cannot be used: it does not listen"),
                          ("six", "(descriptor 7) cannot be used: routes of UDP are of IPv4"),
                          ("file", "(descriptor 8) cannot be used: it is no socket"),
                          ("Shop", f"(descriptor 9, UDP 127.0.0.1:{port_of(given[-1])}): no")):
            line = lines.pop(0)
            self.assertIn(f"inherited socket '{name}' {why}", line)
        self.assertEqual(lines, [])

    def test_it_is_said_in_the_log(self):
        manager = Manager(self, [listening()], ["left"])
        process = manager.start(SHOP, "--log", "json", "--log-level", "warning")
        self.assertEqual(manager.hears()["READY"], "1")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT_S)
        line = json.loads(err)
        self.assertEqual((line["level"], line["event"]), ("warning", "service_manager"))
        self.assertIn("nobody opens the inherited socket 'left'", line["message"])

    def test_variables_that_make_no_sense(self):
        shop = listening()
        for names, environment, why in (
                (None, {"LISTEN_FDS": "many"}, "LISTEN_FDS is 'many'; it must be a number"),
                (None, {"LISTEN_FDS": "-1"}, "LISTEN_FDS is '-1'; it must be a number"),
                (None, {"LISTEN_FDS": "9999999999999999999"}, "it must be a number"),
                (None, {"LISTEN_FDS": "2147483000"}, "descriptor 4 is not open"),
                (["a", "b"], {}, "LISTEN_FDNAMES names 2 sockets, LISTEN_FDS says 1")):
            manager = Manager(self, [shop], names)
            process = manager.start(SHOP, environment=environment)
            out, err = process.communicate(timeout=TIMEOUT_S)
            self.assertEqual((process.returncode, out), (1, ""), err)
            self.assertTrue(err.startswith("callboard: ") and why in err, err)
            manager.hears_nothing_more()

    def test_those_of_another_process_are_left_alone(self):
        shop = listening()
        for other in ("1", "", "one", str(os.getpid())):
            manager = Manager(self, [shop], ["Shop"])
            process = manager.start(SHOP, environment={"LISTEN_PID": other})
            self.assertEqual(manager.hears()["READY"], "1")
            self.assertNotEqual(int(process.stdout.readline()), port_of(shop))
            self.ends(process)

    def test_without_names(self):
        page = listening()
        manager = Manager(self, [page])
        process = manager.start(main(
            '    i64 $l = callbacktcp.Open("Shop", 5000);\n'
            '    callbackhttp.Open("Page", 5000, (i32)str.ToInt(os.Args(0)));\n' + SERVES),
                                given=[str(port_of(page))])
        self.assertEqual(manager.hears()["READY"], "1")
        said = self.exchange(port_of(page), b"GET / HTTP/1.0\r\n\r\n", half_close=False)
        self.assertTrue(said.endswith(b"\r\n\r\npage"), said)
        self.ends(process)

    def test_systemd_socket_activate(self):
        program = shutil.which("systemd-socket-activate")
        self.assertIsNotNone(program, "systemd-socket-activate is not there; run ./dev setup")
        with listening() as free:
            port = port_of(free)
        process = subprocess.Popen(
            # It hands on no variables but those it is told of.
            [program, "--listen", f"127.0.0.1:{port}", "--fdname=Shop", "--setenv=TSAN_OPTIONS",
             "--setenv=CALLBOARD_PLUGIN_PATH", CALLBOARD, "run", self.write("shop.dom", SHOP)],
            env=dict({"TSAN_OPTIONS": ""}, **os.environ), cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        for line in process.stderr:
            if line.startswith("Listening on"):
                break
        # This very connection makes it start the service.
        self.assertEqual(self.exchange(port, b"first", timeout=TIMEOUT_S), b"first")
        self.assertEqual(int(process.stdout.readline()), port)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
