#!/usr/bin/env python3
"""The pages of docs/plugins: their examples print what they show, and they list exactly the verbs
there are. The pages' form is told in docs/plugins/README.md.

    tests/system/docs_examples.py            every page
    tests/system/docs_examples.py str blob   these pages
"""

import concurrent.futures
import difflib
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from support.certificates import Authority

CALLBOARD = os.environ["CALLBOARD"]
SOURCE = os.environ["CALLBOARD_SOURCE"]
FOLDER = os.path.join(SOURCE, "docs", "plugins")
NOT_A_PLUGIN = ("README", "writing")
TIMEOUT_S = 60
AT_ONCE = 2

FENCE = re.compile(r"^(```+)(\w*)\s*$")
LISTED = re.compile(r"`([\w.]+\([^`]*\) -> \w+)`")
CALLED = re.compile(r"\b([A-Za-z_]\w*)\.[A-Za-z]\w*\s*\(")
HEAD_OF_FUNCTION = re.compile(r"^(callback\s|(void|[iu]\d+|float|double|string|blob)\s+\w+\s*\(|struct\s)")
PORTS = ("8080", "8443")
CERTIFICATES = ("server.crt", "server.key", "ca.crt")


def run(*arguments, **options):
    return subprocess.run([CALLBOARD, *arguments], capture_output=True, text=True, errors="replace",
                          timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL, **options)


# -- what plugins there are ----------------------------------------------------------------------


class Plugin:
    def __init__(self, path, name_space):
        self.path = path  # as a plugin line has it
        self.name_space = name_space

    def verbs(self):
        """The calls that `callboard plugins` prints for it: "str.Len(string text) -> i32"."""
        done = run("plugins", self.path)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return [found.group(1) for found in
                re.finditer(r"^(\S+\([^)]*\) -> \w+)", done.stdout, re.MULTILINE)]


def find_plugins():
    """Every plugin that is found, by its namespace; print's is "printf", for its one verb."""
    done = run("plugins")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    plugins = {}
    for line in done.stdout.splitlines()[1:]:
        path, name_space = line.split()[:2]
        key = "printf" if name_space == "(bare)" else name_space
        if not path.startswith("builtin:") or key not in plugins:
            plugins[key] = Plugin(path, name_space)
    return plugins


def page_of(plugin):
    """The page's name: a folder's, or a namespace's if there is no page of the folder's name."""
    folder = plugin.path.split("/")[0]
    by_folder = os.path.exists(os.path.join(FOLDER, folder + ".md"))
    return folder if by_folder or plugin.name_space == "(bare)" else plugin.name_space


# -- reading a page ------------------------------------------------------------------------------


class Block:
    def __init__(self, line, language):
        self.line = line
        self.language = language
        self.lines = []

    def text(self):
        return "".join(line + "\n" for line in self.lines)


class Example:
    def __init__(self, page, block):
        self.page = page
        self.line = block.line
        self.code = block.text()
        self.output = ""
        self.error = None

    def place(self):
        return f"docs/plugins/{self.page}.md:{self.line}"


def blocks_of(text):
    """The fenced blocks, in order, with None where a text of more than blanks lies between two."""
    blocks = []
    fence = None
    for number, line in enumerate(text.split("\n"), 1):
        found = FENCE.match(line)
        if fence is not None and line.rstrip() == fence:
            fence = None
        elif fence is not None:
            blocks[-1].lines.append(line)
        elif found:
            fence = found.group(1)
            blocks.append(Block(number, found.group(2) if len(fence) == 3 else "shown"))
        elif line.strip():
            blocks.append(None)
    if fence is not None:
        raise RuntimeError(f"line {blocks[-1].line}: a block without an end")
    return blocks


def examples_of(page, text):
    examples = []
    before = None  # the example that the next block may belong to
    for block in blocks_of(text):
        if block is None or block.language not in ("dom", "text", "error"):
            before = None
        elif block.language == "dom":
            before = Example(page, block)
            examples.append(before)
        elif before is None:
            raise RuntimeError(f"line {block.line}: a {block.language} block that no example precedes")
        elif block.language == "text":
            before.output = block.text()
        else:
            before.error = block.text().rstrip("\n")
    return examples


def listed_in(text):
    """The verbs in headings and in the first cells of tables."""
    listed = []
    for line in text.split("\n"):
        if line.startswith("### "):
            listed += LISTED.findall(line)
        elif line.startswith("| "):
            listed += LISTED.findall(line[1:].split(" | ")[0])
    return listed


# -- running an example --------------------------------------------------------------------------


def split_code(code):
    """What stays at the top of the file, and what becomes main's body."""
    top = []
    body = []
    inside = False
    lines = code.split("\n")
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else ""
        if inside:
            inside = line != "}" and not line.startswith("};")
            top.append(line)
        elif line.startswith(("#define", "plugin ")):
            top.append(line)
        elif HEAD_OF_FUNCTION.match(line) and not line.rstrip().endswith(";"):
            inside = following == "{" or line.rstrip().endswith("{")
            top.append(line)
        else:
            body.append(line)
    return "\n".join(top), "\n".join(body)


def program_of(example, plugins):
    code = example.code
    if not re.search(r"^(i32|void) main\(", code, re.MULTILINE):
        top, body = split_code(code)
        code = f"{top}\ni32 main()\n{{\n{body}\nreturn(0);\n}}\n"
    if re.search(r"^plugin ", code, re.MULTILINE):
        return code
    used = set(CALLED.findall(code)) | ({"printf"} if re.search(r"\bprintf\s*\(", code) else set())
    lines = [f'plugin "{plugins[name].path}";\n' for name in sorted(used) if name in plugins]
    return "".join(lines) + code


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def with_ports(example, code):
    """The code, the output and the error with free ports in the place of the pages' ones."""
    texts = [code, example.output, example.error or ""]
    for port in PORTS:
        if re.search(rf"\b{port}\b", code):
            free = free_port()
            texts = [re.sub(rf"\b{port}\b", free, text) for text in texts]
    return texts


def differences(example, plugins, certificates):
    code, output, error = with_ports(example, program_of(example, plugins))
    with tempfile.TemporaryDirectory(prefix="callboard_docs_") as folder:
        for name in CERTIFICATES:
            if name in code and certificates is not None:
                shutil.copy(os.path.join(certificates, name), folder)
        with open(os.path.join(folder, "example.dom"), "w", encoding="utf-8") as file:
            file.write(code)
        try:
            done = run("run", "example.dom", cwd=folder)
        except subprocess.TimeoutExpired:
            return [f"not finished after {TIMEOUT_S} s"]
    found = []
    if done.stdout != output:
        found += difflib.unified_diff(output.split("\n"), done.stdout.split("\n"), "the page",
                                      "the output", lineterm="")
    in_main = re.search(r"^  in main at ", done.stderr, re.MULTILINE)
    if done.returncode != (1 if in_main and example.error is not None else 0):
        found.append(f"exit status {done.returncode}")
    errors = [re.sub(r"^example\.dom:\d+:\d+: ", "", line) for line in done.stderr.splitlines()]
    if example.error is not None and error not in errors:
        found.append(f"standard error lacks: {error}")
    if found or (example.error is None and done.stderr):
        found += ["standard error:"] + done.stderr.splitlines()
    return found


def has_tls(plugins):
    """Whether the build has TLS; without it the examples that need it are left out."""
    if "tls" not in plugins:
        return False
    code = f'plugin "{plugins["tls"].path}";\nplugin "{plugins["printf"].path}";\n'
    code += 'void main() { printf("%s", tls.Backend()); }\n'
    with tempfile.TemporaryDirectory(prefix="callboard_docs_") as folder:
        with open(os.path.join(folder, "backend.dom"), "w", encoding="utf-8") as file:
            file.write(code)
        return run("run", "backend.dom", cwd=folder).stdout == "openssl"


# -- checks --------------------------------------------------------------------------------------


def check_verbs(text, examples, plugin):
    listed = listed_in(text)
    verbs = plugin.verbs()
    faults = [f"lists twice: {verb}" for verb in sorted(set(listed)) if listed.count(verb) > 1]
    faults += [f"lists what is not there: {verb}" for verb in listed if verb not in verbs]
    faults += [f"does not list: {verb}" for verb in verbs if verb not in listed]
    code = "\n".join(example.code for example in examples)
    for verb in verbs:
        name = verb.split("(")[0]
        if not re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", code):
            faults.append(f"no example calls {name}")
    return faults


def read_pages(names, plugins):
    """Every page's examples, and what is wrong with the pages themselves."""
    pages = {os.path.basename(path)[:-3]: path for path in glob.glob(os.path.join(FOLDER, "*.md"))}
    owners = {page_of(plugin): plugin for plugin in plugins.values()
              if not plugin.path.startswith("builtin:")}
    faults = [f"docs/plugins/{name}.md: missing, the page of {plugin.path}"
              for name, plugin in owners.items() if name not in pages]
    examples = []
    for name in sorted(names or pages):
        try:
            with open(pages[name], encoding="utf-8") as file:
                text = file.read()
            found = examples_of(name, text)
        except (KeyError, RuntimeError) as fault:
            faults.append(f"docs/plugins/{name}.md: {fault}")
            continue
        examples += found
        if name in owners:
            faults += [f"docs/plugins/{name}.md: {fault}"
                       for fault in check_verbs(text, found, owners[name])]
        elif name not in NOT_A_PLUGIN:
            faults.append(f"docs/plugins/{name}.md: no plugin of this name is found")
    return examples, faults


def main():
    plugins = find_plugins()
    examples, faults = read_pages(sys.argv[1:], plugins)
    print("\n".join(faults) + "\n" if faults else "", end="")
    if not has_tls(plugins):
        kept = [one for one in examples if not re.search(r"\btls\.|EnableTls", one.code)]
        print(f"this build has no TLS: {len(examples) - len(kept)} examples left out")
        examples = kept
    with tempfile.TemporaryDirectory(prefix="callboard_docs_") as folder:
        certificates = None
        if any(name in example.code for example in examples for name in CERTIFICATES):
            Authority(folder).sign("server")
            certificates = folder
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = pool.map(lambda one: differences(one, plugins, certificates), examples)
            for example, found in zip(examples, results):
                if found:
                    failed += 1
                    print(f"FAILED {example.place()}")
                    print("\n".join("    " + line for line in found))
    print(f"{len(examples) - failed} examples passed, {failed} failed; {len(faults)} other faults")
    return 1 if failed or faults or not examples else 0


if __name__ == "__main__":
    sys.exit(main())
