"""Routines that log more than their caller takes."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import copy_context
from pathlib import Path

import wool
from tests.memory import peak_memory

__all__ = [
    "FLOOD",
    "answers_at_length_after_a_flood",
    "floods",
    "floods_at_once",
    "floods_between_items",
    "floods_from_a_thread",
    "floods_of_a_lifespan",
    "leaves_a_flood_behind",
    "logs_a_megabyte",
    "relays_a_flood",
]

FLOOD = 4_000
"""How many records make a flood."""

_WIDE = "x" * 50_000  # so that a flood is 200 MB
_flooded = asyncio.Event()
_log = logging.getLogger("flood.of.records")


def _log_all() -> None:
    for _ in range(FLOOD):
        _log.warning(_WIDE)


@wool.routine
async def floods(over: str) -> int:
    """Log a flood, beside whatever else the loop does; then make the file `over`."""
    for n in range(FLOOD):
        _log.warning(_WIDE)
        if n % 10 == 0:
            await asyncio.sleep(0)
    Path(over).touch()  # noqa: ASYNC240 - a moment
    return await peak_memory.local()


@wool.routine
async def logs_a_megabyte() -> None:
    for _ in range(20):
        _log.warning(_WIDE)


@wool.routine
async def relays_a_flood(over: str) -> int:
    await floods(over)
    return await peak_memory.local()


@wool.routine
async def floods_at_once(over: str) -> None:
    """Log a flood while the loop does nothing else; then make the file `over`."""
    _log_all()
    _flooded.set()
    Path(over).touch()  # noqa: ASYNC240 - a moment


@wool.routine
async def answers_at_length_after_a_flood() -> bytes:
    """Answer behind `floods_at_once`, if it is called before that, and for the first time."""
    await _flooded.wait()
    return bytes(50_000_000)


@wool.routine
async def floods_from_a_thread() -> int:
    """Keep the loop from turning meanwhile, but for a moment now and then."""
    thread = threading.Thread(target=_log_all)
    thread.start()
    while thread.is_alive():
        thread.join(0.05)
        await asyncio.sleep(0)
    return await peak_memory.local()


@wool.routine
async def leaves_a_flood_behind(over: str) -> None:
    def run() -> None:
        _log_all()
        Path(over).touch()

    threading.Thread(target=copy_context().run, args=(run,)).start()


@wool.routine
async def floods_between_items() -> AsyncGenerator[int]:
    for n in range(3):
        _log_all()
        yield n


@asynccontextmanager
async def floods_of_a_lifespan() -> AsyncGenerator[None]:
    _log_all()
    yield
    _log_all()
