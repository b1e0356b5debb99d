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
from wool.protocol.raised_on import note_worker
from wool.support.forks import end_fork, forks
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
    """One call, run here.

    Kinds of sessions differ in what `work`, `commanded`, `cancel` and `close` do. They use the
    attributes without an underscore, change the state by `move`, and answer by `answer`.
    """

    def __init__(self, sender: Sender, opening: wire.Frame, task: Task, outlet: Outlet) -> None:
        self.opening = opening
        self.task = task
        self.state = SessionState.STARTING
        self.cancels = 0
        """How many Cancel frames the running step has seen."""
        self.requests = 0
        """How often they cancelled the runner."""
        self.reason = ""
        """The message of a cancellation that came before there was a step to cancel."""
        self.closing = False
        self.thrown: BaseException | None = None
        """What the caller threw into the running step."""
        self._sender = sender
        self._outlet = outlet
        self._call_id = opening.call
        self._began = 0
        self._variables: Mapping[str, object] = {}
        self._forks = forks.count
        self._has_answered = False
        self._tells = _log.isEnabledFor(logging.DEBUG)
        self._runner: asyncio.Task[None] | None = None
        self._context = _NOWHERE

    def start(
        self, pool: PoolLike, base: Context, fairness: Fairness, done: Callable[[int], None]
    ) -> None:
        """Run the call in a task and a copy of `base` of its own, its nested calls going to `pool`.

        The caller is told that the call was taken, unless its first step's outcome says so already.
        """
        self._context = task_context(self.task, pool, self._outlet, base)
        runner = start_eagerly(self._run(fairness, done), self._context)
        if self.state is not SessionState.DONE:
            self._runner = runner
        if not self._has_answered:
            ack = wire.Frame(call=self._call_id, ack=wire.Ack(), began=self._began)
            self._sender.send(ack)

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the caller. Raises ProtocolError if this is not the time for it."""
        if frame.HasField("cancel"):
            self.cancel(frame.cancel.message, frame.cancel.times or 1)
        elif frame.HasField("close") and frame.close.final:
            self.close()
        else:
            self.commanded(frame, buffers)

    def cancel(self, message: str = "", times: int = 1) -> None:
        """Cancel the running step. Between two steps there is nothing to cancel."""
        if self.state is SessionState.STARTING:
            self.cancel_early(message)
        elif self.state is SessionState.RUNNING and self._runner is not None:
            self.cancels += 1
            self.requests += times
            self._context.run(set_time_left, None)  # clean-up may call; it has the pool's grace
            for _ in range(times):
                self._runner.cancel(message or None)

    def cancel_early(self, message: str) -> None:
        """Note a cancellation for the step that is about to begin."""
        self.reason = self.reason or message
        self.cancels += 1

    def cancellation(self) -> asyncio.CancelledError:
        """Return what stands for a cancellation that was noted early."""
        return asyncio.CancelledError(*[self.reason] if self.reason else [])

    def close(self) -> None:
        """End the call, whoever waits for it: cancel its step, close its generator. Once."""
        if not self.closing:
            self.closing = True
            self.cancel()

    @abstractmethod
    async def work(self) -> None:
        """Run the user's function. What it raises goes to the caller."""

    def commanded(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a step's command. Raises ProtocolError where no step may follow."""
        del buffers
        raise self.unexpected(frame)

    def unexpected(self, frame: wire.Frame) -> ProtocolError:
        """Return the error for a frame for which this is not the time."""
        kind = frame.WhichOneof("kind")
        return ProtocolError(f"a caller sent {kind!r} to a session in state {self.state.name}")

    async def _run(self, fairness: Fairness, done: Callable[[int], None]) -> None:
        try:
            while fairness.is_overdue():  # noqa: ASYNC110 - one turn is what is awaited
                await asyncio.sleep(0)
            if self.cancels:  # before it started: it never does, like a local task
                self._raised(self.cancellation())
                return
            self.move(SessionState.RUNNING)
            if self._tells:
                _log.debug("%s runs", self.task)
            await self.work()
        except BaseException as error:  # noqa: BLE001 - user code; the caller gets it
            self._raised(error)
        finally:
            self._runner, self._context = None, _NOWHERE  # they lead back here
            done(self._call_id)

    def prepare(self, command: wire.Frame) -> None:
        """Make the context that of the caller at a step: its variables, and the time it has."""
        if self.task.observed:
            self._began = time.time_ns()
        set_time_left(command.timeout if command.HasField("timeout") else None)
        if command.context:
            variables.install(command.context)
        self._variables = snapshot()

    def move(self, state: SessionState) -> None:
        """Change the state. Raises ProtocolError if there is no way from the present one."""
        if state not in _NEXT[self.state]:
            raise ProtocolError(f"a session can't go from {self.state.name} to {state.name}")
        self.state = state

    def uncancels(self) -> int:
        """Tell how many of its cancellations the step took back."""
        runner = asyncio.current_task()
        if not self.requests or runner is None:
            return 0
        return max(0, self.requests - runner.cancelling())

    def pickle(self, value: Any, what: str) -> Pickled:
        """Pickle what the call gives, which is `what` in errors."""
        try:
            return serializer.dumps(
                value, lambda: f"{what} of {self.task.name!r}", self._sender.max_message_size
            )
        except WoolError:
            raise
        except BaseException as error:
            raise serializer.unpicklable(value, f"{what} of {self.task.name!r}", error) from error

    def answer(self, outcome: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        """Send how a step ended, with the variables that it has set."""
        self._outlet.tell()
        outcome.call = self._call_id
        self._has_answered = True
        if self.task.observed:
            outcome.began = self._began
            outcome.ended = time.time_ns()
        self._sender.send(outcome, buffers)

    def changes(self) -> list[wire.ContextValue] | None:
        """Describe the variables that the step has set."""
        return variables.changes(self._variables)

    def end_if_forked(self, error: BaseException | None = None) -> None:
        """End the process if the step that ended has forked it: the caller waits for the other."""
        if self._forks != forks.count:
            end_fork(error)

    def returned(self, value: Any) -> None:
        """End the call with a result."""
        self.end_if_forked()
        pickled = self.pickle(value, "the result")
        outcome = wire.Frame(context=self.changes())
        outcome.returned.value = pickled.data
        if self.cancels or self.requests:
            outcome.returned.cancels = self.cancels
            outcome.returned.uncancels = self.uncancels()
        if self._tells:
            _log.debug("%s returned", self.task)
        self.answer(outcome, pickled.buffers)
        self.move(SessionState.DONE)

    def _raised(self, error: BaseException) -> None:
        self.end_if_forked(error)
        thrown_back = error is self.thrown
        self.thrown = None  # its traceback leads to this session
        if not thrown_back:
            error = contained(error, self.task.name)
            note_worker(error)
        try:
            context = self.changes()
        except (SerializationError, MessageTooLarge) as unsendable:
            error, context, thrown_back = unsendable, None, False
        described = failure.encode(error, self._sender.max_message_size)
        raised = wire.Raise(
            failure=described,
            cancels=self.cancels,
            thrown_back=thrown_back,
            uncancels=self.uncancels(),
        )
        if self._tells:
            _log.debug("%s raised %s", self.task, type(error).__qualname__)
        self.answer(wire.Frame(raised=raised, context=context))
        self.move(SessionState.DONE)


class CoroutineSession(Session):
    """One request, one answer."""

    async def work(self) -> None:
        """Run the function once."""
        self.prepare(self.opening)
        function: Callable[..., Coroutine[Any, Any, Any]] = self.task.callable
        self.returned(await function(*self.task.args, **self.task.kwargs))


def contained(error: BaseException, name: str) -> BaseException:
    """Return what the caller of the routine `name` is to get: `error`, unless it ends processes."""
    if not isinstance(error, SystemExit | KeyboardInterrupt):
        return error
    code = error.code if isinstance(error, SystemExit) else _INTERRUPTED
    exited = RoutineExited(f"the routine {name!r} raised {error!r}; its worker goes on", code=code)
    return exited.with_traceback(error.__traceback__)
