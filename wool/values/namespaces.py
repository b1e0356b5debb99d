"""Namespaces: the globals of functions that travel by value.

At home a namespace is the dict of a module. Every other process has one mirror of it, which all
functions and methods from there share, as they share the module at home. The modules of the
standard library are at home everywhere.
"""

from __future__ import annotations

__all__ = ["Namespace", "Namespaces", "namespaces"]

import importlib
import sys
import threading
from collections import OrderedDict
from hashlib import blake2b
from types import ModuleType
from typing import Any, NamedTuple

from wool.keys import Keys
from wool.values.parts import Part

_KEPT = 256
_REMEMBERED = 64 * 1024  # bytes of a global; a larger one carries data, and is known by its digest
_MODULE = b"module "
_FACTS = ("__name__", "__package__", "__path__", "__file__")  # what relative imports go by
_IMMUTABLE = (
    bool, bytes, complex, float, frozenset, int, str, tuple, type, type(None), ModuleType,
)  # fmt: skip


class _Taken(NamedTuple):
    part: Part | None
    """What came; None if it was large."""
    digest: bytes
    value: object


class Namespace:
    """The globals of some functions, at home or as a mirror."""

    def __init__(self, identity: bytes, values: dict[str, Any], *, is_home: bool) -> None:
        self.identity = identity
        self.values = values
        self.is_home = is_home
        self.changes = 0
        """How often a value was placed."""
        self._taken: dict[str, _Taken] = {}

    @property
    def is_standard(self) -> bool:
        """Tell whether this is a module of the standard library."""
        return self.identity.startswith(_MODULE)

    @property
    def facts(self) -> dict[str, Any]:
        """What a mirror has to begin with."""
        return {name: self.values[name] for name in _FACTS if name in self.values}

    def has_taken(self, name: str, part: Part) -> bool:
        """Tell whether this was the last that came for a global."""
        taken = self._taken.get(name)
        return taken is not None and taken.digest == _digest(part) and name in self.values

    def place(self, name: str, value: object) -> None:
        """Have a global of a mirror be `value`."""
        self.changes += 1
        self._taken.pop(name, None)
        self.values[name] = value

    def remember(self, name: str, part: Part) -> None:
        """Note that what is placed is what came in `part`."""
        kept = part if len(part.data) <= _REMEMBERED else None
        self._taken[name] = _Taken(kept, _digest(part), self.values.get(name))

    def as_it_came(self, name: str, *, though_set_anew: bool = False) -> Part | None:
        """Return what came for a global, unless it was large or was set anew since."""
        taken = self._taken.get(name)
        if taken is None or not (though_set_anew or self.values.get(name) is taken.value):
            return None
        return taken.part

    def names(self) -> dict[int, str]:
        """Return the names of the objects here that can be told from equal ones, by their id."""
        named = dict[int, str]()
        for name, value in self.values.copy().items():
            if not issubclass(type(value), _IMMUTABLE) and not name.startswith("__"):
                named.setdefault(id(value), name)
        return named


class Namespaces:
    """Those that this process knows: the 256 that were used last."""

    def __init__(self) -> None:
        self._new_key = Keys()
        self._known: OrderedDict[bytes, Namespace] = OrderedDict()
        self._by_dict: dict[int, Namespace] = {}
        self._lock = threading.Lock()

    def of(self, values: dict[str, Any]) -> Namespace:
        """Return the namespace that a function's globals are; this is its home if it is new."""
        with self._lock:
            known = self._by_dict.get(id(values))
            if known is None:
                module = _standard_module(values)
                identity = self._new_key() if module is None else _MODULE + module.encode()
                known = Namespace(identity, values, is_home=True)
            return self._use(known)

    def find(self, identity: bytes) -> Namespace | None:
        """Return the namespace of an identity, if it is known here."""
        with self._lock:
            known = self._known.get(identity)
            return None if known is None else self._use(known)

    def mirror(self, identity: bytes) -> Namespace:
        """Return the namespace of an identity, or a mirror of it. May import a module."""
        if identity.startswith(_MODULE):
            return self.of(vars(importlib.import_module(identity.removeprefix(_MODULE).decode())))
        with self._lock:
            known = self._known.get(identity)
            if known is None:
                known = Namespace(identity, {}, is_home=False)
            return self._use(known)

    def after_fork(self) -> None:
        """Make the lock anew: another thread may have held it when this process was forked."""
        self._lock = threading.Lock()

    def _use(self, namespace: Namespace) -> Namespace:
        self._known[namespace.identity] = namespace
        self._by_dict[id(namespace.values)] = namespace
        self._known.move_to_end(namespace.identity)
        if len(self._known) > _KEPT:
            _, oldest = self._known.popitem(last=False)
            del self._by_dict[id(oldest.values)]
        return namespace


def _digest(part: Part) -> bytes:
    """Return what tells a part from others: if it is small, its bytes."""
    return part.data if len(part.data) <= _REMEMBERED else blake2b(part.data).digest()


def _standard_module(values: dict[str, Any]) -> str | None:
    """Return the name of the module of the standard library whose globals these are."""
    name = values.get("__name__")
    if not isinstance(name, str) or name.partition(".")[0] not in sys.stdlib_module_names:
        return None
    module = sys.modules.get(name)
    return name if module is not None and vars(module) is values else None


namespaces = Namespaces()
"""Those of this process."""
