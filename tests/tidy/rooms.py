"""Who stands on whom in actors/: the arrows between its rooms, by includes and by calls.

    tests/tidy/rooms.py [ROOT]      prints every room with its floor and the rooms it knows

A room is a folder of actors/, with all below it; actors/runtime.c is a room of its own. An arrow
goes from room A to room B if a file of A includes a header of B, or names a function or table that
B defines (most of those are declared in include/callboard/, which is nobody's room).
"""

import os
import re
import sys

# Each room and the rooms that it may know. Nothing else is allowed, and nothing here is unused.
ARROWS = {
    "base": (),
    "io": ("base",),
    "step": ("base",),
    "log": ("base", "step"),
    "trace": ("base", "step"),
    "core": ("base", "io", "log", "step", "trace"),
    "workers": ("base", "core"),
    "clients": ("base", "core", "io"),
    "listeners": ("base", "core", "io"),
    "sockets": ("base", "core", "io"),
    "loop_service": ("base", "core", "io"),
    "metrics": ("base", "core", "io", "step", "trace"),
    "runtime": ("base", "clients", "core", "listeners", "loop_service", "metrics", "sockets",
                "trace", "workers"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"actors/([^"]+)"', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
# A definition begins in the first column; what ends in a semicolon is a declaration.
DEFINITION = re.compile(r"^(?!static|typedef)[a-z][\w \*]*?\b(cb_\w+)\([^;{}]*\)\s*\{", re.MULTILINE)
# The same for tables of functions.
TABLE = re.compile(r"^(?!static|typedef|extern)[a-z][\w \*]*?\b(cb_\w+)(?:\[\w*\])? = \{", re.MULTILINE)
NAME = re.compile(r"\bcb_\w+\b")


def room_of(path):
    """The room of a file, named from actors/."""
    first = path.split("/")[0]
    return first[:-len(".c")] if first.endswith((".c", ".h")) else first


def read_rooms(root):
    """{room: [(path, text without comments)]}"""
    rooms = {}
    top = os.path.join(root, "actors")
    for where, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.relpath(os.path.join(where, name), top)
            with open(os.path.join(where, name), encoding="utf-8") as file:
                rooms.setdefault(room_of(path), []).append((path, COMMENT.sub(" ", file.read())))
    return rooms


def arrows_of(rooms):
    """{(from, to): the first place that makes it}"""
    homes = {}
    for room, files in rooms.items():
        for path, text in files:
            if path.endswith(".c"):
                homes.update((name, room) for name in DEFINITION.findall(text))
                homes.update((name, room) for name in TABLE.findall(text))
    arrows = {}
    for room, files in rooms.items():
        for path, text in files:
            for header in INCLUDE.findall(text):
                if room_of(header) != room:
                    arrows.setdefault((room, room_of(header)), f"{path} includes {header}")
            for name in sorted(set(NAME.findall(STRING.sub(" ", text)))):
                if homes.get(name, room) != room:
                    arrows.setdefault((room, homes[name]), f"{path} names {name}")
    return arrows


def floor_of(room, known, seen=()):
    """0 for a room that knows no other; otherwise one above the highest that it knows."""
    if room in seen:
        raise ValueError("a circle: " + " -> ".join(seen + (room,)))
    return max((1 + floor_of(other, known, seen + (room,)) for other in known.get(room, ())),
               default=0)


def faults(root):
    """Sentences about what is against ARROWS."""
    rooms = read_rooms(root)
    arrows = arrows_of(rooms)
    found = []
    for room in sorted(set(rooms) ^ set(ARROWS)):
        found.append((f"actors/{room}", "a room, and ARROWS in tests/tidy/rooms.py, do not agree"))
    for (one, other), why in sorted(arrows.items()):
        if other not in ARROWS.get(one, ()):
            found.append((f"actors/{one}", f"must not know actors/{other}: {why}"))
    for one, others in ARROWS.items():
        for other in others:
            if (one, other) not in arrows:
                found.append((f"actors/{one}", f"does not know actors/{other} any more: "
                                               "take the arrow out of tests/tidy/rooms.py"))
    try:
        for room in ARROWS:
            floor_of(room, ARROWS)
    except ValueError as circle:
        found.append(("actors", str(circle)))
    return found


def show(root):
    known = {}
    for one, other in arrows_of(read_rooms(root)):
        known.setdefault(one, set()).add(other)
    rooms = set(known) | {other for others in known.values() for other in others}
    for room in sorted(rooms, key=lambda name: (-floor_of(name, known), name)):
        print(f"{floor_of(room, known)}  {room:13}{' '.join(sorted(known.get(room, ())))}")
    floors = 1 + max(floor_of(room, known) for room in rooms)
    print(f"{len(rooms)} rooms, {floors} floors, {sum(map(len, known.values()))} arrows")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(here))
    show(root)
    wrong = faults(root)
    for place, text in wrong:
        print(f"{place}: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
