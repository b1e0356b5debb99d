"""A place in a fleet: filled by one worker after the other.

A worker that has done its share stays until the next one takes calls, and then ends those that it
has, for as long as they take. So two workers of a place have calls at times, and never three: one
that is due while the one before it still has some takes more than its share.
"""

from __future__ import annotations

__all__ = ["Place"]

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from wool.exceptions import StartupError
from wool.protocol import wire_pb2 as wire
from wool.worker.crew import Crew
from wool.worker.launch import LocalWorker, WorkerSettings, launched

_SETTLED = 1.0  # seconds after which a worker's death says nothing about the next one's
_FIRST_DELAY = 0.1  # seconds before a second attempt; doubled at each further one
_LONGEST_DELAY = 5.0  # seconds
_QUICK_DEATHS = 2  # that count: whoever came up is replaced within a second, however often it dies
_LONG_START = 5.0  # seconds, after which the worker to be replaced exceeds its share meanwhile
_PATIENCE = 0.5  # seconds for a retired worker's calls, before the next one exceeds its share


class _Life:
    """One worker's time in a place."""

    worker: LocalWorker | None = None
    error: StartupError | None = None

    def __init__(
        self,
        settings: WorkerSettings,
        crew: Crew,
        stopping: asyncio.Future[None],
        before: LocalWorker | None,
    ) -> None:
        self._before = before
        self._settings = settings
        self._crew = crew
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self._loop.create_future()
        """Done when it takes calls, or won't: then there is an `error`."""
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done when nothing is left of the worker."""
        self.idle: asyncio.Future[None] = self._loop.create_future()
        """Done when its last call has ended; it may still have a lifespan to leave."""
        self.was_short = False
        """Whether it took calls for so short a time that the next one may fare no better."""

    async def run(self) -> None:
        """Start the worker, and see it to its end."""
        try:
            async with launched(self._settings) as worker:
                await self._serve(worker)
        except StartupError as error:
            self.error = error
            self.started.set_result(None)
        finally:
            self.ended.set_result(None)

    async def _serve(self, worker: LocalWorker) -> None:
        since = self._loop.time()
        self.worker = worker
        self._crew.join(worker, instead_of=self._before)
        self.started.set_result(None)
        try:
            await _first_of(worker.exited, worker.drained, self._stopping)
        finally:
            self.idle.set_result(None)
            self.was_short = self._loop.time() - since < _SETTLED
            self._crew.leave(worker)

    async def until_due(self) -> None:
        """Wait until the worker has done its share, or has ended."""
        if self.worker is not None:
            await _first_of(self.worker.due, self.ended, self._stopping)

    def extend(self) -> None:
        """Have the worker take more than its share."""
        if self.worker is not None:
            self.worker.send(wire.ToWorker(extend=wire.Extend()))

    def retire(self) -> None:
        """Have the worker end the calls that it has, and then itself."""
        if self.worker is not None:
            self._crew.retire(self.worker)


class Place:
    """Keeps one worker running, from `run` until `stopping` is done."""

    def __init__(
        self,
        settings: WorkerSettings,
        crew: Crew,
        stopping: asyncio.Future[None],
        filled: Callable[[], None],
        failed: Callable[[StartupError, int], bool],
    ) -> None:
        self._settings = settings
        self._crew = crew
        self._stopping = stopping
        self._tell_filled = filled
        self._goes_on_after = failed
        self._failures = 0
        self._deaths = 0
        self.current: UUID | None = None
        """Who was started last."""
        self.restarted = 0
        """How many workers were started in the place of another."""

    async def run(self) -> None:
        """Run one worker after the other. Cancelled, kill them."""
        before: _Life | None = None
        async with asyncio.TaskGroup() as lives:
            now = await self._filled(lives, None)
            while now is not None:
                await self._until_another_is_needed(now, before)
                another = await self._filled(lives, now)
                if another is not None:
                    self.restarted += 1
                    now.retire()
                before, now = now, another

    async def _until_another_is_needed(self, now: _Life, before: _Life | None) -> None:
        await now.until_due()
        if before is not None:
            over = (before.idle, now.ended, self._stopping)
            if not await _first_of(*over, timeout=_PATIENCE):
                now.extend()
                await _first_of(*over)
        was_short = now.ended.done() and now.was_short
        self._deaths = min(self._deaths + 1, _QUICK_DEATHS) if was_short else 0

    async def _filled(self, lives: asyncio.TaskGroup, now: _Life | None) -> _Life | None:
        """Start another worker, whatever it takes; None if that is given up, or at the end."""
        while not self._stopping.done():
            if (in_a_row := max(self._failures, self._deaths)) > 1:
                delay = min(_FIRST_DELAY * 2 ** (in_a_row - 2), _LONGEST_DELAY)
                await asyncio.wait([self._stopping], timeout=delay)
                if self._stopping.done():
                    break
            before = None if now is None else now.worker
            life = _Life(self._settings, self._crew, self._stopping, before)
            living = lives.create_task(life.run())
            over = (life.started, self._stopping)
            if not await _first_of(*over, timeout=_LONG_START) and now is not None:
                now.extend()
            await _first_of(*over)
            if not life.started.done():
                living.cancel()
                break
            if life.error is None:
                self._failures = 0
                self.current = life.worker.metadata.uid if life.worker is not None else None
                self._tell_filled()
                return life
            self._failures += 1
            if now is not None:
                now.extend()
            if not self._goes_on_after(life.error, self._failures):
                break
        return None


async def _first_of(*futures: asyncio.Future[Any], timeout: float | None = None) -> bool:
    """Wait until one of `futures` is done; tell whether one is, in time."""
    done, _ = await asyncio.wait(futures, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)
