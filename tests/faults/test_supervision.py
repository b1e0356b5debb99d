"""What raises while workers are looked after, as a filter of logs may, ends none of them."""

import asyncio
import logging
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

import wool
from tests.faults.until import until
from tests.home import Home
from tests.lives import breaking
from tests.routines import double, wait

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@contextmanager
def _a_filter_raises_on(name: str) -> Generator[list[str]]:
    """Give what it was asked about."""
    asked = list[str]()

    def refuse(record: logging.LogRecord) -> bool:
        asked.append(record.getMessage())
        raise ZeroDivisionError("a filter of the user's")

    logger = logging.getLogger(name)
    logger.addFilter(refuse)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    try:
        yield asked
    finally:
        logger.removeFilter(refuse)
        asyncio.get_running_loop().set_exception_handler(None)


def _pids(pool: wool.WorkerPool) -> set[int]:
    return {worker.pid for worker in pool.workers.values()}


async def test_a_death_of_which_nothing_can_be_logged_ends_no_other_worker(home: Home) -> None:
    async with wool.WorkerPool(size=2) as pool:
        call = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        stats = pool.stats().by_worker
        [idle] = [w.pid for uid, w in pool.workers.items() if not stats[uid].in_flight]
        with _a_filter_raises_on("wool.fleet.crew") as asked:
            os.kill(idle, signal.SIGKILL)
            await until(lambda: asked and idle not in _pids(pool) and len(pool.workers) == 2)
        home.tell("go")
        assert await call == "went on"


async def test_a_failed_start_of_which_nothing_can_be_logged_ends_no_worker_that_runs(
    home: Home, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    async with wool.WorkerPool(size=1, max_tasks_per_worker=2, lifespan=breaking(broken)) as pool:
        before = _pids(pool)
        call = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        with _a_filter_raises_on("wool.fleet.backoff") as asked:
            broken.touch()
            assert await double(1) == 2  # the last of its quota
            await until(lambda: asked)
            broken.unlink()
            await until(lambda: _pids(pool) and _pids(pool) != before, within=20)
        home.tell("go")
        assert await call == "went on"
        assert await double(1) == 2
