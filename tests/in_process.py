"""Pools whose workers are in the test's own process, and routines that talk to it directly."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import wool
from wool.pools.in_process import InProcessWorkers

__all__ = ["open_pool", "said", "telling", "waits"]

said = list[str]()
"""What routines of these tests say, since they run in this process."""


@asynccontextmanager
async def open_pool(
    size: int = 2, grace: float = 2.0, **options: Any
) -> AsyncGenerator[wool.WorkerPool]:
    async with wool.WorkerPool(size=size, grace=grace, worker=InProcessWorkers, **options) as pool:
        yield pool


@asynccontextmanager
async def telling() -> AsyncGenerator[object]:
    said.append("entered")
    yield object()
    said.append("left")


@wool.routine
async def waits() -> None:
    said.append("started")
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        said.append("cleaned up")
