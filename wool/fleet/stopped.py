"""Noticing workers that were stopped, and those that go on.

A heartbeat would tell neither from a worker whose routine computes. The system does: it knows the
state of each process.
"""

from __future__ import annotations

__all__ = ["watch_for_stops"]

import asyncio
from collections.abc import Callable, Collection

from wool.discovery.roster import Roster
from wool.support.processes import CAN_TELL_STOPPED, is_stopped
from wool.types import WorkerMetadata

_INTERVAL = 0.25  # seconds; to look at a worker takes about 15 µs


async def watch_for_stops(
    live: Callable[[], Collection[WorkerMetadata]], roster: Roster, announce: Callable[[], None]
) -> None:
    """Keep the roster true about who is stopped, until cancelled; `announce` each change."""
    while CAN_TELL_STOPPED:
        await asyncio.sleep(_INTERVAL)
        changed = False
        for worker in live():
            changed |= roster.mark(worker.uid, stopped=is_stopped(worker.pid))
        if changed:
            announce()
