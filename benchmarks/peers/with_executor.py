"""concurrent.futures.ProcessPoolExecutor, as asyncio documents it."""

from __future__ import annotations

__all__ = ["open_peer"]

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.executor import open_executor
from benchmarks.peers.adapter import Peer


@asynccontextmanager
async def open_peer(workers: int) -> AsyncGenerator[Peer]:
    """Open it."""
    async with open_executor(workers) as executor:
        yield Peer(executor.noop, executor.echo)
