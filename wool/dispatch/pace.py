"""When the next call of a map is sent: soon enough to keep its worker busy, and no sooner."""

from __future__ import annotations

__all__ = ["Pace"]

import asyncio

from wool.dispatch.admission import Admission
from wool.dispatch.workers import Workers


class Pace:
    """Holds calls back, in a line, until a worker is ready for another.

    A call that was sent can't be taken back. So none is sent to wait behind a routine that
    computes while another worker has nothing to do; and as few as possible if all compute.
    """

    def __init__(self, workers: Workers, admission: Admission | None) -> None:
        self._workers = workers
        self._admission = admission
        self._line: dict[asyncio.Event, None] = {}
        self._leaving = 0

    async def wait(self) -> None:
        """Wait until a call may be sent. `sent` has to follow."""
        if self._line or not self._is_ready():
            await self._wait()
        self._leaving += 1
        if self._line:
            self.look()

    def sent(self) -> None:
        """Note that a call is on its way, or will not be made."""
        self._leaving -= 1
        if self._line:
            self.look()

    def look(self) -> None:
        """Have the first in the line look whether it may go."""
        if self._line:
            next(iter(self._line)).set()

    async def _wait(self) -> None:
        with self._workers.watching() as woken:
            self._line[woken] = None
            self._workers.acknowledgements.listener = self.look
            try:
                while next(iter(self._line)) is not woken or not self._is_ready():
                    woken.clear()
                    await woken.wait()
            finally:
                del self._line[woken]
                if not self._line:
                    self._workers.acknowledgements.listener = None
                self.look()

    def _is_ready(self) -> bool:
        """Tell whether a worker is ready for one more, or the call can only wait for a place."""
        workers = self._workers.connections
        if self._admission is not None:
            workers = [worker for worker in workers if self._admission.has_room(worker.uid)]
        leaving = self._leaving
        for worker in workers:
            room = worker.room
            if room > leaving:
                return True
            if room > 0:
                leaving -= room
        return not workers
