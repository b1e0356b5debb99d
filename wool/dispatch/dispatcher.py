"""One pool on one event loop: choose a worker, open the call there, fail over or raise."""

from __future__ import annotations

__all__ = ["Dispatcher"]

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any

from wool.discovery.roster import Roster
from wool.dispatch.choice import Choice, PassedOver
from wool.dispatch.connection import Connection
from wool.dispatch.limits import within_limit
from wool.dispatch.pace import Pace
from wool.dispatch.search import Search
from wool.dispatch.stats import Ledger
from wool.dispatch.workers import Workers
from wool.events import emit
from wool.exceptions import (
    NoWorkersAvailable,
    PoolClosed,
    StartupError,
    WoolError,
    WorkerDied,
    WorkerStalled,
)
from wool.protocol import variables
from wool.protocol.call import Call
from wool.protocol.calls import Calls
from wool.protocol.frames import open_frame
from wool.protocol.outcome import Lost, Outcome
from wool.settings import PoolSettings
from wool.tasks import Task
from wool.types import LoadBalancerLike

_log = logging.getLogger(__name__)

_ATTEMPTS = 3  # how often an idempotent call is started at most


class Dispatcher:
    """Sends the calls that are made on one event loop. Not to be used from another."""

    def __init__(
        self,
        roster: Roster,
        balancer: LoadBalancerLike,
        settings: PoolSettings,
        ledger: Ledger,
        closed: Callable[[], object],
    ) -> None:
        self._roster = roster
        self._settings = settings
        self._tell_closed = closed
        self._loop = asyncio.get_running_loop()
        self._workers = Workers(roster, settings, ledger)
        choice = Choice(self._workers, balancer)
        self._pace = Pace(self._workers, ledger.admission)
        self._search = Search(roster, self._workers, choice, settings, ledger.admission)
        self._closed_with = PoolClosed("the pool was left")
        self._guard = self._until_the_loop_ends()
        _advance(self._guard.__anext__())

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    @property
    def max_message_size(self) -> int:
        return self._settings.max_message_size

    async def call(self, task: Task) -> Any:
        """Run a coroutine routine on a worker. Raises what it raises, or a WoolError."""
        worker, _, outcome = await within_limit(task, partial(self.open, task))
        if isinstance(outcome, Lost):
            attempts = _ATTEMPTS if _may_be_repeated(task) else 0
            raise await self.explain(task, worker, outcome, attempts)
        _log.debug("%s came back: %s", task, outcome.kind)
        return outcome.result(task)

    async def until_anyone(self, name: str) -> None:
        """Wait until a worker is there. Raises what the call `name` would that finds nobody."""
        await self._search.until_anyone(name)

    async def open(
        self, task: Task, timeout: float | None
    ) -> tuple[Connection, Call, Outcome | Lost]:
        """Start a task on some worker and return how its first step, or the whole of it, ended.

        A worker that rejects the task, or can't be reached, has certainly not started it, and the
        next one gets it. One that dies may have: only an idempotent task is started again then,
        three times in all. The worker is told how much is left of `timeout` seconds. Cancellation
        reaches it: see `Call.outcome`.
        """
        opened, buffers = open_frame(task, self._settings.max_message_size)
        context = variables.current()
        started = self._loop.time()
        passed_over = PassedOver()
        patient = task.placement.patient
        attempts = 0
        lost: tuple[Connection, Lost] | None = None
        while True:
            try:
                worker, calls = await self._find(task, passed_over, patient=patient)
            except (NoWorkersAvailable, PoolClosed, StartupError) as error:
                if lost is None:
                    raise
                raise await self.explain(task, *lost, attempts) from error
            left = timeout and max(timeout - (self._loop.time() - started), 0.0)
            news = self._workers.news
            emit("task-scheduled", task)
            call = calls.open(task, opened, buffers, context=context, timeout=left)
            _log.debug("%s goes to worker %d", task, worker.metadata.pid)
            outcome = await call.outcome()
            if isinstance(outcome, Lost):
                attempts += 1
                lost, news = (worker, outcome), self._workers.news  # of its death, there will be
            if not _may_go_elsewhere(task, outcome, attempts):
                return worker, call, outcome
            passed_over.add(worker.uid, news)
            patient = True  # it was told yes
            how = "was lost with" if isinstance(outcome, Lost) else "did not take"
            _log.debug("worker %d %s %s", worker.metadata.pid, how, task)

    async def _find(
        self, task: Task, passed_over: PassedOver, *, patient: bool
    ) -> tuple[Connection, Calls]:
        if not task.placement.patient:
            return await self._search.find(task, passed_over, patient=patient)
        await self._pace.wait()
        try:
            return await self._search.find(task, passed_over, patient=patient)
        finally:
            self._pace.sent()

    async def explain(
        self, task: Task, worker: Connection, lost: Lost, attempts: int = 0
    ) -> WoolError:
        """Return the error for a call whose link broke."""
        if isinstance(lost.error, PoolClosed):
            return lost.error.when(f" while {task.name!r} ran")
        if isinstance(lost.error, WorkerStalled):
            return WorkerStalled.after(
                task.name,
                worker.metadata.pid,
                lost.error.stalled_for,
                acknowledged=lost.acknowledged,
                attempts=attempts,
            )
        returncode = await self._workers.returncode(worker.uid)
        error = WorkerDied.of(
            task.name,
            worker.metadata.pid,
            returncode,
            acknowledged=lost.acknowledged,
            attempts=attempts,
        )
        error.__cause__ = lost.error
        return error

    def close(self, error: PoolClosed) -> None:
        """Hang up on every worker. Calls that run end with `error`. To repeat it is harmless."""
        self._closed_with = error
        _advance(self._guard.aclose())

    def close_threadsafe(self, error: PoolClosed) -> None:
        """Close from any thread, and even if the loop has ended. What comes meanwhile is void."""
        self._workers.gate.shut_with = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self.close, error)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        # A loop closes its open generators last of all: sockets don't outlive a loop that ends
        # without the pool's being left, as a test client's does.
        try:
            yield
        finally:
            self._workers.close(self._closed_with)
            self._tell_closed()


def _may_go_elsewhere(task: Task, outcome: Outcome | Lost, attempts: int) -> bool:
    if isinstance(outcome, Lost):
        closed = isinstance(outcome.error, PoolClosed)
        return _may_be_repeated(task) and not closed and attempts < _ATTEMPTS
    return outcome.kind == "reject"


def _may_be_repeated(task: Task) -> bool:
    return task.options.idempotent and task.placement.worker is None


def _advance(step: Any) -> None:
    """Run a step of a generator that awaits nothing."""
    with contextlib.suppress(StopIteration, StopAsyncIteration):
        step.send(None)
