"""Many calls of one routine: `pool.map`."""

import asyncio
import gc
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import pytest

import wool
from tests.home import Home, say, told
from tests.numbers_read import Counter
from tests.routines import Account, count, double, evaluate, pid

pytestmark = pytest.mark.anyio


@wool.routine
async def add(a: int, b: int) -> int:
    return a + b


@wool.routine
async def in_turn(home: str, n: int) -> int:
    """Say that it runs, wait for its number, tell home of a cancellation."""
    say(home, f"started {n}")
    try:
        await told(home, str(n))
    except asyncio.CancelledError:
        await asyncio.sleep(0.05)
        say(home, f"cancelled {n}")
        raise
    return n


@wool.routine
async def odd_only(home: str, n: int) -> int:
    if n % 2 == 0:
        raise ValueError(n)
    return await in_turn.local(home, n)


class SlowCounter(Counter):
    async def __aiter__(self) -> AsyncGenerator[int]:
        for n in self:
            await asyncio.sleep(0)
            yield n


async def test_results_come_in_the_order_of_the_input(pool: wool.WorkerPool) -> None:
    assert [n async for n in pool.map(double, range(100))] == list(range(0, 200, 2))


async def test_a_call_that_takes_longer_holds_up_those_behind_it(
    pool: wool.WorkerPool, home: Home
) -> None:
    results = pool.map(in_turn, [home.path] * 2, [1, 2])
    first = asyncio.ensure_future(anext(results))
    assert {await home.hear(), await home.hear()} == {"started 1", "started 2"}
    home.tell("2")
    assert not (await asyncio.wait([first], timeout=0.05))[0]
    home.tell("1")
    assert [await first, await anext(results)] == [1, 2]


async def test_unordered_results_come_as_the_calls_end(pool: wool.WorkerPool, home: Home) -> None:
    results = pool.map(in_turn, [home.path] * 3, [1, 2, 3], ordered=False)
    for n in (2, 3, 1):
        home.tell(str(n))
        assert await anext(results) == n
    with pytest.raises(StopAsyncIteration):
        await anext(results)


@pytest.mark.parametrize("ordered", [True, False])
async def test_several_iterables_are_read_in_step_up_to_the_shortest(
    pool: wool.WorkerPool, ordered: bool
) -> None:
    results = pool.map(add, [1, 2, 3], SlowCounter(), Counter(), ordered=ordered)
    with pytest.raises(TypeError, match="add"):
        await anext(results)
    sums = [n async for n in pool.map(add, [10, 20, 30], SlowCounter(), ordered=ordered)]
    assert sorted(sums) == [11, 22, 33]


@pytest.mark.parametrize("numbers", [Counter, SlowCounter])
@pytest.mark.parametrize("ordered", [True, False])
async def test_input_is_read_lazily_and_no_further_than_the_limit_ahead(
    pool: wool.WorkerPool, numbers: type[Counter], ordered: bool
) -> None:
    source = numbers()
    results = pool.map(double, source, limit=3, ordered=ordered)
    assert source.read == 0
    for taken in range(1, 10):
        await anext(results)
        assert source.read <= taken + 2
    await results.aclose()


async def test_no_more_than_the_limit_are_in_flight(pool: wool.WorkerPool, home: Home) -> None:
    results = pool.map(in_turn, [home.path] * 9, range(9), limit=2)
    first = asyncio.ensure_future(anext(results))
    assert {await home.hear(), await home.hear()} == {"started 0", "started 1"}
    home.tell("1")
    await pool.dispatch(double, 1)
    assert home.heard() == []
    home.tell("0")
    assert await first == 0
    await results.aclose()


async def test_by_default_four_calls_for_each_worker_are_in_flight(
    pool: wool.WorkerPool, home: Home
) -> None:
    results = pool.map(in_turn, [home.path] * 99, range(99))
    first = asyncio.ensure_future(anext(results))
    for _ in range(8):
        await home.hear()
    await pool.dispatch(double, 1)
    assert home.heard() == []
    assert pool.stats().in_flight == 8
    first.cancel()
    await asyncio.wait([first])


async def test_by_default_a_limited_pool_is_not_overloaded() -> None:
    async with wool.WorkerPool(size=2, max_pending=2) as pool:
        assert len([n async for n in pool.map(double, range(50))]) == 50


async def test_the_first_error_is_raised_at_its_place_and_cancels_the_rest(
    pool: wool.WorkerPool, home: Home
) -> None:
    results = pool.map(odd_only, [home.path] * 5, [1, 3, 4, 5, 7])
    first = asyncio.ensure_future(anext(results))
    assert sorted([await home.hear() for _ in range(4)]) == [f"started {n}" for n in (1, 3, 5, 7)]
    home.tell("1")
    home.tell("3")
    assert [await first, await anext(results)] == [1, 3]
    with pytest.raises(ValueError, match="4"):
        await anext(results)
    assert sorted(home.heard()) == ["cancelled 5", "cancelled 7"]
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def test_unordered_an_error_is_raised_when_it_happens(
    pool: wool.WorkerPool, home: Home
) -> None:
    results = pool.map(odd_only, [home.path] * 3, [1, 4, 3], ordered=False)
    with pytest.raises(ValueError, match="4"):
        await anext(results)
    assert pool.stats().in_flight == 0


async def test_an_error_of_the_input_is_raised_at_its_place(pool: wool.WorkerPool) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    results = pool.map(double, numbers())
    assert await anext(results) == 2
    with pytest.raises(LookupError, match="no more"):
        await anext(results)


async def _close(results: AsyncGenerator[Any]) -> None:
    await results.aclose()


async def _cancel(results: AsyncGenerator[Any]) -> None:
    step = asyncio.ensure_future(anext(results))
    await asyncio.sleep(0)
    step.cancel()
    await asyncio.wait([step])
    assert step.cancelled()


@pytest.mark.parametrize("leave", [_close, _cancel])
@pytest.mark.parametrize("ordered", [True, False])
async def test_to_leave_early_cancels_what_is_in_flight_and_waits_for_its_clean_up(
    pool: wool.WorkerPool, home: Home, leave: Any, ordered: bool
) -> None:
    before = asyncio.all_tasks()
    results = pool.map(in_turn, [home.path] * 3, [0, 1, 2], ordered=ordered)
    home.tell("0")
    assert await anext(results) == 0
    while pool.stats().in_flight < 2:  # noqa: ASYNC110 - the calls are being sent
        await asyncio.sleep(0)
    await leave(results)
    assert pool.stats().in_flight == 0
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


async def test_an_iterator_that_is_dropped_is_closed(pool: wool.WorkerPool, home: Home) -> None:
    home.tell("0")
    async for n in pool.map(in_turn, [home.path] * 3, [0, 1, 2]):
        assert n == 0
        break
    gc.collect()
    heard = set[str]()
    async with asyncio.timeout(5):
        while not {"cancelled 1", "cancelled 2"} <= heard:
            heard.add(await home.hear())


async def test_a_pool_that_is_left_ends_it(home: Home) -> None:
    async with wool.WorkerPool(size=1, grace=1.0) as pool:
        home.tell("0")
        results = pool.map(in_turn, [home.path] * 2, [0, 1])
        assert await anext(results) == 0
    with pytest.raises(wool.PoolClosed):
        await anext(results)


async def test_methods_are_mapped_too(pool: wool.WorkerPool) -> None:
    assert [n async for n in pool.map(Account(10).plus, [1, 2])] == [11, 12]


async def test_calls_are_spread_over_the_workers(pool: wool.WorkerPool) -> None:
    results = pool.map(evaluate, ["os.getpid()"] * 8)
    assert {n async for n in results} == {worker.pid for worker in pool.workers.values()}


async def test_an_empty_input_has_no_results(pool: wool.WorkerPool) -> None:
    nothing: list[int] = []
    assert [n async for n in pool.map(double, nothing)] == []


async def _refused(pool: wool.WorkerPool, *args: Any, **options: Any) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        pool.map(*args, **options)
    return str(caught.value)


async def test_what_can_not_be_mapped_is_refused_at_once(pool: wool.WorkerPool) -> None:
    assert "iterate over pool.dispatch" in await _refused(pool, count, [1])
    assert "not a routine" in await _refused(pool, len, [1])
    assert "at least one iterable" in await _refused(pool, pid)
    assert "not iterable" in await _refused(pool, double, 3)
    assert "limit is at least 1" in await _refused(pool, double, [1], limit=0)


async def test_an_input_may_depend_on_the_results(pool: wool.WorkerPool) -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    queue.put_nowait(1)

    async def numbers() -> AsyncIterator[int]:
        while (n := await queue.get()) < 100:
            yield n

    results = list[int]()
    async for n in pool.map(double, numbers()):
        results.append(n)
        queue.put_nowait(n)
    assert results == [2, 4, 8, 16, 32, 64, 128]


async def test_rows_that_come_after_a_wait_for_input_run_at_the_same_time(
    pool: wool.WorkerPool, home: Home
) -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()

    async def numbers() -> AsyncIterator[int]:
        while True:
            yield await queue.get()

    results = pool.map(in_turn, itertools.repeat(home.path), numbers(), limit=2)
    queue.put_nowait(1)
    home.tell("1")
    assert await anext(results) == 1
    assert await home.hear() == "started 1"
    second = asyncio.ensure_future(anext(results))
    await asyncio.sleep(0)
    for n in (2, 3, 4):
        queue.put_nowait(n)
    assert {await home.hear(), await home.hear()} == {"started 2", "started 3"}
    home.tell("2")
    assert await second == 2
    await results.aclose()
