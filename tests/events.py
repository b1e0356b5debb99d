"""A handler that keeps what it hears, and routines to be watched."""

import asyncio
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from contextvars import Context

import wool
from tests.home import say, told

__all__ = ["Heard", "counts", "dies", "fails", "listen", "relays", "returns", "waits"]

Heard = list[tuple[wool.TaskEvent, int, Context | None]]

_listening: list[Heard] = []


@contextmanager
def listen() -> Generator[Heard]:
    heard: Heard = []
    _listening.append(heard)
    if len(_handler) == 0:
        _handler.append(wool.TaskEvent.handler()(_hear))
    try:
        yield heard
    finally:
        _listening.remove(heard)


def _hear(event: wool.TaskEvent, timestamp: int, context: Context | None = None) -> None:
    for heard in _listening:
        heard.append((event, timestamp, context))


_handler: list[object] = []


@wool.routine
async def returns() -> int:
    await asyncio.sleep(0)
    return 1


@wool.routine
async def fails() -> None:
    raise LookupError


@wool.routine
async def waits(home: str) -> None:
    say(home, "waiting")
    await told(home, "never")


@wool.routine
async def relays() -> int:
    return await returns()


@wool.routine
async def dies() -> None:
    os._exit(1)


@wool.routine
async def counts(to: int) -> AsyncGenerator[int, None]:
    for n in range(to):
        yield n
