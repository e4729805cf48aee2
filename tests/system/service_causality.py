#!/usr/bin/env python3
"""What was learned from one answer, no later answer takes back: checked from a script, while other
clients keep another route of the same process busy."""

import threading
import unittest

from support.cli import PRINT, TCP
from support.service import ServiceTest

TRIES = 10000

SCRIPT = (
    PRINT
    + TCP
    + """
callback i32 Echo(ref blob $X)
{
    if ($X.Length > 0) { $X[0] = $X[0]; }
    return(1);
}

i32 main()
{
    i64 $busy = callbacktcp.Open("Echo", 5000);
    i64 $lid = callbacktcp.Open("Echo", 5000);
    printf("port %d\\n", callbacktcp.Port($busy));
    i32 $not_drained = 0;
    i32 $not_completed = 0;
    i32 $wrong_text = 0;
    for (i32 $i = 0; $i < TRIES; $i++) {
        if ($i % 2000 == 1999) { // a fresh port now and then: the kernel keeps closed connections
            callbacktcp.Close($lid);
            $lid = callbacktcp.Open("Echo", 5000);
        }
        if (callbacktcp.RequestText($lid, "ping", 20000) != "ping") { $wrong_text++; }
        if (callbacktcp.Drained($lid) != 1) { $not_drained++; }
        if ($i % 10 == 0) {
            i64 $job = callbacktcp.BeginTextRequest($lid, "pong", 20000);
            if (callbacktcp.WaitComplete($job, 20000) != 1) { $not_completed++; }
            if (callbacktcp.Phase($job) != 2) { $not_completed++; }
            if (callbacktcp.Drained($lid) != 1) { $not_drained++; }
            callbacktcp.TakeBlob($job);
        }
    }
    callbacktcp.RouteClose($lid);
    i32 $not_latched = 0;
    for (i32 $i = 0; $i < 1000; $i++) {
        if (callbacktcp.RouteCloseAccepted($lid) != 1) { $not_latched++; }
    }
    printf("not drained %d, not completed %d, wrong text %d, not latched %d\\n", $not_drained,
           $not_completed, $wrong_text, $not_latched);
    return(0);
}
"""
).replace("TRIES", str(TRIES))


class Causality(ServiceTest):
    def test_answers_are_causal_under_load(self):
        process, port = self.serve(SCRIPT)
        over = threading.Event()

        def hammer():
            while not over.is_set():
                try:
                    self.exchange(port, b"load")
                except OSError:
                    return

        threads = [threading.Thread(target=hammer) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            line = process.stdout.readline()
        finally:
            over.set()
        for thread in threads:
            thread.join()
        out, err = process.communicate(timeout=60)
        self.assertEqual(
            line,
            "not drained 0, not completed 0, wrong text 0, not latched 0\n",
            line + out + err,
        )
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
