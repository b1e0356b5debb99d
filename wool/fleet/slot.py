"""A slot in a fleet: filled by one worker after the other.

A worker that has done its quota stays until the next one takes calls, and then ends those that it
has, for as long as they take. So two workers of a slot have calls at times, and never three: one
that is due while the one before it still has some takes more than its quota.
"""

from __future__ import annotations

__all__ = ["Slot"]

import asyncio
from collections.abc import Callable
from uuid import UUID

from wool.exceptions import StartupError
from wool.fleet.backoff import Backoff
from wool.fleet.crew import Crew
from wool.fleet.life import Life
from wool.settings import WorkerSettings
from wool.support.waiting import first_of, settle
from wool.types import WorkerFactory

_QUICK_DEATHS = 2  # the most that count, so that a worker that came up is replaced within a second
_LONG_START = 5.0  # seconds, after which the worker to be replaced exceeds its quota meanwhile
_PATIENCE = 0.5  # seconds for a retired worker's calls, before the next one exceeds its quota


class Slot:
    """Keeps one worker running, from `run` until `stopping` is done."""

    def __init__(
        self,
        settings: WorkerSettings,
        crew: Crew,
        backoff: Backoff,
        stopping: asyncio.Future[None],
        *,
        filled: Callable[[], None],
        failed: Callable[[StartupError], None],
    ) -> None:
        self._settings = settings
        self._crew = crew
        self._backoff = backoff
        self._stopping = stopping
        self._tell_filled = filled
        self._tell_failed = failed
        self._lives: set[Life] = set()
        self._failures = 0
        self._deaths = 0
        self.current: UUID | None = None
        """Who was started last."""
        self.restarted = 0
        """How many workers were started in the place of another."""

    async def run(self, factory: WorkerFactory) -> None:
        """Run one worker of the factory's after the other. Cancelled, kill them."""
        try:
            await self._keep_filled(factory)
            while self._lives:
                await asyncio.wait([life.ended for life in self._lives])
        finally:
            for life in self._lives:
                life.cut_short()
            await settle([life.ended for life in self._lives])

    async def _keep_filled(self, factory: WorkerFactory) -> None:
        before: Life | None = None
        now = await self._filled(factory, None)
        while now is not None:
            await self._until_another_is_needed(now, before)
            another = await self._filled(factory, now)
            if another is not None:
                self.restarted += 1
                now.retire()
            before, now = now, another

    async def _until_another_is_needed(self, now: Life, before: Life | None) -> None:
        await now.until_due()
        if before is not None:
            over = (before.idle, now.ended, self._stopping)
            if not await first_of(*over, timeout=_PATIENCE):
                now.extend()
                await first_of(*over)
        was_short = now.ended.done() and now.was_short
        self._deaths = min(self._deaths + 1, _QUICK_DEATHS) if was_short else 0

    async def _filled(self, factory: WorkerFactory, now: Life | None) -> Life | None:
        """Start another worker, whatever it takes; None at the end."""
        while not self._stopping.done():
            in_a_row = max(self._failures, self._deaths - 1)
            if in_a_row > 0:
                await self._backoff.pause(in_a_row)
            if self._stopping.done():
                break
            life = await self._started(factory, now)
            if not life.started.done():  # the pool is left
                life.cut_short()
            elif life.error is None:
                self._note_success(life)
                return life
            else:
                self._note_failure(life.error, now)
        return None

    async def _started(self, factory: WorkerFactory, now: Life | None) -> Life:
        life = Life(factory, self._settings, self._crew, self._stopping, now)
        self._lives.add(life)
        life.ended.add_done_callback(lambda _: self._lives.discard(life))
        over = (life.started, self._stopping)
        if not await first_of(*over, timeout=_LONG_START) and now is not None:
            now.extend()
        await first_of(*over)
        return life

    def _note_success(self, life: Life) -> None:
        self._failures = 0
        self.current = life.worker.metadata.uid if life.worker is not None else None
        self._tell_filled()

    def _note_failure(self, error: StartupError, now: Life | None) -> None:
        self._failures += 1
        if now is not None:
            now.extend()
        self._tell_failed(error)
