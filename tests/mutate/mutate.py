#!/usr/bin/env python3
"""Mutation testing: one line of a part is changed, and the part's own tests should notice.

    mutate.py [PART...] [N] [OPTION...]      see --help, and docs/mutation.md

All of it happens in build/mutate: a copy of the tree, built once, and an overlay for each mutant.
"""

import argparse
import fcntl
import glob
import hashlib
import json
import os
import shutil
import signal
import sys
import threading
import time

import operators
from bench import TRIES, Workbench
from build import COPIED, Build, BuildError, copy_tree, plugin_targets
from parts import PARTS
from run import Runner, load_times, save_times, tests_of
from source import Source

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WANTED_RATE = 0.95
COUNT = 100
INTERRUPTED = "interrupted: not all were tried"


def say(text):
    print(text, flush=True)


def fail(text):
    print(f"mutate: {text}", file=sys.stderr)
    sys.exit(2)


# -- which mutants -----------------------------------------------------------------------------


def mutants_of_part(part, tree):
    """{path: mutants} of all files of a part."""
    found = {}
    for path in part.find_files(tree):
        with open(os.path.join(tree, path), encoding="utf-8") as file:
            found[path] = operators.mutants_of(path, Source(file.read()))
    return found


class Plan:
    """Which mutant is next: of each file as many as fall to it; what does not count is replaced."""

    def __init__(self, mutants, count, seed):
        weights = {path: len({mutant.line for mutant in of_file})
                   for path, of_file in mutants.items()}
        self.left = operators.shares(weights, count)
        self.queues = {path: operators.in_order(of_file, seed) for path, of_file in mutants.items()}
        self.lock = threading.Lock()

    def next(self):
        """None if there is none left."""
        with self.lock:
            for path, queue in self.queues.items():
                if self.left[path] > 0 and queue:
                    self.left[path] -= 1
                    return queue.pop(0)
            return None

    def done(self, result):
        with self.lock:
            if not result.counts:
                self.left[result.mutant.path] += 1


class Given:
    """Mutants that were named; none is replaced."""

    def __init__(self, mutants):
        self.mutants = list(mutants)
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            return self.mutants.pop(0) if self.mutants else None

    def done(self, result):
        pass


# -- one part ----------------------------------------------------------------------------------


class Session:
    """The copy of the tree, its builds, and who runs tests."""

    def __init__(self, folder, jobs):
        self.folder = folder
        self.jobs = jobs
        self.tree = os.path.join(folder, "tree")
        self.runner = Runner()
        self.builds = {}
        self.digest = ""

    def prepare(self):
        """Brings the copy up to date, and clears what an interrupted run has left."""
        for old in glob.glob(os.path.join(self.folder, "bench-*")):
            shutil.rmtree(old)
        copy_tree(ROOT, self.tree)
        digest = hashlib.sha1()
        for name in COPIED:
            for where, folders, names in os.walk(os.path.join(self.tree, name)):
                folders.sort()
                for file in sorted(names):
                    with open(os.path.join(where, file), "rb") as content:
                        digest.update(file.encode() + content.read())
        self.digest = digest.hexdigest()

    def build(self, tests):
        for plain in sorted({test.plain for test in tests} | {False}):
            if plain not in self.builds:
                name = "plain" if plain else "sanitized"
                self.builds[plain] = Build(self.tree, os.path.join(self.folder, name), not plain)
                self.builds[plain].configure()
            targets = {"callboard_inside"} | {test.target for test in tests if test.plain == plain}
            if "callboard" in targets:
                targets |= set(plugin_targets(self.tree))
            self.builds[plain].build(sorted(targets), self.jobs)

    def measure(self, name, part, tests):
        """Every test has to pass on the tree as it is; how long it takes bounds it later."""
        kept = os.path.join(self.folder, f"times-{name}.json")
        times = load_times(kept, self.digest)
        bench = Workbench(os.path.join(self.folder, "bench-0"), part, tests, self.builds,
                          self.runner, {})
        for test in tests:
            test.seconds, test.cpu = times.get(test.name, (None, None))
            tries = 0
            while test.seconds is None:
                outcome = bench.run_test(test, None)
                tries += 1
                if outcome.how is None:
                    test.seconds, test.cpu = outcome.seconds, outcome.cpu
                elif part.steady or tries == TRIES:
                    fail(f"{test.name} fails on the tree as it is, in {self.tree}: {outcome.how}\n"
                         f"{outcome.output[-3000:]}")
        save_times(kept, self.digest, tests)


class Tally:
    """The results of one part, told as they come."""

    def __init__(self, name, wanted, keep):
        self.name = name
        self.wanted = wanted
        self.keep = keep  # called with all results now and then
        self.results = []
        self.lock = threading.Lock()
        self.begin = time.monotonic()

    def add(self, result):
        with self.lock:
            self.results.append(result)
            if result.outcome == "survived":
                say(describe(result.mutant))
            counted = sum(one.counts for one in self.results)
            if result.counts and counted % 25 == 0 and counted < self.wanted:
                self.keep(self.results)
                seconds = time.monotonic() - self.begin
                print(f"mutate: {self.name}: {counted} of {self.wanted} in {seconds:.0f} s",
                      file=sys.stderr, flush=True)


def describe(mutant):
    return (f"{mutant.path}:{mutant.line}: {mutant.operator} {mutant.id} survived\n"
            f"    - {mutant.original.strip()}\n    + {mutant.mutated.strip()}")


def run_part(session, name, plan, wanted, keep):
    """The results of a part's mutants."""
    part = PARTS[name]
    tests = tests_of(part, session.tree)
    session.build(tests)
    session.measure(name, part, tests)
    tally = Tally(name, wanted, keep)
    originals = {}
    problems = []

    def work(number):
        bench = Workbench(os.path.join(session.folder, f"bench-{number}"), part, tests,
                          session.builds, session.runner, originals)
        try:
            while not session.runner.stopped:
                mutant = plan.next()
                if mutant is None:
                    break
                result = bench.try_mutant(mutant)
                plan.done(result)
                tally.add(result)
        except InterruptedError:
            pass
        except Exception as problem:  # a full disk, say: told by the main thread
            problems.append(problem)
            session.runner.stop()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(session.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keep(tally.results)
    if problems:
        raise problems[0]
    return tally.results


# -- what is told ------------------------------------------------------------------------------


def summary(name, outcomes):
    """The closing line, and whether enough was killed. outcomes: [(outcome, by)]"""
    count = {kind: sum(outcome == kind for outcome, _ in outcomes)
             for kind in ("killed", "survived", "equal", "uncompilable", "gone")}
    late = sum(by.endswith("time limit") for outcome, by in outcomes if outcome == "killed")
    crashed = sum("sanitizer" in by or "signal" in by for outcome, by in outcomes)
    counted = count["killed"] + count["survived"]
    rate = count["killed"] / counted if counted else 1.0
    text = (f"{name}: {counted} mutants, {count['killed']} killed ({crashed} by a crash or a "
            f"sanitizer, {late} by the time limit), {count['survived']} survived; not counted: "
            f"{count['equal']} with the same object code, {count['uncompilable']} that do not "
            "compile")
    if count["gone"]:
        text += f", {count['gone']} whose line is gone"
    return f"{text}; kill rate {100 * rate:.1f} %", rate >= WANTED_RATE


def as_json(name, result):
    mutant = result.mutant
    return {"id": mutant.id, "part": name, "file": mutant.path, "line": mutant.line,
            "operator": mutant.operator, "original": mutant.original.strip(),
            "mutated": mutant.mutated.strip(), "outcome": result.outcome, "by": result.by,
            "seconds": round(result.seconds, 2)}


def write_json(path, records):
    fresh = path + ".new"
    with open(fresh, "w", encoding="utf-8") as file:
        json.dump({"mutants": records}, file, indent=1)
        file.write("\n")
    os.replace(fresh, path)


# -- the command -------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev mutate", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Changes one line at a time in a copy and runs the tests of its part.\n"
                    f"parts: {', '.join(PARTS)}",
        epilog="exit status: 0 if at least 95 % of the mutants that count were killed, else 1")
    parser.add_argument("words", nargs="*", metavar="PART | N",
                        help=f"parts (default: all), and how many mutants of each ({COUNT})")
    parser.add_argument("--seed", default="1", help="which mutants are chosen (1)")
    parser.add_argument("--jobs", type=int, default=1, help="how many mutants at once (1)")
    parser.add_argument("--json", metavar="FILE", help="write all results into FILE")
    parser.add_argument("--only", metavar="FILE:LINE", help="all mutants of one line")
    parser.add_argument("--mutant", metavar="ID", action="append", help="one mutant, by its id")
    parser.add_argument("--survivors", metavar="RESULT",
                        help="the survivors in a file of --json once more, and its sums anew")
    parser.add_argument("--list", action="store_true", help="list the mutants, run nothing")
    options = parser.parse_args()
    numbers = [word for word in options.words if word.isdigit()]
    options.parts = [word for word in options.words if not word.isdigit()]
    options.count = int(numbers[0]) if numbers else COUNT
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown or len(numbers) > 1:
        parser.error(f"no such part: {unknown[0]}" if unknown else "more than one number")
    if options.jobs < 1 or options.count < 1:
        parser.error("at least one")
    return options


def chosen(options, tree):
    """[(part, plan, how many)] for what was asked for, and the results of an earlier run."""
    names = options.parts or list(PARTS)
    everything = {name: mutants_of_part(PARTS[name], tree) for name in names}
    if options.survivors:
        with open(options.survivors, encoding="utf-8") as file:
            earlier = json.load(file)["mutants"]
        plans = []
        for name in names:
            known = {mutant.id: mutant for of_file in everything[name].values()
                     for mutant in of_file}
            again = []
            for record in earlier:
                if record["part"] == name and record["outcome"] in ("survived", "gone"):
                    if record["id"] in known:
                        again.append(known[record["id"]])
                    else:
                        record["outcome"] = "gone"
            if any(record["part"] == name for record in earlier):
                plans.append((name, Given(again), len(again)))
        return plans, [record for record in earlier if record["part"] in names]
    if options.only or options.mutant:
        def is_meant(mutant):
            if options.mutant:
                return mutant.id in options.mutant
            file, _, line = options.only.rpartition(":")
            return str(mutant.line) == line and ("/" + mutant.path).endswith("/" + file)

        plans = []
        for name in names:
            found = [mutant for of_file in everything[name].values() for mutant in of_file
                     if is_meant(mutant)]
            if found:
                plans.append((name, Given(found), len(found)))
        if not plans:
            fail("there is no such mutant")
        return plans, []
    return [(name, Plan(everything[name], options.count, options.seed), options.count)
            for name in names], []


def list_mutants(plans):
    for _, plan, wanted in plans:
        for _ in range(wanted):
            mutant = plan.next()
            if mutant is None:
                break
            print(f"{mutant.path}:{mutant.line}: {mutant.operator} {mutant.id}\n"
                  f"    - {mutant.original.strip()}\n    + {mutant.mutated.strip()}")


def run_all(options, session):
    plans, earlier = chosen(options, session.tree)
    if options.list:
        list_mutants(plans)
        return 0
    records = {record["id"]: record for record in earlier}
    enough = True
    for name, plan, wanted in plans:
        def keep(results, name=name):
            records.update({result.mutant.id: as_json(name, result) for result in results})
            if options.json:
                write_json(options.json, list(records.values()))

        for result in run_part(session, name, plan, wanted, keep):
            if (options.mutant or options.only) and result.outcome != "survived":
                tell_one(result)
        text, good = summary(name, [(record["outcome"], record["by"])
                                    for record in records.values() if record["part"] == name])
        say(text)
        enough = enough and good
        if session.runner.stopped:
            say(INTERRUPTED)
            return 130
    return 0 if enough else 1


def tell_one(result):
    mutant = result.mutant
    say(f"{mutant.path}:{mutant.line}: {mutant.operator} {mutant.id} {result.outcome} {result.by}\n"
        f"    - {mutant.original.strip()}\n    + {mutant.mutated.strip()}")
    if result.output:
        say("    | " + "\n    | ".join(result.output.strip().splitlines()[-12:]))


def main():
    options = arguments()
    folder = os.path.join(ROOT, "build", "mutate")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("another run works in build/mutate of this checkout")
        session = Session(folder, options.jobs)

        def stop(number, frame):
            session.runner.stop()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        try:
            session.prepare()
            return run_all(options, session)
        except InterruptedError:
            say(INTERRUPTED)
            return 130
        except (BuildError, LookupError, OSError) as problem:
            fail(problem)
    return 2


if __name__ == "__main__":
    sys.exit(main())
