"""The event loops that users run: a test runs on one of them, or on both.

`pytest --loop=uvloop` takes one for the whole suite. Without it a test runs on asyncio's, and one
that is marked `both_loops` on each.
"""

import asyncio
import os
import re
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar, get_args

import uvloop

__all__ = ["LOOPS", "LoopName", "backend", "chosen", "factory", "on_chosen_loop", "options", "run"]

T = TypeVar("T")

LoopName = Literal["asyncio", "uvloop"]
LOOPS: tuple[LoopName, ...] = get_args(LoopName)

VARIABLE = "WOOL_TEST_LOOP"
"""The environment variable that tells a test, and what it starts, which loop was chosen."""


_RUN = re.compile(r"\basyncio\.run\b")


def chosen() -> LoopName:
    """Return the name of the loop that the running test is for."""
    return "uvloop" if os.environ.get(VARIABLE) == "uvloop" else "asyncio"


def backend(name: str) -> tuple[str, dict[str, Any]]:
    """Return what anyio's plugin calls a backend."""
    return "asyncio", {"use_uvloop": name == "uvloop"}


def options() -> dict[str, Any]:
    """Return the chosen backend's options, for anyio's portals and Starlette's test client."""
    return backend(chosen())[1]


def factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the chosen kind of loop; None for asyncio's own."""
    return uvloop.new_event_loop if chosen() == "uvloop" else None


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a new loop of the chosen kind, as asyncio.run does."""
    with asyncio.Runner(loop_factory=factory()) as runner:
        return runner.run(main)


def on_chosen_loop(program: str) -> str:
    """Return a program as its author would write it for the chosen loop."""
    if chosen() == "asyncio" or not _RUN.search(program):
        return program
    return "import uvloop\n" + _RUN.sub("uvloop.run", program)
