"""Reading what `writer` wrote: each class is made once, each global taken over when it is new."""

from __future__ import annotations

__all__ = ["Reading", "read"]

import builtins
import io
import os
import pickle
import threading
from collections.abc import Callable, Iterable, Mapping
from types import CellType, FunctionType
from typing import Any

from wool.values.globals import Globals
from wool.values.identities import identities
from wool.values.making import make_class, set_state_of_class
from wool.values.namespaces import namespaces
from wool.values.parts import CURE, Key, Table


class Reading:
    """One message being read. The pickled message calls its methods."""

    _making_classes = threading.RLock()  # held while metaclasses run, which may read, too

    def __init__(self, sender: bytes, table: Table) -> None:
        self._is_own = sender == identities.process
        self.globals = Globals(table, self._load_global, stay=self._is_own)
        self._table = table
        self._begun: dict[bytes, type] = {}
        self._finished: set[bytes] = set()
        self._depth = 0
        self._originals: dict[int, object] = {}

    @classmethod
    def after_fork(cls) -> None:
        """Make the lock anew: another thread may have held it when this process was forked."""
        cls._making_classes = threading.RLock()

    def load(self, data: bytes | memoryview, buffers: Iterable[Any] = ()) -> Any:
        """Unpickle a part of the message."""
        return self._load_global(data, {}, buffers)

    def _load_global(
        self, data: bytes | memoryview, held: dict[Key, int], buffers: Iterable[Any] = ()
    ) -> Any:
        """Unpickle a part; note in `held` which globals it refers to."""
        before, self.globals.held = self.globals.held, held
        try:
            return _Unpickler(self, io.BytesIO(data), buffers).load()
        finally:
            self.globals.held = before

    # What stands in a pickled message.

    def known_class(self, identity: bytes) -> type:
        """Return the class of an identity; make it if this process has none."""
        cls: type | None = self._begun.get(identity)
        if cls is None:
            cls = identities.find(identity)
        if cls is None:
            cls = self._make(identity)
        identities.use(identity, cls)
        return cls

    def begin_class(self, identity: bytes, maker: Callable[..., type], args: Any) -> type:
        """Make a class without its attributes, which may lead back to it."""
        if identity not in self._begun:
            made = make_class(maker, args)
            self._begun.setdefault(identity, made)
        return self._begun[identity]

    def finish_class(self, cls: type, state: tuple[bytes, Any, Any, Mapping[str, Any]]) -> None:
        """Give a class its attributes."""
        identity, set_state, attributes, members = state
        if identity not in self._finished:
            self._finished.add(identity)
            set_state_of_class(cls, set_state, attributes, members)

    def begin(self, identity: bytes, maker: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Return a function, or what is like one, that came home; or make it."""
        original = self._here(identity)
        if original is not None:
            self._originals[id(original)] = original
            return original
        made = maker(*args)
        identities.learn(identity, made)
        return made

    def finish_function(
        self, function: FunctionType, state: tuple[dict[str, Any], dict[str, Any]]
    ) -> None:
        """Give a function that was made here its attributes and the contents of its cells."""
        if id(function) in self._originals:
            return
        attributes, fields = state
        function.__dict__.update(attributes)
        cells: Iterable[CellType] = fields.pop("__closure__") or ()
        for cell, filled in zip(function.__closure__ or (), cells, strict=True):
            if filled != CellType():
                cell.cell_contents = filled.cell_contents
        for name, value in fields.items():
            setattr(function, name, value)

    def finish_attributes(self, thing: Any, attributes: dict[str, Any]) -> None:
        """Give what is like a function, and was made here, its attributes."""
        if id(thing) not in self._originals:
            thing.__dict__.update(attributes)

    def globals_of(self, identity: bytes, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the globals for functions of a namespace."""
        namespace = self.globals.namespace(identity)
        if not namespace.is_home:
            for name, value in {**facts, "__builtins__": builtins}.items():
                namespace.values.setdefault(name, value)
        return namespace.values

    def begin_value(self, key: Key, maker: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Make a global without its state, which may lead back to it."""
        made = maker(*args)
        self.globals.begin(key, made)
        return made

    def value(self, identity: bytes, name: str) -> Any:
        """Return what a global is."""
        return self.globals.value((identity, name))

    def named(self, function: bytes, identity: bytes, name: str) -> Any:
        """Return a function, or what is like one, that was a global where it was sent from."""
        found = self._here(function)
        if found is None:
            found = self.globals.value((identity, name))
            if identities.key_of(found) != function:  # it was set anew here
                found = self.load(self._table[identity, name].data)
        return found

    def _here(self, identity: bytes) -> Any:
        return identities.find(identity) if self._is_own else identities.original(identity)

    def _make(self, identity: bytes) -> type:
        with self._making_classes:
            known: type | None = identities.find(identity)
            if known is not None:  # another thread made it
                return known
            definition = self._table.get((identity, ""))
            if definition is None:
                raise pickle.UnpicklingError("a class came without its definition")
            self.globals.prepare(definition)
            self._depth += 1
            try:
                made: type = self.load(definition.data)
            finally:
                self._depth -= 1
            if not self._depth:
                self._publish()
        return made

    def _publish(self) -> None:
        """Let other messages find the classes that were made; before, they had no attributes."""
        for identity, cls in self._begun.items():
            if identities.find(identity) is None:
                identities.learn(identity, cls)
                identities.define(cls, self._table[identity, ""])


class _Unpickler(pickle.Unpickler):
    def __init__(self, reading: Reading, file: io.BytesIO, buffers: Iterable[Any]) -> None:
        super().__init__(file, buffers=buffers)
        self._reading = reading

    def persistent_load(self, pid: Key) -> Any:
        return self._reading.value(*pid)

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name == __name__ and global_name.startswith("Reading."):
            return getattr(self._reading, global_name.removeprefix("Reading."))
        try:
            return super().find_class(module_name, global_name)
        except AttributeError as error:
            if module_name != "__main__":
                raise
            raise pickle.UnpicklingError(
                f"__main__ of this process has no {global_name!r}; {CURE}"
            ) from error


def read(data: bytes | memoryview, reading: Reading, buffers: Iterable[Any]) -> Any:
    """Read the value of a message."""
    reading.globals.bring_all()
    return reading.load(data, buffers)


def _after_fork() -> None:
    Reading.after_fork()
    identities.after_fork()
    namespaces.after_fork()


os.register_at_fork(after_in_child=_after_fork)
