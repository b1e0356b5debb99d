"""Frames: how tasks, values and failures are put into them and taken out again."""

from __future__ import annotations

__all__ = ["PROTOCOL_VERSION", "Sender", "open_frame", "read_task"]

import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from wool.exceptions import MessageTooLarge, SerializationError
from wool.protocol import wire_pb2 as wire
from wool.protocol.routines import ByValue, Described, Routine
from wool.reference import reference
from wool.support.notes import note
from wool.tasks import NO_OPTIONS, Options, Task
from wool.values import serializer
from wool.values.serializer import Buffer, Pickled

PROTOCOL_VERSION = 2


class Sender(Protocol):
    """The sending half of a link."""

    @property
    def max_message_size(self) -> int:
        """Bytes that one pickled value may take."""
        ...

    @property
    def queued(self) -> int:
        """How many frames were sent."""
        ...

    @property
    def written(self) -> int:
        """How many of them may have left."""
        ...

    def send(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        """Queue a frame. Never waits."""
        ...

    def flush(self) -> None:
        """Write what is queued now, and not at the end of the loop's turn."""
        ...


def open_frame(task: Task, limit: int) -> tuple[wire.Frame, Sequence[Buffer], Routine]:
    """Describe a task, but for its routine, of which not every worker has to be told.

    Raises SerializationError, naming the argument that can't be pickled, and MessageTooLarge,
    naming the largest, if they, or a routine that travels by value, take more than `limit` bytes.
    """
    arguments = _pickle_arguments(task, limit)
    frame = wire.Frame()
    opened = frame.open  # filled in place: what constructors are given they copy
    opened.task = task.key
    opened.arguments = arguments.data
    if task.parent_key:
        opened.caller = task.parent_key
    asked = task.options
    pinned = task.placement.worker is not None
    if task.observed or pinned or asked is not NO_OPTIONS:
        _ask(opened, task, pinned=pinned)
    return frame, arguments.buffers, _routine(task, arguments, limit)


def _ask(opened: wire.Open, task: Task, *, pinned: bool) -> None:
    asked = task.options
    if task.observed or asked.prefetch or asked.tags or pinned:
        opened.options.observed = task.observed
        opened.options.prefetch = asked.prefetch
        opened.options.tags.extend(sorted(asked.tags))
        opened.options.pinned = pinned


def _routine(task: Task, arguments: Pickled, limit: int) -> Routine:
    function = task.callable
    where = reference(function)
    if where is not None:
        return where
    data, is_kept = serializer.dumps_function(function)
    size = len(data) + arguments.size
    if size > limit:
        raise MessageTooLarge.of(f"the routine {task.name!r} with its arguments", size, limit)
    return ByValue((function.__module__, function.__qualname__), data, is_kept)


def _pickle_arguments(task: Task, limit: int) -> Pickled:
    whole = (task.args, task.kwargs)
    try:
        return serializer.dumps(whole, lambda: f"the arguments of {task.name!r}", limit)
    except SerializationError:
        for name, value in _named_arguments(task).items():
            serializer.dumps(value, partial(_name_argument, task, name), limit)
        raise
    except MessageTooLarge as error:
        what = f"the arguments of {task.name!r}{_largest(task)}"
        raise MessageTooLarge.of(what, error.size, limit) from None


def _largest(task: Task) -> str:
    named = _named_arguments(task)
    sizes = {
        name: serializer.dumps(value, partial(_name_argument, task, name), sys.maxsize).size
        for name, value in named.items()
    }
    name = max(sizes, key=sizes.__getitem__, default=None)
    return "" if name is None else f", {name!r} the largest with {sizes[name]:,} bytes"


def _name_argument(task: Task, name: str) -> str:
    return f"argument {name!r} of {task.name!r}"


def _named_arguments(task: Task) -> Mapping[str, Any]:
    try:
        bound = inspect.signature(task.callable).bind(*task.args, **task.kwargs)
    except TypeError:
        named = {str(index): value for index, value in enumerate(task.args)}
        return named | dict(task.kwargs)
    named = dict[str, Any]()
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            named |= {f"*{name}[{index}]": item for index, item in enumerate(value)}
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        else:
            named[name] = value
    return named


def read_task(frame: wire.Frame, buffers: Sequence[Buffer], routine: Described) -> Task:
    """Rebuild a task at the worker. Raises SerializationError, and what importing raises."""
    opened = frame.open
    function = _function(routine)
    try:
        args, kwargs = serializer.loads(opened.arguments, buffers)
    except BaseException as error:
        what = f"the arguments of '{function.__module__}.{function.__qualname__}'"
        raise serializer.unreadable(what, error) from error
    observed = opened.options.observed
    return Task(
        function, args, kwargs, opened.caller, opened.task, _options(frame), observed=observed
    )


def _function(routine: Described) -> Callable[..., Any]:
    module, name = routine.module, routine.qualname
    try:
        return routine.function()
    except BaseException as error:
        if routine.is_by_value:
            raise serializer.unreadable(f"the routine '{module}.{name}'", error) from error
        if isinstance(error, Exception):
            note(
                error,
                f"raised in worker {os.getpid()}, which imported the module {module!r} for the "
                f"routine {name!r}; workers have the sys.path that their parent had when they "
                f"started, and run what a module runs when it is imported",
            )
        raise


def _options(frame: wire.Frame) -> Options:
    timeout = frame.timeout if frame.HasField("timeout") else None
    if timeout is None and not frame.open.HasField("options"):
        return NO_OPTIONS
    asked = frame.open.options
    return Options(timeout=timeout, tags=frozenset(asked.tags), prefetch=asked.prefetch)
