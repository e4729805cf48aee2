"""Running tests with limits: of time, of memory, of what they write."""

import json
import os
import select
import shutil
import signal
import subprocess
import threading
import time

LEAST_LIMIT_S = 10
LIMIT_FACTOR = 5
FIRST_LIMIT_S = 600  # before it is known how long a test takes
EXTENSIONS = 3  # for a test that is only slow because others use the processors
LOOK_S = 2  # so long it is watched whether a late test does anything
TICKS = os.sysconf("SC_CLK_TCK")
SANITIZER_STATUS = 86
FILE_BLOCKS = 1 << 20  # of 512 bytes: what a test may write into one file
MEMORY_MIB = 3000
PLAIN_MEMORY_KIB = 8 << 20
SCRIPTS_A_TEST = 12  # a folder of tests/script becomes tests of that many scripts
LIMITED = 'ulimit -c 0; ulimit -f "$1"; [ "$2" = 0 ] || ulimit -v "$2"; shift 2; exec "$@"'
SANITIZERS = (f"symbolize=0:exitcode={SANITIZER_STATUS}:detect_odr_violation=0:"
              f"malloc_context_size=2:quarantine_size_mb=16:hard_rss_limit_mb={MEMORY_MIB}")


class Outcome:
    def __init__(self, how, seconds, cpu, output):
        self.how = how  # None: passed
        self.seconds = seconds
        self.cpu = cpu  # seconds of processors that it took
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

    def run(self, argv, environment, folder, limit_s, cpu_s=None, plain=False):
        """What came of a test; its folder is emptied before and afterwards. cpu_s: how much of a
        processor it may take, if that is known."""
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
        late, status, cpu = self.wait(process, limit_s, limit_s if cpu_s is None else cpu_s)
        if self.stopped:
            raise InterruptedError
        with open(log, "rb") as output:
            output.seek(max(0, os.path.getsize(log) - 20000))
            text = output.read().decode("utf-8", "replace")
        shutil.rmtree(folder, ignore_errors=True)
        how = None
        if late:
            how = "time limit"
        elif status == SANITIZER_STATUS or (status != 0 and "Sanitizer" in text):
            how = "sanitizer"
        elif status < 0:
            how = f"signal {-status}"
        elif status != 0:
            how = f"status {status}"
        return Outcome(how, time.monotonic() - begin, cpu, text)

    def wait(self, process, limit_s, cpu_s):
        """Whether it was late, its status, the seconds of processors that it took."""
        ended = os.pidfd_open(process.pid)
        late = False
        try:
            for extension in range(EXTENSIONS + 1):
                if self.ends_within(ended, limit_s):
                    break
                used = cpu_of_group(process.pid)
                late = extension == EXTENSIONS or used >= cpu_s
                if not late and not self.ends_within(ended, LOOK_S):
                    late = cpu_of_group(process.pid) - used < 0.05  # it waits for something
                if late:
                    break
        finally:
            os.close(ended)
        # The process is not reaped before its group is gone, so the number stays its own.
        with self.lock:
            self.groups.discard(process.pid)
            os.killpg(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return late, process.returncode, usage.ru_utime + usage.ru_stime

    @staticmethod
    def ends_within(ended, seconds):
        return bool(select.select([ended], [], [], seconds)[0])


def cpu_of_group(group):
    """The seconds of processors that a group's processes, and those they waited for, have taken."""
    ticks = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group:
                ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS


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
        self.cpu = None
        self.kills = {}  # file -> how many of its mutants it has killed in this run

    @property
    def limit_s(self):
        if self.seconds is None:
            return FIRST_LIMIT_S
        return max(LEAST_LIMIT_S, LIMIT_FACTOR * self.seconds)

    @property
    def cpu_s(self):
        return None if self.cpu is None else max(LEAST_LIMIT_S, LIMIT_FACTOR * self.cpu)

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
    """{test: [seconds, of processors]} on the unchanged tree, if that was measured; else {}."""
    try:
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
    except (OSError, ValueError):
        return {}
    return kept["seconds"] if kept.get("digest") == digest else {}


def save_times(path, digest, tests):
    with open(path, "w", encoding="utf-8") as file:
        times = {test.name: [test.seconds, test.cpu] for test in tests}
        json.dump({"digest": digest, "seconds": times}, file)
