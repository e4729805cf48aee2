"""The parts that can be mutated: which files each has, and which tests belong to it."""

import glob
import os


class Part:
    """Files by pattern; tests by the names that CMake and tests/script give them.

    unit     programs of tests/unit
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
        """Paths from the root, sorted. A pattern without a file is an error: something was moved."""
        found = set()
        for pattern in self.files:
            matches = glob.glob(os.path.join(root, pattern), recursive=True)
            if not matches:
                raise LookupError(f"no file is called {pattern}: see tests/mutate/parts.py")
            found.update(os.path.relpath(match, root) for match in matches)
        return sorted(found)


# "**" also stands for no folder at all, so a file is found wherever below actors/ it lies.
PARTS = {
    "step": Part(
        files=["actors/step/*.[ch]"],
        unit=["step_client_test", "step_garbage_test", "step_lane_test", "step_local_test",
              "step_order_test", "step_route_test", "step_simulation_test", "step_tally_test",
              "step_worker_test"],
        plain=["step_exhaustive_test"]),
    "http": Part(
        files=["actors/io/http/*.[ch]"],
        unit=["http_answers_test", "http_ending_test", "http_input_test", "http_limits_test",
              "http_listener_test", "http_malformed_test", "http_pace_test", "http_request_test",
              "http_response_test"],
        replay=["http"],
        steady=False),
    "lang": Part(
        files=["bridge/lang/*.[ch]"],
        unit=["binder_test", "codegen_test", "format_test", "lexer_test", "parser_test",
              "signature_test", "verifier_test", "vm_test"],
        replay=["lang"],
        scripts=["bad", "run", "plugins"]),
    "mailbox": Part(
        files=["actors/**/mailbox.[ch]", "actors/**/exchange.[ch]", "actors/**/asker*.[ch]"],
        unit=["exchange_test", "runtime_askers_test", "runtime_test", "supervisor_test"],
        steady=False),
    "supervisor": Part(
        files=["actors/**/supervisor.[ch]", "actors/**/actor_start.c", "actors/**/runtime.[ch]",
               "actors/**/charge.h", "actors/**/bell.[ch]", "actors/**/address_map.[ch]"],
        unit=["bell_test", "charge_test", "exchange_test", "runtime_askers_test", "runtime_test",
              "supervisor_test"],
        steady=False),
}
