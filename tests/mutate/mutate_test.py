#!/usr/bin/env python3
"""What the operators may touch and what not, which mutants a seed chooses, how they are counted."""

import os
import re
import sys
import tempfile
import time
import unittest

import operators
from build import copy_tree
from mutate import Given, Plan, mutants_of_part, summary
from bench import Result
from parts import PARTS, Part
from run import Runner
from source import Source

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEPT = r'''
/* if (a < 1) return; x = 2; */
// b = c + 1;
#define TWICE(x) ((x) + (x)) \
    + 1
#if A < 3
#endif
const char *text = "a < b && c + 1; // not \" this";
char sign = '<';
static_assert(sizeof(int) >= 4, "int");
void f(void)
{
    assert(a < b &&
           c > 1);
    /* x = 1; */ assert(a + 1 > 0); // y = 2;
}
'''


def lines_of(text, operator=None):
    """What the operators make of one line inside a function, in order."""
    source = Source("void f(void)\n{\n    " + text + "\n}\n")
    return [mutant.mutated.strip() for mutant in operators.mutants_of("f.c", source)
            if mutant.line == 3 and operator in (None, mutant.operator)]


class Operators(unittest.TestCase):
    def becomes(self, operator, text, *wanted):
        self.assertEqual(lines_of(text, operator), list(wanted))

    def test_comments_texts_directives_and_assertions_are_kept(self):
        self.assertEqual([mutant.mutated
                          for mutant in operators.mutants_of("f.c", Source(KEPT))], [])

    def test_code_beside_them_is_not(self):
        changed = {mutant.mutated.strip() for mutant in operators.mutants_of(
            "f.c", Source('void f(void)\n{\n    x(a < 1, "a < 1"); /* a < 1 */ // a < 1\n}\n'))}
        self.assertIn('x(a <= 1, "a < 1"); /* a < 1 */ // a < 1', changed)
        self.assertTrue(all(line.endswith('"a < 1"); /* a < 1 */ // a < 1')
                            for line in changed if line.startswith("x(")))
        self.assertIn("; /* a < 1 */ // a < 1", changed)

    def test_bounds(self):
        self.becomes("bound", "x = a < b;", "x = a <= b;")
        self.becomes("bound", "x = a >= b == c;", "x = a > b == c;", "x = a >= b != c;")
        self.becomes("bound", "x = a << b->c;")

    def test_constants(self):
        self.becomes("constant", "x = 7u;", "x = 8u;", "x = 6u;")
        self.becomes("constant", "x = 0xffUL;", "x = 0x100UL;", "x = 0xfeUL;")
        self.becomes("constant", "x = 0;", "x = 1;")
        self.becomes("constant", "x = 1.5;")
        self.becomes("constant", "a1 = b2;")

    def test_logic_and_conditions(self):
        self.becomes("logic", "x = a && b || c;", "x = a || b || c;", "x = a && b && c;")
        self.becomes("negated", "if (a == b(c)) {", "if (!(a == b(c))) {")
        self.becomes("negated", "while (x)", "while (!(x))")
        self.becomes("negated", "x = !y;", "x = y;")
        self.becomes("negated", "x = a != b;")

    def test_guards(self):
        self.assertEqual(lines_of("if (a) return b;", "guard"), ["if ((a) && 0) return b;"])
        source = Source("void f(void)\n{\n    if (a) {\n        return;\n    }\n"
                        "    if (b) {\n        c();\n    }\n}\n")
        guards = [(mutant.line, mutant.mutated.strip())
                  for mutant in operators.mutants_of("f.c", source) if mutant.operator == "guard"]
        self.assertEqual(guards, [(3, "if ((a) && 0) {")])

    def test_removed_statements(self):
        for text in ("f(a);", "a->b = c;", "*a = b;", "a++;", "--a[2];", "a.b += f(c, d);"):
            self.becomes("removed", text, ";")
        for text in ("int a = b;", "cb_list *a = f();", "const char *const a = b;",
                     "struct a b = c;", "return f(a);", "if (a) {", "(void)a;", "a = b,",
                     "goto done;"):
            self.becomes("removed", text)

    def test_only_whole_statements_are_removed(self):
        source = Source("void f(void)\n{\n    a = b +\n        c(d);\n    f(1,\n      g = 2);\n}\n")
        self.assertEqual([mutant for mutant in operators.mutants_of("f.c", source)
                          if mutant.operator == "removed"], [])

    def test_signed_and_narrowed(self):
        self.becomes("signed", "x = a->b < c[1];", "x = (int64_t)a->b < (int64_t)c[1];")
        self.becomes("signed", "x = a > 5;", "x = (int64_t)a > 5;")
        self.becomes("signed", "x = *a < b || a + c < d;")
        self.becomes("signed", "if (a < b + c || d <= e)",
                     "if (a < b + c || (int64_t)d <= (int64_t)e)")
        self.becomes("signed", "for (i = 0; i < n; i++) {")
        self.becomes("narrowed", "x = f((uint64_t)a);", "x = f((int64_t)a);", "x = f((uint32_t)a);")
        self.becomes("narrowed", "uint32_t a = b;", "int32_t a = b;", "uint16_t a = b;")
        self.becomes("narrowed", "a->b = c;", "a->b = (uint16_t)c;")
        for text in ("a->b = true;", "a->b = 1;", "a->b = f(c);",
                     "for (uint32_t i = 0; i < n; i++) {"):
            self.becomes("narrowed", text)

    def test_sums_and_shifts(self):
        self.becomes("sum", "x = a + -b;", "x = a - -b;")
        self.becomes("sum", "x++;", "x--;")
        self.becomes("sum", "x += f(y) - 1;", "x -= f(y) - 1;", "x += f(y) + 1;")
        self.becomes("sum", "return -x;")
        self.becomes("shift", "x = a << 3;", "x = a >> 3;")
        self.becomes("shift", "x >>= 1;", "x <<= 1;")

    def test_swapped_constants(self):
        self.becomes("swapped", "f(CB_JOB_A, CB_JOB_B, CB_ROUTE_A);",
                     "f(CB_JOB_B, CB_JOB_B, CB_ROUTE_A);", "f(CB_JOB_A, CB_JOB_A, CB_ROUTE_A);")
        self.becomes("swapped", "f(CB_OK, CB_LIMIT);", "f(CB_LIMIT, CB_LIMIT);", "f(CB_OK, CB_OK);")

    def test_statuses_are_those_of_the_header(self):
        with open(os.path.join(ROOT, "include/callboard/status.h"), encoding="utf-8") as file:
            names = re.findall(r"X\((\w+), -?\d+, \"", file.read())
        self.assertEqual(["CB_" + name for name in names], list(operators.STATUSES))

    def test_jumps_booleans_and_initialisers(self):
        self.becomes("left_out", "break;", ";")
        self.becomes("left_out", "continue;", ";")
        self.becomes("boolean", "return true;", "return false;")
        self.becomes("zeroed", "x = (t){.a = f(b, c), .d = 0, .e = g};",
                     "x = (t){.a = 0, .d = 0, .e = g};", "x = (t){.a = f(b, c), .d = 0, .e = 0};")

    def test_a_mutant_changes_its_line_and_no_other(self):
        for path in PARTS["http"].find_files(ROOT):
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                text = file.read()
            for mutant in operators.mutants_of(path, Source(text)):
                before, after = text.split("\n"), mutant.apply(text).split("\n")
                self.assertEqual(len(before), len(after))
                changed = [number for number, (one, other) in enumerate(zip(before, after), 1)
                           if one != other]
                self.assertEqual(changed, [mutant.line])


class Choice(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mutants = mutants_of_part(PARTS["http"], ROOT)

    def chosen(self, count, seed):
        plan, ids = Plan(self.mutants, count, seed), []
        while (mutant := plan.next()) is not None:
            ids.append(mutant.id)
        return ids

    def test_every_part_has_files_and_tests(self):
        for part in PARTS.values():
            self.assertTrue(part.find_files(ROOT))
            self.assertTrue(part.find_unit(ROOT))
            for name in part.plain:
                self.assertTrue(os.path.exists(os.path.join(ROOT, f"tests/unit/{name}.c")), name)

    def test_tests_belong_to_a_part_by_their_subject(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "tests/unit"))
            for name in ("step_test", "step_new_test", "step_slow_test", "step_world", "steps_test",
                         "first_step_test"):
                with open(os.path.join(folder, f"tests/unit/{name}.c"), "w", encoding="ascii"):
                    pass
            part = Part(files=[], unit=["step"], plain=["step_slow_test"])
            self.assertEqual(part.find_unit(folder), ["step_new_test", "step_test"])

    def test_a_file_that_is_gone_is_told(self):
        part = PARTS["http"]
        with tempfile.TemporaryDirectory() as folder:
            self.assertRaises(LookupError, part.find_files, folder)

    def test_the_same_seed_chooses_the_same(self):
        self.assertEqual(self.chosen(60, "1"), self.chosen(60, "1"))
        self.assertNotEqual(self.chosen(60, "1"), self.chosen(60, "2"))

    def test_ids_are_unique_and_move_with_their_line(self):
        for name, part in PARTS.items():
            ids = [mutant.id for of_file in mutants_of_part(part, ROOT).values()
                   for mutant in of_file]
            self.assertEqual(len(ids), len(set(ids)), name)
        text = "void f(void)\n{\n    a = b;\n}\n"
        moved = "\n\n/* new */\n" + text
        self.assertEqual([mutant.id for mutant in operators.mutants_of("x/f.c", Source(text))],
                         [mutant.id for mutant in operators.mutants_of("y/f.c", Source(moved))])

    def test_they_are_spread_by_the_number_of_code_lines(self):
        self.assertEqual(operators.shares({"a": 10, "b": 30, "c": 60}, 10),
                         {"a": 1, "b": 3, "c": 6})
        self.assertEqual(sum(operators.shares({"a": 1, "b": 1, "c": 1}, 100).values()), 100)
        self.assertEqual(operators.shares({"a": 0}, 5), {"a": 0})
        plan = Plan(self.mutants, 100, "1")
        lines = {path: len({mutant.line for mutant in of_file})
                 for path, of_file in self.mutants.items()}
        for path, share in plan.left.items():
            self.assertLess(abs(share - 100 * lines[path] / sum(lines.values())), 1)

    def test_each_line_comes_once_before_any_comes_twice(self):
        for of_file in self.mutants.values():
            lines = [mutant.line for mutant in operators.in_order(of_file, "1")]
            distinct = len(set(lines))
            self.assertEqual(len(set(lines[:distinct])), distinct)

    def test_what_does_not_count_is_replaced(self):
        path, of_file = max(self.mutants.items(), key=lambda item: len(item[1]))
        plan = Plan({path: of_file}, 2, "1")
        first = plan.next()
        plan.done(Result(first, "uncompilable"))
        others = [plan.next(), plan.next()]
        for other in others:
            plan.done(Result(other, "killed"))
        self.assertEqual(len({first.id, *(other.id for other in others)}), 3)
        self.assertIsNone(plan.next())

    def test_named_mutants_are_not_replaced(self):
        mutant = next(iter(self.mutants.values()))[0]
        plan = Given([mutant])
        plan.done(Result(plan.next(), "equal"))
        self.assertIsNone(plan.next())

    def test_the_rate_that_is_wanted_is_just_enough(self):
        for killed, enough in ((95, True), (94, False)):
            outcomes = [("killed", "x_test: status 1")] * killed
            outcomes += [("survived", "")] * (100 - killed) + [("equal", "")] * 7
            text, good = summary("p", outcomes)
            self.assertEqual(good, enough)
            self.assertIn(f"100 mutants, {killed} killed", text)
            self.assertIn("7 with the same object code", text)


class Running(unittest.TestCase):
    """Ends of a test that are no success."""

    def run_script(self, script, limit_s=10.0):
        with tempfile.TemporaryDirectory() as folder:
            return Runner().run(["sh", "-c", script], dict(os.environ), os.path.join(folder, "run"),
                                limit_s)

    def test_ends(self):
        for script, how, certain in (("exit 0", None, False), ("exit 3", "status 3", False),
                                     ("exit 86", "sanitizer", True),
                                     ("kill -ABRT $$", "signal 6", True)):
            outcome = self.run_script(script)
            self.assertEqual((outcome.how, outcome.is_certain), (how, certain))

    def test_a_test_that_hangs_is_ended_with_all_that_it_started(self):
        outcome = self.run_script("sleep 600 & echo $!; wait", 0.2)
        self.assertEqual(outcome.how, "time limit")
        await_end(int(outcome.output))

    def test_a_test_that_is_only_slow_goes_on(self):
        with tempfile.TemporaryDirectory() as folder:
            argv = ["sh", "-c", "i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done"]
            outcome = Runner().run(argv, dict(os.environ), os.path.join(folder, "run"), 0.05, 60)
            self.assertIsNone(outcome.how)
            outcome = Runner().run(["sh", "-c", "while :; do :; done"], dict(os.environ),
                                   os.path.join(folder, "run"), 0.2, 0.01)
            self.assertEqual(outcome.how, "time limit")
            self.assertGreater(outcome.cpu, 0)

    def test_what_a_test_leaves_behind_is_ended(self):
        outcome = self.run_script("sleep 600 >/dev/null 2>&1 & echo $!")
        self.assertIsNone(outcome.how)
        await_end(int(outcome.output))

    def test_nothing_runs_after_a_stop(self):
        runner = Runner()
        runner.stop()
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(InterruptedError):
            runner.run(["true"], dict(os.environ), os.path.join(folder, "run"), 1)

    def test_a_copy_follows_the_tree(self):
        with tempfile.TemporaryDirectory() as folder:
            root, copy = os.path.join(folder, "root"), os.path.join(folder, "copy")
            os.makedirs(os.path.join(root, "actors"))
            for name in ("kept.c", "gone.c"):
                with open(os.path.join(root, "actors", name), "w", encoding="ascii") as file:
                    file.write("int x;\n")
            copy_tree(root, copy)
            kept = os.path.join(copy, "actors/kept.c")
            os.utime(kept, (1, 1))
            os.remove(os.path.join(root, "actors/gone.c"))
            copy_tree(root, copy)
            self.assertEqual(os.path.getmtime(kept), 1)
            self.assertFalse(os.path.exists(os.path.join(copy, "actors/gone.c")))


def await_end(pid):
    """Returns once the process has ended; a test that waits here for ever is ended by CTest."""
    while is_running(pid):
        time.sleep(0.01)


def is_running(pid):
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(unittest.main())
