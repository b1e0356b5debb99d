"""A lifespan runs around the life of every worker; what it yields is there for every call."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

import wool
from tests.home import Home, say, told
from tests.lives import (
    Lifespan,
    Loaded,
    loaded,
    state_here,
    state_is_one,
    state_of,
    telling,
    what_is_raised,
)
from tests.routines import double, pid, slow_clean_up
from tests.scripts import run

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@pytest.mark.parametrize("lifespan", [loaded, Loaded], ids=["function", "class"])
async def test_each_worker_has_a_state_of_its_own(lifespan: Lifespan) -> None:
    async with wool.WorkerPool(size=2, lifespan=lifespan) as pool:
        states = {await state_of("pid") for _ in range(4)}
        pids = {worker.pid for worker in pool.workers.values()}
    assert states == {(pid, pid) for pid in pids}


async def test_threads_see_the_state_too() -> None:
    async with wool.WorkerPool(size=1, lifespan=loaded):
        assert await state_is_one()


async def test_a_worker_without_a_lifespan_has_no_state(pool: wool.WorkerPool) -> None:
    assert await state_here() is None


async def test_there_is_no_state_outside_of_workers() -> None:
    with pytest.raises(RuntimeError, match="this process is no worker"):
        wool.worker_state()
    assert "take what it needs as an argument" in await what_is_raised.local()


async def test_a_lifespan_is_entered_before_the_first_call_and_left_after_the_last(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=1, lifespan=telling(home.path)):
        assert home.heard() == ["entered"]
        assert await state_here() == "the state"
        call = asyncio.create_task(slow_clean_up(home.path))
        assert await home.hear() == "started"
    await asyncio.gather(call, return_exceptions=True)
    assert home.heard() == ["cleaned up", "left"]


def test_a_lifespan_of_main_needs_no_guard_and_no_module() -> None:
    text = """
import asyncio, contextlib, wool
@contextlib.asynccontextmanager
async def lifespan():
    yield {"answer": 42}
@wool.routine
async def answer():
    return wool.worker_state()["answer"]
async def main():
    async with wool.WorkerPool(size=1, lifespan=lifespan):
        print(await answer())
asyncio.run(main())
"""
    assert run(["-c", text]).out == "42\n"


async def test_a_new_worker_enters_the_lifespan_anew(home: Home) -> None:
    async with wool.WorkerPool(size=1, lifespan=telling(home.path)):
        os.kill(await pid(), signal.SIGKILL)
        while [await home.hear() for _ in range(2)] != ["entered", "entered"]:
            pass
        assert await state_here() == "the state"


async def test_a_worker_whose_lifespan_fails_later_on_is_replaced(home: Home) -> None:
    path = home.path  # all that the lifespan takes along

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        async def watch() -> None:
            say(path, "watching")
            await told(path, "fail")
            raise ValueError("the connection is gone")

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch())
            yield
            watching.cancel()

    async with wool.WorkerPool(size=1, lifespan=lifespan) as pool:
        before = await pid()
        assert await home.hear() == "watching"
        home.tell("fail")
        while before in {worker.pid for worker in pool.workers.values()}:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await home.hear() == "watching"


async def test_a_routine_called_in_a_lifespan_has_no_pool() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        await double(1)
        yield

    with pytest.raises(wool.StartupError, match="NoActivePool"):
        await wool.WorkerPool(size=1, lifespan=lifespan).__aenter__()
