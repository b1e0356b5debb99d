"""Who may get a call, and in which order they are asked."""

from __future__ import annotations

__all__ = ["Choice", "PassedOver"]

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast
from uuid import UUID

from wool.dispatch.connection import Connection
from wool.dispatch.workers import Workers
from wool.exceptions import NoWorkersAvailable
from wool.tasks import Task
from wool.types import LoadBalancerLike


class PassedOver:
    """The workers that did not take a call, each until there is news of who is there."""

    def __init__(self) -> None:
        self._at: dict[UUID, int] = {}

    def add(self, uid: UUID, news: int) -> None:
        """Note that a worker did not take it, after so many `news`."""
        self._at[uid] = news

    def left_of(self, workers: list[Connection], news: int) -> list[Connection]:
        """Return those of `workers` that it may be sent to, after so many `news`."""
        if not self._at:
            return workers
        return [worker for worker in workers if self._at.get(worker.uid) != news]


class Choice:
    """Leaves out the workers that can't take a call, and has the balancer order the others."""

    def __init__(self, workers: Workers, balancer: LoadBalancerLike) -> None:
        self._workers = workers
        self._balancer = balancer

    def eligible(self, task: Task, passed_over: PassedOver) -> list[Connection]:
        """Return the workers that may get `task`; none if nobody is there just now.

        Raises NoWorkersAvailable if none of those who are there ever may; Departed if the one that
        has to take it is not there.
        """
        worker = task.placement.worker
        workers = self._workers.connections if worker is None else self._workers.only(worker)
        if task.tags and workers:
            workers = _with_tags(task, workers)
        return passed_over.left_of(workers, self._workers.news)

    def in_order(self, task: Task, workers: list[Connection]) -> Iterator[Connection]:
        """Iterate over `workers`, or some of them, as the balancer has them, best first.

        Raises NoWorkersAvailable if it chooses none, and TypeError if it chooses what it was not
        given; what an iterator has is looked at as it is wanted.
        """
        if task.placement.worker is not None:
            return iter(workers)
        given = set(workers)
        chosen: object = self._balancer.choose(task, workers)
        if isinstance(chosen, list | tuple):
            candidates = cast("Sequence[Any]", chosen)
            if not candidates:
                raise self._nobody(task, len(given))
            self._check(candidates, given)
            return iter(candidates)
        if not hasattr(chosen, "__iter__"):
            raise self._misfit(chosen)
        return self._one_by_one(task, cast("Iterable[Any]", chosen), given)

    def _one_by_one(
        self, task: Task, candidates: Iterable[Any], given: set[Connection]
    ) -> Iterator[Connection]:
        chosen = 0
        for candidate in candidates:
            self._check((candidate,), given)
            chosen += 1
            yield candidate
        if not chosen:
            raise self._nobody(task, len(given))

    def _check(self, candidates: Sequence[Any], given: set[Connection]) -> None:
        try:
            fits = given.issuperset(candidates)
        except TypeError:  # what is not even hashable
            fits = False
        if not fits:
            raise self._misfit(next(c for c in candidates if not any(c is w for w in given)))

    def _nobody(self, task: Task, workers: int) -> NoWorkersAvailable:
        return NoWorkersAvailable(
            f"the load balancer chose none of {workers} workers for {task.name!r}"
        )

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
