"""A pool is left while loops of other threads call it, or on one of them."""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest

import wool
from tests.home import Home, say
from tests.loops import run
from tests.routines import double

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

LOOPS = 4


@wool.routine
async def make_do(home: str) -> str:
    """Return something all the same when it is cancelled."""
    say(home, "started")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "partial"
    return "whole"


@wool.routine
async def end_early(home: str) -> AsyncGenerator[str, None]:
    """End as if it were complete when it is cancelled."""
    say(home, "started")
    try:
        yield "first"
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


async def _call(pool: wool.WorkerPool, home: str) -> object:
    with pool.activate():
        return await make_do(home)


async def _stream(pool: wool.WorkerPool, home: str) -> object:
    with pool.activate():
        return [item async for item in end_early(home)]


@pytest.mark.parametrize("what", [_call, _stream])
async def test_what_other_loops_wait_for_ends_with_pool_closed_and_never_looks_complete(
    what: Callable[[wool.WorkerPool, str], Coroutine[Any, Any, object]], home: Home
) -> None:
    for _ in range(5):
        async with wool.WorkerPool(size=2) as pool:
            waiting = [
                asyncio.create_task(asyncio.to_thread(run, what(pool, home.path)))
                for _ in range(LOOPS)
            ]
            for _ in range(LOOPS):
                await home.hear()
        for came in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(came, wool.PoolClosed), came


async def test_a_pool_may_be_left_on_another_loop() -> None:
    pool = wool.WorkerPool(size=1)
    await pool.__aenter__()
    with pool.activate():
        assert await double(1) == 2
    await asyncio.to_thread(run, pool.aclose())
    assert pool.closed
    with pytest.raises(wool.PoolClosed):
        pool.activate()


async def test_to_leave_a_pool_whose_loop_stands_still_says_where_to_leave_it() -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    pools: list[wool.WorkerPool] = []
    go_on = threading.Event()

    def open_and_stand_still() -> None:
        with asyncio.Runner() as runner:
            pools.append(wool.WorkerPool(size=1))
            loops.append(runner.get_loop())
            runner.run(pools[0].__aenter__())
            go_on.wait()
            runner.run(pools[0].aclose())

    standing = asyncio.create_task(asyncio.to_thread(open_and_stand_still))
    while not (loops and pools and not loops[0].is_running() and pools[0].workers):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    with pytest.raises(RuntimeError, match="the event loop that opened it"):
        await pools[0].aclose()
    go_on.set()
    await standing


@pytest.mark.filterwarnings("ignore:unclosed <WorkerPool:ResourceWarning")
async def test_a_pool_that_nobody_holds_any_more_says_so_to_its_calls() -> None:
    async def forget() -> None:
        pool = wool.WorkerPool(size=1)
        await pool.__aenter__()
        assert await double(1) == 2
        del pool
        gc.collect()
        await asyncio.sleep(0)
        with pytest.raises(wool.PoolClosed, match="collected without being left"):
            await double(1)

    await asyncio.create_task(forget())
