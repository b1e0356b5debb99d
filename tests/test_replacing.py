"""A worker that has done its quota of calls is replaced, and no call is the worse for it."""

import asyncio
import logging
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

import wool
from tests.faults.until import is_running
from tests.home import Home, say
from tests.lives import breaking, telling, waiting
from tests.loops import run
from tests.routines import count, double, doubled_stream, lineage, pid, tell_steps, wait

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@wool.routine
async def stream_of_pids(home: str) -> AsyncGenerator[tuple[int, int]]:
    """Give this worker's pid, and that of the one which a nested call goes to, until the end."""
    try:
        while True:
            yield os.getpid(), await pid()
    finally:
        say(home, "ended")


async def another(pool: wool.WorkerPool, before: int) -> int:
    """Make calls until a worker takes them that is not `before`."""
    while (now := await pid()) == before:
        pass
    return now


async def test_with_a_share_of_one_every_call_has_a_worker_of_its_own() -> None:
    async with wool.WorkerPool(size=2, max_tasks_per_worker=1):
        pids = await asyncio.gather(*(pid() for _ in range(6)))
        pids += [await pid() for _ in range(2)]
    assert len(set(pids)) == 8


async def test_a_worker_takes_its_share_or_up_to_a_tenth_less() -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=40) as pool:
        served = Counter([await pid() for _ in range(200)])
        assert pool.stats().restarted >= 4
    *whole, _ = served.values()
    assert len(whole) >= 4
    assert all(36 <= taken <= 40 for taken in whole)


async def test_no_call_is_lost_by_a_replacement_and_none_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def calls(n: int) -> None:
        for _ in range(10):
            assert await double(n) == 2 * n
            assert [item async for item in count(3)] == [0, 1, 2]
            assert [item async for item in doubled_stream(2)] == [0, 2]
            assert len(await lineage(2)) == 3

    async with wool.WorkerPool(size=2, max_tasks_per_worker=60) as pool:
        await asyncio.gather(*(calls(n) for n in range(8)))
        assert pool.stats().restarted >= 4
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_calls_of_other_loops_are_not_lost_either() -> None:
    async with wool.WorkerPool(size=2, max_tasks_per_worker=10) as pool:

        async def calls() -> list[int]:
            with pool.activate():
                return [await double(n) for n in range(30)]

        threads = (asyncio.to_thread(run, calls()) for _ in range(2))
        assert await asyncio.gather(*threads) == [list(range(0, 60, 2))] * 2


async def test_a_stream_stays_on_its_worker_and_calls_the_new_ones(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=5) as pool:
        stream = stream_of_pids(home.path)
        here, nested = await anext(stream)
        assert nested == here
        now = await another(pool, here)
        assert [worker.pid for worker in pool.workers.values()] == [now]
        assert await anext(stream) == (here, now)
        await stream.aclose()
        assert home.heard() == ["ended"]
        while is_running(here):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await double(1) == 2


async def test_a_worker_takes_more_than_its_share_while_the_one_before_it_has_calls(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=5) as pool:
        stream = tell_steps(home.path, 3)
        await anext(stream)
        here = await pid()
        now = await another(pool, here)
        assert {await pid() for _ in range(20)} == {now}
        assert is_running(here)
        await stream.aclose()
        assert await another(pool, now) != here


async def test_a_worker_that_cannot_be_replaced_goes_on(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    async with wool.WorkerPool(size=1, max_tasks_per_worker=2, lifespan=breaking(broken)) as pool:
        broken.touch()
        assert len({await pid() for _ in range(10)}) == 1
        broken.unlink()
        before = await pid()
        assert await another(pool, before) != before


async def test_a_worker_whose_replacement_takes_long_to_start_goes_on_meanwhile(
    home: Home,
) -> None:
    home.tell("go")
    async with wool.WorkerPool(size=1, max_tasks_per_worker=2, lifespan=waiting(home.path)) as pool:
        home.hold("go")
        [before] = {await pid() for _ in range(10)}
        home.tell("go")
        assert await another(pool, before) != before


async def test_with_a_share_of_one_a_worker_that_cannot_be_replaced_does_not_go_on(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken"
    async with wool.WorkerPool(
        size=1, max_tasks_per_worker=1, lifespan=breaking(broken), start_timeout=3.0
    ):
        broken.touch()
        assert await double(1) == 2
        with pytest.raises(wool.StartupError, match="no model any more"):
            await double(1)


async def test_a_retired_worker_leaves_its_lifespan_when_its_last_call_has_ended(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=1, lifespan=telling(home.path)) as pool:
        call = asyncio.create_task(wait(home.path))
        assert [await home.hear() for _ in range(3)] == ["entered", "started", "entered"]
        home.tell("go")
        assert await call == "went on"
        assert [await home.hear() for _ in range(2)] == ["ended", "left"]
        assert len(pool.workers) == 1


async def test_a_retired_worker_that_dies_with_calls_is_reported(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=1) as pool:
        before = next(iter(pool.workers.values())).pid
        call = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        assert await pid() != before
        os.kill(before, signal.SIGKILL)
        with pytest.raises(wool.WorkerDied) as caught:
            await call
        assert (caught.value.pid, caught.value.signal) == (before, signal.SIGKILL)


async def test_the_calls_of_retired_workers_have_the_grace_when_the_pool_is_left(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=1):
        call = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        assert await double(1) == 2
    with pytest.raises(wool.PoolClosed):
        await call
    assert home.heard() == ["cancelled", "ended"]


async def test_leaving_does_not_wait_for_a_replacement_that_is_starting(home: Home) -> None:
    home.tell("go")
    loop = asyncio.get_running_loop()
    async with wool.WorkerPool(size=1, lifespan=waiting(home.path)):
        assert (await home.hear()).startswith("waiting")
        home.hold("go")
        os.kill(await pid(), signal.SIGKILL)
        assert (await home.hear()).startswith("waiting")
        start = loop.time()
    assert loop.time() - start < 2


async def test_a_worker_that_died_counts_as_restarted_too() -> None:
    async with wool.WorkerPool(size=2) as pool:
        assert pool.stats().restarted == 0
        before = await pid()
        os.kill(before, signal.SIGKILL)
        while pool.stats().restarted != 1:  # noqa: ASYNC110
            await asyncio.sleep(0)
