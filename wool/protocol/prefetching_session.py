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
        self._closing = True
        if self._state is SessionState.SUSPENDED:
            self._cancels += 1
        Session.cancel(self, message, times)
        self._wake()

    def close(self) -> None:
        if not self._closing:
            self.cancel()

    def _commanded(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        if frame.HasField("next"):
            self._inbox.append((frame, buffers))
            self._wake()
        elif frame.HasField("close"):
            self.close()
        else:
            raise self._unexpected(frame)

    async def _next_command(
        self, generator: AsyncGenerator[Any, Any]
    ) -> Command | asyncio.CancelledError:
        if self._closing:
            raise StopAsyncIteration
        if self._ahead and not self._inbox:
            self._ahead -= 1
            self._inbox.append((self._opening, ()))
        command = await super()._next_command(generator)
        self._move(SessionState.RUNNING)
        return command
