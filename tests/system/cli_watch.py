"""callboard run --watch: the script changes while its listeners stay open."""

import os
import socket
import threading
import unittest

from support.cli import PRINT, TCP, TIMER
from support.service import ServiceTest, read_all

MAIN = """
i32 main()
{
    i64 $lid = callbacktcp.Open("Answer", 20000);
    printf("port %d\\n", callbacktcp.Port($lid));
    while (callbacktcp.State($lid) == 1) { timer.SleepMs(60000); }
    return(0);
}
"""
PLUGINS = PRINT + TIMER + TCP + 'plugin "../plugins/blob/BlobPlugin";\n'


def answers(text, name="Answer"):
    return (
        f"callback i32 {name}(ref blob $X)\n{{\n"
        f'    $X = blob.FromText("{text}");\n    return(1);\n}}\n'
    )


# Says that it runs, and ends when four connections are there.
WAITS = """
callback i32 Answer(ref blob $X)
{
    printf("in\\n");
    while (callbacktcp.Active(1) < 4) { timer.SleepMs(1); }
    $X = blob.FromText("waited");
    return(1);
}
"""


class Watch(ServiceTest):
    def begin(self, callbacks, plugins=PLUGINS):
        return self.serve(plugins + callbacks + MAIN, "--watch")

    def change(self, process, text, by_rename=False):
        """Writes the script anew; what it said about that, up to its last line."""
        if by_rename:
            os.rename(self.write("new.dom", text), os.path.join(self.folder, "script.dom"))
        else:
            self.write("script.dom", text)
        said = ""
        while "reloaded" not in said:
            line = process.stderr.readline()
            self.assertNotEqual(line, "", said)
            said += line
        return said

    def test_new_requests_run_the_new_text(self):
        process, port = self.begin(answers("one"))
        self.assertEqual(self.exchange(port, b"?"), b"one")
        said = self.change(process, PLUGINS + answers("two") + MAIN)
        self.assertRegex(said, r"script\.dom: reloaded\n$")
        self.assertEqual(self.exchange(port, b"?"), b"two")
        # Callbacks are found by their names: another one in front of it changes nothing.
        self.change(process, PLUGINS + answers("a", "A") + answers("three") + MAIN, True)
        self.assertEqual(self.exchange(port, b"?"), b"three")
        self.finish(process)

    def test_a_text_with_errors_leaves_the_old_one_running(self):
        process, port = self.begin(answers("one"))
        said = self.change(process, PLUGINS + answers("two") + "i32 main() { return(nothing); }")
        self.assertIn("script.dom:", said)
        self.assertIn(": error: ", said)
        self.assertIn("not reloaded", said)
        self.assertEqual(self.exchange(port, b"?"), b"one")
        self.assertIn("reloaded\n", self.change(process, PLUGINS + answers("three") + MAIN))
        self.assertEqual(self.exchange(port, b"?"), b"three")
        self.finish(process)

    def test_what_runs_ends_in_the_old_text(self):
        process, port = self.begin(WAITS)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(b"?")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(process.stdout.readline(), "in\n")
            self.change(process, PLUGINS + answers("new") + MAIN)
            self.assertEqual(self.exchange(port, b"?"), b"new")
            idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
            self.assertEqual(read_all(client), b"waited")
            for connection in idle:
                connection.close()
        self.finish(process)

    def test_a_callback_that_is_gone_fails_until_it_is_back(self):
        process, port = self.begin(answers("one"))
        other = PLUGINS + (answers("two") + MAIN).replace("Answer", "Other")
        said = self.change(process, other)
        self.assertIn("without the callback Answer", said)
        with self.assertRaises(ConnectionResetError):
            self.exchange(port, b"?")
        self.change(process, PLUGINS + answers("back") + MAIN)
        self.assertEqual(self.exchange(port, b"?"), b"back")
        self.finish(process)

    def test_a_new_plugin_line_loads_its_plugin(self):
        process, port = self.begin(answers("one"))
        upper = 'plugin "../plugins/str/StrPlugin";\n' + PLUGINS + (
            'callback i32 Answer(ref blob $X)\n{\n    $X = blob.FromText(str.Upper("loud"));\n    return(1);\n}\n'
        )
        self.change(process, upper + MAIN)
        self.assertEqual(self.exchange(port, b"?"), b"LOUD")
        self.finish(process)

    def test_no_request_is_lost_while_it_changes(self):
        process, port = self.begin(answers("text 0"))
        wrong = []
        done = threading.Event()

        def ask():
            while not done.is_set():
                answer = self.exchange(port, b"?")
                if not answer.startswith(b"text "):
                    wrong.append(answer)

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        for number in range(1, 40):
            self.change(process, PLUGINS + answers("text %d" % number) + MAIN, number % 2 == 0)
            self.assertEqual(self.exchange(port, b"?"), b"text %d" % number)
        done.set()
        for asker in askers:
            asker.join()
        self.assertEqual(wrong, [])
        self.finish(process)

    def test_standard_input_cannot_be_watched(self):
        result = self.run_cli("run", "--watch", "-")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--watch needs a file", result.stderr)


if __name__ == "__main__":
    unittest.main()
