"""The worker at work: takes links in, runs their calls, and ends within the grace."""

from __future__ import annotations

__all__ = ["Runtime"]

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any
from uuid import UUID

from wool.balancing.round_robin import RoundRobinLoadBalancer
from wool.discovery.roster import Roster
from wool.dispatch.loops import Dispatchers
from wool.protocol import wire_pb2 as wire
from wool.protocol.control import read_to_worker, write
from wool.protocol.sessions import Sessions
from wool.settings import CallSettings
from wool.support.notes import note
from wool.support.secret import Secret
from wool.transport import carriers
from wool.transport.link import Link
from wool.transport.reception import Reception
from wool.types import Lifespan, WorkerMetadata
from wool.worker.ending import ORPHANED, end_at_once
from wool.worker.lifespan import entered
from wool.worker.logs import LogsToParent
from wool.worker.quota import Quota


class Runtime:
    """One worker, from the start message to the stop message."""

    def __init__(
        self,
        start: wire.Start,
        token: Secret,
        control: socket.socket,
        ready: Callable[[], None],
        lifespan: Lifespan | None,
    ) -> None:
        self._start = start
        self._token = token
        self._control = control
        self._ready = ready
        self._lifespan = lifespan
        self._roster = Roster()
        self._callers: dict[Link, Sessions] = {}
        self._retired = asyncio.Event()
        self._drained = False
        self._quota = Quota(start.max_tasks, lambda: self._tell(due=wire.Due()))
        self._writer: asyncio.StreamWriter | None = None
        self._logs: LogsToParent | None = None
        settings = CallSettings(
            token,
            start.max_message_size,
            start.grace,
            start.start_timeout,
            stall_timeout=start.stall_timeout if start.HasField("stall_timeout") else None,
        )
        self._peers = Dispatchers(self._roster, RoundRobinLoadBalancer(), settings)

    async def run(self) -> None:
        """Live from the lifespan's begin to its end. Raises what it raises.

        The process ends here if calls don't end within the grace, or if the parent is gone.
        """
        reader, self._writer = await asyncio.open_connection(sock=self._control)
        if self._start.HasField("logging"):
            self._logs = LogsToParent(self._start.logging, self._writer)
        leaving = asyncio.timeout(None)
        try:
            async with leaving, entered(self._lifespan):
                leaving.reschedule(await self._serve(reader))
        except TimeoutError as error:
            if leaving.expired():
                note(error, "The lifespan was not left within the pool's grace.")
            raise
        if self._logs is not None:
            self._logs.close()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader) -> float:
        """Take calls until the parent says stop; return when the grace ends, in the loop's time."""
        start = self._start
        listener = carriers.listener(os.fsdecode(start.address), start.max_message_size)
        reception = Reception(UUID(bytes=start.uid), self._token, [listener], self._joined)
        await reception.open()
        self._ready()
        self._tell(ready=wire.Ready())
        draining = asyncio.ensure_future(self._drain(reception))
        try:
            grace = await self._follow(reader)
        finally:
            draining.cancel()
        deadline = asyncio.get_running_loop().time() + grace
        reception.close()
        await self._turn_away_late_callers(reception, deadline)
        if not await self._end_calls(deadline):
            end_at_once(0)  # a routine ignores its cancellation
        await reception.aclose()
        self._peers.close()
        return deadline

    def _joined(self, link: Link) -> Sessions:
        """Serve a caller. When it hangs up, its calls end."""
        self._callers = {link: s for link, s in self._callers.items() if not s.done}
        sessions = self._callers[link] = Sessions(link, self._peers, self._admit)
        return sessions

    def _admit(self, opened: wire.Open) -> bool:
        return self._quota.take(beyond=opened.options.pinned)

    def _tell(self, **kind: Any) -> None:
        if self._writer is not None:
            write(self._writer, wire.FromWorker(**kind))

    async def _follow(self, reader: asyncio.StreamReader) -> float:
        """Do as the parent says until it says stop; return the grace that it gives, in seconds."""
        while True:
            try:
                message = await read_to_worker(reader)
            except (EOFError, OSError):
                end_at_once(ORPHANED)
            if message.HasField("stop"):
                return message.stop.grace
            if message.HasField("peers"):
                self._update(message.peers)
            elif message.HasField("retire"):
                self._retired.set()
            elif message.HasField("extend") and self._quota.extend():
                self._tell(extended=wire.Extended())

    async def _drain(self, reception: Reception) -> None:
        """Once another worker takes the calls, wait for those that run, and for callers to go."""
        await self._retired.wait()
        self._quota.end()
        reception.close()
        await reception.until_alone()
        self._drained = True
        self._tell(drained=wire.Drained())

    async def _turn_away_late_callers(self, reception: Reception, deadline: float) -> None:
        """Reject what they call, who came before they heard that this worker is retired."""
        if self._drained:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await reception.until_alone()

    def _update(self, peers: wire.Peers) -> None:
        for departed in peers.departed:
            self._roster.drop(UUID(bytes=departed.uid), departed.returncode)
        there = {UUID(bytes=peer.uid): peer for peer in peers.peers}
        for uid in self._roster.workers.keys() - there.keys():
            self._roster.retire(uid)
        for uid, peer in there.items():
            if uid not in self._roster.workers:
                self._roster.add(_metadata(uid, peer))
            # Old news about this very worker is wrong: it runs, or it would not read.
            self._roster.mark(uid, stopped=peer.stopped and peer.uid != self._start.uid)
        self._roster.tell()

    async def _end_calls(self, deadline: float) -> bool:
        """Cancel what runs; tell whether all of it ended in time."""
        for sessions in self._callers.values():
            sessions.close()
        try:
            async with asyncio.timeout_at(deadline):
                for sessions in list(self._callers.values()):
                    await sessions.wait_closed()
        except TimeoutError:
            return False
        return True


def _metadata(uid: UUID, peer: wire.Peer) -> WorkerMetadata:
    address, tags = os.fsdecode(peer.address), frozenset(peer.tags)
    return WorkerMetadata(uid, address, peer.pid, peer.version, tags)
