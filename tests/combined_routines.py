"""Routines for what meets seldom."""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import wool
from tests.home import say, told

__all__ = [
    "Frozen",
    "catches",
    "cleans_up_by_a_call",
    "hold",
    "holds_a_stream",
    "leave_or_hold",
    "nap",
    "stream",
]


@dataclass(frozen=True)
class Frozen(Exception):
    """Refuses to be changed, as far as it can."""

    why: str


@wool.routine
async def nap(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@wool.routine
async def hold(home: str, word: str) -> None:
    say(home, "holding")
    await told(home, word)


@wool.routine
async def leave_or_hold(victim: int, home: str, word: str) -> None:
    if os.getpid() == victim:
        os._exit(3)
    await told(home, word)


@wool.routine
async def catches() -> AsyncGenerator[str, None]:
    yield "ready"
    raise LookupError


@wool.routine
async def release(home: str) -> None:
    await asyncio.sleep(0)
    say(home, "released")


@wool.routine
async def cleans_up_by_a_call(home: str) -> None:
    try:
        await told(home, "never")
    finally:
        await release(home)


@wool.routine
async def stream(home: str) -> AsyncGenerator[int, None]:
    try:
        for n in range(100):
            yield n
    finally:
        say(home, "stream ended")


@wool.routine
async def holds_a_stream(home: str) -> None:
    """Hold a stream of another worker, and say what closing it gives when this is cancelled."""
    steps = stream(home)
    await anext(steps)
    say(home, "holding")
    try:
        await told(home, "never")
    finally:
        try:
            await steps.aclose()
        except wool.WoolError as error:
            say(home, type(error).__name__)
