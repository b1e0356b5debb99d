"""Every worker in turn."""

from __future__ import annotations

__all__ = ["RoundRobinLoadBalancer"]

import itertools
from collections.abc import Iterable, Sequence

from wool.task import Task
from wool.types import WorkerLike


class RoundRobinLoadBalancer:
    """Gives each worker a call in turn; the others stand by in the order that follows."""

    def __init__(self) -> None:
        self._turn = itertools.count()

    def choose(self, task: Task, workers: Sequence[WorkerLike]) -> Iterable[WorkerLike]:
        """Order `workers`, beginning one further on than the last time."""
        del task
        first = next(self._turn) % len(workers)
        return [*workers[first:], *workers[:first]]
