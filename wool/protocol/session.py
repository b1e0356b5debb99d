"""The worker's end of one call, and of all calls on one link.

    STARTING ──▶ RUNNING ◀── step ──▶ SUSPENDED        (a generator, between two steps)
        │           │                     │
        ▼           ▼                     ▼
      DONE ◀── returned, raised, cancelled, closed

A session is one asyncio task for the whole of its call, so that what a generator holds across its
yields (timeouts, cancel scopes, locks) stays with the task that took it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextvars import Context
from enum import IntEnum, auto
from typing import Any

from wool.context import task_context
from wool.exceptions import MessageTooLarge, ProtocolError, RoutineExited, SerializationError
from wool.protocol import failure, serializer
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import Sender, read_task
from wool.protocol.serializer import Buffer, Pickled
from wool.routine import is_stream, plain_function
from wool.task import Task
from wool.types import PoolLike

__all__ = ["Session", "SessionState", "Sessions"]


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
_CLOSE: Command = (wire.Frame(close=wire.Close()), ())


class Session:
    """One call, run here."""

    def __init__(self, sender: Sender, number: int, task: Task) -> None:
        self._sender = sender
        self._number = number
        self._task = task
        self._state = SessionState.STARTING
        self._cancels = 0
        self._closing = False
        self._thrown: BaseException | None = None
        self._command: asyncio.Future[Command] | None = None
        self._runner: asyncio.Task[None] | None = None

    def start(self, pool: PoolLike, done: Callable[[int], None]) -> None:
        """Run the call in a task of its own, its nested calls going to `pool`."""
        run = self._run_stream if is_stream(self._task.callable) else self._run_coroutine
        self._runner = _start_task(run(), task_context(self._task, pool))
        self._runner.add_done_callback(lambda _: done(self._number))

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the caller. Raises ProtocolError if this is not the time for it."""
        if frame.WhichOneof("kind") == "cancel":
            self.cancel(frame.cancel.message)
        elif self._state is SessionState.SUSPENDED and self._command is not None:
            self._command.set_result((frame, buffers))
            self._command = None
        else:
            kind = frame.WhichOneof("kind")
            raise ProtocolError(f"a caller sent {kind!r} to a session in {self._state.name}")

    def cancel(self, message: str = "") -> None:
        """Cancel the running step. Between two steps there is nothing to cancel."""
        if self._state is SessionState.STARTING:
            self._cancels += 1
        elif self._state is SessionState.RUNNING and self._runner is not None:
            self._cancels += 1
            self._runner.cancel(message or None)

    def close(self) -> None:
        """End the call, whoever waits for it: cancel its step, close its generator."""
        self._closing = True
        self.cancel()
        if self._command is not None:
            self._command.set_result(_CLOSE)
            self._command = None

    def _move(self, state: SessionState) -> None:
        if state not in _NEXT[self._state]:
            raise ProtocolError(f"a session can't go from {self._state.name} to {state.name}")
        self._state = state

    async def _run_coroutine(self) -> None:
        function: Callable[..., Coroutine[Any, Any, Any]] = plain_function(self._task.callable)
        try:
            self._begin()
            value = await function(*self._task.args, **self._task.kwargs)
        except BaseException as error:  # noqa: BLE001 - user code; the caller gets it
            self._raised(error)
        else:
            self._returned(value)

    async def _run_stream(self) -> None:
        function: Callable[..., AsyncGenerator[Any, Any]] = plain_function(self._task.callable)
        try:
            self._begin()
            generator = function(*self._task.args, **self._task.kwargs)
        except BaseException as error:  # noqa: BLE001 - user code; the caller gets it
            self._raised(error)
            return
        command: Command = (wire.Frame(next=wire.Next()), ())
        while await self._step(generator, command):
            command = await self._next_command()
            self._cancels = 0
            self._move(SessionState.RUNNING)

    def _begin(self) -> None:
        if self._cancels:  # before it started, as a local task may be
            raise asyncio.CancelledError
        self._move(SessionState.RUNNING)

    async def _step(self, generator: AsyncGenerator[Any, Any], command: Command) -> bool:
        """Advance the generator by one step; tell whether it can go on."""
        try:
            item = await self._advance(generator, command)
        except StopAsyncIteration:
            self._returned(None)
        except BaseException as error:  # noqa: BLE001 - user code; the caller gets it
            self._raised(error)
        else:
            return await self._yielded(generator, item)
        return False

    async def _advance(self, generator: AsyncGenerator[Any, Any], command: Command) -> Any:
        frame, buffers = command
        kind = frame.WhichOneof("kind")
        self._thrown = None
        if kind == "next":
            return await anext(generator)
        if kind == "send":
            return await generator.asend(serializer.loads(frame.send.value, buffers))
        if kind == "throw":
            self._thrown = failure.decode(frame.throw.failure)
        elif kind == "close":
            self._thrown = GeneratorExit()
        else:
            raise ProtocolError(f"a caller sent {kind!r} to a generator")
        return await generator.athrow(self._thrown)

    async def _next_command(self) -> Command:
        """Wait for the caller. A cancellation that came too late for its step ends here."""
        runner = asyncio.current_task()
        while True:
            while runner is not None and runner.cancelling():
                runner.uncancel()
            if self._closing:
                return _CLOSE
            self._command = asyncio.get_running_loop().create_future()
            try:
                return await self._command
            except asyncio.CancelledError:
                self._command = None

    async def _yielded(self, generator: AsyncGenerator[Any, Any], item: Any) -> bool:
        try:
            pickled = self._pickle(item, "an item")
            value = wire.Yield(value=pickled.data, cancels=self._cancels)
            self._sender.send(wire.Frame(call=self._number, yielded=value), pickled.buffers)
        except (SerializationError, MessageTooLarge) as error:
            await generator.aclose()
            self._raised(error)
            return False
        self._move(SessionState.SUSPENDED)
        return True

    def _pickle(self, value: Any, what: str) -> Pickled:
        return serializer.dumps(
            value, lambda: f"{what} of {self._task.name!r}", self._sender.max_message_size
        )

    def _returned(self, value: Any) -> None:
        try:
            pickled = self._pickle(value, "the result")
            result = wire.Return(value=pickled.data, cancels=self._cancels)
            self._sender.send(wire.Frame(call=self._number, returned=result), pickled.buffers)
        except (SerializationError, MessageTooLarge) as error:
            self._raised(error)
        else:
            self._move(SessionState.DONE)

    def _raised(self, error: BaseException) -> None:
        thrown_back = error is self._thrown
        if isinstance(error, SystemExit | KeyboardInterrupt) and not thrown_back:
            error = _exited(self._task.name, error)
        self._move(SessionState.DONE)
        described = failure.encode(error, self._sender.max_message_size)
        raised = wire.Raise(failure=described, cancels=self._cancels, thrown_back=thrown_back)
        self._sender.send(wire.Frame(call=self._number, raised=raised))


def _start_task(run: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None]:
    """Run a coroutine in a task; where Python can, up to its first wait, here and now."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(run, loop=loop, context=context, eager_start=True)
    return loop.create_task(run, context=context)


def _exited(name: str, error: SystemExit | KeyboardInterrupt) -> RoutineExited:
    code = error.code if isinstance(error, SystemExit) else 130
    exited = RoutineExited(f"the routine {name!r} raised {error!r}; its worker goes on", code=code)
    return exited.with_traceback(error.__traceback__)


class Sessions:
    """The worker's end of a link: hands each frame to its session."""

    def __init__(self, sender: Sender, pool: PoolLike) -> None:
        self._sender = sender
        self._pool = pool
        self._sessions: dict[int, Session] = {}
        self._idle = asyncio.Event()
        self._draining = False

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def done(self) -> bool:
        """Tell whether the caller is gone and everything that it started has ended."""
        return self._draining and not self._sessions

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the link. Raises ProtocolError."""
        if frame.HasField("open"):
            self._open(frame, buffers)
        elif (session := self._sessions.get(frame.call)) is not None:
            session.received(frame, buffers)
        elif not (frame.HasField("cancel") or frame.HasField("close")):
            raise ProtocolError(f"a caller sent a frame for call {frame.call}, which is not open")

    def lost(self, error: Exception | None) -> None:
        """The caller is gone: end what it started."""
        del error
        self.close()

    def close(self) -> None:
        """Take no more calls, and end those that run."""
        self._draining = True
        for session in list(self._sessions.values()):
            session.close()

    async def wait_closed(self) -> None:
        """Wait until the last session has ended."""
        while self._sessions:
            self._idle.clear()
            await self._idle.wait()

    def _open(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        number = frame.call
        if self._draining:
            reject = wire.Reject(reason="the worker is stopping")
            self._sender.send(wire.Frame(call=number, reject=reject))
            return
        try:
            task = read_task(frame.open, buffers)
        except Exception as error:  # noqa: BLE001 - importing and unpickling run user code
            self._sender.send(wire.Frame(call=number, ack=wire.Ack()))
            raised = wire.Raise(failure=failure.encode(error, self._sender.max_message_size))
            self._sender.send(wire.Frame(call=number, raised=raised))
            return
        session = self._sessions[number] = Session(self._sender, number, task)
        session.start(self._pool, self._ended)
        # After the start, so that a call that ends at once is answered in one write.
        self._sender.send(wire.Frame(call=number, ack=wire.Ack()))

    def _ended(self, number: int) -> None:
        del self._sessions[number]
        if not self._sessions:
            self._idle.set()
