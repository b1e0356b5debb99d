"""Who is there of a fleet's workers: what the roster shows, and what each worker is told."""

from __future__ import annotations

__all__ = ["Crew"]

import asyncio
import logging

from wool.discovery.roster import Roster
from wool.support.returncodes import in_words
from wool.types import StartedWorker

_log = logging.getLogger(__name__)


class Crew:
    """The workers that run: those that take calls, and those that end their last ones."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._active: dict[StartedWorker, None] = {}
        self._retired: dict[StartedWorker, None] = {}

    def __len__(self) -> int:
        """How many take calls."""
        return len(self._active)

    def present(self) -> list[StartedWorker]:
        """Return who is there, retired or not."""
        return [*self._active, *self._retired]

    def join(self, worker: StartedWorker, instead_of: StartedWorker | None = None) -> None:
        """Have a new worker get calls, which has taken the place of another, if it has."""
        self._active[worker] = None
        self._roster.add(
            worker.metadata,
            instead_of=None if instead_of is None else instead_of.metadata.uid,
            stopped=worker.is_stopped(),
            tells_end=True,
        )
        worker.extended.add_done_callback(self._reconsider)

    def retire(self, worker: StartedWorker) -> None:
        """Have a worker get no more calls; it ends when those that run have ended."""
        if worker in self._active:
            del self._active[worker]
            self._retired[worker] = None
            self._roster.retire(worker.metadata.uid)
            worker.retire()

    def _reconsider(self, extended: asyncio.Future[None]) -> None:
        """Have calls that wait for a change try the workers that there are."""
        del extended
        self._roster.tell()

    def leave(self, worker: StartedWorker) -> None:
        """Note that a worker died, ended its last call, or is to be stopped."""
        self._active.pop(worker, None)
        self._retired.pop(worker, None)
        returncode = 0 if worker.drained.done() else None
        died = worker.exited.done() and returncode is None
        if died:
            returncode = worker.exited.result()
        self._roster.drop(worker.metadata.uid, returncode)
        if died:  # last, since handlers of logs are user code
            _log.warning("worker %d %s", worker.metadata.pid, in_words(returncode))

    def announce(self) -> None:
        """Tell every worker who is in the pool, for the calls that routines make."""
        peers = self._roster.peers()
        for worker in self.present():
            worker.tell(peers)
