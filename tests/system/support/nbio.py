"""Scripts on the raw event loop under test, with the loop's back ends one after the other."""

import os

from support.cli import PRINT
from support.service import ServiceTest, read_all

PLUGINS = (
    PRINT
    + """plugin "../plugins/blob/BlobPlugin";
plugin "../plugins/nbio/NbioPlugin";
"""
)
EVENT = "struct Event packet { i64 Op; i32 Kind; i32 Error; i64 Value; i64 Handle; }\n"
HEAD = PLUGINS + EVENT


class NbioTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.before = os.environ.get("CALLBOARD_LOOP")
        self.addCleanup(self.set_loop, self.before)

    @staticmethod
    def set_loop(name):
        if name is None:
            os.environ.pop("CALLBOARD_LOOP", None)
        else:
            os.environ["CALLBOARD_LOOP"] = name

    def each_loop(self):
        """Each back end that this machine lets us use, set for what is started meanwhile."""
        self.set_loop(None)
        served = self.run_cli("--version").stdout
        for name in ("uring", "epoll"):
            if name == "uring" and "uring" not in served:
                continue  # refused here: epoll serves everything
            self.set_loop(name)
            yield name
        self.set_loop(self.before)

    @staticmethod
    def read_all(client):
        return read_all(client)
