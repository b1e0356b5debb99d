"""The worker with the least to do."""

from __future__ import annotations

__all__ = ["LeastBusyLoadBalancer"]

import itertools
from collections.abc import Iterable, Sequence

from wool.task import Task
from wool.types import WorkerLike

_BLOCKED = 0.02  # seconds; a worker whose loop runs acknowledges a call in well under one of them


class LeastBusyLoadBalancer:
    """Gives a call to the worker that has the fewest, of those whose loop is not blocked.

    A worker counts as blocked while it has not acknowledged a call for 20 ms: a routine computes
    there without waiting. It comes last, and gets calls only if all are blocked: then the one that
    has been for the shortest time is the best. Of workers with as many calls, each has its turn.
    """

    def __init__(self) -> None:
        self._turn = itertools.count()

    def choose(self, task: Task, workers: Sequence[WorkerLike]) -> Iterable[WorkerLike]:
        """Order `workers` by how busy this process keeps them."""
        del task
        first = next(self._turn) % len(workers)
        in_turn = [*workers[first:], *workers[:first]]
        return sorted(in_turn, key=_load)


def _load(worker: WorkerLike) -> tuple[float, int]:
    blocked_for = worker.unacknowledged_for
    return (blocked_for if blocked_for > _BLOCKED else 0.0), worker.in_flight
