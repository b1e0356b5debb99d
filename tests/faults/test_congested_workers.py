"""A worker that takes nothing more from its socket keeps nobody waiting who could go elsewhere."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Sequence

import pytest

import wool
from tests.faults.until import until
from tests.home import Home
from tests.routines import block, pid, size_of

pytestmark = pytest.mark.anyio

_HUGE = 64 * 2**20  # bytes; more than the buffers of a socket ever hold
_NOTICED = 1.0  # seconds: by then it is known who is stopped
_AT_ONCE = 10.0  # seconds; what is late waits for start_timeout, which is sixty


class Favourite:
    """Names one worker first."""

    pid: int | None = None

    def choose(
        self, task: wool.Task, workers: Sequence[wool.WorkerLike]
    ) -> Iterable[wool.WorkerLike]:
        return sorted(workers, key=lambda worker: worker.metadata.pid != self.pid)


async def _congested(home: Home) -> tuple[int, list[asyncio.Task[int]]]:
    """Block a worker and send it more than it takes; return its pid, and those calls."""
    blocking = asyncio.create_task(block(home.path, 60.0))
    blocked = int((await home.hear()).split()[1])
    large = asyncio.create_task(size_of(bytes(_HUGE)))
    for _ in range(3):  # until it has been written
        await asyncio.sleep(0)
    return blocked, [blocking, large]


async def _waiting_call() -> asyncio.Task[int]:
    """Make a call that finds nobody who takes it."""
    call = asyncio.create_task(pid())
    done, _ = await asyncio.wait([call], timeout=0.1)
    assert not done
    return call


async def _killed(victim: int, calls: list[asyncio.Task[int]]) -> None:
    os.kill(victim, signal.SIGKILL)
    for error in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(error, wool.WorkerDied)


async def test_a_call_that_waits_for_one_goes_to_the_next_as_soon_as_it_is_killed(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=1):
        congested, calls = await _congested(home)
        call = await _waiting_call()
        await _killed(congested, calls)
        async with asyncio.timeout(_AT_ONCE):
            assert await call != congested


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who is stopped")
async def test_a_call_that_waits_for_one_that_is_stopped_goes_to_another_that_comes_back(
    home: Home,
) -> None:
    balancer = Favourite()
    async with wool.WorkerPool(size=2, loadbalancer=balancer) as pool:
        balancer.pid, away = (worker.pid for worker in pool.workers.values())
        congested, calls = await _congested(home)
        os.kill(away, signal.SIGSTOP)
        await asyncio.sleep(_NOTICED)
        call = await _waiting_call()
        os.kill(congested, signal.SIGSTOP)
        await asyncio.sleep(_NOTICED)
        os.kill(away, signal.SIGCONT)
        async with asyncio.timeout(_AT_ONCE):
            assert await call == away
        await _killed(congested, calls)
        await until(lambda: len(pool.workers) == 2)
