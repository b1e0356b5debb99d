"""Routines on a link: each is described once, and goes by its number then.

A caller gives numbers to the 256 that it called last, and a new one the number of the one that it
called least recently. Frames arrive in order, so that both ends mean the same by a number; a link
that breaks takes its numbers with it.
"""

from __future__ import annotations

__all__ = ["ByValue", "Described", "KnownRoutines", "Routine", "SentRoutines"]

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.reference import Reference, resolve
from wool.values import by_value

_NUMBERS = 256
_DESCRIPTION: tuple[Literal["module", "qualname", "function"], ...] = (
    "module",
    "qualname",
    "function",
)


@dataclass(slots=True)
class ByValue:
    """A routine that workers can't import."""

    where: Reference
    """What it is called, for messages."""
    data: bytes
    """Itself, pickled."""
    is_kept: bool
    """Whether it will be the same bytes at the next call, unless it changes."""


Routine = Reference | ByValue
"""What workers are told of a routine."""

_Key = Reference | bytes


class SentRoutines:
    """At the caller's end: those that the worker knows by their numbers."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[_Key, int] = OrderedDict()

    def describe(self, routine: Routine, opened: wire.Open) -> _Key | None:
        """Write into a frame what the worker needs to know of a routine.

        Return what `sent` is to be told once the frame is sent, if anything. The frame may have
        gone to another worker before.
        """
        where, data = (
            (routine, b"") if isinstance(routine, tuple) else (routine.where, routine.data)
        )
        key = where if isinstance(routine, tuple) else data if routine.is_kept else None
        if key is not None and key in self._numbers:
            self._numbers.move_to_end(key)
            for field in _DESCRIPTION:
                opened.ClearField(field)
            opened.routine = self._numbers[key]
            return None
        opened.module, opened.qualname = where
        opened.function = data
        opened.routine = 0 if key is None else self._free()
        return key

    def sent(self, key: _Key, opened: wire.Open) -> None:
        """Note that the worker will know a routine from now on."""
        if len(self._numbers) == _NUMBERS:
            self._numbers.popitem(last=False)
        self._numbers[key] = opened.routine

    def _free(self) -> int:
        """Return a number that means nothing, or what was not called for longest."""
        if len(self._numbers) < _NUMBERS:
            return len(self._numbers) + 1
        return next(iter(self._numbers.values()))


class Described:
    """At the worker's end: what the caller has told of a routine."""

    __slots__ = ("_data", "_found", "module", "qualname")

    def __init__(self, opened: wire.Open) -> None:
        self.module = opened.module
        self.qualname = opened.qualname
        self._data = opened.function
        self._found: Callable[..., Any] | None = None

    @property
    def is_by_value(self) -> bool:
        return bool(self._data)

    def function(self) -> Callable[..., Any]:
        """Return its function. Raises what importing or unpickling it raises."""
        if self._data:
            return by_value.load_function(self._data)
        if self._found is None:
            self._found = _by_reference(self.module, self.qualname)
        return self._found


class KnownRoutines:
    """At the worker's end: those that have numbers."""

    def __init__(self) -> None:
        self._known: dict[int, Described] = {}

    def find(self, opened: wire.Open) -> Described:
        """Return what was told of a frame's routine, there or before. Raises ProtocolError."""
        number = opened.routine
        known = self._known.get(number)
        if known is not None and not opened.qualname:
            return known
        if number > _NUMBERS or not opened.qualname:
            raise ProtocolError(f"a caller named a routine by {number}, which it did not tell of")
        known = Described(opened)
        if number:
            self._known[number] = known
        return known


@lru_cache(maxsize=4096)
def _by_reference(module: str, qualname: str) -> Callable[..., Any]:
    return resolve((module, qualname))
