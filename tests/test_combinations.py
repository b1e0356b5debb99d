"""What meets seldom: limits and clean-up, several loops, several features of a pool."""

import asyncio
import threading
from collections.abc import AsyncGenerator

import pytest

import wool
from tests.carriers import OpenPool
from tests.combined_routines import (
    Frozen,
    catches,
    cleans_up_by_a_call,
    hold,
    holds_a_stream,
    leave_or_hold,
    nap,
    stream,
)
from tests.home import Home
from tests.loops import run
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.every_carrier]


async def test_a_map_goes_on_while_its_workers_are_replaced(open_pool: OpenPool) -> None:
    async with open_pool(size=2, max_pending=1, max_tasks_per_worker=5) as pool:
        seconds = [0.001] * 30
        assert [each async for each in pool.map(nap, seconds)] == seconds


async def test_a_broadcast_calls_each_worker_once_though_each_is_replaced_by_it(
    open_pool: OpenPool,
    home: Home,
) -> None:
    async with open_pool(size=2, max_tasks_per_worker=1) as pool:
        there = pool.workers.keys()
        broadcast = asyncio.create_task(pool.broadcast(hold, home.path, "go"))
        async with asyncio.timeout(20):
            while len(pool.workers) < 2 or there & pool.workers.keys():  # noqa: ASYNC110
                await asyncio.sleep(0)
            home.tell("go")
            assert (await broadcast).keys() == there


@pytest.mark.needs_processes("it ends its workers")
async def test_a_broadcast_that_ends_its_workers_is_not_made_again_on_the_next(
    open_pool: OpenPool,
    home: Home,
) -> None:
    async with open_pool(size=2) as pool:
        there = pool.workers.keys()
        victim = next(iter(pool.workers.values())).pid
        broadcast = asyncio.create_task(pool.broadcast(leave_or_hold, victim, home.path, "go"))
        async with asyncio.timeout(20):
            while len(pool.workers) < 2 or there == pool.workers.keys():  # noqa: ASYNC110
                await asyncio.sleep(0)
            home.tell("go")
            with pytest.raises(wool.BroadcastError) as caught:
                await broadcast
    assert caught.value.errors.keys() | caught.value.results.keys() == there


async def test_a_broadcast_on_a_pool_that_was_left_says_so(open_pool: OpenPool) -> None:
    async with open_pool(size=1) as pool:
        pass
    with pytest.raises(wool.PoolClosed):
        await pool.broadcast(pid)


async def test_a_stream_goes_on_only_on_the_loop_that_began_it(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=1):
        steps = stream(home.path)
        await anext(steps)
        errors: list[str] = []

        async def go_on() -> None:
            try:
                await anext(steps)
            except RuntimeError as error:
                errors.append(str(error))

        thread = threading.Thread(target=run, args=(go_on(),))
        thread.start()
        assert await home.hear() == "stream ended"
        await asyncio.to_thread(thread.join)
        assert "begun on another event loop" in errors[0]


async def test_clean_up_after_a_limit_may_call(pool: wool.WorkerPool, home: Home) -> None:
    with pytest.raises(wool.DispatchTimeout):
        await cleans_up_by_a_call.options(timeout=0.5)(home.path)
    assert home.heard() == ["released"]


async def test_leaving_the_pool_ends_streams_between_workers_quietly(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=2):
        call = asyncio.create_task(holds_a_stream(home.path))
        assert await home.hear() == "holding"
    with pytest.raises(wool.PoolClosed):
        await call
    assert set(home.heard()) <= {"stream ended", "PoolClosed"}


async def test_an_exception_that_can_not_be_changed_can_be_thrown(pool: wool.WorkerPool) -> None:
    steps: AsyncGenerator[str, None] = catches()
    await anext(steps)
    with pytest.raises(Frozen, match="mine"):
        await steps.athrow(Frozen("mine"))


async def test_one_runtime_context_serves_several_tasks(pool: wool.WorkerPool) -> None:
    shared = wool.RuntimeContext(dispatch_timeout=30)
    inside, outside = asyncio.Event(), asyncio.Event()

    async def limited() -> None:
        with wool.RuntimeContext(dispatch_timeout=0.2):
            with shared:
                inside.set()
                await outside.wait()
            with pytest.raises(wool.DispatchTimeout):
                await nap(20)

    async def unlimited() -> None:
        await inside.wait()
        with shared:
            outside.set()
        assert await nap(0.5) == 0.5

    await asyncio.gather(limited(), unlimited())
