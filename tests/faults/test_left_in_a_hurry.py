"""However a pool is left, and whatever goes on in it: it is gone within the grace and 2 s."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any

import anyio
import pytest

import wool
from tests.faults.promises import promised
from tests.faults.soak import long_or_short
from tests.home import Home
from tests.routines import block, count, pid, refuse_to_end, size_of, slow_clean_up, wait

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

GRACE = 0.3  # seconds


class Goings:
    """What goes on in a pool of two workers."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._streams: list[AsyncGenerator[int, None]] = []
        self.calls: list[asyncio.Future[Any]] = []

    async def running(self) -> None:
        await self._started(wait(self._home.path), slow_clean_up(self._home.path))

    async def open_streams(self) -> None:
        self._streams += [count(9), count(9)]
        for stream in self._streams:
            await anext(stream)

    async def refusing(self) -> None:
        await self._started(refuse_to_end(self._home.path))

    async def blocking(self) -> None:
        await self._started(block(self._home.path, 30))

    async def stopped(self) -> None:
        os.kill(await pid(), signal.SIGSTOP)
        await self._sent([pid() for _ in range(4)])

    async def full_pipe(self) -> None:
        os.kill(await pid(), signal.SIGSTOP)
        await self._sent([size_of(bytes(2 * 2**20)) for _ in range(20)])

    async def everything(self) -> None:
        for going_on in (self.running, self.open_streams, self.refusing, self.full_pipe):
            await going_on()

    async def _sent(self, calls: Collection[Awaitable[Any]]) -> None:
        self.calls += map(asyncio.ensure_future, calls)
        await asyncio.wait(self.calls, timeout=0.1)
        assert not all(call.done() for call in self.calls)

    async def _started(self, *calls: Awaitable[Any]) -> None:
        self.calls += map(asyncio.ensure_future, calls)
        for _ in calls:
            await self._home.hear()


async def plainly(pool: wool.WorkerPool) -> None:
    await pool.aclose()


async def twice(pool: wool.WorkerPool) -> None:
    await asyncio.gather(pool.aclose(), pool.aclose())
    await pool.aclose()


async def from_another_task(pool: wool.WorkerPool) -> None:
    await asyncio.create_task(pool.aclose())


async def in_a_cancelled_scope(pool: wool.WorkerPool) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await pool.aclose()


async def in_a_cancelled_task(pool: wool.WorkerPool) -> None:
    leaving = asyncio.create_task(pool.aclose())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])


async def in_a_timeout(pool: wool.WorkerPool) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await pool.aclose()


GOINGS = ["running", "open_streams", "refusing", "blocking", "stopped", "full_pipe"]
WAYS = [plainly, twice, from_another_task, in_a_cancelled_scope, in_a_cancelled_task, in_a_timeout]
ALL = [(goings, way) for goings in [*GOINGS, "everything"] for way in WAYS]
SOME = [(goings, plainly) for goings in GOINGS] + [("everything", way) for way in WAYS]


@pytest.mark.parametrize(("goings", "way"), long_or_short(ALL, SOME))
async def test_a_pool_is_left(
    goings: str, way: Callable[[wool.WorkerPool], Awaitable[None]], home: Home
) -> None:
    pool = await wool.WorkerPool(size=2, grace=GRACE).__aenter__()
    going_on = Goings(home)
    await getattr(going_on, goings)()
    before = time.monotonic()
    await way(pool)
    took = time.monotonic() - before
    assert not pool.workers
    async with asyncio.timeout(1):
        await asyncio.gather(*going_on.calls, return_exceptions=True)
    ends = {type(call.exception()) for call in going_on.calls if call.exception() is not None}
    assert ends <= {wool.PoolClosed}
    assert took < promised(GRACE + 2)
