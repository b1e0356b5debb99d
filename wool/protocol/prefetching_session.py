"""The worker's end of a generator that runs ahead of its consumer.

Steps are commanded in advance: so many with the opening, then one for each item that was taken.
"""

from __future__ import annotations

__all__ = ["PrefetchingSession"]

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from wool.protocol import variables
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import Sender
from wool.protocol.serializer import Buffer
from wool.protocol.session import Session, SessionState
from wool.task import Task


class PrefetchingSession(Session):
    """A generator that advances as long as steps are commanded."""

    def __init__(self, sender: Sender, opening: wire.Frame, task: Task) -> None:
        super().__init__(sender, opening, task)
        self._commands = deque([opening] * (1 + task.prefetch))
        self._commanded_one = asyncio.Event()

    def cancel(self, message: str = "", times: int = 1) -> None:
        """End the generator: cancel the step that runs, or close it between two."""
        self._closing = True
        if self._state is SessionState.SUSPENDED:
            self._cancels += 1
        super().cancel(message, times)
        self._commanded_one.set()

    def close(self) -> None:
        if not self._closing:
            self.cancel()

    def _commanded(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        if frame.HasField("next"):
            self._commands.append(frame)
            self._commanded_one.set()
        elif frame.HasField("close"):
            self.close()
        else:
            super()._commanded(frame, buffers)

    async def _work(self) -> None:
        function: Callable[..., AsyncGenerator[Any, Any]] = self._task.callable
        self._prepare(self._commands.popleft())
        async with aclosing(function(*self._task.args, **self._task.kwargs)) as generator:
            async for item in generator:
                self._yielded(item)
                while not self._commands and not self._closing:
                    self._commanded_one.clear()
                    await self._commanded_one.wait()
                if self._closing:
                    break
                self._move(SessionState.RUNNING)
                self._prepare(self._commands.popleft())
        self._returned(None)

    def _yielded(self, item: Any) -> None:
        pickled = self._pickle(item, "an item")
        context = variables.changes(self._variables)
        self._answer(
            wire.Frame(yielded=wire.Yield(value=pickled.data), context=context), pickled.buffers
        )
        self._move(SessionState.SUSPENDED)
