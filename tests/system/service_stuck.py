#!/usr/bin/env python3
"""Callbacks that loop for ever, fail, or recurse for ever: each fails alone, and after a thousand of
each the process is what it was: threads, descriptors, memory."""

import os
import re
import threading
import unittest

from support.cli import PRINT, TCP, TIMER
from support.service import ServiceTest, info_pairs

TIMES = 1000
WARM_UP = 50
# The thread sanitizer keeps a history of each thread and of what it touched.
MEMORY_SLACK_KIB = (64 if os.environ.get("CALLBOARD_SANITIZER") == "thread" else 16) * 1024

SCRIPT = (
    PRINT
    + TIMER
    + TCP
    + """
i32 deeper(i32 $n) { return deeper($n + 1) + 1; }

callback i32 Echo(ref blob $X) { $X[0] = $X[0]; return(1); }
callback i32 Loop(ref blob $X) { while (1) { } return(1); }
callback i32 Fail(ref blob $X) { i32 $zero = $X.Length - $X.Length; return 1 / $zero; }
callback i32 Recurse(ref blob $X) { return deeper(0); }

void explain(i64 $lid)
{
    i64 $job = callbacktcp.BeginTextRequest($lid, "x", 30000);
    callbacktcp.WaitComplete($job, 30000);
    printf("%d %s\\n", callbacktcp.Status($job), callbacktcp.ErrorText($job));
}

i32 main()
{
    i64 $echo = callbacktcp.Open("Echo", 5000);
    i64 $loop = callbacktcp.Open("Loop", 2);
    i64 $fail = callbacktcp.Open("Fail", 5000);
    i64 $recurse = callbacktcp.Open("Recurse", 5000);
    printf("port %d\\n", callbacktcp.Port($echo));
    printf("%d %d %d\\n", callbacktcp.Port($loop), callbacktcp.Port($fail),
           callbacktcp.Port($recurse));
    explain($loop);
    explain($fail);
    explain($recurse);
    while (callbacktcp.State($echo) == 1) { timer.SleepMs(60000); }
    callbacktcp.Close($loop);
    callbacktcp.Close($fail);
    callbacktcp.Close($recurse);
    printf("%s\\n", callbacktcp.Info($loop));
    printf("%s\\n", callbacktcp.Info($fail));
    printf("%s\\n", callbacktcp.Info($recurse));
    return(0);
}
"""
)


class Stuck(ServiceTest):
    def measure(self):
        return {
            "threads": self.count_in_proc(self.process, "task"),
            "descriptors": self.count_in_proc(self.process, "fd"),
            "memory": self.resident_kib(self.process),
        }

    def provoke(self, times):
        for port in self.ports:
            for _ in range(times):
                with self.assertRaises(ConnectionResetError):
                    self.exchange(port, b"x")

    def check_explanations(self):
        where = r"script\.dom:\d+:\d+: "
        said = [self.process.stdout.readline() for _ in range(3)]
        self.assertRegex(said[0], r"^8 .*" + where)
        self.assertRegex(said[1], r"^7 .*" + where + ".*division by zero")
        self.assertRegex(said[2], r"^7 .*" + where)

    def test_each_fails_alone_and_nothing_is_left(self):
        # A sanitizer keeps freed memory for a while; with little of it the measure is fair.
        os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=1"
        self.addCleanup(os.environ.pop, "ASAN_OPTIONS")
        self.process, echo = self.serve(SCRIPT)
        errors = []
        reader = threading.Thread(target=lambda: errors.extend(self.process.stderr))
        reader.start()
        self.ports = [int(port) for port in self.process.stdout.readline().split()]
        self.check_explanations()
        self.provoke(WARM_UP)
        self.assertEqual(self.exchange(echo, b"before"), b"before")
        before = self.measure()
        self.provoke(TIMES)
        self.assertEqual(self.exchange(echo, b"after"), b"after")
        after = self.measure()
        # A busy machine may have made a job look stuck, so that one more actor was started.
        self.assertLessEqual(after["threads"], before["threads"] + 2)
        self.assertLessEqual(after["descriptors"], before["descriptors"] + 6)
        self.assertLess(after["memory"], before["memory"] + MEMORY_SLACK_KIB)
        self.process.terminate()
        lines = self.process.stdout.read().splitlines()
        self.assertEqual(self.process.wait(timeout=60), 0)
        reader.join()
        for line in lines:
            info = info_pairs(line)
            self.assertEqual(info["failed"], str(TIMES + WARM_UP + 1), line)
            self.assertEqual(info["active"], "0", line)
        places = [line for line in errors if re.match(r".*script\.dom:\d+:\d+: runtime error: ", line)]
        self.assertGreaterEqual(len(places), 2 * (TIMES + WARM_UP))


if __name__ == "__main__":
    unittest.main()
