"""A pool's own workers: so many of them, each replaced when it dies or has done its quota."""

from __future__ import annotations

__all__ = ["Fleet"]

import asyncio
from collections.abc import Mapping
from functools import partial
from uuid import UUID

from wool.discovery.roster import Roster
from wool.exceptions import StartupError
from wool.fleet.backoff import Backoff
from wool.fleet.crew import Crew
from wool.fleet.local_worker import Place
from wool.fleet.slot import Slot
from wool.fleet.stopped import watch_for_stops
from wool.fleet.supervision import kept_running
from wool.settings import WorkerSettings


class Fleet:
    """Keeps `size` workers running and the roster true, from `run` until `stop`.

    Nothing that happens to one worker, or while it is looked after, ends the others.
    """

    def __init__(self, size: int, settings: WorkerSettings, place: Place, roster: Roster) -> None:
        self._loop = asyncio.get_running_loop()
        self._roster = roster
        self._crew = Crew(roster)
        self._stopping: asyncio.Future[None] = self._loop.create_future()
        self._backoff = Backoff(roster, self._stopping)
        self._slots = [
            Slot(
                settings,
                place,
                self._crew,
                self._backoff,
                self._stopping,
                filled=self._filled,
                failed=self._not_filled,
            )
            for _ in range(size)
        ]
        self.ready: asyncio.Future[None] = self._loop.create_future()
        """Done when all workers take calls, or with the error of the first that won't."""

    @property
    def restarted(self) -> int:
        """How many workers took the place of one that died, or had done its quota."""
        return sum(slot.restarted for slot in self._slots)

    @property
    def predecessors(self) -> Mapping[UUID, int]:
        """How many workers came before each one in its slot."""
        return {slot.current: slot.restarted for slot in self._slots if slot.current}

    async def run(self) -> None:
        """Run the workers until `stop` is called and the last has gone. Cancelled, kill them."""
        watch = partial(watch_for_stops, self._crew.present, self._roster, self._crew.announce)
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(kept_running(watch, self._stopping))
            async with asyncio.TaskGroup() as slots:
                for slot in self._slots:
                    slots.create_task(kept_running(slot.run, self._stopping))
            watcher.cancel()

    def stop(self) -> None:
        """Have every worker end within the grace. One that is still starting is killed."""
        if not self._stopping.done():
            self._stopping.set_result(None)

    def _filled(self) -> None:
        if len(self._crew) == len(self._slots) and not self.ready.done():
            self.ready.set_result(None)
        self._loop.call_soon(self._backoff.end)  # it logs: handlers of logs are user code

    def _not_filled(self, error: StartupError) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
        elif self.ready.exception() is None:  # else the pool is about to give up
            self._loop.call_soon(self._backoff.note, error)
