"""Generators that run ahead of their consumers."""

import asyncio
from collections.abc import AsyncGenerator

import wool
from tests.home import say, told
from tests.routines import double

__all__ = [
    "ahead",
    "ahead_then_fail",
    "ahead_with_clean_up",
    "goes_on_taking_while_it_cleans_up",
    "holds_a_timeout",
    "ignores_cancellation",
    "stuck_ahead",
]


@wool.routine(prefetch=3)
async def ahead(home: str, to: int) -> AsyncGenerator[int, None]:
    for n in range(to):
        say(home, n)
        yield n


@wool.routine(prefetch=3)
async def ahead_then_fail(to: int) -> AsyncGenerator[int, None]:
    for n in range(to):
        yield n
    raise LookupError("at the end")


@wool.routine(prefetch=2)
async def ahead_with_clean_up(home: str) -> AsyncGenerator[int, None]:
    try:
        for n in range(1000):
            yield n
    finally:
        await asyncio.sleep(0)
        say(home, "cleaned up")


@wool.routine(prefetch=2)
async def stuck_ahead(home: str) -> AsyncGenerator[int, None]:
    """Yield one item; the next step waits for ever, and tells how it ended."""
    yield 0
    try:
        say(home, "waiting")
        await told(home, "never")
    except asyncio.CancelledError:
        say(home, "cancelled")
        raise


@wool.routine(prefetch=2)
async def ignores_cancellation(home: str) -> AsyncGenerator[int, None]:
    yield 0
    try:
        say(home, "waiting")
        await told(home, "never")
    except asyncio.CancelledError:
        say(home, "cancelled")
    try:
        yield 1
    finally:
        say(home, "closed")


@wool.routine(prefetch=1)
async def holds_a_timeout(home: str) -> AsyncGenerator[int, None]:
    """Hold a timeout across the yields, which is over while nobody takes an item."""
    async with asyncio.timeout(None) as scope:
        yield 0
        asyncio.get_running_loop().call_later(0.01, scope.reschedule, 0)
        asyncio.get_running_loop().call_later(0.05, say, home, "expired")
        yield 1
        yield 2


@wool.routine
async def goes_on_taking_while_it_cleans_up(home: str) -> None:
    """Hold a stream all of whose items that were asked for have come; say how it went on."""
    steps = ahead_with_clean_up(home)
    await anext(steps)
    await double(1)  # which is answered behind them
    say(home, "holding")
    try:
        await told(home, "never")
    finally:
        await told(home, "go on")
        try:
            async for _ in steps:
                pass
            say(home, "it ended")
        except wool.PoolClosed:
            say(home, "PoolClosed")
