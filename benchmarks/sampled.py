"""The routines that switch sampling on and off in a worker."""

from __future__ import annotations

__all__ = ["start_sampling", "stop_sampling"]

import wool
from benchmarks.sampling import Sampler

_running: list[Sampler] = []


@wool.routine
async def start_sampling() -> None:
    """Sample this worker from now on."""
    sampler = Sampler()
    _running.append(sampler)
    sampler.start()


@wool.routine
async def stop_sampling() -> dict[str, float]:
    """Return the share of each part."""
    return _running.pop().stop()
