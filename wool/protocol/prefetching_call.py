"""The caller's end of a generator that runs ahead: several steps are due at once."""

from __future__ import annotations

__all__ = ["PrefetchingCall"]

import asyncio
from collections import deque
from collections.abc import Sequence

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.call import Call, CallState, CallTable
from wool.protocol.outcome import Lost, Outcome
from wool.tasks import Task
from wool.values.serializer import Buffer


class PrefetchingCall(Call):
    """One generator that runs ahead. It is suspended while no step is due."""

    def __init__(self, calls: CallTable, call_id: int, task: Task, grace: float) -> None:
        super().__init__(calls, call_id, task, grace)
        self._steps_due = 1 + task.options.prefetch

    def step(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        self._steps_due += 1
        super().step(frame, buffers)

    async def close(self, frame: wire.Frame) -> Outcome | Lost:
        """Close the generator, wherever it is, and wait for its last outcome. Drops its items."""
        self._drop_items(frame)
        return await self.outcome()

    def _drop_items(self, close: wire.Frame) -> None:
        self._outcomes = deque(self._outcomes, maxlen=1)  # the last, if it has ended
        if self._state not in (CallState.CANCELLING, CallState.DONE):
            self._outcomes.clear()
            self._move(CallState.CANCELLING)
            close.call = self._call_id
            self._calls.sender.send(close)

    def _yielded(self, outcome: Outcome) -> None:
        if not self._steps_due:
            raise ProtocolError("a worker sent more items than steps were commanded")
        self._steps_due -= 1
        if self._state is not CallState.CANCELLING:
            self._move(CallState.RUNNING if self._steps_due else CallState.SUSPENDED)
            self._arrived(outcome)

    def _move(self, state: CallState) -> None:
        if state is not self._state:
            super()._move(state)

    async def _cancel(self, cancelled: asyncio.CancelledError) -> Outcome | None:
        """End the generator: what it makes of the cancellation concerns nobody any more."""
        del cancelled
        self._drop_items(wire.Frame(close=wire.Close()))
        await self._clean_up(asyncio.get_running_loop().time() + self._grace)
        return None
