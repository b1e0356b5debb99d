"""What a pool knows of its calls."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any

import pytest

import wool
from tests.home import Home
from tests.loops import run
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
    assert sum(worker["completed"] for worker in asdict(stats)["by_worker"].values()) == 6


async def test_calls_of_other_loops_count_too() -> None:
    async with _counted() as pool:

        async def elsewhere() -> None:
            with pool.activate():
                await double(1)

        await asyncio.to_thread(run, elsewhere())
        await double(1)
        assert _calls(pool) == (0, 2, 0)


@contextmanager
def _at_each_line_of(file: str, look: Callable[[], object]) -> Generator[None]:
    """Look whenever another thread might, while the functions of a file run."""

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        if not frame.f_code.co_filename.endswith(file):
            return None
        look()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


async def test_at_no_moment_are_the_counts_negative_or_too_high() -> None:
    async with _counted() as pool:
        await double(1)
        seen = set[int]()
        with (
            _at_each_line_of("wool/protocol/calls.py", lambda: seen.add(pool.stats().completed)),
            pytest.raises(ValueError, match="no"),
        ):
            await fail(ValueError("no"))
        assert seen == {1}
        assert _calls(pool) == (0, 1, 1)


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
