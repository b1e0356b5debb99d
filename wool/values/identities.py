"""The identities of classes and functions that travel by value.

Each gets one where it is first sent from, its home. Whoever reads it learns the identity, so that
the same class is found again wherever it comes from.
"""

from __future__ import annotations

__all__ = ["Identities", "identities"]

import contextlib
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from functools import partial
from typing import Any, cast
from weakref import ReferenceType, WeakValueDictionary, ref

from wool.support.keys import Keys
from wool.values.parts import Part

_KEPT = 256
_DEFINED = 1024
_ATOMS = frozenset({bool, bytes, float, int, str, type(None)})
_CONTAINERS = frozenset({dict, frozenset, list, set, tuple})


class _Known:
    """What is known of one object."""

    __slots__ = ("attributes", "definition", "is_home", "kept", "key", "mention", "reference")

    def __init__(self, reference: ReferenceType[Any], key: bytes, *, is_home: bool) -> None:
        self.reference = reference
        self.key = key
        self.is_home = is_home
        self.definition: Part | None = None
        self.attributes = dict[str, object]()
        self.kept: list[object] = []
        self.mention: Part | None = None

    def take(self, attributes: Iterable[object]) -> None:
        """See to it that nothing else gets the ids of these values while the definition is kept."""
        self.kept = [each for each in map(self._taken, attributes) if each is not None]

    def _taken(self, value: object) -> object:
        if type(value) in _ATOMS:
            return None
        if _is_data(value):
            return value
        with contextlib.suppress(TypeError):  # a property, say, which may lead to the class
            return ref(value, self._undefine)
        return None

    def undefine(self) -> None:
        """Forget the definition, and what was kept for it."""
        self.definition = None
        self.kept.clear()

    def _undefine(self, reference: ReferenceType[Any]) -> None:
        del reference
        self.definition = None


def _attributes(cls: type) -> dict[str, object]:
    """Return what tells whether the attributes of a class were set, without keeping them alive."""
    return {k: v if type(v) in _ATOMS else id(v) for k, v in vars(cls).items()}


def _is_data(value: object) -> bool:
    """Tell whether a value is containers and atoms alone, and thus leads to no class."""
    pending, seen = [value], set[int]()
    while pending:
        each: Any = pending.pop()
        kind = cast("Any", type(each))
        if kind in _ATOMS or id(each) in seen:
            continue
        if kind not in _CONTAINERS:
            return False
        seen.add(id(each))
        pending += each
        if kind is dict:
            pending += each.values()
    return True


class Identities:
    """Which object an identity stands for in this process, and which identity an object has.

    None of them is kept alive, but for the classes from elsewhere that were used last: what a
    program keeps in a class is to last from one call to the next, though no instance does.
    """

    def __init__(self) -> None:
        self._new_key = Keys()
        self._objects: WeakValueDictionary[bytes, Any] = WeakValueDictionary()
        self._known: dict[int, _Known] = {}  # by id, since a metaclass may say what is equal
        self._kept: OrderedDict[bytes, type] = OrderedDict()
        self._defined: deque[_Known] = deque()
        self._lock = threading.Lock()

    @property
    def process(self) -> bytes:
        """What tells this process from others."""
        return self._new_key.prefix

    def key_of(self, thing: object) -> bytes | None:
        """Return the identity of a class or function, if it has one."""
        known = self._entry(thing)
        return None if known is None else known.key

    def name(self, thing: object) -> bytes:
        """Return the identity of a class or function; this is its home if it had none."""
        known = self._entry(thing)
        if known is None:
            known = self._remember(thing, self._new_key(), is_home=True)
        return known.key

    def learn(self, key: bytes, thing: object) -> None:
        """Take up what was read here."""
        self._remember(thing, key, is_home=False)

    def find(self, key: bytes) -> Any:
        """Return what an identity stands for, or None."""
        return self._objects.get(key)

    def original(self, key: bytes) -> Any:
        """Return what an identity stands for if this is its home, or None."""
        found = self._objects.get(key)
        known = self._entry(found)
        return found if known is not None and known.is_home else None

    def use(self, key: bytes, cls: type) -> None:
        """Keep a class alive that came from elsewhere, until 256 others were used since."""
        known = self._entry(cls)
        if known is None or known.is_home:
            return
        with self._lock:
            self._kept[key] = cls
            self._kept.move_to_end(key)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def definition_of(self, cls: type) -> Part | None:
        """Return what `define` was given for a class, unless home has set attributes since."""
        known = self._entry(cls)
        if known is None or (known.is_home and known.attributes != _attributes(cls)):
            return None
        return known.definition

    def define(self, cls: type, definition: Part) -> None:
        """Note the definition of a class that has an identity."""
        known = self._entry(cls)
        if known is not None:
            known.definition = definition
            known.attributes = _attributes(cls)
            if known.is_home:
                known.take(list(vars(cls).values()))
                self._defined.append(known)
                if len(self._defined) > _DEFINED:  # what is in its lists may lead to it by now
                    self._defined.popleft().undefine()

    def mention_of(self, cls: type) -> Part | None:
        """Return what `mention` was given for a class."""
        known = self._entry(cls)
        return None if known is None else known.mention

    def mention(self, cls: type, mention: Part) -> None:
        """Note what a global is written as that is a class."""
        known = self._entry(cls)
        if known is not None:
            known.mention = mention

    def after_fork(self) -> None:
        """Make the lock anew: another thread may have held it when this process was forked."""
        self._lock = threading.Lock()

    def _entry(self, thing: object) -> _Known | None:
        known = self._known.get(id(thing))
        return known if known is not None and known.reference() is thing else None

    def _remember(self, thing: Any, key: bytes, *, is_home: bool) -> _Known:
        position = id(thing)
        known = _Known(ref(thing, partial(self._forget, position)), key, is_home=is_home)
        if is_home:  # another thread may have named it just now
            known = self._known.setdefault(position, known)
        else:
            self._known[position] = known
        self._objects[known.key] = thing
        return known

    def _forget(self, position: int, reference: ReferenceType[Any]) -> None:
        known = self._known.get(position)
        if known is not None and known.reference is reference:
            del self._known[position]
            known.undefine()


identities = Identities()
"""Those of this process."""
