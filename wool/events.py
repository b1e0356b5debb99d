"""What becomes of each call, told to those who want to know."""

from __future__ import annotations

__all__ = ["TaskEvent", "TaskEventHandler", "TaskEventType", "emit", "is_watched"]

import inspect
import logging
import time
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, get_args

from wool.tasks import Task

_log = logging.getLogger(__name__)

TaskEventType = Literal[
    "task-created",
    "task-scheduled",
    "task-started",
    "task-stopped",
    "task-completed",
    "task-iteration-initiated",
    "task-iteration-started",
    "task-iteration-completed",
]

_TYPES: tuple[TaskEventType, ...] = get_args(TaskEventType)


class TaskEventHandler(Protocol):
    """Hears of events."""

    def __call__(
        self, event: TaskEvent, timestamp: int, context: Context | None = None, /
    ) -> object: ...


H = TypeVar("H", bound=TaskEventHandler)

_handlers: dict[str, list[TaskEventHandler]] = {}


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """Something that happened to a call. Handlers hear of it in the process that made the call.

    `task-created` and `task-completed` come for each call that found an active pool. What the
    caller did not get to know has no event: a call whose worker died has no `task-stopped`. With
    `prefetch` steps overlap: one may have started, or ended, before it is asked for. The types are
    listed in the order in which they come.

    Types of a call:
        task-created: The routine was called.
        task-scheduled: The call goes to a worker; again, if it has to go to another.
        task-started: The worker began to run it.
        task-stopped: It ended there, by returning, raising, or being cancelled or closed.
        task-completed: The caller goes on, with the result or an error.

    Types of a step of a generator:
        task-iteration-initiated: The consumer asked for it; at the first, before
            `task-scheduled`.
        task-iteration-started: The worker began it; at the first, after `task-started`.
        task-iteration-completed: It ended there; at the last, which ends the generator, before
            `task-stopped`.
    """

    type: TaskEventType
    task: Task

    @staticmethod
    def handler(*types: TaskEventType) -> Callable[[H], H]:
        """Return a decorator for a function that is to hear of events of `types`; of all, if none.

        It is called as `function(event, timestamp, context)`, on the event loop of the call.
        `timestamp` is in nanoseconds since the epoch; `-started`, `-stopped` and
        `-iteration-completed` have it from the worker's clock, the others from this process's.
        `context` is a copy of the `contextvars.Context` in which the call was made. What the
        function raises is logged, no more. A call that is open already is not watched.

        Raises ValueError for types that there are not, and TypeError for an async function.
        """
        unknown = set(types).difference(_TYPES)
        if unknown:
            raise ValueError(f"no event has the type {unknown.pop()!r}; the types are {_TYPES}")

        def register(function: H) -> H:
            if inspect.iscoroutinefunction(function):
                raise TypeError(
                    f"{function!r} is async, and handlers of events are plain functions"
                )
            for kind in types or _TYPES:
                _handlers.setdefault(kind, []).append(function)
            return function

        return register


def is_watched() -> bool:
    """Tell whether anybody wants to hear of calls."""
    return bool(_handlers)


def emit(kind: TaskEventType, task: Task, timestamp: int | None = None) -> None:
    """Tell the handlers, if `task` is observed; `timestamp` is by default the present."""
    if not task.observed:
        return
    event = TaskEvent(kind, task)
    when = time.time_ns() if timestamp is None else timestamp
    for handler in _handlers.get(kind, ()):
        try:
            handler(event, when, task.context)
        except Exception:  # noqa: BLE001 - user code
            _log.exception("a handler of %r failed: %r", kind, handler)
