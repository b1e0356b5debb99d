"""What becomes of the processes that routines start when their worker ends, and their pool."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

import wool
from tests import process_routines as routines
from tests.faults.until import is_running, until
from tests.home import Home, say, told
from tests.leaks import SHARED_MEMORY
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

METHODS = ["fork", "spawn", "forkserver"]


@pytest.mark.parametrize("method", METHODS)
async def test_daemonic_processes_end_with_a_worker_that_is_replaced(method: str) -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=1):
        child = await routines.start_daemon(method)
        assert is_running(child)
        await pid()
        await until(lambda: not is_running(child))


@asynccontextmanager
async def _fails_when_told(home: str) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as failing:
        failing.create_task(_fail_when_told(home))
        yield


async def _fail_when_told(home: str) -> None:
    await told(home, "fail")
    say(home, "failing")
    raise ValueError("in mid-life")


async def test_daemonic_processes_end_with_a_worker_whose_lifespan_fails(home: Home) -> None:
    path = home.path
    async with wool.WorkerPool(size=1, lifespan=lambda: _fails_when_told(path)):
        child = await routines.start_daemon("fork")
        home.tell("fail")
        await home.hear()
        await until(lambda: not is_running(child))
        home.hold("fail")


async def test_processes_outlive_a_worker_that_is_killed_but_not_its_pool() -> None:
    async with wool.WorkerPool(size=1):
        children = [await routines.start_daemon("fork"), await routines.start_program()]
        with pytest.raises(wool.WorkerDied):
            await routines.be_killed()
        await pid()
        assert all(is_running(child) for child in children)
    await until(lambda: not any(is_running(child) for child in children))


@pytest.mark.parametrize("method", METHODS)
async def test_shared_memory_that_a_routine_leaves_is_removed(method: str) -> None:
    async with wool.WorkerPool(size=1):
        name = await routines.lose_shared_memory(method)
        assert (SHARED_MEMORY / name).exists()
    await until(lambda: not (SHARED_MEMORY / name).exists())


async def test_shared_memory_of_a_worker_that_is_killed_is_removed() -> None:
    async with wool.WorkerPool(size=1):
        name = await routines.lose_shared_memory("spawn")
        with pytest.raises(wool.WorkerDied):
            await routines.be_killed()
    await until(lambda: not (SHARED_MEMORY / name).exists())
