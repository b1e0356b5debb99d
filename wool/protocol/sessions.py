"""The worker's end of a link: hands each frame to its session."""

from __future__ import annotations

__all__ = ["CallerLink", "Sessions"]

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Protocol

from wool.exceptions import ProtocolError
from wool.logs.outlet import Channel, Flow, Outlet
from wool.protocol import failure
from wool.protocol import wire_pb2 as wire
from wool.protocol.fairness import Batches, Fairness
from wool.protocol.frames import Sender, read_task
from wool.protocol.generator_session import GeneratorSession
from wool.protocol.prefetching_session import PrefetchingSession
from wool.protocol.routines import KnownRoutines
from wool.protocol.session import CoroutineSession, Session, contained
from wool.reference import is_generator
from wool.tasks import Task
from wool.types import PoolLike
from wool.values.serializer import Buffer

_OVERTAKEN = ("cancel", "close", "next")  # what may come for a call that ended meanwhile


class CallerLink(Sender, Channel, Batches, Protocol):
    """The link to a caller: what logs take of it is bounded."""


class Sessions:
    """All calls of one caller. Each runs in a copy of `context`."""

    def __init__(
        self,
        sender: CallerLink,
        pool: PoolLike,
        context: Context,
        admit: Callable[[wire.Open], bool],
    ) -> None:
        self._sender = sender
        self._pool = pool
        self._context = context
        self._admit = admit
        self._sessions: dict[int, Session] = {}
        self._fairness = Fairness(sender)
        self._routines = KnownRoutines()
        self._logs = Flow(sender)
        self._idle = asyncio.Event()
        self._draining = False

    @property
    def done(self) -> bool:
        """Tell whether the caller is gone and everything that it started has ended."""
        return self._draining and not self._sessions

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the link. Raises ProtocolError."""
        if frame.HasField("open"):
            self._open(frame, buffers)
        elif (session := self._sessions.get(frame.call)) is not None:
            session.received(frame, buffers)
        elif frame.WhichOneof("kind") not in _OVERTAKEN:
            raise ProtocolError(f"a caller sent a frame for call {frame.call}, which is not open")

    def lost(self, error: Exception | None) -> None:
        """The caller is gone: end what it started."""
        del error
        self.close()

    def close(self) -> None:
        """Take no more calls, and end those that run. To repeat it is harmless."""
        self._draining = True
        for session in list(self._sessions.values()):
            session.close()

    async def wait_closed(self) -> None:
        """Wait until the last session has ended."""
        while self._sessions:
            self._idle.clear()
            await self._idle.wait()

    def _open(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        call_id, sender = frame.call, self._sender
        routine = self._routines.find(frame.open)  # told of once, whether the call is taken or not
        if self._draining or not self._admit(frame.open):
            reason = "stopping" if self._draining else "being replaced"
            reject = wire.Reject(reason=f"the worker is {reason}")
            sender.send(wire.Frame(call=call_id, reject=reject))
            return
        try:
            task = read_task(frame, buffers, routine)
        except BaseException as error:  # noqa: BLE001 - importing and unpickling run user code
            error = contained(error, routine.qualname)
            raised = wire.Raise(failure=failure.encode(error, sender.max_message_size))
            sender.send(wire.Frame(call=call_id, raised=raised))
            return
        outlet = Outlet(self._logs, partial(_send_record, sender, call_id))
        session = self._sessions[call_id] = _kind(task)(sender, frame, task, outlet)
        session.start(self._pool, self._context, self._fairness, self._ended)

    def _ended(self, call_id: int) -> None:
        del self._sessions[call_id]
        if not self._sessions:
            self._idle.set()


def _send_record(sender: Sender, call_id: int, record: bytes) -> None:
    sender.send(wire.Frame(call=call_id, log=wire.Log(record=record)))
    sender.flush()  # the routine may crash next, or compute for long


def _kind(task: Task) -> type[Session]:
    if not is_generator(task.callable):
        return CoroutineSession
    return PrefetchingSession if task.options.prefetch else GeneratorSession
