"""A package called wool: ours, or in another environment the one of that name on the index."""

from __future__ import annotations

__all__ = ["echo", "noop", "open_peer"]

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import wool
from benchmarks.peers.adapter import Peer


@wool.routine
async def noop() -> None:
    """Do nothing."""


@wool.routine
async def echo(value: Any) -> Any:
    """Give the value back."""
    return value


@asynccontextmanager
async def open_peer(workers: int) -> AsyncGenerator[Peer]:
    """Open a pool."""
    async with wool.WorkerPool(size=workers):
        yield Peer(noop, echo)
