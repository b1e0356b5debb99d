"""The pickles of functions that travel by value, kept for as long as they stay what they are."""

from __future__ import annotations

__all__ = ["Kept", "kept"]

import os
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any, Protocol, cast
from weakref import ReferenceType, ref

from wool.values import by_value
from wool.values.parts import Key

_KEPT = 256  # functions
_LARGEST = 64 * 1024  # bytes; a larger pickle carries data, and workers don't keep it either


class _Watch(Protocol):
    keys: frozenset[Key]

    def holds(self, function: FunctionType) -> bool: ...


class _Entry:
    """What is known of one function."""

    __slots__ = ("data", "reference", "watch")

    def __init__(self, reference: ReferenceType[FunctionType], watch: _Watch | None) -> None:
        self.reference = reference
        self.watch = watch
        self.data = b""


class Kept:
    """Those of the 256 functions that were pickled last. It keeps no function alive.

    A pickle is kept the second time that it is made, once it is known what to watch: what changes
    while a pickle is made may be in it or not.
    """

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}

    def find(self, function: Callable[..., Any]) -> bytes | None:
        """Return the pickle of a function, if it would be the same now."""
        entry = self._entries.get(id(function))
        if entry is None or not entry.data or entry.watch is None:
            return None
        if entry.reference() is not function or not entry.watch.holds(function):
            return None
        return entry.data

    def dumps(self, function: Callable[..., Any]) -> tuple[bytes, bool]:
        """Pickle a function by value. Tell whether the pickle is kept."""
        known = cast("FunctionType", function)
        entry = self._entries.get(id(known))
        watch = None
        if entry is not None and entry.reference() is known:
            if entry.watch is None:
                return by_value.dumps(known), False
            watch = entry.watch if entry.watch.holds(known) else None
        data, parts = by_value.dumps_with_parts(known)
        if watch is None or entry is None:
            self._watch(known, [key for key, _ in parts])
            return data, False
        if len(data) > _LARGEST:
            entry.watch = None
        elif watch.keys.issuperset(key for key, _ in parts) and watch.holds(known):
            entry.data = data
            return data, True
        return data, False

    def clear(self) -> None:
        """Forget them all."""
        self._entries.clear()

    def _watch(self, function: FunctionType, keys: list[Key]) -> None:
        # It imports cloudpickle, as pickling by value does.
        from wool.values.watch import watch

        position = id(function)
        reference = ref(function, partial(self._forget, position))
        self._entries[position] = _Entry(reference, watch(function, keys))
        if len(self._entries) > _KEPT:
            self._entries.pop(next(iter(self._entries)), None)

    def _forget(self, position: int, reference: ReferenceType[FunctionType]) -> None:
        entry = self._entries.get(position)
        if entry is not None and entry.reference is reference:
            del self._entries[position]


kept = Kept()
"""Those of this process."""

os.register_at_fork(after_in_child=kept.clear)
