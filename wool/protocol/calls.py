"""The caller's end of a link: hands each frame to its call."""

from __future__ import annotations

__all__ = ["Calls"]

import itertools
from collections.abc import Sequence

from wool.exceptions import ProtocolError
from wool.logs.records import replay
from wool.protocol import wire_pb2 as wire
from wool.protocol.call import Call, CallTable
from wool.protocol.frames import Sender
from wool.protocol.load import Load
from wool.protocol.outcome import Lost, Outcome
from wool.protocol.prefetching_call import PrefetchingCall
from wool.protocol.routines import Routine, SentRoutines
from wool.protocol.tally import Tally
from wool.protocol.unacknowledged import Unacknowledged
from wool.tasks import Task
from wool.values.serializer import Buffer


class Calls(CallTable):
    """All calls on one link, which keep `load` true and count into `tally` how they end."""

    def __init__(
        self, sender: Sender, grace: float, tally: Tally | None = None, load: Load | None = None
    ) -> None:
        self._sender = sender
        self._grace = grace
        self._tally = tally or Tally()
        self._load = load or Load()
        self._call_ids = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self.unacknowledged = Unacknowledged(self._load)
        """Those that the worker has not confirmed yet."""
        self._abandoned: set[int] = set()
        self._routines = SentRoutines()
        self._tally.table = self._calls

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def sender(self) -> Sender:
        return self._sender

    def acknowledge(self, call_id: int) -> None:
        self.unacknowledged.discard(call_id)

    def open(
        self, task: Task, opening: wire.Frame, buffers: Sequence[Buffer], routine: Routine
    ) -> Call:
        """Send `task` off, as `opening` describes it, and its `routine` if need be."""
        call_id = opening.call = next(self._call_ids)
        news = self._routines.describe(routine, opening.open)
        self._sender.send(opening, buffers)
        if news is not None:
            self._routines.sent(news, opening.open)
        kind = PrefetchingCall if task.options.prefetch else Call
        call = self._calls[call_id] = kind(self, call_id, task, self._grace)
        call.opened_by = self._sender.queued
        self._load.in_flight += 1
        self.unacknowledged.add(call_id)
        return call

    def forget(
        self, call_id: int, outcome: Outcome | Lost | None = None, *, closing: bool = False
    ) -> None:
        if self._calls.pop(call_id, None) is not None:
            self._load.in_flight -= 1
        if type(outcome) is Outcome and outcome.kind == "returned":
            self._tally.completed += 1
        else:
            self._tally.note(outcome)
        if self._tally.freed is not None:
            self._tally.freed(outcome)
        if closing:  # it stays unacknowledged: its worker may be blocked, whoever waits for it
            self._abandoned.add(call_id)
        else:
            self.unacknowledged.discard(call_id)

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the link. Raises ProtocolError."""
        call = self._calls.get(frame.call)
        kind = frame.WhichOneof("kind")
        if call is not None:
            call.received(kind, frame, buffers)
            return
        self.unacknowledged.discard(frame.call)
        if kind == "log":  # by what the call left behind, such as a thread
            replay(frame.log.record)
        elif frame.call in self._abandoned:
            self._after_abandoning(kind, frame.call)
        else:
            raise ProtocolError(f"a worker sent a frame for call {frame.call}, which is not open")

    def lost(self, error: Exception | None) -> None:
        """The link is gone, and with it every call on it."""
        for call in list(self._calls.values()):
            call.lost(error, written=self._sender.written)
        self._abandoned.clear()
        self.unacknowledged.clear()

    def _after_abandoning(self, kind: str | None, call_id: int) -> None:
        if kind == "yielded":
            self._sender.send(wire.Frame(call=call_id, close=wire.Close(final=True)))
        elif kind != "ack":
            self._abandoned.discard(call_id)
