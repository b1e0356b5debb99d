"""The globals that come with a message, taken over into the mirrors of their namespaces."""

from __future__ import annotations

__all__ = ["Globals"]

import pickle
from collections import Counter
from collections.abc import Callable
from typing import Any

from wool.values.namespaces import Namespace, namespaces
from wool.values.parts import Key, Part, Table

_AGAIN = 2  # times that a global is met while it is read; the first lets what it holds be made
_NOTHING = object()


class Globals:
    """Those of one message. Each is taken over once, unless it is what came before.

    What came before stays as it became here: a list that has grown, a name that was set anew.
    """

    def __init__(self, table: Table, load: Callable[[bytes], Any], *, stay: bool) -> None:
        self.namespaces: dict[bytes, Namespace] = {}
        self._table = table
        self._load = load
        self._stay = stay
        self._placed: set[Key] = set()
        self._underway: Counter[Key] = Counter()

    def bring_all(self) -> None:
        """Take over all that are new."""
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
        """Place a global that has no state yet."""
        if key not in self._placed and not self._stays(self.namespace(key[0])):
            self._place(key, value)

    def value(self, key: Key) -> Any:
        """Return what a global is. Raises UnpicklingError."""
        identity, name = key
        if key in self._table:
            self._bring(key, self._table[key])
        try:
            return self.namespace(identity).values[name]
        except KeyError:
            raise pickle.UnpicklingError(f"the global {name!r} is not there any more") from None

    def _stays(self, namespace: Namespace) -> bool:
        return namespace.is_home or self._stay

    def _place(self, key: Key, value: object) -> None:
        self._placed.add(key)
        self.namespace(key[0]).place(key[1], value)

    def _bring(self, key: Key, part: Part) -> None:
        identity, name = key
        namespace = self.namespace(identity)
        if key in self._placed or self._stays(namespace) or namespace.has_taken(name, part):
            return
        if self._underway[key] == _AGAIN:
            raise pickle.UnpicklingError(f"the global {name!r} is needed to read itself")
        before = namespace.values.get(name, _NOTHING)
        self._underway[key] += 1
        self.prepare(part)
        try:
            value = self._load(part.data)
        except BaseException:
            if key in self._placed:
                self._put_back(namespace, name, before)
            raise
        if key not in self._placed:
            self._place(key, value)
        namespace.remember(name, part)

    @staticmethod
    def _put_back(namespace: Namespace, name: str, before: object) -> None:
        namespace.place(name, before)
        if before is _NOTHING:
            del namespace.values[name]
