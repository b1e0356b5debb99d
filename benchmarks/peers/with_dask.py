"""Dask's distributed, with a scheduler and workers on this machine."""

from __future__ import annotations

__all__ = ["open_peer"]

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks import plain
from benchmarks.peers.adapter import Peer, imported

distributed = imported("distributed")


@asynccontextmanager
async def open_peer(workers: int) -> AsyncGenerator[Peer]:
    """Start a scheduler and so many processes of one thread."""
    async with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, asynchronous=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, asynchronous=True) as client,
    ):
        submit = partial(client.submit, pure=False)  # else the same call is made only once
        yield Peer(partial(submit, plain.noop), partial(submit, plain.echo))
