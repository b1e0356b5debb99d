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

    def __init__(self, table: CallTable, call_id: int, task: Task, grace: float) -> None:
        super().__init__(table, call_id, task, grace)
        self._steps_due = 1 + task.options.prefetch
        self._unsaid = 0  # steps that are due, and that the worker is still to be told of

    def step(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        """Command another step, while others may be under way.

        While there are items to be taken, commands wait for those of the same turn of the loop.
        """
        self._steps_due += 1
        if frame.HasField("timeout") or frame.context:
            self._say()
            super().step(frame, buffers)
            return
        if self.state is CallState.DONE:
            return
        self.move(CallState.RUNNING)
        self._unsaid += 1
        if not self.outcomes:
            self._say()
        elif self._unsaid == 1:
            asyncio.get_running_loop().call_soon(self._say)

    def _say(self) -> None:
        """Tell the worker of the steps that it has not been told of."""
        count, self._unsaid = self._unsaid, 0
        if count and self.state is CallState.RUNNING:
            frame = wire.Frame(call=self.call_id)
            frame.next.count = count
            self.table.sender.send(frame)

    async def close(self, frame: wire.Frame) -> Outcome | Lost:
        """Close the generator, wherever it is, and wait for its last outcome. Drops its items."""
        self._drop_items(frame)
        return await self.outcome()

    def _drop_items(self, close: wire.Frame) -> None:
        self.outcomes = deque(self.outcomes, maxlen=1)  # the last, if it has ended
        if self.state not in (CallState.CANCELLING, CallState.DONE):
            self.outcomes.clear()
            self.move(CallState.CANCELLING)
            close.call = self.call_id
            self.table.sender.send(close)

    def yielded(self, outcome: Outcome) -> None:
        """Take an item of a step that was due. Raises ProtocolError if none was."""
        if not self._steps_due:
            raise ProtocolError("a worker sent more items than steps were commanded")
        self._steps_due -= 1
        if self.state is not CallState.CANCELLING:
            self.move(CallState.RUNNING if self._steps_due else CallState.SUSPENDED)
            self.arrived(outcome)

    def move(self, state: CallState) -> None:
        """Change the state, unless several steps leave it as it is."""
        if state is not self.state:
            super().move(state)

    async def cancelled(self, reason: asyncio.CancelledError) -> Outcome | None:
        """End the generator: what it makes of the cancellation concerns nobody any more."""
        del reason
        self._drop_items(wire.Frame(close=wire.Close()))
        await self.clean_up(asyncio.get_running_loop().time() + self.grace)
        return None
