"""How a step of a call ended, as the caller sees it."""

from __future__ import annotations

__all__ = ["Lost", "Outcome"]

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wool.exceptions import SerializationError
from wool.protocol import failure, variables
from wool.protocol import wire_pb2 as wire
from wool.support.notes import note
from wool.tasks import Task
from wool.values import serializer
from wool.values.serializer import Buffer

_CLOSED = f"{GeneratorExit.__module__}.{GeneratorExit.__qualname__}"
_CANCELLED = f"{asyncio.CancelledError.__module__}.{asyncio.CancelledError.__qualname__}"


@dataclass(slots=True, eq=False)  # not frozen, which takes a microsecond
class Outcome:
    """How a step ended: the worker's frame, `yielded`, `returned`, `raised` or `reject`."""

    kind: str
    frame: wire.Frame
    buffers: Sequence[Buffer] = ()

    @property
    def not_started(self) -> bool:
        """Whether the worker did not take the call, and never will."""
        return self.kind == "reject"

    @property
    def cancels(self) -> int:
        """How many cancellations the step had seen."""
        frame = self.frame
        return frame.yielded.cancels or frame.returned.cancels or frame.raised.cancels

    @property
    def uncancels(self) -> int:
        """How many of them it took back, with Task.uncancel."""
        frame = self.frame
        return frame.yielded.uncancels or frame.returned.uncancels or frame.raised.uncancels

    def is_cancellation(self, message: str) -> bool:
        """Tell whether the step ended with the CancelledError that said `message`."""
        if self.kind != "raised":
            return False
        error = self.frame.raised.failure.exceptions[0]
        return error.name == _CANCELLED and error.text == message

    def install_variables(self, beside: BaseException | None = None) -> None:
        """Have the propagated variables hold here what the step has set.

        Raises SerializationError; or notes it on `beside`, the exception that is raised anyway.
        """
        if not self.frame.context:
            return
        try:
            variables.install(self.frame.context)
        except SerializationError as error:
            if beside is None:
                raise
            note(beside, f"beside it, {error}")

    @property
    def is_closing(self) -> bool:
        """Tell whether the call was a generator, and was closed."""
        raised = self.frame.raised
        return raised.thrown_back and raised.failure.exceptions[0].name == _CLOSED

    def result(self, task: Task) -> Any:
        """Return what the step of `task` returned or yielded; raise what it raised."""
        if self.kind == "raised":
            error = failure.decode(self.frame.raised.failure)
            self.install_variables(beside=error)
            try:
                raise error
            finally:
                del error  # it holds this frame
        if self.frame.context:
            self.install_variables()
        value = self.frame.returned.value or self.frame.yielded.value
        try:
            return serializer.loads(value, self.buffers)
        except KeyboardInterrupt:  # the user's
            raise
        except BaseException as error:
            raise serializer.unreadable(f"the result of {task.name!r}", error) from error


@dataclass(frozen=True, slots=True)
class Lost:
    """How a step ended if the link broke. `error` says why, where that is known."""

    acknowledged: bool
    error: Exception | None = None
    not_started: bool = False
    """Whether the call certainly never left this process."""
