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
from types import ModuleType
from typing import Any

from wool.support.keys import Keys
from wool.values.in_place import keeps_identity
from wool.values.parts import GONE, Part
from wool.values.placed import Held, Placed

_KEPT = 256
_MODULE = b"module "
_FACTS = ("__name__", "__package__", "__path__", "__file__")  # what relative imports go by
_IMMUTABLE = (
    bool, bytes, complex, float, frozenset, int, str, tuple, type, type(None), ModuleType,
)  # fmt: skip

_new_token = Keys()


class Namespace:
    """The globals of some functions, at home or as a mirror."""

    def __init__(self, identity: bytes, values: dict[str, Any], *, is_home: bool) -> None:
        self.identity = identity
        self.values = values
        self.is_home = is_home
        self.changes = 0
        """How often a value was placed, or changed in its place."""
        self._placed: dict[str, Placed] = {}
        self._asked: set[str] = set()
        self._written: dict[str, tuple[object, bytes]] = {}

    @property
    def is_standard(self) -> bool:
        """Tell whether this is a module of the standard library."""
        return self.identity.startswith(_MODULE)

    @property
    def facts(self) -> dict[str, Any]:
        """What a mirror has to begin with."""
        return {name: self.values[name] for name in _FACTS if name in self.values}

    def placed(self, name: str) -> Placed | None:
        """Return what came for a global last, whatever was set since."""
        return self._placed.get(name)

    def number(self, name: str) -> int:
        """Return what tells the object that came for a global from those that came before."""
        placed = self._placed.get(name)
        return 0 if placed is None else placed.number

    def place(self, name: str, value: object) -> None:
        """Have a global of a mirror be `value`."""
        self.changes += 1
        self._placed[name] = Placed.now(value)
        self.values[name] = value

    def take_away(self, name: str) -> None:
        """Have a global of a mirror be there no more if it came; what was set here alone stays."""
        if name in self._placed:
            self.changes += 1
            self.values.pop(name, None)
        self._placed[name] = Placed.gone()

    def put_back(self, name: str, placed: Placed | None) -> None:
        """Note what came for a global as if nothing had been placed since."""
        self.changes += 1
        if placed is None:
            self._placed.pop(name, None)
        else:
            self._placed[name] = placed

    def remember(self, name: str, part: Part, held: Held) -> None:
        """Note that what is placed is what came in `part`."""
        self._placed[name] = self._placed[name].having_come(part, held)

    def as_it_came(self, name: str, *, though_set_anew: bool = False) -> Part | None:
        """Return what came for a global, unless it was large or was set anew since."""
        placed = self._placed.get(name)
        if placed is None or not (though_set_anew or self.values.get(name, GONE) is placed.value):
            return None
        return placed.part

    def lacks(self, name: str) -> bool:
        """Note that a global of home is asked for; tell whether home does not have it."""
        if name not in self.values:
            self._written.pop(name, None)
            return True
        self._asked.add(name)
        return False

    def was_asked(self, name: str) -> bool:
        """Tell whether others may have a global from here."""
        return name in self._asked

    def token(self, name: str) -> bytes:
        """Return what tells the object that a global is, if it can change in place."""
        value: object = self.values[name]
        if not keeps_identity(type(value)):
            self._written.pop(name, None)
            return b""
        placed = self._placed.get(name)
        if placed is not None and placed.value is value and placed.token:
            return placed.token
        written = self._written.get(name)
        if written is None or written[0] is not value:
            written = self._written[name] = (value, _new_token())
        return written[1]

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

    def keep(self, namespace: Namespace) -> bool:
        """Tell whether a namespace is known, and count that as its being used."""
        with self._lock:
            is_known = self._known.get(namespace.identity) is namespace
            if is_known:
                self._known.move_to_end(namespace.identity)
            return is_known

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


def _standard_module(values: dict[str, Any]) -> str | None:
    """Return the name of the module of the standard library whose globals these are."""
    name = values.get("__name__")
    if not isinstance(name, str) or name.partition(".")[0] not in sys.stdlib_module_names:
        return None
    module = sys.modules.get(name)
    return name if module is not None and vars(module) is values else None


namespaces = Namespaces()
"""Those of this process."""
