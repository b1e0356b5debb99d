"""Wool's pool."""

from __future__ import annotations

__all__ = ["open_wool"]

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import wool
from benchmarks import routines
from benchmarks.contestant import Contestant


@asynccontextmanager
async def open_wool(workers: int) -> AsyncGenerator[Contestant]:
    """Open one."""
    async with wool.WorkerPool(size=workers) as pool:

        def pids() -> list[int]:
            return [worker.pid for worker in pool.workers.values()]

        yield Contestant(routines.noop, routines.echo, pids)
