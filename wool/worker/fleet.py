"""A pool's own workers: so many of them, each replaced when it dies or has done its share."""

from __future__ import annotations

__all__ = ["Fleet"]

import asyncio
import logging
from collections.abc import Mapping
from uuid import UUID

from wool.discovery.roster import Roster
from wool.exceptions import StartupError
from wool.worker.crew import Crew
from wool.worker.launch import WorkerSettings
from wool.worker.place import Place
from wool.worker.stopped import watch_for_stops

_log = logging.getLogger(__name__)

_ATTEMPTS = 5  # failed starts in a row, after which a place is given up


class Fleet:
    """Keeps `size` workers running and the roster true, from `run` until `stop`."""

    def __init__(self, size: int, settings: WorkerSettings, roster: Roster) -> None:
        loop = asyncio.get_running_loop()
        self._roster = roster
        self._crew = Crew(roster)
        self._stopping: asyncio.Future[None] = loop.create_future()
        self._places = [
            Place(settings, self._crew, self._stopping, self._filled, self._goes_on_after)
            for _ in range(size)
        ]
        self._given_up = 0
        self.ready: asyncio.Future[None] = loop.create_future()
        """Done when all workers take calls, or with the error of the first that won't."""

    @property
    def restarted(self) -> int:
        """How many workers took the place of one that died, or had done its share."""
        return sum(place.restarted for place in self._places)

    @property
    def predecessors(self) -> Mapping[UUID, int]:
        """How many workers came before each one in its place."""
        return {place.current: place.restarted for place in self._places if place.current}

    async def run(self) -> None:
        """Run the workers until `stop` is called and the last has gone. Cancelled, kill them."""
        async with asyncio.TaskGroup() as group:
            watching = watch_for_stops(self._crew.present, self._roster, self._crew.announce)
            watcher = group.create_task(watching)
            async with asyncio.TaskGroup() as places:
                for place in self._places:
                    places.create_task(place.run())
            watcher.cancel()

    def stop(self) -> None:
        """Have every worker end within the grace. One that is still starting is killed."""
        if not self._stopping.done():
            self._stopping.set_result(None)

    def _filled(self) -> None:
        if len(self._crew) == len(self._places) and not self.ready.done():
            self.ready.set_result(None)

    def _goes_on_after(self, error: StartupError, failures: int) -> bool:
        """Tell whether a place is to try again to start a worker."""
        if not self.ready.done():
            self.ready.set_exception(error)
            return False
        if failures < _ATTEMPTS:
            _log.warning("a worker did not start: %s", error)
            return True
        self._given_up += 1
        _log.error("a worker did not start %d times in a row: %s", failures, error)
        if self._given_up == len(self._places):
            self._roster.fail(error)
        return False
