"""Who gets a call."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import wool
from tests.home import Home, say
from tests.routines import double, pid, wait

pytestmark = pytest.mark.anyio


async def test_by_default_each_worker_has_its_turn() -> None:
    async with wool.WorkerPool(size=3):
        pids = [await pid() for _ in range(9)]
    assert set(Counter(pids).values()) == {3}


async def test_least_busy_gives_each_call_to_the_worker_with_the_fewest(home: Home) -> None:
    async with wool.WorkerPool(size=2, loadbalancer=wool.LeastBusyLoadBalancer):
        busy = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        assert len({await pid() for _ in range(6)}) == 1
        busy.cancel()
        await asyncio.wait([busy])


@wool.routine
async def block_until(home: str, path: str) -> None:
    """Keep the loop until there is a file at `path`."""
    say(home, f"blocked {os.getpid()}")
    while not Path(path).exists():  # noqa: ASYNC240
        time.sleep(0.005)  # noqa: ASYNC251


BALANCERS = pytest.mark.parametrize(
    "balancer", [wool.RoundRobinLoadBalancer, wool.LeastBusyLoadBalancer]
)


@BALANCERS
@pytest.mark.both_loops
async def test_a_blocked_worker_gets_no_calls_while_others_are_free(
    home: Home, tmp_path: Path, balancer: type[wool.LoadBalancerLike]
) -> None:
    async with wool.WorkerPool(size=2, loadbalancer=balancer()):
        await asyncio.gather(*(pid() for _ in range(4)))
        blocking = asyncio.create_task(block_until(home.path, str(tmp_path / "go on")))
        await home.hear()
        await asyncio.sleep(0.03)  # as long as it takes to tell a blocked worker from a busy one
        results = await asyncio.gather(*(double(n) for n in range(200)))
        assert results == [2 * n for n in range(200)]
        assert not blocking.done()
        (tmp_path / "go on").touch()
        await blocking


@BALANCERS
async def test_a_blocked_worker_is_avoided_though_nobody_waits_for_its_call(
    home: Home, tmp_path: Path, balancer: type[wool.LoadBalancerLike]
) -> None:
    async with wool.WorkerPool(size=2, loadbalancer=balancer(), grace=0.1):
        await asyncio.gather(*(pid() for _ in range(4)))
        blocking = block_until.options(timeout=1)(home.path, str(tmp_path / "go on"))
        with pytest.raises(wool.DispatchTimeout):
            await blocking
        blocked = int(home.heard()[0].split()[1])
        assert blocked not in [await pid() for _ in range(6)]
        (tmp_path / "go on").touch()
        while blocked != await pid():
            pass


@wool.routine
async def block_later(home: str, path: str) -> None:
    """Keep the loop, too, but of a worker that acknowledged the call."""
    await asyncio.sleep(0.01)
    await block_until.local(home, path)


@BALANCERS
@pytest.mark.both_loops
@pytest.mark.parametrize("block", [block_until, block_later])
async def test_most_callers_go_on_beside_a_routine_that_begins_to_compute(
    home: Home,
    tmp_path: Path,
    balancer: type[wool.LoadBalancerLike],
    block: Callable[[str, str], Coroutine[Any, Any, None]],
) -> None:
    async with wool.WorkerPool(size=2, loadbalancer=balancer()):
        await asyncio.gather(*(pid() for _ in range(4)))
        blocking = asyncio.create_task(block(home.path, str(tmp_path / "go on")))
        await home.hear()

        async def call_again_and_again() -> None:
            for n in range(50):
                await double(n)

        callers = [asyncio.create_task(call_again_and_again()) for _ in range(3)]
        await next(asyncio.as_completed(callers, timeout=10))
        assert not blocking.done()
        (tmp_path / "go on").touch()
        await asyncio.gather(blocking, *callers)


@BALANCERS
async def test_calls_made_at_once_are_spread_evenly_however_long_it_takes_to_send_them(
    balancer: type[wool.LoadBalancerLike],
) -> None:
    async with wool.WorkerPool(size=2, loadbalancer=balancer()):
        await asyncio.gather(*(pid() for _ in range(4)))
        pids = await asyncio.gather(*(_late(n) for n in range(10)))
    assert set(Counter(pids).values()) == {5}


async def _late(n: int) -> int:
    """Compute for longer than a worker may keep calls waiting, and call."""
    if n:
        time.sleep(0.03)  # noqa: ASYNC251
    return await pid()


@wool.routine
async def call_beside_a_blocked_one(home: str, path: str) -> int:
    """Block the other worker of two by one call, and make others; return how many."""
    here = os.getpid()
    while await pid() == here:  # the turn after the other's is this one's
        pass
    assert await pid() == here
    blocking = asyncio.create_task(block_until(home, path))
    await asyncio.sleep(0.1)  # the other is blocked by now
    pids = [await pid() for _ in range(20)]
    Path(path).touch()  # noqa: ASYNC240
    await blocking
    return pids.count(here)


async def test_calls_that_routines_make_avoid_a_blocked_worker_too(
    home: Home, tmp_path: Path
) -> None:
    async with wool.WorkerPool(size=2):
        assert await call_beside_a_blocked_one(home.path, str(tmp_path / "go on")) == 20
