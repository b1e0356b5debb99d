"""Which workers are blocked: a routine computes there without waiting, and nothing else runs."""

from __future__ import annotations

__all__ = ["answering_first"]

from collections.abc import Sequence
from operator import attrgetter

from wool.types import WorkerLike

_blocked_for = attrgetter("unacknowledged_for")


def answering_first(workers: Sequence[WorkerLike]) -> Sequence[WorkerLike]:
    """Return `workers` as they are if the first answers; else those that do, then the blocked.

    Of the blocked, the one that has been for the shortest time comes first.
    """
    return sorted(workers, key=_blocked_for) if _blocked_for(workers[0]) else workers
