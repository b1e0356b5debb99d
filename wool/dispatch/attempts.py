"""What became of a call so far that is still looking for a worker."""

from __future__ import annotations

__all__ = ["MOST", "Attempts", "may_be_repeated"]

from wool.dispatch.choice import PassedOver
from wool.dispatch.connection import Connection
from wool.exceptions import PoolClosed, WorkerStalled
from wool.protocol.outcome import Lost, Outcome
from wool.tasks import Task

MOST = 3
"""How often an idempotent call is started at most."""

_LINKS = 3  # that may break under one call before it waits for news of the worker


class Attempts:
    """Those of one call. At first there are none."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.passed_over = PassedOver()
        """The workers that did not take it."""
        self.patient = task.placement.patient
        """Whether it waits for a place; one that a worker had promised does."""
        self.lost: tuple[Connection, Lost] | None = None
        """With whom it was lost last."""
        self.started = 0
        """How often it may have been started, and was lost."""
        self._broken = 0

    def note(self, worker: Connection, outcome: Outcome | Lost, news: int) -> bool:
        """Note one that failed, after so many `news`. Tell whether another may follow."""
        if isinstance(outcome, Lost):
            if isinstance(outcome.error, PoolClosed):
                return False
            if not outcome.not_started:
                self.started += 1
                self.lost = worker, outcome
                if not may_be_repeated(self.task) or self.started == MOST:
                    return False
        if not self._is_worth_joining(outcome):
            self.passed_over.add(worker.uid, news)
        self.patient = True
        return True

    def _is_worth_joining(self, outcome: Outcome | Lost) -> bool:
        """Tell whether a worker may get the call on a new link: only the old one may be gone."""
        if not isinstance(outcome, Lost) or isinstance(outcome.error, WorkerStalled):
            return False
        self._broken += 1
        return self._broken <= _LINKS


def may_be_repeated(task: Task) -> bool:
    """Tell whether a task may be started again when nobody knows whether it was."""
    return task.options.idempotent and task.placement.worker is None
