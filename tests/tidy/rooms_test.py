#!/usr/bin/env python3
"""The check of the arrows in actors/ is checked: what it must find is planted into a small tree."""

import os
import tempfile
import unittest

import rooms

CLEAN = {
    "base/buffer.c": "void cb_buffer_release(cb_buffer *buffer)\n{\n}\n",
    "base/table.c": "const cb_ops cb_ops_of_base = {\n};\n",
    "io/loop.h": "",
    "io/loop.c": '#include "actors/io/loop.h"\nvoid cb_loop_run(cb_loop *loop)\n{\n'
                 "    cb_buffer_release(loop->bytes);\n}\n",
}


class Arrows(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.allowed = rooms.ARROWS
        rooms.ARROWS = {"base": (), "io": ("base",)}
        for path, text in CLEAN.items():
            self.plant(path, text)

    def tearDown(self):
        rooms.ARROWS = self.allowed
        self.folder.cleanup()

    def plant(self, path, text):
        full = os.path.join(self.folder.name, "actors", path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "a", encoding="utf-8") as file:
            file.write(text)

    def faults(self):
        return [f"{place}: {text}" for place, text in rooms.faults(self.folder.name)]

    def test_a_clean_tree_has_no_fault(self):
        self.assertEqual(self.faults(), [])

    def test_an_include_upwards(self):
        self.plant("base/buffer.c", '#include "actors/io/loop.h"\n')
        self.assertEqual(self.faults(), ["actors/base: must not know actors/io: "
                                         "base/buffer.c includes io/loop.h"])

    def test_a_call_upwards_without_an_include(self):
        self.plant("base/buffer.c", "static void f(void)\n{\n    cb_loop_run(NULL);\n}\n")
        self.assertEqual(self.faults(), ["actors/base: must not know actors/io: "
                                         "base/buffer.c names cb_loop_run"])

    def test_a_table_upwards(self):
        self.plant("io/kinds.c", "const cb_kind cb_kind_of_io = {\n};\n")
        self.plant("base/table.c", "static const cb_kind *kind = &cb_kind_of_io;\n")
        self.assertEqual(len(self.faults()), 1)

    def test_comments_and_strings_are_no_calls(self):
        self.plant("base/buffer.c", "/* cb_loop_run */\nstatic const char *s = \"cb_loop_run\";\n")
        self.assertEqual(self.faults(), [])

    def test_a_room_that_nobody_listed(self):
        self.plant("links/link.c", "int x;\n")
        self.assertEqual(len(self.faults()), 1)

    def test_an_arrow_that_is_gone(self):
        rooms.ARROWS = {"base": (), "io": ("base", "step"), "step": ()}
        self.plant("step/step.c", "int x;\n")
        self.assertEqual(len(self.faults()), 1)

    def test_a_circle(self):
        rooms.ARROWS = {"base": ("io",), "io": ("base",)}
        self.plant("base/buffer.c", '#include "actors/io/loop.h"\n')
        self.assertEqual(self.faults(), ["actors: a circle: base -> io -> base"])


if __name__ == "__main__":
    unittest.main()
