"""The worker's end of a generator's call: one step per command.

One task takes all steps, so that what the generator holds across its yields (timeouts, cancel
scopes, locks) stays with the task that took it.
"""

from __future__ import annotations

__all__ = ["GeneratorSession"]

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from wool.logs.outlet import Outlet
from wool.protocol import failure
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import Sender
from wool.protocol.session import Session, SessionState
from wool.tasks import Task
from wool.values import serializer
from wool.values.serializer import Buffer

Command = tuple[wire.Frame, Sequence[Buffer]]


class GeneratorSession(Session):
    """A generator that advances one step per command."""

    def __init__(self, sender: Sender, opening: wire.Frame, task: Task, outlet: Outlet) -> None:
        super().__init__(sender, opening, task, outlet)
        self.inbox: deque[Command] = deque()
        """Steps that were commanded and have not begun."""
        self._waiter: asyncio.Future[None] | None = None
        self._held: deque[Any] = deque()
        self._ended: BaseException | None = None

    def cancel(self, message: str = "", times: int = 1) -> None:
        """Cancel the running step, or the one that is about to begin."""
        if self.inbox:  # the step was commanded, and not begun
            self.cancel_early(message)
        else:
            super().cancel(message, times)

    def close(self) -> None:
        """End the call, also between two steps."""
        super().close()
        self.wake()

    def commanded(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take the next step's command. Raises ProtocolError while a step runs."""
        if self.state is not SessionState.SUSPENDED:
            raise self.unexpected(frame)
        self.cancels = self.requests = 0
        self.reason = ""
        self.move(SessionState.RUNNING)
        self.inbox.append((frame, buffers))
        self.wake()

    def wake(self) -> None:
        """Have whoever waits for a command look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def work(self) -> None:
        """Take steps as they are commanded."""
        function: Callable[..., AsyncGenerator[Any, Any]] = self.task.callable
        command: Command | asyncio.CancelledError = self.opening, ()
        try:
            async with aclosing(function(*self.task.args, **self.task.kwargs)) as generator:
                while True:
                    item = await self._advance(generator, command)
                    self.end_if_forked()
                    uncancels = await self._settle_cancellation() if self.requests else 0
                    self._yielded(item, uncancels)
                    command = await self.next_command(generator)
        except StopAsyncIteration:
            self.returned(None)

    async def _advance(
        self, generator: AsyncGenerator[Any, Any], command: Command | asyncio.CancelledError
    ) -> Any:
        """Take one step; return the item that it yields."""
        self.thrown = None
        if isinstance(command, asyncio.CancelledError):
            return await generator.athrow(command)
        frame, buffers = command
        self.prepare(frame)
        if frame.HasField("throw"):
            self.thrown = failure.decode(frame.throw.failure)
        elif frame.HasField("close"):
            self.thrown = GeneratorExit()
        if self.thrown is not None:
            return await generator.athrow(self.thrown)
        if self._held:
            return self._held.popleft()
        if not frame.HasField("send"):
            return await anext(generator)
        try:
            value = serializer.loads(frame.send.value, buffers)
        except BaseException as error:
            raise serializer.unreadable(f"what was sent to {self.task.name!r}", error) from error
        return await generator.asend(value)

    async def _settle_cancellation(self) -> int:
        """See whether a step that went on saw its cancellation, or ended before it could.

        Return how many it took back.
        """
        runner = asyncio.current_task()
        if runner is None:
            return 0
        uncancels = self.uncancels()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancels -= 1
        for _ in range(self.requests - uncancels):
            runner.uncancel()
        return uncancels

    def _yielded(self, item: Any, uncancels: int) -> None:
        pickled = self.pickle(item, "an item")
        outcome = wire.Frame(context=self.changes())
        outcome.yielded.value = pickled.data
        if self.cancels or uncancels:
            outcome.yielded.cancels = self.cancels
            outcome.yielded.uncancels = uncancels
        self.answer(outcome, pickled.buffers)
        self.move(SessionState.SUSPENDED)

    async def next_command(
        self, generator: AsyncGenerator[Any, Any]
    ) -> Command | asyncio.CancelledError:
        """Wait for the caller's command; a cancellation that overtook it comes in its stead."""
        while not self.inbox:
            if self.closing:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            except asyncio.CancelledError as cancelled:
                await self._between_steps(generator, cancelled)
        frame, buffers = self.inbox.popleft()
        if self._ended is not None:
            raise StopAsyncIteration if frame.HasField("close") else self._ended
        return self.cancellation() if self.cancels else (frame, buffers)

    async def _between_steps(
        self, generator: AsyncGenerator[Any, Any], cancelled: asyncio.CancelledError
    ) -> None:
        """Let the generator see that a timeout or scope expired that it holds across its yield.

        What comes of it is the next step's outcome.
        """
        try:
            self._held.append(await generator.athrow(cancelled))
        except BaseException as error:  # noqa: BLE001 - user code; the caller gets it
            self._ended = error
