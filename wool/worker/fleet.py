"""A pool's own workers: so many of them, each replaced when it dies."""

from __future__ import annotations

__all__ = ["Fleet"]

import asyncio
import logging
import os
from collections import deque
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from wool.discovery.roster import Roster
from wool.exceptions import StartupError
from wool.protocol import wire_pb2 as wire
from wool.worker.launch import LocalWorker, WorkerSettings, launched

_log = logging.getLogger(__name__)

_SETTLED = 1.0  # seconds after which a worker's death says nothing about the next one's
_FIRST_DELAY = 0.1  # seconds before a second attempt; doubled at each further one
_LONGEST_DELAY = 5.0  # seconds
_QUICK_DEATHS = 2  # that count: whoever came up is replaced within a second, however often it dies
_ATTEMPTS = 5  # failed starts in a row, after which a slot is given up


class Fleet:
    """Keeps `size` workers running and the roster true, from `run` until `stop`."""

    def __init__(self, size: int, settings: WorkerSettings, roster: Roster) -> None:
        self._size = size
        self._settings = settings
        self._roster = roster
        self._live: dict[LocalWorker, None] = {}
        self._departed: deque[wire.Departed] = deque(maxlen=256)
        self._given_up = 0
        self._predecessors: dict[UUID, int] = {}
        self.restarted = 0
        """How many workers were replaced by others that took calls."""
        self._stopping = asyncio.Event()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when all workers take calls, or with the error of the first that won't."""

    async def run(self) -> None:
        """Run the workers until `stop` is called and the last has gone. Cancelled, kill them."""
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._size):
                slots.create_task(self._keep_filled())

    @property
    def predecessors(self) -> Mapping[UUID, int]:
        """How many workers came before each one in its place; a snapshot."""
        return self._predecessors.copy()

    def stop(self) -> None:
        """Have every worker end within the grace."""
        self._stopping.set()

    async def _keep_filled(self) -> None:
        """Run one worker after the other."""
        failures = deaths = generations = 0
        while not self._stopping.is_set():
            try:
                async with launched(self._settings) as worker:
                    failures = 0
                    started = asyncio.get_running_loop().time()
                    self.restarted += generations > 0
                    await self._serve(worker, generations)
                generations += 1
                settled = asyncio.get_running_loop().time() - started > _SETTLED
                deaths = 0 if settled else min(deaths + 1, _QUICK_DEATHS)
            except StartupError as error:
                failures += 1
                if not self._goes_on_after(error, failures):
                    return
            if (in_a_row := max(failures, deaths)) > 1:
                await self._pause(_FIRST_DELAY * 2 ** (in_a_row - 2))

    async def _serve(self, worker: LocalWorker, predecessors: int) -> None:
        """Have the roster show a worker for as long as it lives."""
        self._live[worker] = None
        self._predecessors[worker.metadata.uid] = predecessors
        self._roster.add(worker.metadata)
        self._announce()
        if len(self._live) == self._size and not self.ready.done():
            self.ready.set_result(None)
        stopping = asyncio.ensure_future(self._stopping.wait())
        either: list[asyncio.Future[Any]] = [worker.exited, stopping]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            del self._live[worker], self._predecessors[worker.metadata.uid]
            returncode = worker.exited.result() if worker.exited.done() else None
            self._roster.drop(worker.metadata.uid, returncode)
            if returncode is not None:
                uid = worker.metadata.uid
                _log.warning("worker %d ended with %d", worker.metadata.pid, returncode)
                self._departed.append(wire.Departed(uid=uid.bytes, returncode=returncode))
                self._announce()

    def _goes_on_after(self, error: StartupError, failures: int) -> bool:
        if not self.ready.done():
            self.ready.set_exception(error)
            return False
        if failures < _ATTEMPTS:
            _log.warning("a worker did not start: %s", error)
            return True
        self._given_up += 1
        _log.error("a worker did not start %d times in a row: %s", failures, error)
        if self._given_up == self._size:
            self._roster.fail(error)
        return False

    async def _pause(self, delay: float) -> None:
        try:
            async with asyncio.timeout(min(delay, _LONGEST_DELAY)):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _announce(self) -> None:
        """Tell every worker who is there, for the calls that routines make."""
        peers = [
            wire.Peer(
                uid=worker.metadata.uid.bytes,
                address=os.fsencode(worker.metadata.address),
                pid=worker.metadata.pid,
                version=worker.metadata.version,
                tags=worker.metadata.tags,
            )
            for worker in self._live
        ]
        message = wire.ToWorker(peers=wire.Peers(peers=peers, departed=self._departed))
        for worker in self._live:
            worker.send(message)
