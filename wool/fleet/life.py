"""One worker's time in a slot, from its start to when nothing is left of it."""

from __future__ import annotations

__all__ = ["Life"]

import asyncio
import logging

from wool.exceptions import StartupError
from wool.fleet.crew import Crew
from wool.settings import WorkerSettings
from wool.support.waiting import first_of
from wool.types import StartedWorker, WorkerFactory

_log = logging.getLogger(__name__)

_SETTLED = 1.0  # seconds; a worker that lived less died a quick death


class Life:
    """Starts a worker, and sees it to its end. Whatever goes wrong ends this life alone."""

    def __init__(
        self,
        factory: WorkerFactory,
        settings: WorkerSettings,
        crew: Crew,
        stopping: asyncio.Future[None],
        before: Life | None,
    ) -> None:
        self._before = None if before is None else before.worker
        self._factory = factory
        self._settings = settings
        self._crew = crew
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self.worker: StartedWorker | None = None
        self.error: StartupError | None = None
        """Why it takes no calls, if it never did."""
        self.started: asyncio.Future[None] = self._loop.create_future()
        """Done when it takes calls, or won't: then there is an `error`."""
        self.idle: asyncio.Future[None] = self._loop.create_future()
        """Done when its last call has ended; it may still have a lifespan to leave."""
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done when nothing is left of the worker."""
        self.was_short = False
        """Whether it took calls for so short a time that the next one may fare no better."""
        self._running = self._loop.create_task(self._run(), name="wool worker")
        self._running.add_done_callback(self._note_end)

    async def until_due(self) -> None:
        """Wait until the worker has done its quota, or has ended."""
        if self.worker is not None:
            await first_of(self.worker.due, self.ended, self._stopping)

    def extend(self) -> None:
        """Have the worker take more than its quota."""
        if self.worker is not None:
            self.worker.extend()

    def retire(self) -> None:
        """Have the worker end the calls that it has, and then itself."""
        if self.worker is not None:
            self._crew.retire(self.worker)

    def cut_short(self) -> None:
        """Kill the worker, unless it has ended. It has `ended` when nothing is left of it."""
        self._running.cancel()

    async def _run(self) -> None:
        worker = await self._factory.start(self._settings)
        if not hasattr(worker, "metadata"):
            raise TypeError(f"start(settings) returned {worker!r}, which is no StartedWorker")
        try:
            await self._serve(worker)
        except BaseException:
            await worker.kill()
            raise
        await worker.stop(self._settings.calls.grace)

    async def _serve(self, worker: StartedWorker) -> None:
        since = self._loop.time()
        self.worker = worker
        try:
            self._crew.join(worker, instead_of=self._before)
            self.started.set_result(None)
            await first_of(worker.exited, worker.drained, self._stopping)
        finally:
            self.idle.set_result(None)
            self.was_short = self._loop.time() - since < _SETTLED
            self._crew.leave(worker)

    def _note_end(self, running: asyncio.Task[None]) -> None:
        error = None if running.cancelled() else running.exception()
        never_started = not self.started.done()
        if never_started:
            self.error = _startup_error(error)
        for future in (self.started, self.idle, self.ended):
            if not future.done():
                future.set_result(None)
        if error is not None and not never_started:
            _log.error("a worker was given up, since looking after it failed", exc_info=error)


def _startup_error(error: BaseException | None) -> StartupError:
    if isinstance(error, StartupError):
        return error
    said = "its start was cancelled" if error is None else f"{type(error).__name__}: {error}"
    failed = StartupError(f"a worker can't be started: {said}")
    failed.__cause__ = error
    return failed
