"""The worker's end of a generator that runs ahead of its consumer.

Steps are commanded in advance: so many with the opening, then one for each item that was taken.
"""

from __future__ import annotations

__all__ = ["PrefetchingSession"]

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from wool.logs.outlet import Outlet
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import Sender
from wool.protocol.generator_session import Command, GeneratorSession
from wool.protocol.session import Session, SessionState
from wool.tasks import Task
from wool.values.serializer import Buffer


class PrefetchingSession(GeneratorSession):
    """A generator that advances as long as steps are commanded."""

    def __init__(self, sender: Sender, opening: wire.Frame, task: Task, outlet: Outlet) -> None:
        super().__init__(sender, opening, task, outlet)
        self._ahead = task.options.prefetch  # steps that were commanded with the opening

    def cancel(self, message: str = "", times: int = 1) -> None:
        """End the generator: cancel the step that runs, or close it between two."""
        self.closing = True
        if self.state is SessionState.SUSPENDED:
            self.cancels += 1
        Session.cancel(self, message, times)
        self.wake()

    def close(self) -> None:
        """End the call. Once."""
        if not self.closing:
            self.cancel()

    def commanded(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a further step's command, or the end. Raises ProtocolError for anything else."""
        if frame.HasField("next") and frame.next.count <= self.task.options.prefetch + 1:
            self.inbox.extend([(frame, buffers)] * (frame.next.count or 1))
            self.wake()
        elif frame.HasField("close"):
            self.close()
        else:
            raise self.unexpected(frame)

    async def next_command(
        self, generator: AsyncGenerator[Any, Any]
    ) -> Command | asyncio.CancelledError:
        """Return the next of the steps that were commanded, or wait for one."""
        if self.closing:
            raise StopAsyncIteration
        if self._ahead and not self.inbox:
            self._ahead -= 1
            self.inbox.append((self.opening, ()))
        command = await super().next_command(generator)
        self.move(SessionState.RUNNING)
        return command
