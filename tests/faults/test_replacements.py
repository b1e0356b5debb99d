"""However often workers die, another takes the dead one's place."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from statistics import median

import pytest

import wool
from tests.routines import pid

pytestmark = pytest.mark.anyio


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is asked is not an event
            await asyncio.sleep(0.005)


async def _killed(pool: wool.WorkerPool) -> None:
    """Kill the only worker."""
    (victim,) = pool.workers.values()
    os.kill(victim.pid, signal.SIGKILL)
    await _until(lambda: victim.uid not in pool.workers)


async def test_the_eighth_worker_to_die_at_once_is_replaced_as_soon_as_the_first() -> None:
    async with wool.WorkerPool(size=1) as pool:
        waited: list[float] = []
        for _ in range(8):
            await _killed(pool)
            before = time.monotonic()
            await pid()
            waited.append(time.monotonic() - before)
        assert median(waited[-3:]) < 1, waited


async def test_a_failed_start_after_quick_deaths_is_one_failed_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with wool.WorkerPool(size=1) as pool:
        for _ in range(5):
            await _killed(pool)
            await _until(lambda: pool.workers)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", "/nowhere/python")
            await _killed(pool)
            await _until(lambda: "did not start" in caplog.text)
        assert await pid()
