"""Who may get a call, and in which order they are asked."""

from __future__ import annotations

__all__ = ["Choice"]

from collections.abc import Collection, Iterable
from typing import Any, cast
from uuid import UUID

from wool.dispatch.admission import Admission
from wool.dispatch.workers import Departed, Workers
from wool.exceptions import NoWorkersAvailable
from wool.task import Task
from wool.transport.connection import Connection
from wool.types import LoadBalancerLike


class Choice:
    """Leaves out the workers that can't take a call, and has the balancer order the others."""

    def __init__(
        self, workers: Workers, balancer: LoadBalancerLike, admission: Admission | None
    ) -> None:
        self._workers = workers
        self._balancer = balancer
        self._admission = admission

    def candidates(
        self, task: Task, passed_over: Collection[UUID], *, may_refuse: bool
    ) -> list[Connection]:
        """Return the workers that may get `task`, best first; none if nobody is there just now.

        Raises NoWorkersAvailable if none of those who are there ever will; Overloaded if none has
        room and it `may_refuse`; Departed if the one that has to take it is not there; TypeError if
        the balancer chooses what it was not given.
        """
        worker = task.placement.worker
        if worker is not None:
            if worker in passed_over:  # it rejected the task, since it is about to leave
                raise Departed
            return self._workers.only(worker)
        workers = self._workers.connections
        if task.tags and workers:
            workers = _with_tags(task, workers)
        if passed_over:
            workers = [worker for worker in workers if worker.uid not in passed_over]
        if self._admission is not None and workers:
            free = [worker for worker in workers if self._admission.has_room(worker.uid)]
            if not free and may_refuse:
                raise self._admission.refusal(task.name, len(workers))
            workers = free
        return self._in_order(task, workers) if workers else []

    def _in_order(self, task: Task, workers: list[Connection]) -> list[Connection]:
        given = set(workers)
        chosen: object = self._balancer.choose(task, workers)
        if not hasattr(chosen, "__iter__"):
            raise self._misfit(chosen)
        candidates: list[Any] = [*cast("Iterable[Any]", chosen)]
        try:
            fits = given.issuperset(candidates)
        except TypeError:  # what is not even hashable
            fits = False
        if not fits:
            raise self._misfit(next(c for c in candidates if not any(c is w for w in given)))
        if not candidates:
            raise NoWorkersAvailable(
                f"the load balancer chose none of {len(workers)} workers for {task.name!r}"
            )
        return candidates

    def _misfit(self, what: object) -> TypeError:
        return TypeError(
            f"the load balancer {self._balancer!r} chose {what!r}: choose() returns an iterable of "
            f"workers, all of them among those that it was given for this very call"
        )


def _with_tags(task: Task, workers: list[Connection]) -> list[Connection]:
    tagged = [worker for worker in workers if task.tags <= worker.metadata.tags]
    if not tagged:
        there = sorted(frozenset[str]().union(*(worker.metadata.tags for worker in workers)))
        raise NoWorkersAvailable(
            f"{task.name!r} needs a worker with the tags {sorted(task.tags)}, and those of the "
            f"active pool have {there or 'none'}: open a pool with them, as in "
            f"WorkerPool({', '.join(map(repr, sorted(task.tags)))})"
        )
    return tagged
