"""Writing a message: its value, and then whatever that turned out to need."""

from __future__ import annotations

__all__ = ["write"]

import io
import pickle
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType

from wool.values.apart import PROTOCOL, Writable
from wool.values.identities import identities
from wool.values.namespaces import Namespace, namespaces
from wool.values.parts import CURE, GONE, Key, Part
from wool.values.pickler import PartPickler, Pickler
from wool.values.standard import remaking

_ATOMS = frozenset({bool, bytes, float, int, str, type(None)})
_UNDERWAY = Part(b"", ())
_FOUND = (FunctionType, ModuleType, set, frozenset, tuple)  # or can have no state set


def write(
    value: object, file: Writable, callback: Callable[[pickle.PickleBuffer], bool] | None
) -> list[tuple[Key, Part]]:
    """Write the pickled value to `file`; return the parts that go with it."""
    writer = _Writer()
    # In a function globals stand as their names. What else is sent is a copy.
    kind = PartPickler if isinstance(value, FunctionType) else Pickler
    pickler = kind(writer, file, callback)
    pickler.pickle(value)
    return writer.parts(pickler.needs)


class _Writer:
    """The parts of one message."""

    def __init__(self) -> None:
        self._parts: dict[Key, Part | None] = {}
        self._pending: list[Key] = []
        self._underway: set[Key] = set()
        self._seen: dict[bytes, Namespace] = {}
        self._names: dict[bytes, dict[int, str]] = {}

    def parts(self, needs: Iterable[Key]) -> list[tuple[Key, Part]]:
        """Return the parts that are needed, and those that these need."""
        self._pending += needs
        while self._pending:
            key = self._pending.pop()
            if key not in self._parts:
                self._write(key)
        return [(key, part) for key, part in self._parts.items() if part is not None]

    def see(self, namespace: Namespace) -> None:
        self._seen.setdefault(namespace.identity, namespace)

    def name_of(self, thing: object) -> Key | None:
        for identity, namespace in self._seen.items():
            names = self._names.get(identity)
            if names is None:
                names = self._names[identity] = namespace.names()
            name = names.get(id(thing))
            if name is not None and namespace.values.get(name) is thing:
                return identity, name
        return None

    def provide(self, key: Key) -> bool:
        if self._seen[key[0]].is_standard:
            return True
        if key not in self._parts and key not in self._underway:
            self._write(key)
        return self._parts.get(key, _UNDERWAY) is not None

    def _write(self, key: Key) -> None:
        self._underway.add(key)
        identity, name = key
        try:
            part = self._global(key) if name else self._class(identity)
        finally:
            self._underway.discard(key)
        self._parts[key] = part
        if part is not None:
            self._pending += part.needs

    def _class(self, identity: bytes) -> Part | None:
        cls: type | None = identities.find(identity)
        if cls is None:
            return None
        definition = identities.definition_of(cls)
        if definition is None or not self._is_whole(definition):
            definition = self._definition(cls)
            identities.define(cls, definition)
        return definition

    def _is_whole(self, definition: Part) -> bool:
        """Tell whether the classes that a definition refers to are still there."""
        return all(name or identities.find(other) is not None for other, name in definition.needs)

    def _definition(self, cls: type) -> Part:
        for value in list(vars(cls).values()):
            if isinstance(value, FunctionType):
                self.see(namespaces.of(value.__globals__))
        try:
            return self._part(cls, cls)
        except Exception as error:
            for name, value in list(vars(cls).items()):
                if self._complaint(value) == str(error):
                    raise pickle.PicklingError(
                        f"'{cls.__qualname__}.{name}' of the class {cls.__module__!r}: {error}"
                    ) from error
            raise

    def _complaint(self, value: object) -> str | None:
        """Return why a value can't be written, if so."""
        try:
            self._part(value, None)
        except Exception as error:  # noqa: BLE001 - pickling runs user code
            return str(error)
        return None

    def _global(self, key: Key) -> Part | None:
        identity, name = key
        namespace = namespaces.find(identity)
        if namespace is None or namespace.is_standard:
            return None
        came = namespace.as_it_came(name)
        if came is not None:
            return came
        if namespace.lacks(name):
            return GONE if namespace.is_home else None
        self.see(namespace)
        try:
            part = self._value(key, namespace.values[name])
            return part._replace(token=namespace.token(name))
        except Exception as error:
            if not namespace.is_home:  # a worker's own, such as a connection, stays there
                return namespace.as_it_came(name, though_set_anew=True)
            cure = "" if CURE in str(error) else f"; {CURE}"
            raise pickle.PicklingError(f"the global {name!r}: {error}{cure}") from error

    def _value(self, key: Key, value: object) -> Part:
        if type(value) in _ATOMS:
            return Part(pickle.dumps(value, PROTOCOL), ())
        if isinstance(value, type):
            return self._mention(value, key)
        return self._part(value, key, begun=not _is_found(value) and self.name_of(value) == key)

    def _mention(self, cls: type, key: Key) -> Part:
        mention = identities.mention_of(cls)
        if mention is None:
            mention = self._part(cls, key)
            identities.mention(cls, mention)
        return mention

    def _part(self, value: object, own: Key | type | None, *, begun: bool = False) -> Part:
        file = io.BytesIO()
        pickler = PartPickler(self, file, own=own)
        if begun and isinstance(own, tuple):
            pickler.pickle_global(own, value)
        else:
            pickler.pickle(value)
        return Part(file.getvalue(), tuple(pickler.needs))


def _is_found(value: object) -> bool:
    kind = type(value)
    return kind is not set and (issubclass(kind, _FOUND) or remaking(value) is not None)
