"""Calls and pools leave nothing behind, however many there were."""

import asyncio
import gc
import resource
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest

import wool
from tests.faults.soak import LONG, long_or_short, may_take
from tests.leaks import Traces
from tests.routines import count, double, evaluate, fail

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    may_take(900),
]

CALLS = long_or_short(1_000_000, 20_000)
OTHERS = long_or_short(200_000, 6_400)
POOLS = long_or_short(500, 10)
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


async def one_failure() -> None:
    with suppress(ValueError):
        await fail(ValueError("on purpose"))


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
    async with wool.WorkerPool(size=1):
        await _make(calls // 2, one)
        before = _used(), await used()
        await _make(calls // 2, one)
        after = _used(), await used()
    grown = [(end - start) / (calls // 2) for start, end in zip(before, after, strict=True)]
    print(f"grown by {grown[0]:.2f} bytes a call here, {grown[1]:.2f} in the worker")  # noqa: T201
    assert max(grown) < PROMISED


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
