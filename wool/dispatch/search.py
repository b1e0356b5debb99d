"""A call's way to a worker: to one that may get it, answers, and has a place for it."""

from __future__ import annotations

__all__ = ["Search"]

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import cast

from wool.discovery.roster import Roster
from wool.dispatch.admission import Admission, Waiter
from wool.dispatch.choice import Choice, PassedOver
from wool.dispatch.connection import Connection
from wool.dispatch.workers import Workers
from wool.exceptions import NoWorkersAvailable, Overloaded, StartupError
from wool.protocol.calls import Calls
from wool.settings import CallSettings
from wool.tasks import ANYWHERE, Task

_NEXT_ONE = 0.5  # seconds after which a call that a worker keeps waiting tries another


class Search:
    """Finds workers for the calls of one event loop."""

    def __init__(
        self,
        roster: Roster,
        workers: Workers,
        choice: Choice,
        settings: CallSettings,
        admission: Admission | None,
    ) -> None:
        self._roster = roster
        self._workers = workers
        self._choice = choice
        self._settings = settings
        self._admission = admission
        self._loop = asyncio.get_running_loop()

    def order(self, task: Task) -> Iterator[Connection] | None:
        """Return who may get a call that asks for nothing special, best first; None: search.

        Raises what a search would.
        """
        if self._admission is not None or task.placement is not ANYWHERE or task.options.tags:
            return None
        workers = self._workers.connections
        return self._choice.in_order(task, workers) if workers else None

    async def find(
        self,
        task: Task,
        passed_over: PassedOver,
        *,
        patient: bool,
        order: Iterable[Connection] | None = None,
    ) -> tuple[Connection, Calls]:
        """Return a worker that takes calls, and on which a place is taken for this one.

        Waits for up to `start_timeout` seconds for one to join. If all that are there are full, it
        waits for a place if it is `patient`, in turn with others; else it raises Overloaded. If the
        balancer has been asked already, `order` is what it said.
        """
        deadline = self._loop.time() + self._settings.start_timeout
        try:
            found = await self._look(task, passed_over, deadline, order)
        except Overloaded:
            if not patient:
                raise
            found = None
        return found or await self._wait(task, passed_over, deadline, patient=patient)

    async def until_anyone(self, name: str) -> None:
        """Wait for up to `start_timeout` seconds until a worker is there."""
        deadline = self._loop.time() + self._settings.start_timeout
        with self._workers.watching() as woken:
            while not self._roster.workers:
                woken.clear()
                await self._until(name, woken, deadline, None)
                self._raise_if_closed(name)

    def _raise_if_closed(self, name: str) -> None:
        if self._workers.closed is not None:
            raise self._workers.closed.when(f" before {name!r} was started")

    async def _look(
        self,
        task: Task,
        passed_over: PassedOver,
        deadline: float,
        order: Iterable[Connection] | None = None,
    ) -> tuple[Connection, Calls] | None:
        """Return a worker that can take the call now; None if nobody is there that answers."""
        while True:
            self._raise_if_closed(task.name)
            candidates = self._candidates(task, passed_over) if order is None else order
            order, too_late = None, False
            for worker, last in _and_last(candidates):
                calls = await self._join(worker, deadline, last=last)
                if calls is not None:
                    if self._take(task, worker):
                        return worker, calls
                    too_late = True  # another call took the last place meanwhile
            if not too_late:
                return None

    def _candidates(self, task: Task, passed_over: PassedOver) -> Iterable[Connection]:
        workers = self._with_room(task, self._choice.eligible(task, passed_over))
        return self._choice.in_order(task, workers) if workers else ()

    def _with_room(self, task: Task, workers: list[Connection]) -> list[Connection]:
        if self._admission is None or task.placement.worker is not None or not workers:
            return workers
        free = [worker for worker in workers if self._admission.has_room(worker.uid)]
        if not free:
            raise self._admission.refusal(task.name, len(workers))
        return free

    async def _join(self, worker: Connection, deadline: float, *, last: bool) -> Calls | None:
        """Return the calls of a worker's link, made if need be; None if the worker is not there.

        One that is not the `last` to be tried has less time to answer.
        """
        if worker.stopped:  # while another was joined
            return None
        if worker.calls is not None:
            return worker.calls
        patience = deadline if last else min(self._loop.time() + _NEXT_ONE, deadline)
        try:
            return await worker.connect(patience)
        except OSError:  # of which TimeoutError is one
            return None

    def _take(self, task: Task, worker: Connection) -> bool:
        if self._admission is None:
            return True
        return self._admission.take(worker.uid, always=task.placement.worker is not None)

    async def _wait(
        self, task: Task, passed_over: PassedOver, deadline: float, *, patient: bool
    ) -> tuple[Connection, Calls]:
        with self._workers.watching() as woken, self._line(task, woken, patient=patient) as waiter:
            while True:
                woken.clear()
                refusal = None
                try:
                    found = await self._look_in_turn(task, passed_over, deadline, waiter)
                except Overloaded as error:
                    if waiter is None:
                        raise
                    found, refusal = None, error
                if found is not None:
                    return found
                if waiter is None or self._want(waiter, task, passed_over):
                    await self._until(task.name, woken, deadline, refusal)

    def _line(
        self, task: Task, woken: asyncio.Event, *, patient: bool
    ) -> AbstractContextManager[Waiter | None]:
        if self._admission is None or not patient or task.placement.worker is not None:
            return nullcontext()
        return self._admission.line_up(partial(self._workers.wake, woken))

    def _want(self, waiter: Waiter, task: Task, passed_over: PassedOver) -> bool:
        """Want a place on those that are full; False if there is one by now."""
        admission = cast("Admission", self._admission)
        workers = [worker.uid for worker in self._choice.eligible(task, passed_over)]
        return admission.wait_for(waiter, [uid for uid in workers if not admission.has_room(uid)])

    async def _look_in_turn(
        self, task: Task, passed_over: PassedOver, deadline: float, waiter: Waiter | None
    ) -> tuple[Connection, Calls] | None:
        """Look for a worker as `_look` does, but first at the one on which it was given a place."""
        uid = None if waiter is None else waiter.collect()
        if uid is not None:
            calls = None
            try:
                workers = self._choice.eligible(task, passed_over)
                there = [worker for worker in workers if worker.uid == uid]
                for worker in self._choice.in_order(task, there) if there else ():
                    calls = await self._join(worker, deadline, last=False)
                    if calls is not None:
                        return worker, calls
            finally:
                if calls is None:
                    cast("Admission", self._admission).give_back(uid)
        return await self._look(task, passed_over, deadline)

    async def _until(
        self, name: str, woken: asyncio.Event, deadline: float, refusal: Overloaded | None
    ) -> None:
        """Wait for news, or a place if there was a `refusal`. Raises what to say if none came."""
        try:
            async with asyncio.timeout_at(deadline):
                await woken.wait()
        except TimeoutError:
            raise self._too_late(name, refusal) from self._roster.trouble or self._unreached()

    def _too_late(self, name: str, refusal: Overloaded | None) -> NoWorkersAvailable | StartupError:
        within = f"within the pool's start_timeout of {self._settings.start_timeout:g} s"
        trouble = self._roster.trouble
        if refusal is not None:
            return NoWorkersAvailable(f"no worker had a place {within}: {refusal}")
        if trouble is not None:
            return StartupError(
                f"{name!r} was not started, since no worker took it {within} and others do "
                f"not come up; the pool goes on trying, and this is why the last one failed: "
                f"{trouble}",
                stderr=trouble.stderr,
                returncode=trouble.returncode,
            )
        unreached = self._unreached()
        if unreached is not None:
            return NoWorkersAvailable(f"no worker took {name!r} {within}: {unreached}")
        return NoWorkersAvailable(
            f"no worker took {name!r} {within}; of {len(self._workers)} known none answered, "
            f"or had a place: are they blocked by routines that never wait, or stopped?"
        )

    def _unreached(self) -> OSError | None:
        """Return why a worker can't be joined, if one can't."""
        errors = (worker.unreached for worker in self._workers.connections)
        return next(filter(None, errors), None)


def _and_last(workers: Iterable[Connection]) -> Iterator[tuple[Connection, bool]]:
    """Iterate over `workers`, each with whether it is the last."""
    rest = iter(workers)
    worker = next(rest, None)
    while worker is not None:
        after = next(rest, None)
        yield worker, after is None
        worker = after
