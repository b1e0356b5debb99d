"""The globals that come with a message, taken over into the mirrors of their namespaces."""

from __future__ import annotations

__all__ = ["Globals"]

import pickle
from collections import Counter
from collections.abc import Callable
from typing import Any

from wool.values.in_place import take_in
from wool.values.namespaces import Namespace, namespaces
from wool.values.parts import GONE, Key, Part, Table
from wool.values.placed import Placed

_AGAIN = 2  # times that a global is met while it is read; the first lets what it holds be made
_NOTHING = object()
_Load = Callable[[bytes, dict[Key, int]], Any]


class Globals:
    """Those of one message. Each is taken over once, unless it is what came before.

    What came before stays as it became here: a list that has grown, a name that was set anew.
    """

    def __init__(self, table: Table, load: _Load, *, stay: bool) -> None:
        self.namespaces: dict[bytes, Namespace] = {}
        self.held: dict[Key, int] = {}
        """Where those are noted that what is being read refers to."""
        self._table = table
        self._load = load
        self._stay = stay
        self._placed: set[Key] = set()
        self._replaced: set[Key] = set()
        self._changing: dict[Key, object] = {}
        self._underway: Counter[Key] = Counter()

    def bring_all(self) -> None:
        """Take over all that are new, and what holds a global that became another object."""
        before = -1
        while before < len(self._replaced):
            before = len(self._replaced)
            for key, part in self._table.items():
                if key[1]:
                    self._bring(key, part)

    def prepare(self, part: Part) -> None:
        """Take over what the code in a part uses, which may run as soon as it is read."""
        pending = [*part.needs]
        seen = set(pending)
        while pending:
            key = pending.pop()
            needed = self._table.get(key)
            if needed is None:
                continue
            if not key[1]:
                pending += [other for other in needed.needs if other not in seen]
                seen.update(needed.needs)
            elif not self._underway[key]:
                self._bring(key, needed)

    def namespace(self, identity: bytes) -> Namespace:
        """Return the namespace of an identity."""
        namespace = self.namespaces.get(identity)
        if namespace is None:
            namespace = self.namespaces[identity] = namespaces.mirror(identity)
        return namespace

    def begin(self, key: Key, value: object) -> None:
        """Place a global that has no state yet, unless what is there is to take that in."""
        identity, name = key
        namespace = self.namespace(identity)
        if key in self._placed or self._stays(namespace):
            return
        placed = namespace.placed(name)
        if placed is not None and placed.can_become(value, self._table[key]):
            self._placed.add(key)
            self._changing[key] = namespace.values[name] = placed.value
        else:
            self._place(key, value)

    def value(self, key: Key) -> Any:
        """Return what a global is. Raises UnpicklingError."""
        identity, name = key
        if key in self._table:
            self._bring(key, self._table[key])
        namespace = self.namespace(identity)
        self.held[key] = namespace.number(name)
        try:
            return namespace.values[name]
        except KeyError:
            raise pickle.UnpicklingError(f"the global {name!r} is not there any more") from None

    def _stays(self, namespace: Namespace) -> bool:
        return namespace.is_home or self._stay

    def _place(self, key: Key, value: object) -> None:
        self._placed.add(key)
        self._replaced.add(key)
        self.namespace(key[0]).place(key[1], value)

    def _bring(self, key: Key, part: Part) -> None:
        identity, name = key
        namespace = self.namespace(identity)
        if key in self._placed or self._stays(namespace) or self._is_there(namespace, name, part):
            return
        if part.data == GONE.data:
            namespace.take_away(name)
            return
        if self._underway[key] == _AGAIN:
            raise pickle.UnpicklingError(f"the global {name!r} is needed to read itself")
        before, placed = namespace.values.get(name, _NOTHING), namespace.placed(name)
        self._underway[key] += 1
        self.prepare(part)
        held = dict[Key, int]()
        try:
            value = self._load(part.data, held)
        except BaseException:
            if key in self._placed:
                _put_back(namespace, name, before, placed)
            raise
        self._finish(key, value)
        namespace.remember(name, part, held)

    def _is_there(self, namespace: Namespace, name: str, part: Part) -> bool:
        """Tell whether a global came like this before, and refers to what those globals are now."""
        placed = namespace.placed(name)
        return (
            placed is not None
            and (name in namespace.values or placed.value is GONE)
            and all(self.namespace(at).number(of) == no for (at, of), no in placed.held.items())
            and placed.came_as(part)
        )

    def _finish(self, key: Key, value: object) -> None:
        """Let what was read completely be seen."""
        if key not in self._placed:
            self._place(key, value)
        elif key in self._changing:
            try:
                take_in(self._changing.pop(key), value)
            except BufferError:  # a view holds its size
                self._place(key, value)
            else:
                self.namespace(key[0]).changes += 1


def _put_back(namespace: Namespace, name: str, before: object, placed: Placed | None) -> None:
    namespace.put_back(name, placed)
    if before is _NOTHING:
        namespace.values.pop(name, None)
    else:
        namespace.values[name] = before
