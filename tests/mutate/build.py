"""A copy of the tree, built once, and single files of it compiled again for each mutant.

What the tests reach inside is one shared library here, so that a mutant takes one compilation and
one link, and the test programs stay as they are. Only a changed header makes them be built again.
"""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess

COPIED = ("actors", "bench", "bridge", "cmake", "docs", "examples", "include", "plugins", "tests",
          "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "dev")
WARNINGS = re.compile(r"-W(?!l,)\S*|-W?pedantic")
# These say that a mutant is no slip that anybody could make unseen: a number in a pointer's place.
REFUSED = ("-Werror=int-conversion", "-Werror=incompatible-pointer-types",
           "-Werror=pointer-to-int-cast", "-Werror=int-to-pointer-cast",
           "-Werror=implicit-function-declaration")
COMPILE_LIMIT_S = 300


class BuildError(Exception):
    pass


def copy_tree(root, copy):
    """Brings the copy up to date. A file that is as it was keeps its time, and is not built anew."""
    kept = set()
    for name in COPIED:
        whole = os.path.join(root, name)
        if os.path.isfile(whole):
            kept.add(name)
            continue
        for where, folders, names in os.walk(whole):
            folders[:] = [folder for folder in folders if folder != "__pycache__"]
            kept.update(os.path.relpath(os.path.join(where, file), root) for file in names)
    for path in sorted(kept):
        copy_file(os.path.join(root, path), os.path.join(copy, path))
    for where, _, names in os.walk(copy):
        for name in names:
            path = os.path.join(where, name)
            if os.path.relpath(path, copy) not in kept and "__pycache__" not in path:
                os.remove(path)


def copy_file(source, target):
    with open(source, "rb") as file:
        content = file.read()
    if os.path.exists(target):
        with open(target, "rb") as file:
            if file.read() == content:
                return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(content)
    shutil.copymode(source, target)


def run_quietly(command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(command)[:200]}\n{done.stdout[-4000:]}")
    return done.stdout


def without_launcher(argv):
    return argv[1:] if os.path.basename(argv[0]) == "ccache" else argv


class Build:
    """A build directory of the copy; `sanitized` or plain."""

    def __init__(self, tree, directory, sanitized):
        self.tree = tree
        self.directory = directory
        self.sanitized = sanitized
        self.compilers = {}  # object -> the command that makes it, as a list
        self.sources = {}  # object -> its source
        self.users = {}  # a path in the tree -> the objects that include it
        self.links = {}  # target -> the command that links it

    def configure(self):
        flags = "-O1" if self.sanitized else "-O2"
        run_quietly(["cmake", "-S", self.tree, "-B", self.directory, "-G", "Ninja",
                     "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_C_FLAGS_DEBUG={flags}",
                     f"-DCB_SANITIZE={'address' if self.sanitized else ''}", "-DCB_TESTS=ON",
                     "-DCB_BENCH=OFF", "-DCB_VALGRIND=OFF", "-DCB_BROWSER=OFF",
                     "-DCB_INSIDE_SHARED=ON"])

    def build(self, targets, jobs):
        run_quietly(["ninja", "-C", self.directory, f"-j{jobs}", "--quiet", *targets])
        self.read_commands()
        self.read_dependencies()
        for target in targets:
            commands = run_quietly(["ninja", "-C", self.directory, "-t", "commands", target])
            self.links[target] = self.link_command(commands.splitlines()[-1])

    def read_commands(self):
        with open(os.path.join(self.directory, "compile_commands.json"), encoding="utf-8") as file:
            for entry in json.load(file):
                argv = without_launcher(shlex.split(entry["command"]))
                made = argv[argv.index("-o") + 1]
                self.compilers[made] = argv
                self.sources[made] = os.path.relpath(entry["file"], self.tree)

    @staticmethod
    def link_command(line):
        return [word for word in shlex.split(line) if word not in (":", "&&")]

    def read_dependencies(self):
        self.users = {}
        made = None
        for line in run_quietly(["ninja", "-C", self.directory, "-t", "deps"]).splitlines():
            if line.startswith("    "):
                path = os.path.normpath(os.path.join(self.directory, line.strip()))
                if path.startswith(self.tree + os.sep):
                    self.users.setdefault(os.path.relpath(path, self.tree), []).append(made)
            elif line:
                made = line.split(":")[0]

    def objects_of(self, path, folder):
        """The objects of a target that hold the source or include the header."""
        inside = f"CMakeFiles/{folder}.dir/"
        return sorted(made for made in self.users.get(path, ()) if made.startswith(inside))


def compile_object(build, made, overlay, output, plain=False):
    """Compiles one object with the overlay's files before those of the tree; False if it fails."""
    argv = [word for word in build.compilers[made] if not WARNINGS.fullmatch(word)]
    if plain and build.sanitized:
        argv = ["-O2" if word == "-O1" else word for word in argv
                if not word.startswith(("-fsanitize", "-fno-sanitize", "-fno-omit-frame"))]
    source = os.path.join(overlay, build.sources[made])
    if not os.path.exists(source):
        source = os.path.join(build.tree, build.sources[made])
    os.makedirs(os.path.dirname(output), exist_ok=True)
    argv[argv.index("-o") + 1] = output
    argv[argv.index("-c") + 1] = source
    argv[1:1] = [f"-I{overlay}", f"-fmacro-prefix-map={overlay}={build.tree}", *REFUSED]
    try:
        done = subprocess.run(argv, cwd=build.directory, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=COMPILE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def link(build, target, objects, output):
    """Links a target again with some of its objects replaced: {object: path}; those that came from
    an archive are put before it."""
    argv = [os.path.abspath(objects[word]) if word in objects else word
            for word in build.links[target]]
    more = [path for made, path in objects.items() if made not in build.links[target]]
    os.makedirs(os.path.dirname(output), exist_ok=True)
    at = argv.index("-o")
    argv[at + 1] = output
    argv[at + 2:at + 2] = more
    if shutil.which("ld.gold"):
        argv.insert(1, "-fuse-ld=gold")
    run_quietly(argv, cwd=build.directory)


def plugin_targets(tree):
    folders = {os.path.basename(os.path.dirname(path))
               for path in glob.glob(os.path.join(tree, "plugins", "*", "*.c"))}
    return sorted("plugin_" + folder for folder in folders)
