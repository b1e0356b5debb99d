"""One pool on one event loop: choose a worker, open the call there, fail over or raise."""

from __future__ import annotations

__all__ = ["Dispatcher"]

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from functools import partial
from typing import Any

from wool.context import time_left
from wool.discovery.roster import Roster
from wool.dispatch.attempts import MOST, Attempts, may_be_repeated
from wool.dispatch.choice import Choice
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
from wool.settings import CallSettings
from wool.tasks import Task
from wool.types import LoadBalancerLike

_log = logging.getLogger(__name__)


class Dispatcher:
    """Sends the calls that are made on one event loop. Not to be used from another."""

    def __init__(
        self,
        roster: Roster,
        balancer: LoadBalancerLike,
        settings: CallSettings,
        ledger: Ledger,
        closed: Callable[[], object],
    ) -> None:
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
        if time_left(task.options.timeout) is None:
            worker, _, outcome = await self.open(task, None)
        else:
            worker, _, outcome = await within_limit(task, partial(self.open, task))
        if isinstance(outcome, Lost):
            attempts = MOST if may_be_repeated(task) else 0
            raise await self.explain(task, worker, outcome, attempts)
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
        frame, buffers, routine = open_frame(task, self._settings.max_message_size)
        frame.context.extend(variables.current() or ())
        deadline = None if timeout is None else self._loop.time() + timeout
        order = self._search.order(task)
        worker = None if order is None else next(order)
        calls = None if worker is None else worker.calls
        attempts: Attempts | None = None
        while True:
            if worker is None or calls is None:
                attempts = attempts or Attempts(task)
                worker, calls = await self._find(task, attempts, worker, order)
            if deadline is not None:
                frame.timeout = max(deadline - self._loop.time(), 0.0)
                task.sent_to = worker.metadata.pid
            news = self._workers.news
            if task.observed:
                emit("task-scheduled", task)
            call = calls.open(task, frame, buffers, routine)
            tells = _log.isEnabledFor(logging.DEBUG)
            if tells:
                _log.debug("%s goes to worker %d", task, worker.metadata.pid)
            outcome = await call.outcome()
            if type(outcome) is Outcome and outcome.kind != "reject":
                if tells:
                    _log.debug("%s came back: %s", task, outcome.kind)
                return worker, call, outcome
            attempts = attempts or Attempts(task)
            if not self._may_go_on(attempts, worker, outcome, news):
                return worker, call, outcome
            worker = calls = order = None

    def _may_go_on(
        self, attempts: Attempts, worker: Connection, outcome: Outcome | Lost, news: int
    ) -> bool:
        """Note that a worker did not take a call. Tell whether it may go to another."""
        if isinstance(outcome, Lost):
            news = self._workers.news  # those of its death come later
        how = "was lost with" if isinstance(outcome, Lost) else "did not take"
        _log.debug("worker %d %s %s", worker.metadata.pid, how, attempts.task)
        attempts.task.sent_to = None
        return attempts.note(worker, outcome, news)

    async def _find(
        self,
        task: Task,
        attempts: Attempts,
        first: Connection | None,
        others: Iterable[Connection] | None,
    ) -> tuple[Connection, Calls]:
        """Search a worker, if the balancer was asked already among those that it chose."""
        order = None if first is None or others is None else itertools.chain((first,), others)
        paced = task.placement.patient
        if paced:
            await self._pace.wait()
        try:
            return await self._search.find(
                task, attempts.passed_over, patient=attempts.patient, order=order
            )
        except (NoWorkersAvailable, PoolClosed, StartupError) as error:
            if attempts.lost is None:
                raise
            raise await self.explain(task, *attempts.lost, attempts.started) from error
        finally:
            if paced:
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
        returncode = await self._workers.returncode(worker)
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


def _advance(step: Any) -> None:
    """Run a step of a generator that awaits nothing."""
    with contextlib.suppress(StopIteration, StopAsyncIteration):
        step.send(None)
