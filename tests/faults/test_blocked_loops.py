"""Routines that block their workers' loops keep only those waiting who were there already."""

import asyncio
import os
import signal
import sys
import time

import pytest

import wool
from tests.faults.promises import promised
from tests.home import Home, say
from tests.leaks import Traces, left_since
from tests.routines import block, double

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

BLOCKED = 4.0  # seconds


@wool.routine
async def block_later(home: str, seconds: float) -> None:
    """Block the loop, too, but after the call was acknowledged."""
    await asyncio.sleep(0.01)
    say(home, "started")
    time.sleep(seconds)  # noqa: ASYNC251 - what the test is about


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_joins_to_a_blocked_worker_that_were_given_up_leave_no_descriptor(home: Home) -> None:
    async with wool.WorkerPool(size=1) as pool:
        blocking = asyncio.create_task(block(home.path, 60.0))
        blocked = int((await home.hear()).split()[1])

        async def give_up_three_times() -> None:
            before = Traces.now()
            with pool.activate():
                for _ in range(3):
                    with pytest.raises(wool.DispatchTimeout):
                        await double.options(timeout=0.05)(1)
            for left in left_since(before, patience=0.5):
                if "descriptors" in left:
                    await asyncio.sleep(0)
                else:
                    return
            raise AssertionError

        await asyncio.to_thread(asyncio.run, give_up_three_times())
        os.kill(blocked, signal.SIGKILL)
        with pytest.raises(wool.WorkerDied):
            await blocking


async def test_calls_beside_blocked_loops_take_less_than_100_ms(home: Home) -> None:
    async with wool.WorkerPool(size=3, loadbalancer=wool.LeastBusyLoadBalancer):
        blocking = asyncio.gather(block(home.path, BLOCKED), block_later(home.path, BLOCKED))
        for _ in range(2):
            await home.hear()
        took: list[float] = []

        async def call_again_and_again() -> None:
            while not blocking.done():
                before = time.monotonic()
                await double(1)
                took.append(time.monotonic() - before)
                await asyncio.sleep(0.005)

        await asyncio.gather(*(call_again_and_again() for _ in range(4)))
    took.sort()
    assert took[len(took) * 99 // 100] < promised(0.1), (
        f"of {len(took)} calls the slowest took {took[-9:]}"
    )
