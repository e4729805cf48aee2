#!/usr/bin/env python3
"""The fixed set: each mutant of known.txt still applies, and the test named with it kills it.

    known.py BUILD [NUMBER...]      BUILD: a build directory with its tests built

An entry of known.txt is four lines: the part and file, the line as it is, the line as it becomes,
and the test program that has to notice. That is linked again with the one object replaced.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile

import operators
from build import Build, BuildError, compile_object, link, without_launcher
from parts import PARTS
from run import SANITIZERS, Runner
from source import Source

LIMIT_S = 20
HERE = os.path.dirname(os.path.abspath(__file__))
ENTRY = re.compile(r"(\w+) (\S+)\n- (.+)\n\+ (.+)\nkilled by (\w+)\n?")


class Entry:
    def __init__(self, number, fields):
        self.number = number
        self.part, self.file, self.original, self.mutated, self.test = fields

    def find(self, root):
        """The mutant and the text of its file; LookupError if it does not apply any more."""
        paths = [path for path in PARTS[self.part].find_files(root)
                 if os.path.basename(path) == self.file]
        if len(paths) != 1:
            raise LookupError(f"{self.part} has no file {self.file}")
        with open(os.path.join(root, paths[0]), encoding="utf-8") as file:
            text = file.read()
        found = [mutant for mutant in operators.mutants_of(paths[0], Source(text))
                 if mutant.original.strip() == self.original
                 and mutant.mutated.strip() == self.mutated]
        if not found:
            raise LookupError(f"{paths[0]} has no such line any more, or no operator makes this of "
                              "it: choose another mutant for known.txt")
        return found[0], text


def entries(path):
    with open(path, encoding="utf-8") as file:
        blocks = [block.strip("\n") for block in file.read().split("\n\n")]
    found = []
    for block in blocks:
        if not block or block.startswith("#"):
            continue
        match = ENTRY.fullmatch(block)
        if not match or match.group(1) not in PARTS:
            raise LookupError(f"known.txt: this is no entry:\n{block}")
        found.append(Entry(len(found) + 1, match.groups()))
    if not found:
        raise LookupError("known.txt is empty")
    return found


class Finished(Build):
    """A build directory that somebody else has built, by ninja or make."""

    def __init__(self, tree, directory):
        super().__init__(tree, directory, True)
        self.is_ninja = os.path.exists(os.path.join(directory, "build.ninja"))
        self.read_commands()

    def link_of(self, target):
        if target not in self.links:
            if self.is_ninja:
                done = subprocess.run(["ninja", "-C", self.directory, "-t", "commands", target],
                                      stdout=subprocess.PIPE, text=True, check=True)
                line = done.stdout.splitlines()[-1]
            else:
                with open(os.path.join(self.directory, f"CMakeFiles/{target}.dir/link.txt"),
                          encoding="utf-8") as file:
                    line = file.read()
            argv = without_launcher(self.link_command(line))
            self.links[target] = [word for word in argv if not word.startswith("-flto")]
        return self.links[target]

    def object_of(self, path):
        found = [made for made, source in self.sources.items()
                 if source == path and "callboard_objects.dir" in made]
        if not found:
            raise LookupError(f"{path} is no source file of the library")
        return found[0]


def environment(build):
    return {**os.environ, "ASAN_OPTIONS": SANITIZERS, "CALLBOARD_BUILD": build.directory}


def passes(build, runner, program, folder):
    outcome = runner.run([program], environment(build), os.path.join(folder, "run"), LIMIT_S)
    return outcome.how is None


def check(entry, build, runner, folder):
    """What is wrong with an entry; "" if its mutant is killed."""
    mutant, text = entry.find(build.tree)
    overlay = os.path.join(folder, "source")
    path = os.path.join(overlay, mutant.path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(mutant.apply(text))
    made = build.object_of(mutant.path)
    output = os.path.join(folder, f"{entry.number}.o")
    if not compile_object(build, made, overlay, output):
        return "it does not compile"
    build.link_of(entry.test)
    program = os.path.join(folder, f"{entry.test}_{entry.number}")
    link(build, entry.test, {made: output}, program)
    survived = passes(build, runner, program, folder)
    os.remove(program)
    os.remove(path)
    return f"{entry.test} does not notice" if survived else ""


def main():
    root = os.path.dirname(os.path.dirname(HERE))
    build = Finished(root, os.path.abspath(sys.argv[1]))
    wanted = [int(word) for word in sys.argv[2:]]
    runner = Runner()
    wrong = 0
    try:
        chosen = [entry for entry in entries(os.path.join(HERE, "known.txt"))
                  if not wanted or entry.number in wanted]
        with tempfile.TemporaryDirectory(prefix="callboard_known_") as folder:
            for test in sorted({entry.test for entry in chosen}):
                output = build.link_of(test)
                program = os.path.join(build.directory, output[output.index("-o") + 1])
                if not passes(build, runner, program, folder):
                    wrong += 1
                    print(f"{test} fails without any mutant")
            for entry in chosen:
                try:
                    fault = check(entry, build, runner, folder)
                except LookupError as problem:
                    fault = str(problem)
                if fault:
                    wrong += 1
                    print(f"{entry.number}. {entry.part} {entry.file}: {fault}\n"
                          f"    - {entry.original}\n    + {entry.mutated}")
    except (BuildError, LookupError) as problem:
        print(problem)
        return 1
    print(f"{len(chosen)} mutants, {wrong} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
