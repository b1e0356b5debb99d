"""Ray, on this machine: tasks, awaited."""

from __future__ import annotations

__all__ = ["open_peer"]

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks import plain
from benchmarks.peers.adapter import Peer, imported

ray = imported("ray")


@asynccontextmanager
async def open_peer(workers: int) -> AsyncGenerator[Peer]:
    """Start a cluster of this machine, with so many processors."""
    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        yield Peer(ray.remote(plain.noop).remote, ray.remote(plain.echo).remote)
    finally:
        ray.shutdown()
