"""Ways for a worker to die, and routines that do at each stage of their call."""

import asyncio
import ctypes
import os
import resource
import signal
from collections.abc import AsyncGenerator
from typing import Any, NoReturn

import wool
from tests.faults.journal import note, note_death

__all__ = [
    "WAYS",
    "DiesWhenPickled",
    "DiesWhenUnpickled",
    "answer",
    "limit_memory",
    "run",
    "stay",
    "stream",
    "take",
    "ticks",
]

WAYS = {
    "kill": (None, signal.SIGKILL),
    "segfault": (None, signal.SIGSEGV),
    "exit": (7, None),
    "allocate": (None, signal.SIGSEGV),
}
"""How to die -> (exitcode, signal) of what the caller is told."""


def end(how: str, journal: str) -> None:
    """End this process."""
    if how == "allocate":
        limit_memory(64 * 2**20)
    note_death(journal)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "segfault":
        ctypes.string_at(0)
    elif how == "exit":
        os._exit(7)
    else:
        _allocate(1 << 40)


def limit_memory(more: int) -> None:
    """Let this process have `more` bytes than it has now, and not one beyond that."""
    with open("/proc/self/statm") as statm:  # noqa: PTH123
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + more, resource.RLIM_INFINITY))


def _allocate(size: int) -> None:
    """Allocate memory as native code does that does not look whether it got any."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    ctypes.memset(libc.malloc(ctypes.c_size_t(size)), 0, size)


class DiesWhenUnpickled:
    def __init__(self, how: str, journal: str) -> None:
        self._how = how, journal

    def __reduce__(self) -> tuple[Any, ...]:
        return end, self._how


class DiesWhenPickled:
    def __init__(self, how: str, journal: str) -> None:
        self._how = how, journal

    def __reduce__(self) -> NoReturn:
        end(*self._how)
        raise AssertionError("it should have died")


@wool.routine
async def take(journal: str, value: object = None) -> None:
    """Be started, which `value` may prevent."""
    note(journal)


@wool.routine
async def run(how: str, journal: str) -> None:
    note(journal)
    await asyncio.sleep(0)  # the acknowledgement goes out
    end(how, journal)


@wool.routine
async def answer(how: str, journal: str) -> Any:
    note(journal)
    await asyncio.sleep(0)
    return DiesWhenPickled(how, journal)


@wool.routine
async def stream(
    stage: str, how: str, journal: str, value: object = None
) -> AsyncGenerator[Any, None]:
    """Yield a pid, and die at some stage of that."""
    note(journal)
    await asyncio.sleep(0)
    try:
        if stage == "first step":
            end(how, journal)
        if stage == "item":
            yield DiesWhenPickled(how, journal)
        if stage == "between":
            asyncio.get_running_loop().call_later(0.01, end, how, journal)
        yield os.getpid()
        if stage == "later step":
            end(how, journal)
    finally:
        if stage == "closing":
            end(how, journal)


@wool.routine
async def stay(journal: str, seconds: float) -> int:
    note(journal)
    await asyncio.sleep(seconds)
    return os.getpid()


@wool.routine
async def ticks(journal: str) -> AsyncGenerator[int, None]:
    """Yield the worker's pid for ever."""
    note(journal)
    while True:
        yield os.getpid()
