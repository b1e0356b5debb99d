"""A routine forks: whichever way the child goes, its worker is as it was before."""

import asyncio
import sys

import pytest

import wool
from tests import forking_routines as forks
from tests.home import Home
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@pytest.mark.parametrize(
    ("how", "status"), [("returns", 0), ("raises", 1), ("exits", 5), ("awaits", 1)]
)
async def test_a_child_that_comes_back_ends_and_its_call_goes_on(
    pool: wool.WorkerPool, how: str, status: int
) -> None:
    workers = {worker.pid for worker in pool.workers.values()}
    here, ended = await forks.come_back_from_a_fork(how)
    assert ended == status
    assert {here, await pid(), await pid()} == workers


async def test_a_child_that_yields_ends_and_its_stream_goes_on(pool: wool.WorkerPool) -> None:
    [(worker, ended)] = [step async for step in forks.step_in_a_fork()]
    assert ended == 0
    assert worker in {worker.pid for worker in pool.workers.values()}


async def test_a_workers_calls_end_with_it_though_its_fork_lives_on(home: Home) -> None:
    async with wool.WorkerPool(size=2):
        dying = asyncio.create_task(forks.die_beside_a_fork(home.path))
        assert [await home.hear(), await home.hear()] == ["started", "started"]
        home.tell("die")
        with pytest.raises(wool.WorkerDied):
            await dying
        assert (await home.hear()).startswith("cancelled")
        assert await home.hear() == "ended"


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has threads of the system's")
async def test_nothing_warns_of_the_fork() -> None:
    async with wool.WorkerPool(size=1):  # whose worker has no threads of a routine's
        assert await forks.warned_by_a_fork() == []
