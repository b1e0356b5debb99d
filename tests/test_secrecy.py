"""The token of a pool is in no repr, where error trackers and logs would find it."""

import asyncio
import inspect
import os
import signal

import pytest

import wool
from tests.faults.until import until
from tests.in_sight import tokens_in_sight, worker_shows_tokens
from tests.routines import double

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


async def test_a_caller_shows_no_token() -> None:
    async with wool.WorkerPool(size=1):
        assert await double(1) == 2
        assert tokens_in_sight() == []


async def test_a_worker_shows_no_token() -> None:
    async with wool.WorkerPool(size=1):
        assert await worker_shows_tokens() == []


async def test_the_traceback_of_a_worker_that_does_not_start_shows_no_token() -> None:
    pool = wool.WorkerPool(size=1, modules=["no_such_module"])
    with pytest.raises(wool.StartupError) as caught:
        await pool.__aenter__()
    assert caught.tb is not None
    assert tokens_in_sight() == []


async def test_a_caller_whose_hello_is_not_answered_shows_no_token() -> None:
    async with wool.WorkerPool(size=1) as pool:
        [worker] = pool.workers.values()
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            call = asyncio.create_task(double(1))
            await until(lambda: "authenticate" in _awaited_by(call))
            assert tokens_in_sight() == []
        finally:
            os.kill(worker.pid, signal.SIGCONT)
        assert await call == 2


def _awaited_by(task: asyncio.Task[int]) -> list[str]:
    """Name the coroutines that a task waits in, the innermost last."""
    names = list[str]()
    waiting: object = task.get_coro()
    while inspect.iscoroutine(waiting):
        names.append(waiting.__name__)
        waiting = waiting.cr_await
    return names
