"""The time in which workers don't start: who tries again when, and what is said of it."""

from __future__ import annotations

__all__ = ["Backoff"]

import asyncio
import logging

from wool.discovery.roster import Roster
from wool.exceptions import StartupError
from wool.support.waiting import first_of

_log = logging.getLogger(__name__)

_FIRST_DELAY = 0.1  # seconds before a second attempt; doubled at each further one
_LONGEST_DELAY = 5.0  # seconds
_REMINDER = 60.0  # seconds between two warnings


class Backoff:
    """Begins with a worker that does not start, and is over with the first that does."""

    def __init__(self, roster: Roster, stopping: asyncio.Future[None]) -> None:
        self._roster = roster
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self._since = 0.0
        self._said = 0.0
        self._failures = 0
        self._over: asyncio.Future[None] = self._loop.create_future()

    def note(self, error: StartupError) -> None:
        """Note that a worker did not start, and why."""
        now = self._loop.time()
        self._failures += 1
        self._roster.note_trouble(error)
        if self._failures == 1:
            self._since = self._said = now
            _log.warning("a worker did not start; the pool goes on trying: %s", error)
        elif now - self._said >= _REMINDER:
            self._said = now
            _log.warning(
                "workers have not started for %.0f s, in %d attempts; the pool goes on trying: %s",
                now - self._since,
                self._failures,
                error,
            )

    def end(self) -> None:
        """Note that a worker started: whoever waits for another attempt makes it now."""
        failures, self._failures = self._failures, 0
        if not failures:
            return
        self._roster.note_trouble(None)
        over, self._over = self._over, self._loop.create_future()
        over.set_result(None)
        lasted = self._loop.time() - self._since
        _log.warning("workers start again, after %d failed starts in %.1f s", failures, lasted)

    async def pause(self, failures: int) -> None:
        """Wait before an attempt after so many `failures` of one slot in a row."""
        delay = min(_FIRST_DELAY * 2 ** (failures - 1), _LONGEST_DELAY)
        await first_of(self._over, self._stopping, timeout=delay)
