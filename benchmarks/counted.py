"""The routines that switch counting on and off in a worker."""

from __future__ import annotations

__all__ = ["start_counting", "stop_counting"]

import wool
from benchmarks.counting import Counter, Counts

_running: list[Counter] = []


@wool.routine
async def start_counting() -> None:
    """Count in this worker from now on."""
    counter = Counter()
    _running.append(counter)
    counter.start()


@wool.routine
async def stop_counting(calls: int) -> Counts:
    """Return what each of so many calls took."""
    return _running.pop().stop(calls)
