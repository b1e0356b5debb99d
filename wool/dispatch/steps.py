"""A remote generator, one step at a time."""

from __future__ import annotations

__all__ = ["RemoteSteps"]

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from wool.context import time_left
from wool.dispatch.connection import Connection
from wool.dispatch.dispatcher import Dispatcher
from wool.dispatch.forked import refuse_in_fork
from wool.dispatch.limits import within_limit
from wool.events import emit
from wool.exceptions import MessageTooLarge, PoolClosed, SerializationError
from wool.protocol import failure, variables
from wool.protocol import wire_pb2 as wire
from wool.protocol.call import Call, CallState
from wool.protocol.outcome import Lost, Outcome
from wool.support.forks import forks
from wool.tasks import Task
from wool.values import serializer
from wool.values.propagation import snapshot
from wool.values.serializer import Buffer


class RemoteSteps:
    """Drives one remote generator. The native generator in front of it is its only user."""

    def __init__(self, dispatcher: Dispatcher, task: Task) -> None:
        self._dispatcher = dispatcher
        self.task = task
        self._forks = forks.count
        self._opened: tuple[Connection, Call] | None = None

    async def start(self) -> Any:
        """Choose a worker and take the first step there."""
        emit("task-iteration-initiated", self.task)
        open_it = partial(self._dispatcher.open, self.task)
        worker, call, outcome = await within_limit(self.task, open_it)
        self._opened = worker, call
        self.task.sent_to = worker.metadata.pid
        return await self.item(outcome)

    async def next(self) -> Any:
        """Advance, the running `yield` returning None."""
        frame = wire.Frame()
        frame.next.SetInParent()
        task = self.task
        if task.observed or snapshot() or time_left(task.options.timeout) is not None:
            return await self.item(await self._step(frame))
        if self._forks != forks.count:
            refuse_in_fork()
        _, call = self._open()
        self._check_loop(call)
        call.step(frame)
        return await self.item(await call.outcome())

    async def send(self, value: Any) -> Any:
        """Advance, the running `yield` returning `value`."""
        if value is None:
            return await self.next()
        limit = self._dispatcher.max_message_size
        try:
            pickled = serializer.dumps(value, lambda: f"what was sent to {self.task.name!r}", limit)
        except (SerializationError, MessageTooLarge):
            await self.close()
            raise
        frame = wire.Frame(send=wire.Send(value=pickled.data))
        return await self.item(await self._step(frame, pickled.buffers))

    async def throw(self, error: BaseException) -> Any:
        """Advance, the running `yield` raising `error`."""
        try:
            if isinstance(error, GeneratorExit) and self._forks != forks.count:
                raise error  # the generator is another process's
            if type(error) is GeneratorExit and not error.args:
                outcome = await self.close()
            else:
                described = failure.encode(error, self._dispatcher.max_message_size)
                outcome = await self._step(wire.Frame(throw=wire.Throw(failure=described)))
            if isinstance(outcome, Lost) and _ends_all_the_same(error, outcome):
                raise error
            if isinstance(outcome, Outcome) and outcome.frame.raised.thrown_back:
                outcome.install_variables(beside=error)
                _bring_up_to_date(error, failure.decode(outcome.frame.raised.failure))
                raise error
            return await self.item(outcome)
        finally:
            del error  # its traceback leads to this frame

    def _check_loop(self, call: Call) -> None:
        loop = self._dispatcher.loop
        if call.state is not CallState.DONE and loop is not asyncio.get_running_loop():
            loop.call_soon_threadsafe(call.drop)
            raise RuntimeError(
                f"{self.task.name!r} was begun on another event loop, and goes on only there; it "
                f"was closed"
            )

    def _open(self) -> tuple[Connection, Call]:
        if self._opened is None:
            raise RuntimeError("a generator takes no step before its first")
        return self._opened

    async def close(self) -> Outcome | Lost:
        """Close the generator, and wait for what comes of it."""
        return await self._step(wire.Frame(close=wire.Close()))

    async def _step(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> Outcome | Lost:
        try:
            frame.context.extend(variables.current() or ())
        except (SerializationError, MessageTooLarge):
            await self._command(wire.Frame(close=wire.Close()), ())
            raise
        return await self._command(frame, buffers)

    async def _command(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> Outcome | Lost:
        emit("task-iteration-initiated", self.task)
        return await within_limit(self.task, partial(self._command_within, frame, buffers))

    async def _command_within(
        self, frame: wire.Frame, buffers: Sequence[Buffer], timeout: float | None
    ) -> Outcome | Lost:
        if self._forks != forks.count:
            refuse_in_fork()
        _, call = self._open()
        self._check_loop(call)
        if timeout is not None:
            frame.timeout = timeout
        if frame.HasField("close"):
            return await call.close(frame)
        call.step(frame, buffers)
        return await call.outcome()

    async def item(self, outcome: Outcome | Lost) -> Any:
        """Return the item of an outcome, or raise what it stands for."""
        if isinstance(outcome, Lost):
            worker, _ = self._open()
            raise await self._dispatcher.explain(self.task, worker, outcome)
        if outcome.kind == "returned":
            outcome.install_variables()
            raise StopAsyncIteration
        try:
            return outcome.result(self.task)
        except (SerializationError, KeyboardInterrupt):
            if outcome.kind == "yielded":  # nobody will ask for another
                await self.close()
            raise


def _ends_all_the_same(error: BaseException, lost: Lost) -> bool:
    """Tell whether what was thrown has its effect though nobody was there to see it."""
    closed_already = isinstance(error, GeneratorExit) and isinstance(lost.error, PoolClosed)
    return closed_already or isinstance(error, asyncio.CancelledError)


def _bring_up_to_date(error: BaseException, remote: BaseException) -> None:
    """Give an exception that went through the generator what was added to it there."""
    error.__dict__.update(remote.__dict__)
    update: dict[str, object] = {
        "__traceback__": remote.__traceback__,
        "__context__": error.__context__ or remote.__context__,
        "__cause__": remote.__cause__ or error.__cause__,
        "__suppress_context__": remote.__suppress_context__,
    }
    for name, value in update.items():
        failure.set_field(error, name, value)
