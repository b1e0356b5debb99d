"""Calls and pools leave nothing behind, however many there were."""

import asyncio
import gc
import resource
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import wool
from tests.faults.soak import LONG, long_or_short, may_take
from tests.leaks import Traces
from tests.routines import count, double, evaluate

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    may_take(900),
]

CALLS = long_or_short(1_000_000, 20_000)
OTHERS = long_or_short(200_000, 3_840)
STEPS = 10
POOLS = long_or_short(500, 5)
IN_FLIGHT = 64
PROMISED = 10  # bytes a call
SMALLEST = 16  # bytes; what Python takes for an object at least


async def one_call() -> None:
    await double(1)


async def one_stream() -> None:
    async for _ in count(2):
        pass


async def one_stream_that_is_closed() -> None:
    async with aclosing(count(2)) as stream:
        await anext(stream)


@wool.routine
async def raise_an_error() -> None:
    raise ValueError("on purpose")


async def one_failure() -> None:
    with suppress(ValueError):
        await raise_an_error()


async def one_cancellation() -> None:
    call = asyncio.ensure_future(evaluate("asyncio.sleep(60)"))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])


async def _make(calls: int, one: Callable[[], Awaitable[None]]) -> None:
    async def some() -> None:
        for _ in range(calls // IN_FLIGHT):
            await one()

    await asyncio.gather(*(some() for _ in range(IN_FLIGHT)))


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _allocated() -> int:
    """Return the bytes that Python's objects take at least."""
    gc.collect()
    return sys.getallocatedblocks() * SMALLEST


@wool.routine
async def used() -> int:
    return _used()


# The system gives memory out in chunks of a megabyte: only in the long form they tell.
_used = _resident if LONG else _allocated


@pytest.mark.parametrize(
    ("one", "calls"),
    [
        (one_call, CALLS),
        (one_stream, OTHERS),
        (one_stream_that_is_closed, OTHERS),
        (one_failure, OTHERS),
        (one_cancellation, OTHERS),
    ],
)
async def test_calls_leave_less_than_ten_bytes_each(
    one: Callable[[], Coroutine[Any, Any, None]], calls: int
) -> None:
    sizes: list[tuple[int, int]] = []
    async with wool.WorkerPool(size=1):
        await _make(calls // 2, one)
        for _ in range(STEPS):
            sizes.append((_used(), await used()))
            await _make(calls // 2 // STEPS, one)
        sizes.append((_used(), await used()))
    here, there = (_growth(size) / (calls // 2 // STEPS) for size in zip(*sizes, strict=True))
    print(f"grown by {here:.2f} bytes a call here, {there:.2f} in the worker")  # noqa: T201
    assert max(here, there) < PROMISED


def _growth(sizes: Sequence[int]) -> float:
    """Return how a step grew in the median: a first peak, of which memory stays, does not count."""
    return median(after - before for before, after in pairwise(sizes))


@pytest.mark.parametrize(
    "one", [one_call, one_stream, one_stream_that_is_closed, one_failure, one_cancellation]
)
async def test_calls_leave_nothing_to_the_garbage_collector(
    one: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    calls = 640
    async with wool.WorkerPool(size=1):
        await _make(calls, one)
        await collect(enabled=False)
        _collect(enabled=False)
        try:
            await _make(calls, one)
            found = _collect(enabled=True), await collect(enabled=True)
        finally:
            gc.enable()
    assert max(found) < calls, f"{found} objects in cycles after {calls} calls"


def _collect(*, enabled: bool) -> int:
    """Return how many objects only the collector could free."""
    (gc.enable if enabled else gc.disable)()
    return gc.collect()


@wool.routine
async def collect(*, enabled: bool) -> int:
    return _collect(enabled=enabled)


async def test_pools_leave_nothing() -> None:
    async def open_and_leave() -> None:
        async with wool.WorkerPool(size=1):
            assert await double(1) == 2

    for _ in range(POOLS // 5):
        await open_and_leave()
    before, traces = _used(), Traces.now()
    for _ in range(POOLS):
        await open_and_leave()
    grown = (_used() - before) / POOLS
    print(f"grown by {grown:.0f} bytes a pool")  # noqa: T201
    assert not Traces.now().since(traces)
    assert grown < 10_000
