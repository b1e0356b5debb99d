"""`python -m benchmarks.peers.measuring ADAPTER FILE`: measure one peer, in its own environment."""

from __future__ import annotations

__all__ = ["FIGURES"]

import asyncio
import json
import sys
import time
from pathlib import Path

from benchmarks.measure import bytes_rate, in_flight, one_by_one, some_bytes
from benchmarks.peers.adapter import imported

FIGURES = {
    "alone": "noop, one after the other, p50",
    "flight": "noop, 64 in flight, calls a second",
    "echo": "echo of 1 MB of bytes, MB/s",
    "start": "start of two workers to the first result",
}

_WORKERS = 2
_SECONDS = 1.5  # a measure takes that long at most
_MEGABYTE = 1_000_000


async def measure(adapter: str) -> dict[str, float]:
    """Open the peer and take its figures."""
    module = imported(f"benchmarks.peers.{adapter}")
    started = time.perf_counter()
    async with module.open_peer(_WORKERS) as peer:
        await peer.noop()
        start = time.perf_counter() - started
        await in_flight(peer.noop, 320, 16, seconds=_SECONDS)
        alone = await one_by_one(peer.noop, 1000, seconds=_SECONDS)
        together = await in_flight(peer.noop, 12_800, 64, seconds=_SECONDS)
        value = some_bytes(_MEGABYTE)
        await peer.echo(value)
        echoed = await bytes_rate(peer.echo, value, _MEGABYTE, 60, seconds=_SECONDS)
    return {"alone": alone.median, "flight": together.rate, "echo": echoed, "start": start}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(asyncio.run(measure(sys.argv[1]))))
