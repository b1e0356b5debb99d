"""The event loops that figures are taken on."""

from __future__ import annotations

__all__ = ["LOOPS", "LoopName", "run"]

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar, get_args

T = TypeVar("T")

LoopName = Literal["asyncio", "uvloop"]
LOOPS: tuple[LoopName, ...] = get_args(LoopName)


def run(main: Coroutine[Any, Any, T], name: LoopName) -> T:
    """Run a coroutine on a new loop of this kind, as asyncio.run does."""
    factory = None
    if name == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
