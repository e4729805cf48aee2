#!/usr/bin/env python3
"""A shutdown finds callbacks that wait for a lock, and one that holds it: all of them end."""

import signal
import unittest

from support.cli import PRINT, TCP, TIMER, CliTest

STATE = 'plugin "../plugins/script_state/ScriptStatePlugin";\n'

# main holds the lock of block 1 when the shutdown begins, and some callbacks wait for it.
WAITING = (
    PRINT
    + TIMER
    + TCP
    + STATE
    + """
callback i32 Wait(ref blob $bytes)
{
    %s
    return(1);
}

i32 main()
{
    script_state.Allocate(8);
    script_state.Lock(1);
    i64 $l = callbacktcp.Open("Wait", -1);
    for (i32 $i = 0; $i < 3; $i++)
        callbacktcp.BeginTextRequest($l, "x", -1);
    while (callbacktcp.Running($l) < 3)
        timer.SleepMs(1);
    printf("ready\\n");
    while (timer.SleepMs(10)) { }
    %s
    return(0);
}
"""
)


UNTIL_ALL_ENDED = "while (callbacktcp.Running($l) > 0) { }"


class Shutdown(CliTest):
    def shut_down(self, script):
        """Starts the script, tells it to end once it is ready; what it printed, and its errors."""
        process = self.start(script)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        return out, err

    def test_a_wait_with_a_limit_answers_0(self):
        out, err = self.shut_down(
            WAITING % ('printf("%d\\n", script_state.Lock(1, -1));', UNTIL_ALL_ENDED)
        )
        self.assertEqual((out, err), ("0\n0\n0\n", ""))

    def test_a_wait_without_one_is_an_error(self):
        out, err = self.shut_down(WAITING % ("script_state.Lock(1);", UNTIL_ALL_ENDED))
        self.assertEqual(out, "")
        self.assertEqual(
            err.count("script_state.Lock: block 1 is locked, and a shutdown begins"), 3, err
        )

    def test_a_lock_that_is_given_back_meanwhile(self):
        """Whoever has not seen the shutdown yet gets it."""
        out, err = self.shut_down(
            WAITING
            % (
                'i32 $got = script_state.Lock(1, -1); printf("%d\\n", $got);'
                " if ($got) script_state.Unlock(1);",
                "script_state.Unlock(1);",
            )
        )
        self.assertRegex(out, r"^([01]\n){3}$")
        self.assertEqual(err, "")


if __name__ == "__main__":
    unittest.main()
