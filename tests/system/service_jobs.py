#!/usr/bin/env python3
"""Jobs of this process under load, and at the end of it: none is lost, they start in the order in
which they were begun, the trace says the same, and SIGTERM finishes what was accepted."""

import os
import re
import signal
import unittest

from support.cli import PRINT, TIMER, CliTest
from support.service import info_pairs

PLUGINS = PRINT + TIMER + (
    'plugin "../plugins/str/StrPlugin";\n'
    'plugin "../plugins/blob/BlobPlugin";\n'
    'plugin "../plugins/callback_worker/CallbackWorkerPlugin";\n'
    'plugin "../plugins/callback_listener/CallbackListenerPlugin";\n'
)

JOBS = 10000

# Job number n has n bytes, so that the trace, which keeps sizes and no bytes, tells them apart. Some
# block for longer than an actor may before those behind it go to another.
LOAD = PLUGINS + """
blob taken(i64 $job)
{
    callbacklistener.WaitComplete($job, -1);
    return(callbacklistener.TakeBlob($job));
}

callback i32 Measure(ref blob $bytes)
{
    if ($bytes.Length % 500 == 0) { timer.SleepMs(5); }
    $bytes = blob.FromText(str.FromInt($bytes.Length));
    return(1);
}

i32 main()
{
    i32 $wrong = 0;
    callbacklistener.Open("Measure", -1);
    for (i32 $i = 1; $i <= JOBS + 512; $i++) {
        if ($i > 512) {
            string $result = blob.ToText(WAIT($i - 512));
            $wrong += str.ToInt($result) != $i - 512;
        }
        if ($i <= JOBS) {
            START;
        }
    }
    printf("wrong %d, last known %d, next known %d\\n", $wrong, FAMILY.JobKnown(JOBS),
           FAMILY.JobKnown(JOBS + 1));
    return(0);
}
""".replace("JOBS", str(JOBS))
WORKER = (
    LOAD.replace("WAIT($i - 512)", "callbackworker.Wait($i - 512, -1)")
    .replace("START", 'callbackworker.StartBorrowedText("Measure", str.Repeat("x", $i), -1)')
    .replace("FAMILY", "callbackworker")
)
LISTENER = (
    LOAD.replace("WAIT", "taken")
    .replace("START", 'callbacklistener.SendBorrowedText(str.Repeat("x", $i))')
    .replace("FAMILY", "callbacklistener")
)

ENDING_JOBS = 120  # enough that most are left when the signal comes

# Each job computes for some ms and says that it is done.
ENDING = PLUGINS + """
callback i32 Compute(ref blob $bytes)
{
    i64 $end = timer.NowMs() + 5;
    while (timer.NowMs() < $end) { }
    printf("done\\n");
    return(1);
}

i32 main()
{
    i64 $s = callbacklistener.Open("Compute", -1);
    for (i32 $i = 0; $i < JOBS / 2; $i++) {
        callbackworker.StartBorrowedText("Compute", "", -1);
        callbacklistener.SendBorrowedText("");
    }
    printf("started\\n");
    while (timer.SleepMs(60000)) { }
    printf("state %d, waits %d %d\\n", callbacklistener.RouteState($s),
           callbackworker.WaitComplete(JOBS / 2, -1), callbacklistener.WaitRouteDrained($s, -1));
    while (callbacklistener.RouteDrained($s) == 0) { }
    printf("%s\\n", callbacklistener.RouteInfo($s));
    return(0);
}
""".replace("JOBS", str(ENDING_JOBS))

CANCEL_JOBS = 300

# Starts 50 at a time and, once the first runs, cancels them, the newest first; each that is run says so.
CANCEL = PLUGINS + """
callback i32 Say(ref blob $bytes)
{
    i32 $steps = 0;
    while ($steps < 100000) { $steps++; }
    printf("ran %d\\n", $bytes.Length);
    return(1);
}

i32 main()
{
    for (i32 $first = 1; $first <= JOBS; $first += 50) {
        for (i32 $i = $first; $i < $first + 50; $i++) {
            callbackworker.StartBorrowedText("Say", str.Repeat("x", $i), -1);
        }
        while (callbackworker.Phase($first) == 0) { }
        for (i32 $i = $first + 49; $i >= $first; $i--) {
            if (callbackworker.Cancel($i) == 1) {
                printf("canceled %d\\n", $i);
                if (callbackworker.Cancel($i) == 1) { printf("twice %d\\n", $i); }
            }
        }
    }
    for (i32 $i = 1; $i <= JOBS; $i++) {
        callbackworker.WaitComplete($i, -1);
    }
    return(0);
}
""".replace("JOBS", str(CANCEL_JOBS))

LATE = PLUGINS + """
callback i32 Nothing(ref blob $bytes)
{
    return(1);
}

i32 main()
{
    i64 $s = callbacklistener.Open("Nothing", -1);
    printf("up\\n");
    while (timer.SleepMs(60000)) { }
    ACT;
    return(0);
}
"""


class Jobs(CliTest):
    def load(self, actors, script):
        """Runs the load and returns what its trace shows, after checking both."""
        trace = os.path.join(self.folder, "load.cbtrace")
        env = dict(os.environ, CALLBOARD_MAX_ACTORS=str(actors))
        done = self.run_cli("run", "--trace", trace, self.write("load.dom", script), env=env)
        self.check(done, 0, "wrong 0, last known 0, next known 0\n", "")
        verified = self.run_cli("trace", "verify", trace)
        self.check(verified, 0)
        shown = self.run_cli("trace", "show", trace)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        return Trace(shown.stdout)

    def check_order(self, trace):
        everything = list(range(1, JOBS + 1))
        self.assertEqual(trace.begun, everything)
        self.assertEqual(trace.handed, everything)  # each for the first time, in this order
        self.assertEqual(sorted(trace.completed), everything)  # each once

    def test_one_actor(self):
        for script in (WORKER, LISTENER):
            trace = self.load(1, script)
            self.check_order(trace)
            self.assertEqual(trace.completed, list(range(1, JOBS + 1)))
            self.assertEqual(len(trace.actors), 1)

    def test_many_actors(self):
        for script in (WORKER, LISTENER):
            trace = self.load(16, script)
            self.check_order(trace)
            self.assertGreater(len(trace.actors), 1)

    def test_canceled_jobs_never_start(self):
        """Cancel says 1 for those that no actor ran, as the trace has it, and 0 for all others."""
        trace = os.path.join(self.folder, "cancel.cbtrace")
        done = self.run_cli("run", "--trace", trace, self.write("cancel.dom", CANCEL))
        self.check(done, 0, err="")
        canceled, ran = [], []
        for line in done.stdout.splitlines():
            what, number = line.split()
            (canceled if what == "canceled" else ran).append(int(number))
        self.assertEqual(sorted(canceled + ran), list(range(1, CANCEL_JOBS + 1)))
        self.assertGreater(len(canceled), 0)
        self.assertGreater(len(ran), 0)
        self.check(self.run_cli("trace", "verify", trace), 0)
        shown = Trace(self.run_cli("trace", "show", trace).stdout)
        self.assertEqual(sorted(shown.completed), sorted(ran))

    def test_a_shutdown_finishes_what_was_accepted(self):
        os.environ["CALLBOARD_MAX_ACTORS"] = "2"  # or all jobs would be begun at once
        self.addCleanup(os.environ.pop, "CALLBOARD_MAX_ACTORS")
        process = self.start(ENDING)
        lines = []
        while "started\n" not in lines or "done\n" not in lines:
            line = process.stdout.readline()
            self.assertNotEqual(line, "", lines)
            lines.append(line)
        self.assertLess(lines.count("done\n"), ENDING_JOBS)  # or nothing is left to be finished
        process.send_signal(signal.SIGTERM)
        lines += process.stdout.readlines()  # with what readline has read ahead, so not communicate
        self.assertEqual((process.wait(timeout=60), process.stderr.read()), (0, ""))
        self.assertEqual(lines.count("done\n"), ENDING_JOBS)
        self.assertIn("state 0, waits 0 0\n", lines)
        info = info_pairs(next(line for line in lines if line.startswith("id=1 ")))
        self.assertEqual(info["accepted"], str(ENDING_JOBS // 2))
        self.assertEqual(info["completed"], info["accepted"])

    def test_nothing_begins_after_a_shutdown(self):
        for act, error in (
            ('callbackworker.StartBorrowedText("Nothing", "", -1)',
             "callbackworker.StartBorrowedText: callbackworker is closed"),
            ('callbacklistener.SendBorrowedTextTo($s, "")',
             "callbacklistener.SendBorrowedTextTo: subscription 1 is closed"),
            ('callbacklistener.SendBorrowedText("")',
             "callbacklistener.SendBorrowedText: callbacklistener.Send requires exactly one open "
             "subscription"),
        ):
            with self.subTest(act):
                process = self.start(LATE.replace("ACT", act))
                self.assertEqual(process.stdout.readline(), "up\n")
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 1, err)
                self.assertIn("runtime error: " + error + "\n", err)


class Trace:
    """Sizes of jobs in the order of what a trace shows: begun, first handed out, completed."""

    def __init__(self, text):
        self.begun = []
        self.handed = []
        self.completed = []
        self.actors = set()
        size_of = {}
        for line in text.splitlines():
            if " BeginJob " in line:
                self.begun.append(int(self.column(line, -2)))
            elif " Hand " in line:
                self.actors.add(re.search(r"-> (actor \d+)", line).group(1))
                job = re.search(r" (#\d+\.\d+) ", line).group(1)
                if job not in size_of:
                    size_of[job] = int(self.column(line.replace("has-nul", ""), -2))
                    self.handed.append(size_of[job])
            elif " JobCompleted " in line:
                self.completed.append(size_of[re.search(r" (#\d+\.\d+) ", line).group(1)])

    @staticmethod
    def column(line, number):
        return line.split()[number]


if __name__ == "__main__":
    unittest.main()
