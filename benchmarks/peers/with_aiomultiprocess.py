"""aiomultiprocess."""

from __future__ import annotations

__all__ = ["echo", "noop", "open_peer"]

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.peers.adapter import Peer, imported

aiomultiprocess = imported("aiomultiprocess")


async def noop() -> None:
    """Do nothing."""


async def echo(value: Any) -> Any:
    """Give the value back."""
    return value


@asynccontextmanager
async def open_peer(workers: int) -> AsyncGenerator[Peer]:
    """Open a pool."""
    async with aiomultiprocess.Pool(processes=workers) as pool:
        yield Peer(lambda: pool.apply(noop), lambda value: pool.apply(echo, (value,)))
