"""One workbench: a mutant is written into its overlay, built, and tested there."""

import hashlib
import os
import shutil
import time

from build import BuildError, compile_object, link
from run import environment_of

LIBRARY = "libcallboard_inside.so"
OBJECTS = "callboard_objects"
SUPPORT = "unit_support"
TRIES = 3  # for a failure that can be chance: it has to be seen twice
NEEDED = 2
ROOM_BYTES = 256 << 20  # on a disk with less, what does not compile says nothing


class Result:
    def __init__(self, mutant, outcome, by="", seconds=0.0, output=""):
        self.mutant = mutant
        self.outcome = outcome  # "killed", "survived", "equal", "uncompilable"
        self.by = by
        self.seconds = seconds
        self.output = output

    @property
    def counts(self):
        return self.outcome in ("killed", "survived")


def file_digest(path):
    with open(path, "rb") as file:
        return hashlib.sha1(file.read()).hexdigest()


class Workbench:
    """A folder with an overlay of the tree; one thread works at it."""

    def __init__(self, folder, part, tests, builds, runner, originals):
        self.folder = folder
        self.part = part
        self.tests = tests
        self.builds = builds  # {plain: Build}
        self.runner = runner
        self.originals = originals  # digests of unchanged objects, shared by all workbenches
        self.source = os.path.join(folder, "source")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def try_mutant(self, mutant):
        begin = time.monotonic()
        result = self.judge(mutant)
        result.seconds = time.monotonic() - begin
        shutil.rmtree(self.folder, ignore_errors=True)
        return result

    def judge(self, mutant):
        shutil.rmtree(self.folder, ignore_errors=True)
        if shutil.disk_usage(os.path.dirname(self.folder)).free < ROOM_BYTES:
            raise OSError(f"the disk of {self.folder} is nearly full")
        self.write(mutant)
        is_header = mutant.path.endswith(".h")
        made = self.builds[False].objects_of(mutant.path, OBJECTS)
        if not is_header:
            same = self.is_same(mutant, made)
            if same is not False:
                return Result(mutant, "equal" if same else "uncompilable")
        objects = self.compile(self.builds[False], made)
        if objects is None:
            return Result(mutant, "uncompilable")
        try:
            link(self.builds[False], "callboard_inside", objects, self.path("lib", LIBRARY))
            failed = self.run_tests(mutant)
        except BuildError:
            return Result(mutant, "uncompilable")
        if failed:
            return failed
        if is_header and self.is_same(mutant, made):
            return Result(mutant, "equal")
        return Result(mutant, "survived")

    def write(self, mutant):
        tree = self.builds[False].tree
        with open(os.path.join(tree, mutant.path), encoding="utf-8") as file:
            text = file.read()
        for folder, content in ((self.source, mutant.apply(text)), (self.path("original"), text)):
            path = os.path.join(folder, mutant.path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)

    def compile(self, build, made):
        """{object: path} of what was compiled with the mutant in place; None if that fails."""
        objects = {}
        for one in made:
            output = self.path("plain" if not build.sanitized else "sanitized", one)
            if not os.path.exists(output) and not compile_object(build, one, self.source, output):
                return None
            objects[one] = output
        return objects

    def is_same(self, mutant, made):
        """Whether the plain object code is that of the original; None if it does not compile."""
        build = self.builds[False]
        same = True
        for one in made:
            output = self.path("compared", one)
            if not compile_object(build, one, self.source, output, plain=True):
                return None
            key = (mutant.path, one)
            if key not in self.originals:
                original = self.path("unchanged", one)
                if not compile_object(build, one, self.path("original"), original, plain=True):
                    raise BuildError(f"{mutant.path} does not compile as it is")
                self.originals[key] = file_digest(original)
            same = same and file_digest(output) == self.originals[key]
        return same

    def run_tests(self, mutant):
        """The result of the first test that fails; None if all pass."""
        def cost(test):
            return test.seconds / (1 + test.kills.get(mutant.path, 0))

        has_plain_library = False
        for test in sorted(self.tests, key=lambda one: (one.plain, cost(one))):
            if test.plain and not has_plain_library:
                self.link_plain(mutant)
                has_plain_library = True
            failure = self.failure(test, mutant.path)
            if failure:
                test.kills[mutant.path] = test.kills.get(mutant.path, 0) + 1
                by = f"{test.name}: {failure.how}"
                return Result(mutant, "killed", by, output=failure.output)
        return None

    def link_plain(self, mutant):
        build = self.builds[True]
        objects = self.compile(build, build.objects_of(mutant.path, OBJECTS))
        if objects is None:
            raise BuildError("does not compile without sanitizers")
        link(build, "callboard_inside", objects, self.path("plainlib", LIBRARY))

    def failure(self, test, path):
        """How the test fails with a changed file; None if it passes."""
        failures = 0
        for _ in range(TRIES):
            outcome = self.run_test(test, path)
            if outcome.how is None:
                if self.part.steady or failures == 0:
                    return None
                continue
            failures += 1
            if self.part.steady or outcome.is_certain:
                return outcome
            if failures == NEEDED:
                # It may be the machine: then it fails as it is, too.
                return outcome if self.run_test(test, None).how is None else None
        return None

    def run_test(self, test, path):
        """What comes of the test with a changed file; None: none is changed."""
        build = self.builds[test.plain]
        program = os.path.join(build.directory, test.program)
        libraries = build.directory
        if path is not None:
            program = self.program(build, test, path)
            libraries = self.path("plainlib" if test.plain else "lib")
        callboard = program if test.target == "callboard" else os.path.join(build.directory,
                                                                           "bin/callboard")
        environment = environment_of(self.part, build, libraries, callboard)
        return self.runner.run(test.argv(build.tree, program), environment, self.path("run"),
                               test.limit_s, test.cpu_s, test.plain)

    def program(self, build, test, path):
        """The test's program; built again if it includes a header that was changed."""
        own = build.objects_of(path, test.target)
        support = build.objects_of(path, SUPPORT) if test.target.endswith("_test") else []
        if not own and not support:
            return os.path.join(build.directory, test.program)
        output = self.path("programs", os.path.basename(test.program))
        if not os.path.exists(output):
            objects = self.compile(build, own + support)
            if objects is None:
                raise BuildError("a test does not compile")
            link(build, test.target, objects, output)
        return output
