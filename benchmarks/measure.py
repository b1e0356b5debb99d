"""Measuring calls: how long one takes, how many a second, how fast items and bytes come."""

from __future__ import annotations

__all__ = [
    "Call",
    "Echo",
    "Timing",
    "bytes_rate",
    "in_flight",
    "items_rate",
    "one_by_one",
    "some_bytes",
]

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Call = Callable[[], Awaitable[object]]
Echo = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True)
class Timing:
    """What calls took: the median of one, in microseconds, and how many there were a second."""

    median: float
    rate: float


async def one_by_one(call: Call, calls: int, *, seconds: float = float("inf")) -> Timing:
    """Time calls one after the other; fewer of them if they take longer than `seconds` in all."""
    return await in_flight(call, calls, 1, seconds=seconds)


async def in_flight(call: Call, calls: int, width: int, *, seconds: float = float("inf")) -> Timing:
    """Time calls with `width` of them in flight; fewer if they take longer than `seconds`."""
    times: list[float] = []
    per_caller = max(1, calls // width)
    started = time.perf_counter()
    until = started + seconds

    async def caller() -> None:
        for _ in range(per_caller):
            begun = time.perf_counter()
            if begun > until:
                return
            await call()
            times.append(time.perf_counter() - begun)

    if width == 1:
        await caller()
    else:
        async with asyncio.TaskGroup() as callers:
            for _ in range(width):
                callers.create_task(caller())
    took = time.perf_counter() - started
    return Timing(statistics.median(times) * 1e6, len(times) / took)


async def items_rate(items: AsyncIterator[object]) -> float:
    """Return how many items a second come."""
    count = 0
    started = time.perf_counter()
    async for _ in items:
        count += 1
    return count / (time.perf_counter() - started)


async def bytes_rate(
    echo: Echo, value: Any, size: int, calls: int, *, seconds: float = float("inf")
) -> float:
    """Return how many megabytes a second go there and back, each counted once."""
    timing = await one_by_one(lambda: echo(value), calls, seconds=seconds)
    return timing.rate * size / 1e6


def some_bytes(size: int) -> bytes:
    """Return the same bytes each time, which look like anything."""
    return random.Random(size).randbytes(size)  # noqa: S311 - no secret
