"""A variable in a module that routines import only when they run."""

from contextvars import ContextVar

import wool

__all__ = ["LATE"]

LATE: ContextVar[object] = ContextVar("tests_late")
wool.propagate(LATE)
