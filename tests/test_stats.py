"""What a pool knows of its calls."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import pytest

import wool
from tests.home import Home
from tests.routines import count, double, fail, pid, wait

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _counted(size: int = 1) -> AsyncGenerator[wool.WorkerPool]:
    async with wool.WorkerPool(size=size, grace=0.5) as pool:
        yield pool


def _calls(pool: wool.WorkerPool) -> tuple[int, int, int]:
    stats = pool.stats()
    return stats.in_flight, stats.completed, stats.failed


async def test_calls_that_return_and_calls_that_raise_are_told_apart() -> None:
    async with _counted() as pool:
        await asyncio.gather(*(double(n) for n in range(5)))
        with pytest.raises(ValueError, match="no"):
            await fail(ValueError("no"))
        assert _calls(pool) == (0, 5, 1)


async def test_a_call_is_in_flight_until_it_ended(home: Home) -> None:
    async with _counted() as pool:
        call = asyncio.create_task(wait(home.path))
        await home.hear()
        assert _calls(pool) == (1, 0, 0)
        call.cancel()
        await asyncio.wait([call])
        assert _calls(pool) == (0, 0, 1)


async def test_a_generator_is_in_flight_from_its_first_step_to_its_end() -> None:
    async with _counted() as pool:
        stream, closed = count(2), count(2)
        assert _calls(pool) == (0, 0, 0)
        await anext(stream)
        await anext(closed)
        assert _calls(pool) == (2, 0, 0)
        await closed.aclose()
        assert [n async for n in stream] == [1]
        assert _calls(pool) == (0, 2, 0)


async def test_each_worker_has_its_own_counts() -> None:
    async with _counted(2) as pool:
        for _ in range(6):
            await pid()
        stats = pool.stats()
    assert stats.workers == 2
    assert [worker.completed for worker in stats.by_worker.values()] == [3, 3]


async def test_calls_of_other_loops_count_too() -> None:
    async with _counted() as pool:

        async def elsewhere() -> None:
            with pool.activate():
                await double(1)

        await asyncio.to_thread(asyncio.run, elsewhere())
        await double(1)
        assert _calls(pool) == (0, 2, 0)


@pytest.fixture
def _many_switches() -> Iterator[None]:
    """Have the threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_many_switches")
async def test_read_from_another_thread_the_counts_are_never_negative_nor_too_high() -> None:
    ended = threading.Event()

    def read() -> set[int]:
        seen = set[int]()
        while not ended.is_set():
            seen.add(pool.stats().completed)
        return seen

    async with _counted() as pool:
        await double(1)
        reading = asyncio.ensure_future(asyncio.to_thread(read))
        for _ in range(500):
            with contextlib.suppress(ValueError):
                await fail(ValueError("no"))
        ended.set()
        assert await reading == {1}
        assert _calls(pool) == (0, 1, 500)


async def test_a_worker_that_is_replaced_counts_and_so_do_its_calls(home: Home) -> None:
    async with _counted() as pool:
        call = asyncio.create_task(wait(home.path))
        await home.hear()
        os.kill(await pid(), signal.SIGKILL)
        with pytest.raises(wool.WorkerDied):
            await call
        await double(1)
        stats = pool.stats()
        assert (stats.completed, stats.failed, stats.restarted) == (2, 1, 1)
        [replacement] = stats.by_worker.values()
        assert (replacement.completed, replacement.restarted) == (1, 1)


async def test_the_counts_outlive_the_pool() -> None:
    async with _counted() as pool:
        await double(1)
    assert pool.stats() == wool.PoolStats(0, 0, 1, 0, 0, {})


def test_a_pool_that_was_never_open_has_none() -> None:
    with pytest.raises(wool.PoolClosed, match="not open"):
        wool.WorkerPool(size=1).stats()
