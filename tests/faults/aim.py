"""A load balancer that a test directs."""

from collections.abc import Iterable, Sequence

import wool
from wool.types import WorkerLike

__all__ = ["Aim"]


class Aim:
    """Gives calls to any worker but the one that is spared, if there is another."""

    spared = 0
    """Its pid."""

    def choose(self, task: wool.Task, workers: Sequence[WorkerLike]) -> Iterable[WorkerLike]:
        return [worker for worker in workers if worker.metadata.pid != self.spared] or workers
