"""A pool is left: every call ends, every routine gets its grace, nothing stays."""

import asyncio
import contextlib
import gc

import pytest

import wool
from tests.home import Home
from tests.loops import run
from tests.routines import (
    block,
    count,
    double,
    evaluate,
    pid,
    refuse_to_end,
    slow_clean_up,
    tell_steps,
    wait,
)

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


async def test_calls_that_run_end_with_pool_closed_and_are_cleaned_up(home: Home) -> None:
    async with wool.WorkerPool(size=1):
        call = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
    with pytest.raises(wool.PoolClosed, match=r"tests\.routines\.wait"):
        await call
    assert home.heard() == ["cancelled", "ended"]


async def test_the_clean_up_of_a_routine_is_not_cut_short_by_a_second_cancellation(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=1):
        call = asyncio.create_task(slow_clean_up(home.path))
        assert await home.hear() == "started"
    await asyncio.gather(call, return_exceptions=True)
    assert home.heard() == ["cleaned up"]


async def test_open_streams_are_closed_remotely(home: Home) -> None:
    async with wool.WorkerPool(size=1):
        stream = tell_steps(home.path, 3)
        await anext(stream)
    assert home.heard() == ["0", "ended"]
    with pytest.raises(wool.PoolClosed):
        await anext(stream)


async def test_an_open_stream_can_be_closed_after_the_pool() -> None:
    async with wool.WorkerPool(size=1):
        stream = count(3)
        await anext(stream)
    await stream.aclose()


async def test_a_routine_that_ignores_cancellation_is_ended_after_the_grace(home: Home) -> None:
    loop = asyncio.get_running_loop()
    async with wool.WorkerPool(size=1, grace=0.3):
        call = asyncio.create_task(refuse_to_end(home.path))
        await home.hear()
        start = loop.time()
    assert 0.2 < loop.time() - start < 2
    with pytest.raises(wool.PoolClosed):
        await call


async def test_a_routine_that_blocks_its_loop_is_ended_after_the_grace(home: Home) -> None:
    loop = asyncio.get_running_loop()
    async with wool.WorkerPool(size=1, grace=0.2):
        call = asyncio.create_task(block(home.path, 30))
        await home.hear()
        start = loop.time()
    assert loop.time() - start < 2
    with pytest.raises(wool.PoolClosed):
        await call


async def test_a_call_that_waits_for_a_blocked_worker_ends_at_once(home: Home) -> None:
    async with wool.WorkerPool(size=1, grace=3.0) as pool:
        blocking = asyncio.create_task(block(home.path, 1.0))
        await home.hear()

        def call_from_another_loop() -> type[BaseException] | None:
            async def call() -> None:
                with pool.activate():
                    await double(1)

            try:
                run(call())
            except wool.PoolClosed as error:
                return type(error)
            return None

        other = asyncio.create_task(asyncio.to_thread(call_from_another_loop))
        await asyncio.wait([other], timeout=0.2)
        leaving = asyncio.create_task(pool.aclose())
        done, _ = await asyncio.wait([other], timeout=0.5)
        assert done, "the call should end when the pool is left"
        assert other.result() is wool.PoolClosed
        await leaving
        await asyncio.gather(blocking, return_exceptions=True)


@pytest.mark.parametrize("turns", range(1, 9))
async def test_leaving_while_the_first_call_joins_its_worker_raises_pool_closed(turns: int) -> None:
    async with wool.WorkerPool(size=1):
        call = asyncio.create_task(double(1))
        for _ in range(turns):
            await asyncio.sleep(0)
    async with asyncio.timeout(1):
        with contextlib.suppress(wool.PoolClosed):
            assert await call == 2


async def test_to_cancel_the_leaving_cuts_the_grace(home: Home) -> None:
    loop = asyncio.get_running_loop()

    leave = asyncio.Event()

    async def work() -> None:
        async with wool.WorkerPool(size=1, grace=30):
            call = asyncio.gather(refuse_to_end(home.path), return_exceptions=True)
            await leave.wait()
        await call

    working = asyncio.create_task(work())
    assert (await home.hear()).startswith("started")
    leave.set()
    assert await home.hear() == "ignored"
    start = loop.time()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert loop.time() - start < 2.5


async def test_leaving_twice_is_harmless_and_both_wait() -> None:
    pool = wool.WorkerPool(size=1)
    async with pool:
        await pid()
        await asyncio.gather(pool.aclose(), pool.aclose())
        await pool.aclose()
    assert pool.closed
    assert pool.workers == {}


async def test_a_pool_is_opened_once() -> None:
    async with wool.WorkerPool(size=1) as pool:
        pass
    with pytest.raises(RuntimeError, match="opened once"):
        await pool.__aenter__()


async def test_closing_a_pool_while_it_is_entered_ends_the_entering() -> None:
    pool = wool.WorkerPool(size=2)
    entering = asyncio.create_task(pool.__aenter__())
    await asyncio.sleep(0)
    await pool.aclose()
    done, _ = await asyncio.wait([entering], timeout=2)
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    assert done, "entering waits for workers that will not come"


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.05, 0.15])
async def test_to_cancel_the_entering_leaves_nothing(delay: float) -> None:
    pool = wool.WorkerPool(size=2)
    entering = asyncio.create_task(pool.__aenter__())
    await asyncio.wait([entering], timeout=delay)
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    if not entering.cancelled():  # the workers were quicker
        await pool.aclose()
    del pool
    gc.collect()


async def test_a_pool_that_nobody_leaves_warns_and_ends_its_workers() -> None:
    async def forget() -> None:
        pool = wool.WorkerPool(size=1)
        await pool.__aenter__()

    with pytest.warns(ResourceWarning, match="unclosed"):  # noqa: PT031 - collected in it
        await asyncio.create_task(forget())
        await asyncio.sleep(0)  # the loop's last reference to the task goes
        gc.collect()


async def test_an_error_in_the_block_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with wool.WorkerPool(size=1):
            raise ZeroDivisionError


async def test_a_full_house_of_calls_is_ended_quickly(home: Home) -> None:
    loop = asyncio.get_running_loop()
    async with wool.WorkerPool(size=2):
        calls = [asyncio.create_task(evaluate("asyncio.sleep(60)")) for _ in range(500)]
        await evaluate("0")
        start = loop.time()
    assert loop.time() - start < 2
    done, _ = await asyncio.wait(calls, timeout=1)
    assert {type(call.exception()) for call in done} == {wool.PoolClosed}
