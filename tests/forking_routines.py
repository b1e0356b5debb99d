"""Routines that fork; workers import this module."""

import asyncio
import os
import signal
import sys
import time
import warnings
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import wool
from tests import loops
from tests.home import told
from tests.process_routines import square
from tests.routines import pid, wait

# ruff: noqa: ASYNC251 - these block as users' code blocks


@wool.routine
async def warned_by_a_fork() -> list[str]:
    """Fork, and give what Python warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _in_a_fork(lambda: None)
    return [str(warning.message) for warning in caught]


def _in_a_fork(function: Any) -> int:
    if not (child := os.fork()):
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - a fork must not go on as its parent
            os.write(2, repr(error).encode())
            os._exit(99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@wool.routine
async def code_of_a_loop_in_a_fork() -> int:
    """Fork inside of the running loop, and run another in the child."""

    async def answer() -> None:
        await asyncio.sleep(0.01)
        os._exit(await asyncio.to_thread(square, 5))

    return _in_a_fork(lambda: loops.run(answer()))


@wool.routine
async def what_a_call_in_a_fork_raises() -> str:
    async def call() -> str:
        try:
            return str(await pid())
        except wool.PoolClosed as error:
            return str(error)

    return _told_by_a_fork(call)


@wool.routine
async def pid_from_a_pool_in_a_fork() -> int:
    """Open a pool of its own in a forked child."""

    async def call() -> str:
        async with wool.WorkerPool(size=1):
            return str(await pid())

    return int(_told_by_a_fork(call))


def _told_by_a_fork(main: Callable[[], Coroutine[Any, Any, str]]) -> str:
    """Fork, and run a coroutine in the child; give what it returns."""
    read, write = os.pipe()
    assert _in_a_fork(lambda: os.write(write, loops.run(main()).encode())) == 0
    os.close(write)
    try:
        return os.read(read, 1000).decode()
    finally:
        os.close(read)


@wool.routine
async def come_back_from_a_fork(how: str) -> tuple[int, int]:
    """Fork, and let the child go on as if it were this one; give this pid and the child's end."""
    child = os.fork()
    if not child:
        if how == "raises":
            raise ValueError("in the child")
        if how == "exits":
            sys.exit(5)
        if how == "awaits":
            await asyncio.sleep(0)
        return os.getpid(), -1
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    return os.getpid(), os.waitstatus_to_exitcode(status)


@wool.routine
async def step_in_a_fork() -> AsyncGenerator[tuple[int, int]]:
    child = os.fork()
    if not child:
        yield os.getpid(), -1
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    yield os.getpid(), os.waitstatus_to_exitcode(status)


@wool.routine
async def die_beside_a_fork(home: str) -> None:
    """Call each worker, fork a child that lives on, and be killed."""
    calls = asyncio.gather(wait(home), wait(home))
    await told(home, "die")
    if not os.fork():
        time.sleep(60)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)
    await calls
