"""Who is there of a fleet's workers: what the roster shows, and what each worker is told."""

from __future__ import annotations

__all__ = ["Crew"]

import asyncio
import logging
import os
from collections import deque

from wool.discovery.roster import Roster
from wool.fleet.local_worker import LocalWorker
from wool.protocol import wire_pb2 as wire
from wool.types import WorkerMetadata

_log = logging.getLogger(__name__)


class Crew:
    """The workers that run: those that take calls, and those that end their last ones."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._active: dict[LocalWorker, None] = {}
        self._retired: dict[LocalWorker, None] = {}
        self._departed: deque[wire.Departed] = deque(maxlen=256)

    def __len__(self) -> int:
        """How many take calls."""
        return len(self._active)

    def present(self) -> list[WorkerMetadata]:
        """Return who is there, retired or not."""
        return [worker.metadata for worker in (*self._active, *self._retired)]

    def join(self, worker: LocalWorker, instead_of: LocalWorker | None = None) -> None:
        """Have a new worker get calls, which has taken the place of another, if it has."""
        self._active[worker] = None
        before = None if instead_of is None else instead_of.metadata.uid
        self._roster.add(worker.metadata, instead_of=before)
        worker.extended.add_done_callback(self._reconsider)
        self.announce()

    def retire(self, worker: LocalWorker) -> None:
        """Have a worker get no more calls; it ends when those that run have ended."""
        if worker in self._active:
            del self._active[worker]
            self._retired[worker] = None
            self._roster.retire(worker.metadata.uid)
            self.announce()
            worker.send(wire.ToWorker(retire=wire.Retire()))

    def _reconsider(self, extended: asyncio.Future[None]) -> None:
        """Have calls that wait for a change try the workers that there are."""
        del extended
        self._roster.tell()
        self.announce()

    def leave(self, worker: LocalWorker) -> None:
        """Note that a worker died, ended its last call, or is to be stopped."""
        self._active.pop(worker, None)
        self._retired.pop(worker, None)
        returncode = 0 if worker.drained.done() else None
        died = worker.exited.done() and returncode is None
        if died:
            returncode = worker.exited.result()
        uid = worker.metadata.uid
        self._roster.drop(uid, returncode)
        if returncode is not None:
            self._departed.append(wire.Departed(uid=uid.bytes, returncode=returncode))
            self.announce()
        if died:  # last, since handlers of logs are user code
            _log.warning("worker %d ended with %d", worker.metadata.pid, returncode)

    def announce(self) -> None:
        """Tell every worker who is there, for the calls that routines make."""
        peers = [
            wire.Peer(
                uid=worker.metadata.uid.bytes,
                address=os.fsencode(worker.metadata.address),
                pid=worker.metadata.pid,
                version=worker.metadata.version,
                tags=worker.metadata.tags,
                stopped=worker.metadata.uid in self._roster.stopped,
            )
            for worker in self._active
        ]
        message = wire.ToWorker(peers=wire.Peers(peers=peers, departed=self._departed))
        for worker in (*self._active, *self._retired):
            worker.send(message)
