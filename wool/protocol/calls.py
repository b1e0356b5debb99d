"""The caller's end of a link: hands each frame to its call."""

from __future__ import annotations

__all__ = ["Calls"]

import itertools
from collections.abc import Callable, Sequence

from wool.exceptions import ProtocolError
from wool.logs.records import replay
from wool.protocol import wire_pb2 as wire
from wool.protocol.call import Call, CallTable
from wool.protocol.frames import Sender
from wool.protocol.outcome import Lost, Outcome
from wool.protocol.prefetching_call import PrefetchingCall
from wool.protocol.tally import Tally
from wool.protocol.unacknowledged import Unacknowledged
from wool.tasks import Task
from wool.values.serializer import Buffer


class Calls(CallTable):
    """All calls on one link. `heard` is called as one is acknowledged, or ends before."""

    def __init__(
        self,
        sender: Sender,
        grace: float,
        tally: Tally | None = None,
        heard: Callable[[], None] | None = None,
    ) -> None:
        self._sender = sender
        self._grace = grace
        self._tally = tally or Tally()
        self._call_ids = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self.unacknowledged = Unacknowledged(heard)
        """Those that the worker has not confirmed yet."""
        self._abandoned: set[int] = set()
        self._tally.table = self._calls

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def sender(self) -> Sender:
        return self._sender

    def acknowledge(self, call_id: int) -> None:
        self.unacknowledged.discard(call_id)

    def open(
        self,
        task: Task,
        opened: wire.Open,
        buffers: Sequence[Buffer],
        *,
        context: Sequence[wire.ContextValue] | None = None,
        timeout: float | None = None,
    ) -> Call:
        """Send `task` off, as `opened` describes it. It has `timeout` seconds."""
        call_id = next(self._call_ids)
        opening = wire.Frame(call=call_id, open=opened, timeout=timeout, context=context)
        self._sender.send(opening, buffers)
        kind = PrefetchingCall if task.options.prefetch else Call
        call = self._calls[call_id] = kind(self, call_id, task, self._grace)
        self.unacknowledged.add(call_id)
        return call

    def forget(
        self, call_id: int, outcome: Outcome | Lost | None = None, *, closing: bool = False
    ) -> None:
        self._calls.pop(call_id, None)
        if isinstance(outcome, Outcome) and outcome.kind == "returned":
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
        if call is not None:
            call.received(frame, buffers)
            return
        self.unacknowledged.discard(frame.call)
        if frame.HasField("log"):  # by what the call left behind, such as a thread
            replay(frame.log.record)
        elif frame.call in self._abandoned:
            self._after_abandoning(frame)
        else:
            raise ProtocolError(f"a worker sent a frame for call {frame.call}, which is not open")

    def lost(self, error: Exception | None) -> None:
        """The link is gone, and with it every call on it."""
        for call in list(self._calls.values()):
            call.lost(error)
        self._abandoned.clear()
        self.unacknowledged.clear()

    def _after_abandoning(self, frame: wire.Frame) -> None:
        kind = frame.WhichOneof("kind")
        if kind == "yielded":
            self._sender.send(wire.Frame(call=frame.call, close=wire.Close(final=True)))
        elif kind != "ack":
            self._abandoned.discard(frame.call)
