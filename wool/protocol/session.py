"""The worker's end of one call.

    STARTING ──▶ RUNNING ◀── step ──▶ SUSPENDED        (a generator, between two steps)
        │           │                     │
        ▼           ▼                     ▼
      DONE ◀── returned, raised, cancelled, closed

A session is one asyncio task for the whole of its call, so that what a generator holds across its
yields (timeouts, cancel scopes, locks) stays with the task that took it. However user code ends,
the caller is told.
"""

from __future__ import annotations

__all__ = ["Session", "SessionState", "contained", "new_session"]

import asyncio
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextvars import Context
from enum import IntEnum, auto
from typing import Any

from wool.context import set_time_left, task_context
from wool.exceptions import ProtocolError, RoutineExited, WoolError
from wool.protocol import failure, serializer
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import Sender
from wool.protocol.serializer import Buffer, Pickled
from wool.routine import is_stream
from wool.task import Task
from wool.types import PoolLike

_INTERRUPTED = 130  # the exit status that a shell gives to a process that Ctrl-C ended


class SessionState(IntEnum):
    STARTING = auto()
    RUNNING = auto()
    SUSPENDED = auto()
    DONE = auto()


_NEXT = {
    SessionState.STARTING: {SessionState.RUNNING, SessionState.DONE},
    SessionState.RUNNING: {SessionState.SUSPENDED, SessionState.DONE},
    SessionState.SUSPENDED: {SessionState.RUNNING, SessionState.DONE},
    SessionState.DONE: set[SessionState](),
}

Command = tuple[wire.Frame, Sequence[Buffer]]


def new_session(sender: Sender, number: int, task: Task) -> Session:
    """Return the session for a task, which is not started yet."""
    kind = _StreamSession if is_stream(task.callable) else _CoroutineSession
    return kind(sender, number, task)


class Session(ABC):
    """One call, run here."""

    def __init__(self, sender: Sender, number: int, task: Task) -> None:
        self._sender = sender
        self._number = number
        self._task = task
        self._state = SessionState.STARTING
        self._cancels = 0
        self._closing = False
        self._thrown: BaseException | None = None
        self._runner: asyncio.Task[None] | None = None

    def start(self, pool: PoolLike, done: Callable[[int], None]) -> None:
        """Run the call in a task of its own, its nested calls going to `pool`."""
        self._runner = _start_task(self._run(), task_context(self._task, pool))
        self._runner.add_done_callback(lambda _: done(self._number))

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the caller. Raises ProtocolError if this is not the time for it."""
        if frame.HasField("cancel"):
            self.cancel(frame.cancel.message)
        elif frame.HasField("close") and frame.close.final:
            self.close()
        else:
            self._commanded(frame, buffers)

    def cancel(self, message: str = "") -> None:
        """Cancel the running step. Between two steps there is nothing to cancel."""
        if self._state is SessionState.STARTING:
            self._cancels += 1
        elif self._state is SessionState.RUNNING and self._runner is not None:
            self._cancels += 1
            self._runner.cancel(message or None)

    def close(self) -> None:
        """End the call, whoever waits for it: cancel its step, close its generator. Once."""
        if not self._closing:
            self._closing = True
            self.cancel()

    @abstractmethod
    async def _work(self) -> None:
        """Run the user's function. What it raises goes to the caller."""

    def _commanded(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        del buffers
        kind = frame.WhichOneof("kind")
        raise ProtocolError(f"a caller sent {kind!r} to a session in state {self._state.name}")

    async def _run(self) -> None:
        try:
            self._begin()
            set_time_left(self._task.timeout)
            await self._work()
        except BaseException as error:  # noqa: BLE001 - user code; the caller gets it
            self._raised(error)

    def _begin(self) -> None:
        if self._cancels:  # before it started: it never does, like a local task
            raise asyncio.CancelledError
        self._move(SessionState.RUNNING)

    def _move(self, state: SessionState) -> None:
        if state not in _NEXT[self._state]:
            raise ProtocolError(f"a session can't go from {self._state.name} to {state.name}")
        self._state = state

    def _pickle(self, value: Any, what: str) -> Pickled:
        name = f"{what} of {self._task.name!r}"
        try:
            return serializer.dumps(value, name, self._sender.max_message_size)
        except WoolError:
            raise
        except BaseException as error:
            raise serializer.unpicklable(value, name, error) from error

    def _returned(self, value: Any) -> None:
        pickled = self._pickle(value, "the result")
        result = wire.Return(value=pickled.data, cancels=self._cancels)
        self._sender.send(wire.Frame(call=self._number, returned=result), pickled.buffers)
        self._move(SessionState.DONE)

    def _raised(self, error: BaseException) -> None:
        thrown_back = error is self._thrown
        if not thrown_back:
            error = contained(error, self._task.name)
        described = failure.encode(error, self._sender.max_message_size)
        raised = wire.Raise(failure=described, cancels=self._cancels, thrown_back=thrown_back)
        self._sender.send(wire.Frame(call=self._number, raised=raised))
        self._move(SessionState.DONE)


class _CoroutineSession(Session):
    """One request, one answer."""

    async def _work(self) -> None:
        function: Callable[..., Coroutine[Any, Any, Any]] = self._task.callable
        self._returned(await function(*self._task.args, **self._task.kwargs))


class _StreamSession(Session):
    """A generator that advances one step per command."""

    def __init__(self, sender: Sender, number: int, task: Task) -> None:
        super().__init__(sender, number, task)
        self._inbox: deque[Command] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._held: deque[Any] = deque()
        self._ended: BaseException | None = None

    def cancel(self, message: str = "") -> None:
        if self._inbox:  # the step was commanded, and not begun
            self._cancels += 1
        else:
            super().cancel(message)

    def close(self) -> None:
        super().close()
        self._wake()

    def _commanded(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        if self._state is not SessionState.SUSPENDED:
            super()._commanded(frame, buffers)
        self._cancels = 0
        self._move(SessionState.RUNNING)
        self._inbox.append((frame, buffers))
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _work(self) -> None:
        function: Callable[..., AsyncGenerator[Any, Any]] = self._task.callable
        generator = function(*self._task.args, **self._task.kwargs)
        command: Command | asyncio.CancelledError = self._first_command()
        try:
            while True:
                item = await self._advance(generator, command)
                await self._settle_cancellation()
                await self._yielded(generator, item)
                command = await self._next_command(generator)
        except StopAsyncIteration:
            self._returned(None)

    def _first_command(self) -> Command:
        return wire.Frame(next=wire.Next(), timeout=self._task.timeout), ()

    async def _advance(
        self, generator: AsyncGenerator[Any, Any], command: Command | asyncio.CancelledError
    ) -> Any:
        """Take one step; return the item that it yields."""
        self._thrown = None
        if isinstance(command, asyncio.CancelledError):
            return await generator.athrow(command)
        frame, buffers = command
        set_time_left(frame.timeout if frame.HasField("timeout") else None)
        if frame.HasField("throw"):
            self._thrown = failure.decode(frame.throw.failure)
        elif frame.HasField("close"):
            self._thrown = GeneratorExit()
        if self._thrown is not None:
            return await generator.athrow(self._thrown)
        if self._held:
            return self._held.popleft()
        if frame.HasField("next"):
            return await anext(generator)
        try:
            value = serializer.loads(frame.send.value, buffers)
        except BaseException as error:
            await generator.aclose()
            raise serializer.unreadable(f"what was sent to {self._task.name!r}", error) from error
        return await generator.asend(value)

    async def _settle_cancellation(self) -> None:
        """See whether a step that went on saw its cancellation, or ended before it could."""
        runner = asyncio.current_task()
        if not self._cancels or runner is None:
            return
        cancels = self._cancels
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._cancels -= 1
        for _ in range(cancels):
            runner.uncancel()

    async def _yielded(self, generator: AsyncGenerator[Any, Any], item: Any) -> None:
        try:
            pickled = self._pickle(item, "an item")
        except WoolError:
            await generator.aclose()
            raise
        value = wire.Yield(value=pickled.data, cancels=self._cancels)
        self._sender.send(wire.Frame(call=self._number, yielded=value), pickled.buffers)
        self._move(SessionState.SUSPENDED)

    async def _next_command(
        self, generator: AsyncGenerator[Any, Any]
    ) -> Command | asyncio.CancelledError:
        """Wait for the caller's command; a cancellation that overtook it comes in its stead."""
        while not self._inbox:
            if self._closing:
                await generator.aclose()
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            except asyncio.CancelledError as cancelled:
                await self._between_steps(generator, cancelled)
        frame, buffers = self._inbox.popleft()
        if self._ended is not None:
            raise StopAsyncIteration if frame.HasField("close") else self._ended
        return asyncio.CancelledError() if self._cancels else (frame, buffers)

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


def _start_task(run: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None]:
    """Run a coroutine in a task; where Python can, up to its first wait, here and now."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(run, loop=loop, context=context, eager_start=True)
    return loop.create_task(run, context=context)


def contained(error: BaseException, name: str) -> BaseException:
    """Return what the caller of the routine `name` is to get: `error`, unless it ends processes."""
    if not isinstance(error, SystemExit | KeyboardInterrupt):
        return error
    code = error.code if isinstance(error, SystemExit) else _INTERRUPTED
    exited = RoutineExited(f"the routine {name!r} raised {error!r}; its worker goes on", code=code)
    return exited.with_traceback(error.__traceback__)
