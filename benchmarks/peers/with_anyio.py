"""anyio.to_process."""

from __future__ import annotations

__all__ = ["open_peer"]

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks import plain
from benchmarks.peers.adapter import Peer, imported

anyio = imported("anyio")
to_process = imported("anyio.to_process")


@asynccontextmanager
async def open_peer(workers: int) -> AsyncGenerator[Peer]:
    """Limit it to so many processes; they start with the first calls."""
    run = partial(to_process.run_sync, limiter=anyio.CapacityLimiter(workers))
    yield Peer(partial(run, plain.noop), partial(run, plain.echo))
