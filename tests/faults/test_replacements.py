"""However often workers die, another takes the dead one's place."""

import os
import signal
import sys
import time
from statistics import median

import pytest

import wool
from tests.faults.promises import promised
from tests.faults.until import until
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


async def _killed(pool: wool.WorkerPool) -> None:
    """Kill the only worker."""
    (victim,) = pool.workers.values()
    os.kill(victim.pid, signal.SIGKILL)
    await until(lambda: victim.uid not in pool.workers)


async def test_the_seventh_worker_to_die_at_once_is_replaced_as_soon_as_the_first() -> None:
    async with wool.WorkerPool(size=1) as pool:
        waited: list[float] = []
        for _ in range(7):
            await _killed(pool)
            before = time.monotonic()
            await pid()
            waited.append(time.monotonic() - before)
        assert median(waited[-2:]) < promised(1), waited


async def test_a_failed_start_after_quick_deaths_is_one_failed_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with wool.WorkerPool(size=1) as pool:
        for _ in range(4):
            await _killed(pool)
            await until(lambda: pool.workers)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", "/nowhere/python")
            await _killed(pool)
            await until(lambda: "did not start" in caplog.text)
        assert await pid()
