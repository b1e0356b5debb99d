"""The worker's end of one call.

    STARTING ──▶ RUNNING ◀── step ──▶ SUSPENDED        (a generator, between two steps)
        │           │                     │
        ▼           ▼                     ▼
      DONE ◀── returned, raised, cancelled, closed

A session is one asyncio task for the whole of its call. However user code ends, the caller is told.
"""

from __future__ import annotations

__all__ = ["CoroutineSession", "Session", "SessionState", "contained"]

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from enum import IntEnum, auto
from typing import Any

from wool.context import set_time_left, task_context
from wool.exceptions import (
    MessageTooLarge,
    ProtocolError,
    RoutineExited,
    SerializationError,
    WoolError,
)
from wool.logs.outlet import Outlet
from wool.protocol import failure, variables
from wool.protocol import wire_pb2 as wire
from wool.protocol.eager import start_eagerly
from wool.protocol.fairness import Fairness
from wool.protocol.frames import Sender
from wool.support.forks import end_fork, generation
from wool.tasks import Task
from wool.types import PoolLike
from wool.values import serializer
from wool.values.propagation import snapshot
from wool.values.serializer import Buffer, Pickled

_log = logging.getLogger(__name__)

_NOWHERE = Context()
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


class Session(ABC):
    """One call, run here."""

    def __init__(self, sender: Sender, opening: wire.Frame, task: Task, outlet: Outlet) -> None:
        self._sender = sender
        self._outlet = outlet
        self._opening = opening
        self._call_id = opening.call
        self._began = 0
        self._variables: Mapping[str, object] = {}
        self._task = task
        self._forks = generation()
        self._state = SessionState.STARTING
        self._has_answered = False
        self._cancels = 0
        self._requests = 0  # how often the runner was cancelled; `_cancels` counts frames
        self._reason = ""  # for a cancellation that came before there was a step to cancel
        self._closing = False
        self._thrown: BaseException | None = None
        self._runner: asyncio.Task[None] | None = None
        self._context = _NOWHERE

    def start(self, pool: PoolLike, fairness: Fairness, done: Callable[[int], None]) -> None:
        """Run the call in a task of its own, its nested calls going to `pool`.

        The caller is told that the call was taken, unless its first step's outcome says so already.
        """
        self._context = task_context(self._task, pool, self._outlet)
        self._runner = start_eagerly(self._run(fairness), self._context)
        self._runner.add_done_callback(lambda _: self._finish(done))
        if not self._has_answered:
            ack = wire.Frame(call=self._call_id, ack=wire.Ack(), began=self._began)
            self._sender.send(ack)

    def _finish(self, done: Callable[[int], None]) -> None:
        self._runner, self._context = None, _NOWHERE  # they lead back here
        done(self._call_id)

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the caller. Raises ProtocolError if this is not the time for it."""
        if frame.HasField("cancel"):
            self.cancel(frame.cancel.message, frame.cancel.times or 1)
        elif frame.HasField("close") and frame.close.final:
            self.close()
        else:
            self._commanded(frame, buffers)

    def cancel(self, message: str = "", times: int = 1) -> None:
        """Cancel the running step. Between two steps there is nothing to cancel."""
        if self._state is SessionState.STARTING:
            self._cancel_early(message)
        elif self._state is SessionState.RUNNING and self._runner is not None:
            self._cancels += 1
            self._requests += times
            self._context.run(set_time_left, None)  # clean-up may call; it has the pool's grace
            for _ in range(times):
                self._runner.cancel(message or None)

    def _cancel_early(self, message: str) -> None:
        self._reason = self._reason or message
        self._cancels += 1

    def _cancellation(self) -> asyncio.CancelledError:
        return asyncio.CancelledError(*[self._reason] if self._reason else [])

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
        raise self._unexpected(frame)

    def _unexpected(self, frame: wire.Frame) -> ProtocolError:
        kind = frame.WhichOneof("kind")
        return ProtocolError(f"a caller sent {kind!r} to a session in state {self._state.name}")

    async def _run(self, fairness: Fairness) -> None:
        try:
            while fairness.is_overdue:  # noqa: ASYNC110 - one turn is what is awaited
                await asyncio.sleep(0)
            self._begin()
            await self._work()
        except BaseException as error:  # noqa: BLE001 - user code; the caller gets it
            self._raised(error)

    def _begin(self) -> None:
        if self._cancels:  # before it started: it never does, like a local task
            raise self._cancellation()
        self._move(SessionState.RUNNING)
        _log.debug("%s runs", self._task)

    def _prepare(self, command: wire.Frame) -> None:
        """Make the context that of the caller at a step: its variables, and the time it has."""
        if self._task.observed:
            self._began = time.time_ns()
        set_time_left(command.timeout if command.HasField("timeout") else None)
        if command.context:
            variables.install(command.context)
        self._variables = snapshot()

    def _move(self, state: SessionState) -> None:
        if state not in _NEXT[self._state]:
            raise ProtocolError(f"a session can't go from {self._state.name} to {state.name}")
        self._state = state

    def _uncancels(self) -> int:
        """Tell how many of its cancellations the step took back."""
        runner = asyncio.current_task()
        if not self._requests or runner is None:
            return 0
        return max(0, self._requests - runner.cancelling())

    def _pickle(self, value: Any, what: str) -> Pickled:
        name = f"{what} of {self._task.name!r}"
        try:
            return serializer.dumps(value, name, self._sender.max_message_size)
        except WoolError:
            raise
        except BaseException as error:
            raise serializer.unpicklable(value, name, error) from error

    def _answer(self, outcome: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        """Send how a step ended."""
        self._outlet.tell()
        outcome.call = self._call_id
        self._has_answered = True
        if self._task.observed:
            outcome.began = self._began
            outcome.ended = time.time_ns()
        self._sender.send(outcome, buffers)

    def _end_if_forked(self, error: BaseException | None = None) -> None:
        """End the process if the step that ended has forked it: the caller waits for the other."""
        if generation() != self._forks:
            end_fork(error)

    def _returned(self, value: Any) -> None:
        self._end_if_forked()
        pickled = self._pickle(value, "the result")
        result = wire.Return(value=pickled.data, cancels=self._cancels, uncancels=self._uncancels())
        context = variables.changes(self._variables)
        _log.debug("%s returned", self._task)
        self._answer(wire.Frame(returned=result, context=context), pickled.buffers)
        self._move(SessionState.DONE)

    def _raised(self, error: BaseException) -> None:
        self._end_if_forked(error)
        thrown_back = error is self._thrown
        self._thrown = None  # its traceback leads to this session
        if not thrown_back:
            error = contained(error, self._task.name)
        try:
            context = variables.changes(self._variables)
        except (SerializationError, MessageTooLarge) as unsendable:
            error, context, thrown_back = unsendable, None, False
        described = failure.encode(error, self._sender.max_message_size)
        raised = wire.Raise(
            failure=described,
            cancels=self._cancels,
            thrown_back=thrown_back,
            uncancels=self._uncancels(),
        )
        _log.debug("%s raised %s", self._task, type(error).__qualname__)
        self._answer(wire.Frame(raised=raised, context=context))
        self._move(SessionState.DONE)


class CoroutineSession(Session):
    """One request, one answer."""

    async def _work(self) -> None:
        self._prepare(self._opening)
        function: Callable[..., Coroutine[Any, Any, Any]] = self._task.callable
        self._returned(await function(*self._task.args, **self._task.kwargs))


def contained(error: BaseException, name: str) -> BaseException:
    """Return what the caller of the routine `name` is to get: `error`, unless it ends processes."""
    if not isinstance(error, SystemExit | KeyboardInterrupt):
        return error
    code = error.code if isinstance(error, SystemExit) else _INTERRUPTED
    exited = RoutineExited(f"the routine {name!r} raised {error!r}; its worker goes on", code=code)
    return exited.with_traceback(error.__traceback__)
