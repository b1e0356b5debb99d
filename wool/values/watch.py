"""Whether a function that travels by value would be pickled as it was before.

It would as long as its code, defaults, cells and attributes and the globals that it uses are the
objects that they were, and these can't change, or are functions and classes for which the same
holds. Of anything else nobody knows.
"""

from __future__ import annotations

__all__ = ["Watch", "watch"]

import functools
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import partial
from logging import Logger, RootLogger
from operator import attrgetter, is_, itemgetter
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from re import Pattern
from types import BuiltinFunctionType, CellType, FunctionType, ModuleType
from typing import Any, cast
from uuid import UUID
from weakref import ref

from wool.routine import options_of
from wool.values.cloud import globals_of, is_by_reference
from wool.values.identities import identities
from wool.values.namespaces import Namespace, namespaces
from wool.values.parts import Key, Part
from wool.values.standard import remaking

_UNCHANGING = frozenset(
    {
        *(bool, bytes, complex, float, int, object, range, str, type(None), type(...)),
        *(Decimal, Fraction, Pattern, UUID, date, timedelta),
        *(PosixPath, PurePosixPath, PureWindowsPath, WindowsPath),
        *(Logger, RootLogger),  # pickled by name
    }
)
_CACHE: Any = type(functools.lru_cache(len))
_GENERIC = (types.GenericAlias, types.UnionType)
_OF_GENERICS = (
    "__origin__", "__args__", "__bound__", "__constraints__", "__default__", "__metadata__",
    "__supertype__",
)  # fmt: skip
_OF_CACHE, _OF_ROUTINE = frozenset({"cache_parameters"}), frozenset({"options"})  # made with it
_FIELDS = attrgetter(
    "__code__", "__defaults__", "__kwdefaults__", "__closure__", "__annotations__", "__doc__",
    "__name__", "__qualname__", "__module__",
)  # fmt: skip
_CONTENT = attrgetter("cell_contents")
_Condition = Callable[[], bool]
_Getter = Callable[[Any], Iterable[object]]
_Values = tuple[object, ...]


class _UnwatchableError(Exception):
    """There is something that may change without anybody's seeing it."""


class Watch:
    """What has to be as it was. It does not keep its function alive."""

    __slots__ = ("_conditions", "_fields", "keys")

    def __init__(
        self, function: FunctionType, conditions: Iterable[_Condition], keys: frozenset[Key]
    ) -> None:
        self._fields: _Values = _FIELDS(function)
        self._conditions = [*conditions]
        self.keys = keys
        """The classes and globals that were looked at."""

    def holds(self, function: FunctionType) -> bool:
        """Tell whether nothing has changed."""
        if not all(map(is_, _FIELDS(function), self._fields)):
            return False
        try:
            for condition in self._conditions:
                if not condition():
                    return False
        except (KeyError, ValueError):  # a global is gone, a cell is empty
            return False
        return True


def watch(function: FunctionType, keys: Iterable[Key]) -> Watch | None:
    """Return what tells whether a function changes that was pickled just now.

    `keys` are what it needs. None if there is something among it of which nobody can tell.
    """
    walk = _Walk()
    try:
        walk.function(function, is_first=True)
        for key in keys:
            walk.key(key)
    except (_UnwatchableError, ValueError):  # an empty cell is a ValueError
        return None
    return Watch(function, walk.conditions(), frozenset(walk.keys))


class _Walk:
    """Goes wherever the pickler goes."""

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self._conditions: list[_Condition] = []
        self._seen: dict[int, object] = {}
        self._empty: list[Mapping[str, object]] = []
        self._globals: dict[bytes, tuple[Namespace, set[str]]] = {}

    def conditions(self) -> Iterator[_Condition]:
        """Return those that were found."""
        yield partial(_counts, sys.modules, len(sys.modules))  # submodules that are used travel
        for namespace, names in self._globals.values():
            yield from _of_globals(namespace, names)
        yield partial(_are_empty, tuple(self._empty))
        yield from self._conditions

    def function(self, function: FunctionType, *, is_first: bool = False) -> None:
        """Go into a function that travels by value."""
        if not is_first:
            self._same(_FIELDS, function, _FIELDS(function))
        for mapping in (function.__kwdefaults__, function.__annotations__, vars(function)):
            self._mapping(mapping)
        self._all(function.__defaults__ or ())
        cells: tuple[CellType, ...] = function.__closure__ or ()
        if cells:
            values = (*_contents(cells),)
            self._same(_contents, cells, values)
            self._all(values)
        namespace = namespaces.of(function.__globals__)
        if not namespace.is_standard:
            for name in globals_of(function.__code__):
                self.key((namespace.identity, name))

    def key(self, key: Key) -> None:
        """Go into a global, or a class that travels by value."""
        if key in self.keys:
            return
        self.keys.add(key)
        identity, name = key
        if not name:
            self._definition(identities.find(identity))
            return
        namespace = namespaces.find(identity)
        if namespace is None:
            raise _UnwatchableError
        if namespace.is_standard:
            return
        self._globals.setdefault(identity, (namespace, set()))[1].add(name)
        came = namespace.as_it_came(name)
        if came is not None:  # it goes on so, whatever it is here
            self._needs(came)
        elif name in namespace.values:
            self._value(namespace.values[name])

    def _definition(self, cls: type | None) -> None:
        part = None if cls is None else identities.definition_of(cls)
        if cls is None or part is None:
            raise _UnwatchableError
        self._conditions.append(partial(_is_defined_by, ref(cls), part))
        self._needs(part)

    def _needs(self, part: Part) -> None:
        for key in part.needs:
            self.key(key)

    def _value(self, value: Any) -> None:
        kind = cast("Any", type(value))
        if kind in _UNCHANGING or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if kind is tuple or kind is frozenset:
            self._all(value)
        elif kind is FunctionType:
            self._any_function(value)
        elif issubclass(kind, type):
            self._class(value)
        elif issubclass(kind, Enum):
            self._class(kind)
        elif kind is _CACHE:
            self._mapping(vars(cast("object", value)), without=_OF_CACHE)
        elif isinstance(value, _GENERIC) or kind.__module__ == "typing":
            self._all(getattr(value, name, None) for name in _OF_GENERICS)
        elif not _is_imported(value):
            raise _UnwatchableError

    def _class(self, cls: type) -> None:
        identity = identities.key_of(cls)
        if identity is not None:  # else it went by reference
            self.key((identity, ""))

    def _any_function(self, function: FunctionType) -> None:
        if is_by_reference(function):
            return
        if options_of(function) is not None:
            self._mapping(vars(function), without=_OF_ROUTINE)
        elif remaking(function) is None:
            self.function(function)
        else:
            raise _UnwatchableError

    def _all(self, values: Iterable[object]) -> None:
        for value in values:
            self._value(value)

    def _same(self, getter: _Getter, of: object, values: _Values) -> None:
        self._conditions.append(partial(_are, getter, of, values))

    def _mapping(
        self, mapping: Mapping[str, object] | None, without: frozenset[str] = frozenset()
    ) -> None:
        there = dict(mapping or {})
        if there and mapping is not None:
            self._conditions.append(partial(_maps, mapping, tuple(there), tuple(there.values())))
        elif mapping is not None:
            self._empty.append(mapping)
        for name, value in there.items():
            if name == "__annotations__":  # which functools copies
                self._mapping(cast("Mapping[str, object]", value))
            elif name not in without:
                self._value(value)


def _is_imported(value: Any) -> bool:
    """Tell whether a value is a module, or a function of one that is written in C."""
    if isinstance(value, ModuleType):
        return sys.modules.get(value.__name__) is value
    return isinstance(value, BuiltinFunctionType) and isinstance(value.__self__, ModuleType)


def _of_globals(namespace: Namespace, names: Iterable[str]) -> Iterator[_Condition]:
    values = namespace.values
    there = {name: values[name] for name in names if name in values}
    yield partial(_is_known, namespace, namespace.changes)
    if there:
        getter = itemgetter(*there, next(iter(there)))  # of one name alone it returns no tuple
        yield partial(_are, getter, values, getter(there))
    absent = frozenset(names) - there.keys()
    if absent:
        yield partial(values.keys().isdisjoint, absent)


def _contents(cells: Iterable[CellType]) -> Iterable[object]:
    return map(_CONTENT, cells)


# The conditions.


def _are(getter: _Getter, of: object, values: _Values) -> bool:
    return all(map(is_, getter(of), values))


def _maps(mapping: Mapping[str, object], names: tuple[str, ...], values: _Values) -> bool:
    return tuple(mapping) == names and all(map(is_, mapping.values(), values))


def _are_empty(mappings: Iterable[Mapping[str, object]]) -> bool:
    return not any(mappings)


def _counts(modules: Mapping[str, object], count: int) -> bool:
    return len(modules) == count


def _is_known(namespace: Namespace, changes: int) -> bool:
    return namespace.changes == changes and namespaces.keep(namespace)


def _is_defined_by(reference: ref[type], part: Part) -> bool:
    cls = reference()
    return cls is not None and identities.definition_of(cls) is part
