"""One pool on one event loop: choose a worker, open the call there, fail over or raise."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from wool.discovery.roster import Roster
from wool.dispatch.limits import within_limit
from wool.exceptions import NoWorkersAvailable, PoolClosed, WoolError, WorkerDied
from wool.protocol.call import Call, Calls, Lost, Outcome
from wool.protocol.frames import open_frame
from wool.task import Task
from wool.transport.connection import Connection
from wool.types import LoadBalancerLike

__all__ = ["Dispatcher", "Settings"]

_POST_MORTEM = 0.1  # seconds to wait for the exit status of a worker that hung up


@dataclass(frozen=True, slots=True)
class Settings:
    """What a pool's dispatchers share. Times are seconds, sizes bytes."""

    token: bytes
    max_message_size: int
    grace: float
    patience: float
    """How long a call waits for a worker to join before it raises NoWorkersAvailable."""


class Dispatcher:
    """Sends the calls that are made on one event loop. Not to be used from another."""

    def __init__(self, roster: Roster, balancer: LoadBalancerLike, settings: Settings) -> None:
        self._roster = roster
        self._balancer = balancer
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._workers: dict[UUID, Connection] = {}
        self._changed = asyncio.Event()
        self._closed = False
        roster.watch(self._notice)
        self._look_again()
        self._guard = self._until_the_loop_ends()
        _advance(self._guard.__anext__())

    @property
    def max_message_size(self) -> int:
        return self._settings.max_message_size

    async def call(self, task: Task) -> Any:
        """Run a coroutine routine on a worker. Raises what it raises, or a WoolError."""
        worker, _, outcome = await within_limit(task, partial(self.open, task))
        if isinstance(outcome, Lost):
            raise await self.explain(task, worker, outcome)
        return outcome.result(task)

    async def open(
        self, task: Task, timeout: float | None
    ) -> tuple[Connection, Call, Outcome | Lost]:
        """Start a task on some worker and return how its first step, or the whole of it, ended.

        A worker that rejects the task, or can't be reached, has certainly not started it, and the
        next one gets it; one that dies may have, and only an idempotent task goes on to the next.
        The worker is told that the task has `timeout` seconds. Cancellation reaches it: see
        `Call.outcome`.
        """
        opened, buffers = open_frame(task, self._settings.max_message_size)
        passed_over = set[UUID]()
        while True:
            worker, calls = await self._reach(task, passed_over)
            call = calls.open(opened, buffers, timeout)
            outcome = await call.outcome()
            if not _may_go_elsewhere(task, outcome):
                return worker, call, outcome
            passed_over.add(worker.uid)

    async def explain(self, task: Task, worker: Connection, lost: Lost) -> WoolError:
        """Return the error for a call whose link broke: WorkerDied or PoolClosed."""
        if isinstance(lost.error, PoolClosed):
            return PoolClosed(f"the pool was left while {task.name!r} ran")
        await self._post_mortem(worker.uid)
        returncode = self._roster.returncode(worker.uid)
        error = WorkerDied.of(
            task.name, worker.metadata.pid, returncode, acknowledged=lost.acknowledged
        )
        error.__cause__ = lost.error
        return error

    def close(self) -> None:
        """Hang up on every worker. Calls that run end with PoolClosed. To repeat it is harmless."""
        _advance(self._guard.aclose())

    def _hang_up(self) -> None:
        self._closed = True
        self._roster.unwatch(self._notice)
        error = PoolClosed("the pool was left")
        for worker in self._workers.values():
            worker.close(error)
        self._workers.clear()
        self._wake()

    def close_threadsafe(self) -> None:
        """Close from any thread, and even if the loop has ended."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self.close)

    async def _reach(self, task: Task, passed_over: set[UUID]) -> tuple[Connection, Calls]:
        """Find a worker that takes calls, waiting for one to join if need be."""
        deadline = self._loop.time() + self._settings.patience
        while True:
            if self._closed:
                raise PoolClosed(f"the pool was left before {task.name!r} was started")
            changed = self._changed
            for worker in self._chosen(task, passed_over):
                calls = worker.calls
                if calls is None:
                    try:
                        calls = await worker.connect()
                    except OSError:
                        continue
                return worker, calls
            await self._until_changed(changed, deadline)
            passed_over.clear()

    def _chosen(self, task: Task, passed_over: set[UUID]) -> Iterator[Connection]:
        workers = list(self._workers.values())
        if passed_over:
            workers = [worker for worker in workers if worker.uid not in passed_over]
        if not workers:
            return
        for worker in self._balancer.choose(task, workers):
            if not isinstance(worker, Connection):
                raise TypeError(
                    f"{type(self._balancer).__qualname__}.choose returned {worker!r}, "
                    f"which is none of the workers that it was given"
                )
            yield worker

    async def _until_changed(self, changed: asyncio.Event, deadline: float) -> None:
        if self._roster.error is not None:
            raise self._roster.error
        try:
            async with asyncio.timeout_at(deadline):
                await changed.wait()
        except TimeoutError:
            raise NoWorkersAvailable(
                f"no worker took the call within {self._settings.patience:g} s; "
                f"{len(self._workers)} are known"
            ) from None

    async def _post_mortem(self, uid: UUID) -> None:
        """Wait until it is known how a worker ended, for a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POST_MORTEM):
                while uid in self._roster.workers:
                    await self._changed.wait()

    def _notice(self) -> None:
        """Hear of a change, in whatever thread it was made."""
        try:
            self._loop.call_soon_threadsafe(self._look_again)
        except RuntimeError:  # the loop is closed
            self._roster.unwatch(self._notice)

    def _look_again(self) -> None:
        if self._closed:
            return
        settings, there = self._settings, self._roster.workers
        for uid in self._workers.keys() - there.keys():
            self._workers.pop(uid).close(ConnectionResetError("the worker left"))
        for uid in there.keys() - self._workers.keys():
            self._workers[uid] = Connection(
                there[uid], settings.token, settings.max_message_size, settings.grace
            )
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        # A loop closes its open generators last of all: sockets don't outlive a loop that ends
        # without the pool's being left, as a test client's does.
        try:
            yield
        finally:
            self._hang_up()


def _may_go_elsewhere(task: Task, outcome: Outcome | Lost) -> bool:
    if isinstance(outcome, Lost):
        return task.idempotent and not isinstance(outcome.error, PoolClosed)
    return outcome.kind == "reject"


def _advance(step: Any) -> None:
    """Run a step of a generator that awaits nothing."""
    with contextlib.suppress(StopIteration, StopAsyncIteration):
        step.send(None)
