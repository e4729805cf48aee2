"""Running tests with limits: of time, of memory, of what they write."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time

LEAST_LIMIT_S = 10
LIMIT_FACTOR = 5
FIRST_LIMIT_S = 600  # before it is known how long a test takes
SANITIZER_STATUS = 86
FILE_BLOCKS = 1 << 20  # of 512 bytes: what a test may write into one file
MEMORY_MIB = 3000
PLAIN_MEMORY_KIB = 8 << 20
SCRIPTS_A_TEST = 12  # a folder of tests/script becomes tests of that many scripts
LIMITED = 'ulimit -c 0; ulimit -f "$1"; [ "$2" = 0 ] || ulimit -v "$2"; shift 2; exec "$@"'
SANITIZERS = (f"symbolize=0:exitcode={SANITIZER_STATUS}:detect_odr_violation=0:"
              f"malloc_context_size=2:quarantine_size_mb=16:hard_rss_limit_mb={MEMORY_MIB}")


class Outcome:
    def __init__(self, how, seconds, output):
        self.how = how  # None: passed
        self.seconds = seconds
        self.output = output

    @property
    def is_certain(self):
        """Whether the failure can be no chance of a busy machine."""
        return self.how is not None and not self.how.startswith("status")


class Runner:
    """Runs commands, each in a process group of its own, none of which outlives its run."""

    def __init__(self):
        self.lock = threading.Lock()
        self.groups = set()
        self.stopped = False

    def stop(self):
        """Ends what runs now; nothing runs any more afterwards."""
        with self.lock:
            self.stopped = True
            for group in self.groups:
                os.killpg(group, signal.SIGKILL)

    def run(self, argv, environment, folder, limit_s, plain=False):
        """What came of a test; its folder is emptied before and afterwards."""
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.join(folder, "tmp"))
        log = os.path.join(folder, "output")
        begin = time.monotonic()
        command = ["sh", "-c", LIMITED, "sh", str(FILE_BLOCKS),
                   str(PLAIN_MEMORY_KIB if plain else 0), *argv]
        with open(log, "wb") as output:
            with self.lock:
                if self.stopped:
                    raise InterruptedError
                process = subprocess.Popen(
                    command, env={**environment, "TMPDIR": os.path.join(folder, "tmp")},
                    cwd=os.path.join(folder, "tmp"), stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, start_new_session=True)
                self.groups.add(process.pid)
        timed_out = self.wait(process, limit_s)
        if self.stopped:
            raise InterruptedError
        with open(log, "rb") as output:
            output.seek(max(0, os.path.getsize(log) - 20000))
            text = output.read().decode("utf-8", "replace")
        shutil.rmtree(folder, ignore_errors=True)
        status = process.returncode
        how = None
        if timed_out:
            how = "time limit"
        elif status == SANITIZER_STATUS or (status != 0 and "Sanitizer" in text):
            how = "sanitizer"
        elif status < 0:
            how = f"signal {-status}"
        elif status != 0:
            how = f"status {status}"
        return Outcome(how, time.monotonic() - begin, text)

    def wait(self, process, limit_s):
        late = threading.Event()

        def end():
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        # The process is not reaped before its group is gone, so the number stays its own.
        timer = threading.Timer(limit_s, end)
        timer.start()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        timer.cancel()
        timer.join()
        with self.lock:
            self.groups.discard(process.pid)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return late.is_set()


class Test:
    """A test of a part. `target` is the program that it needs, as ninja calls it."""

    def __init__(self, name, target, program, arguments=(), scripts=None, plain=False):
        self.name = name
        self.target = target
        self.program = program  # from the build directory
        self.arguments = list(arguments)
        self.scripts = scripts  # for run_scripts.py, which runs the program
        self.plain = plain
        self.seconds = None
        self.kills = {}  # file -> how many of its mutants it has killed in this run

    @property
    def limit_s(self):
        if self.seconds is None:
            return FIRST_LIMIT_S
        return max(LEAST_LIMIT_S, LIMIT_FACTOR * self.seconds)

    def argv(self, tree, program):
        if self.scripts is None:
            return [program, *self.arguments]
        return ["python3", os.path.join(tree, "tests/script/run_scripts.py"), *self.scripts]


def tests_of(part, tree):
    tests = [Test(name, name, f"tests/unit/{name}") for name in part.find_unit(tree)]
    tests += [Test(f"replay_{name}", f"replay_{name}", f"tests/fuzz/replay_{name}",
                   [os.path.join(tree, "tests/fuzz/corpus", name)]) for name in part.replay]
    for folder in part.scripts:
        found = []
        for where, _, names in os.walk(os.path.join(tree, "tests/script", folder)):
            found += [os.path.join(where, name) for name in names if name.endswith(".dom")]
        found.sort()
        for begin in range(0, len(found), SCRIPTS_A_TEST):
            tests.append(Test(f"script_{folder}_{begin // SCRIPTS_A_TEST + 1}", "callboard",
                              "bin/callboard", scripts=found[begin:begin + SCRIPTS_A_TEST]))
    tests += [Test(name, name, f"tests/unit/{name}", plain=True) for name in part.plain]
    return tests


def environment_of(part, build, libraries, callboard):
    return {
        **os.environ, **part.environment,
        "CALLBOARD": callboard,
        "CALLBOARD_PLUGIN_PATH": os.path.join(build.directory, "plugins"),
        "CALLBOARD_BUILD": build.directory,
        "CALLBOARD_SOURCE": build.tree,
        "CALLBOARD_SANITIZER": "address" if build.sanitized else "",
        "LD_LIBRARY_PATH": libraries,
        "ASAN_OPTIONS": SANITIZERS,
        "UBSAN_OPTIONS": f"symbolize=0:exitcode={SANITIZER_STATUS}",
    }


def load_times(path, digest):
    """How long each test took on the unchanged tree, if that was measured; else nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
    except (OSError, ValueError):
        return {}
    return kept["seconds"] if kept.get("digest") == digest else {}


def save_times(path, digest, tests):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"digest": digest, "seconds": {test.name: test.seconds for test in tests}}, file)
