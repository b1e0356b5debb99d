"""Exceptions that travel, with all that hangs on them.

Python's own way of pickling an exception calls its class with `args`, which breaks for many
classes. Here the state is taken and restored without the constructor: args, attributes, slots,
cause, context, notes, the members of groups and the traceback.
"""

from __future__ import annotations

__all__ = ["decode", "encode", "printable", "set_field"]

import contextlib
import traceback as tracebacks
import types
from collections.abc import Callable, Iterator
from typing import Any, cast

from wool.exceptions import RemoteError
from wool.protocol import wire_pb2 as wire
from wool.protocol.traceback import entries, rebuild
from wool.types import TaskException
from wool.values import serializer

_LONGEST_TEXT = 64 * 1024  # characters
_CUT_TEXT = 1000  # characters
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that was made by a class statement
_REMOTE = "__wool__"
_NOTES = "__notes__"
_FIELDS = (types.MemberDescriptorType, types.GetSetDescriptorType)

State = tuple[tuple[Any, ...], dict[str, Any]]


def encode(error: BaseException, limit: int) -> wire.Failure:
    """Describe `error` and everything it refers to, in about `limit` bytes at most.

    Never fails: see `decode` for what becomes of what can't be described.
    """
    try:
        failure = _Encoder(limit).encode(error)
    except BaseException as broken:  # noqa: BLE001 - properties and metaclasses are user code
        text = f"{printable(error)} (describing it raised {printable(broken, repr)})"
        return wire.Failure(exceptions=[wire.Exception(name=_name(error), text=text)])
    if failure.ByteSize() > limit:
        _cut(failure)
    return failure


def _cut(failure: wire.Failure) -> None:
    """Leave of a failure that is too large what a RemoteError needs."""
    del failure.exceptions[1:]
    entry = failure.exceptions[0]
    entry.ClearField("state")
    for field in ("cause", "context", "group", "members", "type", "pickled"):
        entry.ClearField(field)
    entry.text = entry.text[:_CUT_TEXT] + " [cut: too large to travel]"


def decode(failure: wire.Failure) -> BaseException:
    """Rebuild what `encode` described.

    An exception that can't be pickled, or whose class can't be found here, becomes a RemoteError
    that names its class and carries its traceback as text. Attributes and arguments that can't be
    pickled have become their repr().
    """
    return _Decoder(failure).decode()


class _Encoder:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failure = wire.Failure()
        self._positions: dict[int, int] = {}

    def encode(self, error: BaseException) -> wire.Failure:
        pending = [error]
        self._position(error)
        while pending:
            pending.extend(self._describe(pending.pop()))
        return self._failure

    def _position(self, error: BaseException) -> int:
        """Return the error's position in the list, counted from 1, and give it one if need be."""
        position = self._positions.get(id(error))
        if position is None:
            self._failure.exceptions.add()
            position = self._positions[id(error)] = len(self._failure.exceptions)
        return position

    def _describe(self, error: BaseException) -> list[BaseException]:
        """Fill the error's entry; return the errors that it refers to and that were not known."""
        members = _members(error)
        related = [error.__cause__, error.__context__, *members]
        new = [e for e in related if e is not None and id(e) not in self._positions]
        entry = self._failure.exceptions[self._position(error) - 1]
        entry.name = _name(error)
        entry.text = printable(error)
        if all(_size(value) <= self._limit for value in error.args):  # else it can't travel as such
            entry.type = _pickled_type(type(error))
            entry.pickled = _pickled_its_own_way(error)
            entry.state = _pickled_state(error)
        entry.suppress_context = error.__suppress_context__
        entry.traceback.extend(entries(error.__traceback__))
        entry.group = isinstance(error, BaseExceptionGroup)
        entry.members.extend(self._position(member) for member in members)
        if error.__cause__ is not None:
            entry.cause = self._position(error.__cause__)
        if error.__context__ is not None:
            entry.context = self._position(error.__context__)
        return list({id(e): e for e in new}.values())


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _members(error: BaseException) -> tuple[BaseException, ...]:
    if isinstance(error, BaseExceptionGroup):
        return cast("BaseExceptionGroup[BaseException]", error).exceptions
    return ()


def printable(value: object, form: Callable[[object], str] = str) -> str:
    """Return `value` as text that can travel, in the given form: `str` or `repr`."""
    try:
        text = form(value)[:_LONGEST_TEXT]
    except BaseException as broken:  # noqa: BLE001 - __str__ and __repr__ are user code
        return f"<{form.__name__}() raised {type(broken).__name__}>"
    return text.encode(errors="backslashreplace").decode()


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | bytes | bytearray) else 0


def _pickled_type(cls: type[BaseException]) -> bytes:
    try:
        return serializer.dumps_in_band(cls, "the exception's class")
    except BaseException:  # noqa: BLE001 - pickling runs user code
        return b""


def _pickled_its_own_way(error: BaseException) -> bytes:
    """Pickle an exception whose class says how, as those of extension modules have to."""
    definer = next(
        c for c in type(error).__mro__ if {"__reduce__", "__reduce_ex__"} & vars(c).keys()
    )
    if definer.__module__ == "builtins":
        return b""
    pickled = _pickled_if_sound(error, type(error))
    return pickled if pickled is not None else b""


def _pickled_state(error: BaseException) -> bytes:
    args = error.args[:1] if _members(error) else error.args
    attributes = dict(_attributes(error))
    pickled = _pickled_if_sound((args, attributes))
    if pickled is not None:
        return pickled
    state = (
        tuple(_sound(value) for value in args),
        {name: _sound(value) for name, value in attributes.items()},
    )
    return serializer.dumps_in_band(state, "the exception's state")


def _pickled_if_sound(value: object, cls: type = object) -> bytes | None:
    """Pickle a value, unless it can't be read back as a `cls`: many exception classes can't."""
    try:
        pickled = serializer.dumps_in_band(value, "the exception's state")
        return pickled if isinstance(serializer.loads(pickled), cls) else None
    except BaseException:  # noqa: BLE001 - pickling and unpickling run user code
        return None


def _sound(value: object) -> object:
    return printable(value, repr) if _pickled_if_sound(value) is None else value


def _attributes(error: BaseException) -> Iterator[tuple[str, object]]:
    """Yield what the instance holds: its dict, its slots, and the fields of builtin classes."""
    yield from ((name, value) for name, value in error.__dict__.items() if name != _REMOTE)
    for cls in type(error).__mro__:
        if cls in (BaseException, BaseExceptionGroup):
            continue
        for name, member in vars(cls).items():
            if name.startswith("__") or not isinstance(member, _FIELDS):
                continue
            value = getattr(error, name, None)
            if value is not None:
                yield name, value


class _Decoder:
    def __init__(self, failure: wire.Failure) -> None:
        self._entries = failure.exceptions
        self._rebuilt: dict[int, BaseException] = {}

    def decode(self) -> BaseException:
        # Members first: they have a higher position than the group that first named them, or were
        # named before it; a group can't hold itself, so the recursion ends.
        for position in range(1, len(self._entries) + 1):
            self._rebuild(position)
        for position, error in self._rebuilt.items():
            entry = self._entries[position - 1]
            set_field(error, "__cause__", self._rebuilt.get(entry.cause))
            set_field(error, "__context__", self._rebuilt.get(entry.context))
            set_field(error, "__suppress_context__", entry.suppress_context)
            set_field(error, "__traceback__", rebuild(entry.traceback))
        set_field(
            self._rebuilt[1],
            _REMOTE,
            TaskException(self._entries[0].name, _lines(self._entries[0])),
        )
        return self._rebuilt[1]

    def _rebuild(self, position: int) -> BaseException:
        if position not in self._rebuilt:
            entry = self._entries[position - 1]
            members = [self._rebuild(member) for member in entry.members]
            try:
                self._rebuilt[position] = _restore(entry, members)
            except BaseException as reason:  # noqa: BLE001 - unpickling runs user code
                self._rebuilt[position] = _remote_error(entry, reason)
        return self._rebuilt[position]


def _restore(entry: wire.Exception, members: list[BaseException]) -> BaseException:
    if entry.pickled:
        pickled: BaseException = serializer.loads(entry.pickled)
        _restore_notes(pickled, entry)
        return pickled
    if not entry.type:
        raise TypeError("its class can't be pickled, or it is too large to travel")
    cls: type[BaseException] = serializer.loads(entry.type)
    state: State = serializer.loads(entry.state)
    args, attributes = state
    if entry.group:
        group = cast("type[BaseExceptionGroup[BaseException]]", cls)
        error: BaseException = BaseExceptionGroup.__new__(group, args[0], members)
    else:
        error = _builtin_base(cls).__new__(cls)
        set_field(error, "args", args)
    for name, value in attributes.items():
        set_field(error, name, value)
    return error


def _restore_notes(error: BaseException, entry: wire.Exception) -> None:
    """Give an exception that pickles its own way its notes, which that way seldom knows."""
    if hasattr(error, _NOTES):
        return
    with contextlib.suppress(Exception):  # unpickling the other attributes runs user code
        _, attributes = serializer.loads(entry.state)
        if _NOTES in attributes:
            set_field(error, _NOTES, attributes[_NOTES])


def _builtin_base(cls: type[BaseException]) -> type[BaseException]:
    return next(base for base in cls.__mro__ if not base.__flags__ & _HEAP_TYPE)


def set_field(error: BaseException, name: str, value: object) -> None:
    """Set a field of an exception, whatever its class says to that."""
    # Not the class's own __setattr__: a frozen dataclass refuses.
    with contextlib.suppress(AttributeError, TypeError):  # a read-only field of an extension type
        object.__setattr__(error, name, value)


def _remote_error(entry: wire.Exception, reason: BaseException) -> RemoteError:
    return RemoteError(
        f"{entry.name}: {entry.text} (it can't be rebuilt as such here: {printable(reason)})",
        type=entry.name,
        traceback="".join(_lines(entry)),
    )


def _lines(entry: wire.Exception) -> tuple[str, ...]:
    frames = [(frame.file, frame.line, frame.name, None) for frame in entry.traceback]
    return (
        "Traceback (most recent call last):\n",
        *tracebacks.format_list(frames),
        f"{entry.name}: {entry.text}\n",
    )
