"""Routines that read and set ContextVars which travel."""

import asyncio
import importlib
import threading
from collections.abc import AsyncGenerator
from contextvars import ContextVar

import wool
from tests.home import say

__all__ = [
    "DEFAULTED",
    "LOCK",
    "REQUEST",
    "USER",
    "at_each_step",
    "fails_after_setting",
    "prefetching",
    "read",
    "read_after_a_while",
    "read_late",
    "relay",
    "relay_late",
    "set_and_wait",
    "sets",
    "sets_a_default",
    "sets_and_resets",
    "sets_something_unpicklable",
    "sets_twice_and_resets_both",
]

REQUEST: ContextVar[str] = ContextVar("tests_request")
USER: ContextVar[list[str]] = ContextVar("tests_user")
DEFAULTED: ContextVar[str] = ContextVar("tests_defaulted", default="default")
LOCK: ContextVar[object] = ContextVar("tests_lock")
wool.propagate(REQUEST, USER, DEFAULTED, LOCK)


@wool.routine
async def read() -> tuple[str | None, str]:
    return REQUEST.get(None), DEFAULTED.get()


@wool.routine
async def read_after_a_while() -> str:
    for _ in range(5):
        await asyncio.sleep(0)
    return REQUEST.get()


@wool.routine
async def sets(value: str) -> None:
    REQUEST.set(value)


@wool.routine
async def relay(value: str) -> str:
    """Read here what a routine that is called from here sets."""
    await sets(value)
    return REQUEST.get()


@wool.routine
async def fails_after_setting(value: str) -> None:
    REQUEST.set(value)
    raise LookupError


@wool.routine
async def read_late(value: str) -> str:
    late = importlib.import_module("tests.late_variable")
    seen: str = late.LATE.get()
    late.LATE.set(value)
    return seen


@wool.routine
async def relay_late(value: str) -> str:
    return await read_late(value)


@wool.routine
async def set_and_wait(home: str, value: str) -> None:
    try:
        say(home, "waiting")
        await asyncio.Event().wait()
    finally:
        REQUEST.set(value)


@wool.routine
async def sets_something_unpicklable() -> None:
    LOCK.set(threading.Lock())


@wool.routine
async def at_each_step() -> AsyncGenerator[str | None, None]:
    while True:
        seen = REQUEST.get(None)
        REQUEST.set(f"{seen}!")
        yield seen


@wool.routine
async def sets_and_resets() -> AsyncGenerator[str | None, None]:
    token = REQUEST.set("inner")
    yield REQUEST.get()
    REQUEST.reset(token)
    yield REQUEST.get(None)


@wool.routine
async def sets_twice_and_resets_both() -> AsyncGenerator[str | None, None]:
    first = REQUEST.set("first")
    yield REQUEST.get()
    second = REQUEST.set("second")
    yield REQUEST.get()
    REQUEST.reset(second)
    REQUEST.reset(first)
    yield REQUEST.get(None)


@wool.routine
async def sets_a_default() -> AsyncGenerator[str, None]:
    while True:
        seen = DEFAULTED.get()
        DEFAULTED.set("set")
        yield seen


@wool.routine(prefetch=2)
async def prefetching() -> AsyncGenerator[str | None, None]:
    for n in range(6):
        seen = REQUEST.get(None)
        REQUEST.set(str(n))
        yield seen
