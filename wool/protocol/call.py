"""The caller's end of one call.

              ack              yield
OPENED ───────────▶ RUNNING ◀────────▶ SUSPENDED       (a generator, between two steps)
  │                    │       step        │
  ├────────────────────┼─── cancelled ──▶ CANCELLING   (waits for the outcome, up to grace)
  ▼                    ▼                   │
DONE ◀──── return, raise, reject, link lost, abandoned

An outcome acknowledges a call, too.
"""

from __future__ import annotations

__all__ = ["Call", "CallState", "CallTable"]

import asyncio
from collections import deque
from collections.abc import Sequence
from enum import IntEnum, auto
from typing import Protocol

from wool.exceptions import PoolClosed, ProtocolError
from wool.logs.records import replay
from wool.protocol import failure
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import Sender
from wool.protocol.observer import Observer
from wool.protocol.outcome import Lost, Outcome
from wool.support.waiting import shielded
from wool.tasks import Task
from wool.values.serializer import Buffer


class CallState(IntEnum):
    OPENED = auto()
    RUNNING = auto()
    SUSPENDED = auto()
    CANCELLING = auto()
    DONE = auto()


_NEXT = {
    CallState.OPENED: {
        CallState.RUNNING,
        CallState.SUSPENDED,
        CallState.CANCELLING,
        CallState.DONE,
    },
    CallState.RUNNING: {CallState.SUSPENDED, CallState.CANCELLING, CallState.DONE},
    CallState.SUSPENDED: {CallState.RUNNING, CallState.CANCELLING, CallState.DONE},
    CallState.CANCELLING: {CallState.SUSPENDED, CallState.DONE},
    CallState.DONE: set[CallState](),
}

_LAST = ("returned", "raised", "reject")
"""The frames after which nothing comes for a call."""


class CallTable(Protocol):
    """What a call needs of the table in which it stands."""

    @property
    def sender(self) -> Sender: ...

    def acknowledge(self, call_id: int) -> None:
        """Note that the worker took a call."""
        ...

    def forget(
        self, call_id: int, outcome: Outcome | Lost | None = None, *, closing: bool = False
    ) -> None:
        """Take a call off the table. With `closing`, see to it that its generator is closed."""
        ...


class Call:
    """One call on one link. Used by one task at a time.

    Kinds of calls differ in what `step`, `close`, `yielded` and `cancelled` do; they change the
    state by `move`, and pass outcomes on by `arrived`.
    """

    def __init__(self, table: CallTable, call_id: int, task: Task, grace: float) -> None:
        self.table = table
        self.call_id = call_id
        self.grace = grace
        self.state = CallState.OPENED
        self.outcomes: deque[Outcome | Lost] = deque()
        """Those that came and were not taken yet."""
        self.acknowledged = False
        self.opened_by = 0
        """Which frame of the link opened it, counted from one."""
        self._task = task
        self._waiter: asyncio.Future[None] | None = None
        self._observer = Observer(task) if task.observed else None
        self._requests = 0  # cancellations of the waiting task that the worker knows of

    async def outcome(self) -> Outcome | Lost:
        """Wait for the running step's outcome.

        Cancelled, it has the worker cancel the step and waits for its clean-up, for at most the
        grace; then it raises CancelledError, unless the step saw the cancellation and went on all
        the same: its outcome is returned then, as it would be locally.
        """
        try:
            if not self.outcomes:
                waiter = self._waiter = asyncio.get_running_loop().create_future()
                try:
                    await waiter
                finally:
                    self._waiter = None
            return self.outcomes.popleft()
        except asyncio.CancelledError as cancelled:
            outcome = await self.cancelled(cancelled)
            if outcome is None:
                raise
            return outcome
        except GeneratorExit:  # the waiting coroutine was closed, or dropped
            self.drop()
            raise

    def step(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        """Send a suspended generator on. What comes of it, `outcome` tells."""
        if self.state is CallState.DONE:
            return  # it was lost while it was suspended; the step's outcome says so
        self.move(CallState.RUNNING)
        self._requests = 0
        frame.call = self.call_id
        self.table.sender.send(frame, buffers)

    async def close(self, frame: wire.Frame) -> Outcome | Lost:
        """Close a generator by a `close` frame, and wait for what comes of it."""
        self.step(frame)
        return await self.outcome()

    def drop(self) -> None:
        """Have the worker end a call for which nobody waits any more, and forget it."""
        if self.state is not CallState.DONE:
            close = wire.Close(final=True)
            self.table.sender.send(wire.Frame(call=self.call_id, close=close))
            self.abandon()

    def abandon(self) -> None:
        """Forget a call whose clean-up was not confirmed in time."""
        if self.state is not CallState.DONE:
            self.table.forget(self.call_id, closing=True)
            self.move(CallState.DONE)

    def received(self, kind: str | None, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the worker. Raises ProtocolError if this is not the time for it."""
        if kind == "log":
            replay(frame.log.record, self._task.context)
            return
        if not self.acknowledged:
            self._acknowledge(kind)
        elif kind in ("ack", "reject"):
            raise ProtocolError(f"a worker sent {kind!r} after it acknowledged the call")
        if self._observer is not None:
            self._observer.received(frame)
        if kind in _LAST:
            self._ended(Outcome(kind, frame, buffers))
        elif kind == "yielded":
            self.yielded(Outcome(kind, frame, buffers))
        elif kind != "ack":
            raise ProtocolError(f"a worker sent {kind!r} to a call in state {self.state.name}")
        elif self.state is CallState.OPENED:
            self.move(CallState.RUNNING)

    def _acknowledge(self, kind: str | None) -> None:
        if kind != "reject":  # an outcome acknowledges, too
            self.acknowledged = True
            if kind not in _LAST:  # with which it is forgotten
                self.table.acknowledge(self.call_id)

    def _ended(self, outcome: Outcome) -> None:
        if self.state is CallState.SUSPENDED and outcome.kind != "reject":
            self._end(Lost(self.acknowledged, PoolClosed("the pool was left")))
        else:
            self._end(outcome)

    def lost(self, error: Exception | None, *, written: int) -> None:
        """The link is gone, on which so many frames may have left."""
        self._end(Lost(self.acknowledged, error, not_started=self.opened_by > written))

    def yielded(self, outcome: Outcome) -> None:
        """Take an item."""
        self.move(CallState.SUSPENDED)
        self.arrived(outcome)

    def arrived(self, outcome: Outcome | Lost) -> None:
        """Pass an outcome to whoever waits for it, or will."""
        self.outcomes.append(outcome)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def move(self, state: CallState) -> None:
        """Change the state. Raises ProtocolError if there is no way from the present one."""
        if state not in _NEXT[self.state]:
            raise ProtocolError(f"a call can't go from {self.state.name} to {state.name}")
        self.state = state

    async def cancelled(self, reason: asyncio.CancelledError) -> Outcome | None:
        """Cancel the step remotely; return its outcome if it did not heed the cancellation."""
        deadline = asyncio.get_running_loop().time() + self.grace
        if not self.outcomes:
            self.move(CallState.CANCELLING)
        self._send_cancel(reason)
        outcome = await self.clean_up(deadline)
        if isinstance(outcome, Outcome) and outcome.kind == "yielded" and not outcome.cancels:
            # The item and the cancellation crossed. The consumer never sees the item.
            self.step(wire.Frame(close=wire.Close()))
            outcome = await self.clean_up(deadline)
            if self.state is CallState.SUSPENDED:
                self.drop()
        if not isinstance(outcome, Outcome):
            return None
        _uncancel(outcome.uncancels)
        if outcome.cancels and not outcome.is_cancellation(_message(reason)):
            return outcome
        outcome.install_variables(beside=reason)
        return None

    async def clean_up(self, deadline: float) -> Outcome | Lost | None:
        """Wait for an outcome until the deadline, whatever comes; then abandon the call."""
        while True:
            try:
                with shielded():
                    return await self._arrival(deadline)
            except TimeoutError:
                self.abandon()
                return None
            except asyncio.CancelledError as again:
                self._send_cancel(again)

    def _end(self, outcome: Outcome | Lost) -> None:
        self.table.forget(self.call_id, outcome)
        self.move(CallState.DONE)
        self.arrived(outcome)

    async def _arrival(self, deadline: float) -> Outcome | Lost:
        """Wait for the outcome. Raises TimeoutError at the deadline, in the loop's time."""
        if not self.outcomes:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = loop.call_at(deadline, _expire, waiter)
            try:
                await waiter
            finally:
                self._waiter = None
                timer.cancel()
        return self.outcomes.popleft()

    def _send_cancel(self, reason: asyncio.CancelledError) -> None:
        if self.state is CallState.CANCELLING:
            task = asyncio.current_task()
            times = max(0, task.cancelling() - self._requests) if task is not None else 0
            self._requests += times
            cancel = wire.Cancel(message=_message(reason), times=times)
            self.table.sender.send(wire.Frame(call=self.call_id, cancel=cancel))


def _message(reason: asyncio.CancelledError) -> str:
    return failure.printable(reason.args[0]) if reason.args else ""


def _uncancel(times: int) -> None:
    """Take cancellations of the waiting task back, as the routine did."""
    task = asyncio.current_task()
    for _ in range(times):
        if task is not None:
            task.uncancel()


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
