"""loky."""

from __future__ import annotations

__all__ = ["open_peer"]

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks import plain
from benchmarks.peers.adapter import Peer, imported

loky = imported("loky")


@asynccontextmanager
async def open_peer(workers: int) -> AsyncGenerator[Peer]:
    """Open an executor."""
    loop = asyncio.get_running_loop()
    with loky.ProcessPoolExecutor(workers) as executor:
        run = partial(loop.run_in_executor, executor)
        yield Peer(partial(run, plain.noop), partial(run, plain.echo))
