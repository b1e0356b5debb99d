"""A map whose rows take unequal time keeps all workers busy, and reads no further than it says."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

import wool
from tests.home import Home, say, told
from tests.numbers_read import Counter
from tests.routines import double

pytestmark = pytest.mark.anyio


@wool.routine
async def compute_if_told(home: str, path: str) -> str:
    """Say that it runs; keep the loop until there is a file at `path`, if that is one."""
    say(home, path or "quick")
    while path and not Path(path).exists():  # noqa: ASYNC240
        time.sleep(0.005)  # noqa: ASYNC251 - what these tests are about
    return path or "quick"


@pytest.mark.both_loops
@pytest.mark.parametrize("ordered", [True, False])
async def test_a_row_that_computes_for_long_keeps_no_other_worker_waiting(
    home: Home, tmp_path: Path, ordered: bool
) -> None:
    slow = str(tmp_path / "go on")
    async with wool.WorkerPool(size=2) as pool:
        rows = [slow, *[""] * 150]
        results = pool.map(compute_if_told, itertools.repeat(home.path), rows, ordered=ordered)
        taking = asyncio.create_task(_all(results))
        assert sorted([await home.hear() for _ in range(151)]) == [slow, *["quick"] * 150]
        Path(slow).touch()  # noqa: ASYNC240
        taken = await taking
    assert len(taken) == 151
    assert taken[0 if ordered else -1] == slow


async def _all(results: AsyncGenerator[Any]) -> list[Any]:
    return [result async for result in results]


@pytest.mark.both_loops
async def test_at_first_none_waits_behind_one_that_computes(home: Home, tmp_path: Path) -> None:
    slow = str(tmp_path / "go on")
    async with wool.WorkerPool(size=2) as pool:
        taking = asyncio.create_task(_all(pool.map(compute_if_told, [home.path] * 8, [slow] * 8)))
        assert [await home.hear() for _ in range(2)] == [slow] * 2
        for _ in range(20):
            await asyncio.sleep(0)
        assert [each.in_flight for each in pool.stats().by_worker.values()] == [1, 1]
        Path(slow).touch()  # noqa: ASYNC240
        assert await taking == [slow] * 8


@pytest.mark.both_loops
async def test_slow_rows_are_shared_though_they_come_by_turns_with_quick_ones(
    home: Home, tmp_path: Path
) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    async with wool.WorkerPool(size=2) as pool:
        rows = [first, "", second, ""]
        taking = asyncio.create_task(_all(pool.map(compute_if_told, [home.path] * 4, rows)))
        heard = [await home.hear() for _ in range(3)]
        assert {first, second} <= {*heard}  # both run at once
        Path(first).touch()  # noqa: ASYNC240
        Path(second).touch()  # noqa: ASYNC240
        assert await taking == [first, "quick", second, "quick"]


@wool.routine
async def all_but(home: str, slow: int, n: int) -> int:
    """Wait until told if it is the slow one."""
    if n == slow:
        await told(home, str(n))
    return n


async def _only_the_slow_one_is_left(pool: wool.WorkerPool, source: Counter, read: int) -> None:
    async with asyncio.timeout(20):
        while source.read < read or pool.stats().in_flight > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_with_a_limit_a_slow_row_lets_no_more_be_read(
    pool: wool.WorkerPool, home: Home
) -> None:
    source = Counter()
    results = pool.map(all_but, itertools.repeat(home.path), itertools.repeat(1), source, limit=3)
    first = asyncio.ensure_future(anext(results))
    await _only_the_slow_one_is_left(pool, source, 3)
    assert source.read == 3
    home.tell("1")
    assert [await first, await anext(results), await anext(results)] == [1, 2, 3]
    await results.aclose()


@pytest.mark.parametrize("slow", [1, 101])
async def test_without_one_a_hundred_rows_for_each_worker_are_read_ahead_of_a_slow_one(
    pool: wool.WorkerPool, home: Home, slow: int
) -> None:
    source = Counter()
    results = pool.map(all_but, itertools.repeat(home.path), itertools.repeat(slow), source)
    for n in range(1, slow):
        assert await anext(results) == n
    late = asyncio.ensure_future(anext(results))
    await _only_the_slow_one_is_left(pool, source, slow + 199)
    assert source.read == slow + 199
    home.tell(str(slow))
    assert await late == slow
    await results.aclose()


async def test_who_takes_results_slowly_has_no_more_of_them_waiting_than_calls_are_under_way() -> (
    None
):
    source = Counter()
    async with wool.WorkerPool(size=1) as pool:  # where none overtakes the one before it
        results = pool.map(double, source)
        for taken in range(1, 40):
            await anext(results)
            while pool.stats().in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            assert source.read <= taken + 4
        await results.aclose()
