"""Every worker in turn, but for those that do not answer."""

from __future__ import annotations

__all__ = ["RoundRobinLoadBalancer"]

import itertools
from collections.abc import Iterable, Sequence
from operator import attrgetter

from wool.balancing.blocked import answering_first
from wool.tasks import Task
from wool.types import WorkerLike

_unacknowledged = attrgetter("unacknowledged")


class RoundRobinLoadBalancer:
    """Gives each worker a call in turn; the others stand by in the order that follows.

    A worker that has more calls to acknowledge than others lets these go first, so that few calls
    wait behind a routine that computes. Once it has not acknowledged one for 20 ms while others
    answer, it counts as blocked: it gets calls only if all are, and then the one that has been
    blocked for the shortest time gets them.
    """

    def __init__(self) -> None:
        self._next = itertools.count()

    def choose(self, task: Task, workers: Sequence[WorkerLike]) -> Iterable[WorkerLike]:
        """Order `workers`, beginning one further on than the last time."""
        del task
        first = next(self._next) % len(workers)
        in_turn = [*workers[first:], *workers[:first]]
        if not in_turn[0].unacknowledged:  # no other could be better
            return in_turn
        return answering_first(sorted(in_turn, key=_unacknowledged))
