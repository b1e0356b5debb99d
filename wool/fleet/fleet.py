"""A pool's own workers: so many of them, each replaced when it dies or has done its quota."""

from __future__ import annotations

__all__ = ["Fleet"]

import asyncio
import contextlib
import threading
from collections.abc import Mapping
from functools import partial
from uuid import UUID

from wool.discovery.roster import Roster
from wool.discovery.source import Source
from wool.exceptions import StartupError
from wool.fleet.backoff import Backoff
from wool.fleet.crew import Crew
from wool.fleet.slot import Slot
from wool.fleet.stopped import watch_for_stops
from wool.fleet.supervision import kept_running
from wool.settings import WorkerSettings
from wool.support.given import Given, enter
from wool.types import WorkerFactory

FACTORY = ("worker", "start(settings)")


class Fleet(Source):
    """Keeps `size` workers running and the roster true, from `run` until `stop`.

    Nothing that happens to one worker, or while it is looked after, ends the others. Each is told
    the whole roster, whoever else puts workers on it.
    """

    def __init__(
        self, size: int, factory: Given[WorkerFactory], settings: WorkerSettings, roster: Roster
    ) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._factory = factory
        self._roster = roster
        self._crew = Crew(roster)
        self._stopping: asyncio.Future[None] = self._loop.create_future()
        self._backoff = Backoff(roster, self._stopping)
        self._slots = [
            Slot(
                settings,
                self._crew,
                self._backoff,
                self._stopping,
                filled=self._filled,
                failed=self._not_filled,
            )
            for _ in range(size)
        ]

    @property
    def restarted(self) -> int:
        return sum(slot.restarted for slot in self._slots)

    @property
    def predecessors(self) -> Mapping[UUID, int]:
        return {slot.current: slot.restarted for slot in self._slots if slot.current}

    async def run(self) -> None:
        """Run the workers until `stop` is called and the last has gone. Cancelled, kill them."""
        async with contextlib.AsyncExitStack() as stack:
            factory: WorkerFactory = await enter(*FACTORY, self._factory, stack)
            self._roster.watch(self._on_roster_change)
            stack.callback(self._roster.unwatch, self._on_roster_change)
            await self._run(factory)

    async def _run(self, factory: WorkerFactory) -> None:
        watch = partial(watch_for_stops, self._crew.present, self._roster)
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(kept_running(watch, self._stopping))
            async with asyncio.TaskGroup() as slots:
                for slot in self._slots:
                    slots.create_task(kept_running(partial(slot.run, factory), self._stopping))
            watcher.cancel()

    def stop(self) -> None:
        """Have every worker end within the grace. One that is still starting is killed."""
        if not self._stopping.done():
            self._stopping.set_result(None)

    def _on_roster_change(self) -> None:
        if threading.get_ident() == self._thread:
            self._announce()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        if not self._stopping.done():
            self._crew.announce()

    def _filled(self) -> None:
        if len(self._crew) == len(self._slots) and not self.ready.done():
            self.ready.set_result(None)
        self._loop.call_soon(self._backoff.end)  # it logs: handlers of logs are user code

    def _not_filled(self, error: StartupError) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
        elif self.ready.exception() is None:  # else the pool is about to give up
            self._loop.call_soon(self._backoff.note, error)
