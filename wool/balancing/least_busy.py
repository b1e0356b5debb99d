"""The worker with the least to do."""

from __future__ import annotations

__all__ = ["LeastBusyLoadBalancer"]

import itertools
from collections.abc import Iterator, Sequence
from operator import attrgetter

from wool.balancing.blocked import answering_first
from wool.tasks import Task
from wool.types import WorkerLike

_in_flight = attrgetter("in_flight")


class LeastBusyLoadBalancer:
    """Gives a call to the worker that has the fewest, of those whose loop is not blocked.

    A worker counts as blocked while it has not acknowledged a call for 20 ms and others answer: a
    routine computes there without waiting. It gets calls only if all are blocked: then the one that
    has been for the shortest time gets them. Of workers with as many calls, each has its turn.
    """

    def __init__(self) -> None:
        self._next = itertools.count()

    def choose(self, task: Task, workers: Sequence[WorkerLike]) -> Iterator[WorkerLike]:
        """Order `workers` by how busy this process keeps them; the others when they are wanted."""
        del task
        first = next(self._next) % len(workers)
        in_turn = [*workers[first:], *workers[:first]]
        best = min(in_turn, key=_in_flight)  # the first of those that have as few
        if best.unacknowledged_for:
            yield from answering_first(sorted(in_turn, key=_in_flight))
        else:
            yield best
            yield from (w for w in sorted(in_turn, key=_in_flight) if w is not best)
