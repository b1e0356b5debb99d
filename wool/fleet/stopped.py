"""Noticing workers that were stopped, and those that go on.

A heartbeat would tell neither from a worker whose routine computes. The system does: it knows the
state of each process.
"""

from __future__ import annotations

__all__ = ["watch_for_stops"]

import asyncio
from collections.abc import Callable, Collection

from wool.discovery.roster import Roster
from wool.types import StartedWorker

_INTERVAL = 0.25  # seconds; to look at a worker takes about 15 µs


async def watch_for_stops(present: Callable[[], Collection[StartedWorker]], roster: Roster) -> None:
    """Keep the roster true about who is stopped, until cancelled."""
    while True:
        await asyncio.sleep(_INTERVAL)
        for worker in present():
            roster.mark(worker.metadata.uid, stopped=worker.is_stopped())
