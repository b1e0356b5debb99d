"""A generator with prefetch runs ahead of its consumer, so far and no further."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

import wool
from tests.ahead import (
    ahead,
    ahead_then_fail,
    ahead_with_clean_up,
    goes_on_taking_while_it_cleans_up,
    holds_a_timeout,
    ignores_cancellation,
    stuck_ahead,
)
from tests.carriers import OpenPool
from tests.home import Home
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.every_carrier]


async def _hear(home: Home, words: int) -> list[str]:
    return [await home.hear() for _ in range(words)]


async def test_every_item_arrives_in_order(pool: wool.WorkerPool, home: Home) -> None:
    assert [n async for n in ahead(home.path, 50)] == list(range(50))


async def test_it_runs_no_further_ahead_than_allowed(pool: wool.WorkerPool, home: Home) -> None:
    steps = ahead(home.path, 50)
    await anext(steps)
    assert await _hear(home, 4) == ["0", "1", "2", "3"]
    await pid()
    await pid()
    assert home.heard() == []
    await anext(steps)
    assert await home.hear() == "4"
    await steps.aclose()


async def test_an_error_comes_after_the_items_before_it(pool: wool.WorkerPool) -> None:
    steps = ahead_then_fail(10)
    assert [await anext(steps) for _ in range(10)] == list(range(10))
    with pytest.raises(LookupError, match="at the end"):
        await anext(steps)


async def test_sending_to_it_is_an_error_that_says_why(pool: wool.WorkerPool, home: Home) -> None:
    steps = ahead_with_clean_up(home.path)
    await anext(steps)
    with pytest.raises(TypeError, match="runs up to 2 items ahead"):
        await steps.asend("value")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert home.heard() == ["cleaned up"]


async def test_an_exception_thrown_in_closes_it(pool: wool.WorkerPool, home: Home) -> None:
    steps = ahead_with_clean_up(home.path)
    await anext(steps)
    with pytest.raises(LookupError):
        await steps.athrow(LookupError())
    assert home.heard() == ["cleaned up"]


async def test_closing_returns_after_the_clean_up(pool: wool.WorkerPool, home: Home) -> None:
    async with aclosing(ahead_with_clean_up(home.path)) as steps:
        async for n in steps:
            if n == 20:
                break
    assert home.heard() == ["cleaned up"]


async def test_closing_cancels_the_step_that_runs_ahead(pool: wool.WorkerPool, home: Home) -> None:
    steps = stuck_ahead(home.path)
    assert await anext(steps) == 0
    assert await home.hear() == "waiting"
    await steps.aclose()
    assert home.heard() == ["cancelled"]


async def test_closing_one_that_ignores_it_closes_it_at_its_yield(
    pool: wool.WorkerPool, home: Home
) -> None:
    steps = ignores_cancellation(home.path)
    assert await anext(steps) == 0
    assert await home.hear() == "waiting"
    await steps.aclose()
    assert home.heard() == ["cancelled", "closed"]


async def test_cancelling_the_consumer_ends_it(pool: wool.WorkerPool, home: Home) -> None:
    steps = stuck_ahead(home.path)
    await anext(steps)
    waiting = asyncio.ensure_future(anext(steps))
    assert await home.hear() == "waiting"
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert home.heard() == ["cancelled"]
    with pytest.raises(StopAsyncIteration):
        await anext(steps)


async def test_a_timeout_ends_it(pool: wool.WorkerPool, home: Home) -> None:
    steps = stuck_ahead.options(timeout=2)(home.path)
    await anext(steps)
    assert await home.hear() == "waiting"
    with pytest.raises(wool.DispatchTimeout):
        await anext(steps)
    assert home.heard() == ["cancelled"]


async def test_a_timeout_that_it_holds_between_two_steps_is_the_next_outcome(
    pool: wool.WorkerPool, home: Home
) -> None:
    steps = holds_a_timeout(home.path)
    assert await anext(steps) == 0
    assert await home.hear() == "expired"
    assert await anext(steps) == 1
    with pytest.raises(TimeoutError):
        await anext(steps)
    assert await pid() in {worker.pid for worker in pool.workers.values()}


async def test_an_error_that_nobody_came_to_is_dropped(pool: wool.WorkerPool) -> None:
    async with aclosing(ahead_then_fail(2)) as steps:
        assert await anext(steps) == 0


@pytest.mark.needs_processes("kills its worker")
async def test_items_that_came_before_the_worker_died_are_seen(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=1):
        worker = await pid()
        steps = ahead(home.path, 10)
        assert await anext(steps) == 0
        await _hear(home, 4)
        assert await pid() == worker  # what it sent before has arrived
        os.kill(worker, signal.SIGKILL)
        assert [await anext(steps) for _ in range(3)] == [1, 2, 3]
        with pytest.raises(wool.WorkerDied):
            await anext(steps)


async def test_leaving_the_pool_ends_it(open_pool: OpenPool, home: Home) -> None:
    async with open_pool(size=1):
        steps = ahead_with_clean_up(home.path)
        await anext(steps)
    assert home.heard() == ["cleaned up"]
    await steps.aclose()


async def _nothing() -> None: ...


async def _items() -> AsyncGenerator[int, None]:
    yield 1


def test_prefetch_is_for_generators() -> None:
    with pytest.raises(TypeError, match="prefetch= is for generators"):
        wool.routine(prefetch=1)(_nothing)


@pytest.mark.parametrize(
    ("prefetch", "error"), [(-1, ValueError), (2**31, ValueError), ("2", TypeError)]
)
def test_prefetch_is_a_number_of_items(prefetch: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="prefetch is"):
        wool.routine(prefetch=prefetch)(_items)


async def test_a_stream_that_its_worker_ended_with_the_pool_does_not_seem_to_be_complete(
    open_pool: OpenPool,
    home: Home,
) -> None:
    async with open_pool(size=1) as pool:
        call = asyncio.create_task(goes_on_taking_while_it_cleans_up(home.path))
        assert await home.hear() == "holding"
        leaving = asyncio.create_task(pool.aclose())
        assert await home.hear() == "cleaned up"
        home.tell("go on")
        assert await home.hear() == "PoolClosed"
        await leaving
        with pytest.raises(wool.PoolClosed):
            await call
