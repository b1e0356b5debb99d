"""Workers in the caller's own process, for tests that are to need no others."""

from __future__ import annotations

__all__ = ["InProcessWorkers"]

import asyncio
import importlib
import logging
import os
import secrets
import traceback
from contextvars import Context
from uuid import UUID

from wool.exceptions import StartupError
from wool.settings import WorkerSettings
from wool.support.host import this_host
from wool.support.waiting import first_of
from wool.transport.carriers import memory_address
from wool.types import Peers, StartedWorker, WorkerMetadata
from wool.values import serializer
from wool.version import __version__
from wool.worker.ending import FAILED
from wool.worker.leash import Led
from wool.worker.lifespan import WorkerState
from wool.worker.runtime import Configuration, Runtime

_log = logging.getLogger(__name__)

_MARGIN = 0.25  # seconds that a worker may take to end beyond what it was given


class InProcessWorkers:
    """A WorkerFactory whose workers are in this process, on the event loop that opened the pool.

    They are for tests: no process is started. All else is as with processes: what goes to a routine
    and what comes back is pickled; exceptions, cancellation, streams, limits, context variables,
    nested calls, the lifespan, `wool.worker_state()` and the quota are as they are there. A routine
    sees the context variables of its worker's lifespan, and of its caller those that propagate.

    What is different:

    - Modules, globals, the working directory and standard streams are this process's. So are
      `__main__` and what it defines: a routine of it changes the very globals that the caller has.
    - A routine that computes keeps the caller waiting, too, and so does a module that is imported.
    - A worker can't be killed. A routine that ignores its cancellation is given up when the grace
      is over, and ends when it likes; a signal, or `os._exit`, ends the whole process.
    - What a routine logs is logged here, once, in its own context, whatever `forward_logs` is. What
      a lifespan raises when it is left is logged as an error.
    - A thread that a routine starts itself has no `wool.worker_state()`; `asyncio.to_thread` has.

    One may serve several pools, one after another or at once.
    """

    async def start(self, settings: WorkerSettings, /) -> StartedWorker:
        worker = _InProcessWorker(settings)
        try:
            await worker.until_ready()
        except BaseException:
            await worker.kill()
            raise
        return worker


class _Leash:
    """What holds a worker in this process: told by whoever has it, on the same loop."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = loop.create_future()
        self.was_due: asyncio.Future[None] = loop.create_future()
        self.was_extended: asyncio.Future[None] = loop.create_future()
        self.was_drained: asyncio.Future[None] = loop.create_future()
        self._grace: asyncio.Future[float] = loop.create_future()

    async def follow(self, worker: Led, /) -> float:
        del worker  # it is told by its methods
        await first_of(self._grace)
        return self._grace.result()

    def stop(self, grace: float) -> None:
        """Have the worker stop. Only the first time counts."""
        if not self._grace.done():
            self._grace.set_result(grace)

    def ready(self) -> None:
        _note(self.started)

    def due(self) -> None:
        _note(self.was_due)

    def extended(self) -> None:
        _note(self.was_extended)

    def drained(self) -> None:
        _note(self.was_drained)


def _note(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _InProcessWorker:
    """A StartedWorker once `until_ready` returns."""

    def __init__(self, settings: WorkerSettings) -> None:
        loop = asyncio.get_running_loop()
        uid = UUID(bytes=secrets.token_bytes(16))
        self._settings = settings
        self._leash = _Leash()
        self._runtime: Runtime | None = None
        self.metadata = WorkerMetadata(
            uid, memory_address(uid.hex), os.getpid(), __version__, settings.tags, this_host()
        )
        self.exited: asyncio.Future[int | None] = loop.create_future()
        self._failure: BaseException | None = None
        self._killed = False
        # Not the context of whoever opens the pool: a process would not have it either.
        self._living = loop.create_task(self._live(), name="wool worker", context=Context())
        self._living.add_done_callback(self._note_end)

    @property
    def due(self) -> asyncio.Future[None]:
        return self._leash.was_due

    @property
    def extended(self) -> asyncio.Future[None]:
        return self._leash.was_extended

    @property
    def drained(self) -> asyncio.Future[None]:
        return self._leash.was_drained

    def is_stopped(self) -> bool | None:
        return False  # it runs in this process, which asks

    async def until_ready(self) -> None:
        """Wait for the worker to take calls. Raises StartupError."""
        start_timeout = self._settings.calls.start_timeout
        if not await first_of(self._leash.started, self.exited, timeout=start_timeout):
            raise StartupError(f"a worker was not ready within start_timeout, {start_timeout:g} s")
        if not self._leash.started.done():
            raise self._startup_error()

    def tell(self, peers: Peers, /) -> None:
        if self._runtime is not None:
            self._runtime.update(peers)

    def extend(self) -> None:
        if self._runtime is not None:
            self._runtime.extend()

    def retire(self) -> None:
        if self._runtime is not None:
            self._runtime.retire()

    async def stop(self, grace: float, /) -> None:
        try:
            self._leash.stop(grace)
            await asyncio.wait([self.exited], timeout=grace + _MARGIN)
        finally:
            await self.kill()

    async def kill(self) -> None:
        self._killed = True
        self._living.cancel()
        await asyncio.wait([self.exited], timeout=_MARGIN)

    async def _live(self) -> None:
        try:
            await self._serve()
        except BaseException as error:  # user code: modules and the lifespan
            if self._killed:
                raise
            self._failure = error

    async def _serve(self) -> None:
        for name in self._settings.modules:
            importlib.import_module(name)
        lifespan = self._settings.lifespan
        configuration = Configuration(
            self.metadata.uid,
            self.metadata.address,
            self._settings.calls,
            self._settings.max_tasks_per_worker,
            serializer.loads(lifespan) if lifespan else None,
        )
        runtime = Runtime(configuration, self._leash, WorkerState())
        async with runtime.alive():
            self._runtime = runtime
            try:
                await runtime.serve()
            finally:
                await runtime.hang_up()

    def _note_end(self, living: asyncio.Task[None]) -> None:
        error = self._failure
        if living.cancelled() or (error is None and living.exception() is not None):
            self.exited.set_result(None)
        elif error is None:
            self.exited.set_result(0)
        else:
            self.exited.set_result(FAILED)
            if self._leash.started.done():
                _log.error("worker %s failed", self.metadata.uid, exc_info=error)

    def _startup_error(self) -> StartupError:
        error = self._failure
        if error is None:
            return StartupError("a worker was cancelled before it was ready")
        text = "".join(traceback.format_exception(error)).strip()
        what = f"a worker in this process ended with status {FAILED} before it was ready"
        failed = StartupError(f"{what}:\n{text}", stderr=text, returncode=FAILED)
        failed.__cause__ = error
        return failed
