"""What a worker says of an observed call, as events."""

from __future__ import annotations

__all__ = ["Observer"]

from wool.events import emit
from wool.protocol import wire_pb2 as wire
from wool.reference import is_generator
from wool.tasks import Task

_OUTCOMES = ("yielded", "returned", "raised")


class Observer:
    """Emits the events of one call that come from its worker."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._is_generator = is_generator(task.callable)
        self._has_started = False
        self._step_has_started = False

    def received(self, frame: wire.Frame) -> None:
        """Take note of a frame of the call."""
        if not frame.began:
            return  # it was rejected, or has not begun yet
        if not self._has_started:
            self._has_started = True
            emit("task-started", self._task, frame.began)
        if self._is_generator and not self._step_has_started:
            self._step_has_started = True
            emit("task-iteration-started", self._task, frame.began)
        kind = frame.WhichOneof("kind")
        if kind not in _OUTCOMES:
            return
        if self._is_generator:
            self._step_has_started = False
            emit("task-iteration-completed", self._task, frame.ended)
        if kind != "yielded":
            emit("task-stopped", self._task, frame.ended)
