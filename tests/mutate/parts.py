"""The parts that can be mutated: which files each has, and which tests belong to it."""

import glob
import os


class Part:
    """Files by pattern; tests by name, so that a new one of a subject belongs to its part at once.

    unit     subjects of tests/unit: the programs SUBJECT_test and SUBJECT_..._test
    replay   corpora of tests/fuzz, each replayed once
    scripts  folders of tests/script
    plain    programs of tests/unit that are too slow with sanitizers: they run without
    steady   false if a test may fail by chance on a busy machine: a failure has to happen twice
    """

    def __init__(self, files, unit, replay=(), scripts=(), plain=(), environment=None, steady=True):
        self.files = files
        self.unit = unit
        self.replay = replay
        self.scripts = scripts
        self.plain = plain
        self.environment = environment or {}
        self.steady = steady

    def find_files(self, root):
        """Paths from the root, sorted. A pattern without a file is an error: it was moved."""
        found = set()
        for pattern in self.files:
            here = glob.glob(os.path.join(root, pattern), recursive=True)
            if not here:
                raise LookupError(f"no file is called {pattern}: see tests/mutate/parts.py")
            found.update(os.path.relpath(path, root) for path in here)
        return sorted(found)

    def find_unit(self, root):
        """The names of the programs that run with sanitizers."""
        found = set()
        for subject in self.unit:
            for ending in ("_test.c", "_*_test.c"):
                found.update(os.path.basename(path)[:-2] for path in
                             glob.glob(os.path.join(root, "tests/unit", subject + ending)))
        return sorted(found - set(self.plain))


# "**" also stands for no folder at all, so a file is found wherever below actors/ it lies.
PARTS = {
    "step": Part(
        files=["actors/step/*.[ch]"],
        unit=["step"],
        plain=["step_exhaustive_test"]),
    "http": Part(
        files=["actors/io/http/*.[ch]"],
        unit=["http"],
        replay=["http"],
        steady=False),
    "lang": Part(
        files=["bridge/lang/*.[ch]"],
        unit=["binder", "codegen", "format", "lang", "lexer", "parser", "signature", "verifier",
              "vm"],
        replay=["lang"],
        scripts=["bad", "run", "plugins"]),
    "mailbox": Part(
        files=["actors/**/mailbox.[ch]", "actors/**/exchange.[ch]", "actors/**/asker*.[ch]",
               "actors/**/receiver.h"],
        unit=["asker", "exchange", "mailbox", "runtime", "supervisor"],
        steady=False),
    "supervisor": Part(
        files=["actors/**/supervisor.[ch]", "actors/**/outbox.[ch]", "actors/**/actor_start.c",
               "actors/**/runtime.[ch]", "actors/**/charge.h", "actors/**/bell.[ch]", "actors/**/address_map.[ch]"],
        unit=["actor_start", "address_map", "bell", "charge", "exchange", "outbox", "runtime",
              "shell", "supervisor"],
        steady=False),
}
