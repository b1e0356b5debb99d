"""What a program's `__main__` defines, on its way to processes that its routines start.

In a program that has no workers, `multiprocessing` sends functions and classes of `__main__` by
their names. In a worker they came by value, so that no module has them. They are found by name in
the globals that they share, their namespace, which all processes of a worker know by its key: a
fork has it from its parent, and any other process gets what it needs of it with each function.
What it has already stays: what an initializer has set, the next function sees.
"""

from __future__ import annotations

__all__ = [
    "Namespace",
    "defined",
    "found",
    "globals_of",
    "is_of_main",
    "made",
    "namespace_of",
    "place_of",
    "settled",
    "teach_multiprocessing",
]

import contextlib
import multiprocessing
import os
import pickle
import secrets
import sys
from collections import deque
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, TypeGuard, cast
from weakref import WeakValueDictionary

from wool.context import current_task

Globals = dict[str, Any]
Place = tuple[bytes, str]
"""A namespace's key and a qualified name in it."""

_HERE = "__wool_namespace__"
_STARTED_OTHERWISE = {"multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver"}


class Namespace:
    """The globals of functions that came by value."""

    def __init__(self, key: bytes, names: Globals, *, known_to_forks: bool) -> None:
        self.key = key
        self.names = names
        self.known_to_forks = known_to_forks
        names[_HERE] = self
        _namespaces[key] = self

    def get(self, qualname: str) -> Any:
        """Return what has a qualified name; None if nothing has."""
        first, *rest = qualname.split(".")
        value = self.names.get(first)
        for name in rest:  # vars: an inherited attribute has a place of its own
            value = vars(value).get(name) if isinstance(value, type) else None
        return value


_namespaces: WeakValueDictionary[bytes, Namespace] = WeakValueDictionary()
_received: deque[Namespace] = deque(maxlen=256)  # keeps them alive
_unsettled: dict[int, tuple[Place, Any]] = {}


def teach_multiprocessing() -> None:
    """Have `multiprocessing` send what came by value."""
    from multiprocessing.reduction import ForkingPickler  # the package is being imported itself

    if "reducer_override" not in vars(ForkingPickler):
        ForkingPickler.reducer_override = property(_reducer)  # type: ignore[method-assign, assignment]
        os.register_at_fork(before=_note_what_runs)


def _reducer(_pickler: object) -> Callable[[Any], Any]:
    """Return what a pickler asks first, about everything; it costs time, so only if it can matter.

    What raises AttributeError is not there.
    """
    if "cloudpickle" not in sys.modules:  # so nothing came by value
        raise AttributeError("reducer_override")
    return _reduced


def _note_what_runs() -> None:
    """Let the fork to come know the namespace of the routine that forks."""
    task = current_task()
    if task is not None and isinstance(task.callable, FunctionType):
        namespace_of(task.callable)


def namespace_of(function: FunctionType) -> Namespace | None:
    """Return the namespace of a function; None if it is a module's."""
    names = function.__globals__
    known = names.get(_HERE)
    if known is None:
        module = sys.modules.get(names.get("__name__", ""))
        if getattr(module, "__dict__", None) is names:
            return None
        alone = not multiprocessing.active_children()
        known = Namespace(secrets.token_bytes(16), names, known_to_forks=alone)
    return cast("Namespace", known)


def is_of_main(value: Any) -> TypeGuard[FunctionType | type]:
    """Tell whether something is a function or a class that `__main__` defines."""
    return isinstance(value, FunctionType | type) and value.__module__ == "__main__"


def place_of(value: Any) -> tuple[Namespace, str] | None:
    """Return where something is found by its name."""
    qualname: str = value.__qualname__
    return next(((n, qualname) for n in _candidates(value) if n.get(qualname) is value), None)


def _candidates(value: Any) -> Iterator[Namespace]:
    own = namespace_of(value) if isinstance(value, FunctionType) else None
    if own is not None:
        yield own
    yield from list(_namespaces.values())


def _reduced(value: Any) -> Any:
    """Describe a function or a class of `__main__`: what `reducer_override` of a pickler does."""
    if not is_of_main(value) or "<" in value.__qualname__:  # what is local travels in no program
        return NotImplemented
    place = place_of(value)
    if place is None:
        return defined, (None, _definition(value))
    namespace, qualname = place
    if not namespace.known_to_forks:
        return defined, ((namespace.key, qualname), _definition(value))
    if _STARTED_OTHERWISE & sys.modules.keys():
        with contextlib.suppress(Exception):  # pickling runs user code; a fork does without
            return defined, ((namespace.key, qualname), _definition(value))
    return found, (namespace.key, qualname)


def _definition(value: object) -> bytes:
    from wool.worker.definitions import definition  # takes as long to import as cloudpickle

    return definition(value)


# What the other process calls:


def found(key: bytes, qualname: str) -> Any:
    """Return what this process has in a place. Raises UnpicklingError."""
    value = _get((key, qualname))
    if value is None:
        raise pickle.UnpicklingError(
            f"{qualname!r} of __main__ was sent to a process that is no fork of the worker"
        )
    return value


def defined(place: Place | None, definition: bytes) -> Any:
    """Return what this process has in a place, or make what belongs there."""
    teach_multiprocessing()  # for what is sent back
    value = None if place is None else _get(place)
    return pickle.loads(definition) if value is None else value


def globals_of(key: bytes, module: Globals) -> Globals:
    """Return the globals that functions of a namespace have here."""
    namespace = _namespaces.get(key)
    if namespace is None:
        namespace = Namespace(key, {}, known_to_forks=False)
        _received.append(namespace)
    for name, value in module.items():
        namespace.names.setdefault(name, value)
    return namespace.names


def made(place: Place, make: Callable[..., Any], arguments: Any) -> Any:
    """Return what is in a place, or what is going to be there once it is `settled`."""
    value = _get(place)
    if value is None:
        value = make(*arguments)
        _unsettled[id(value)] = place, value
    return value


def settled(value: Any, described: tuple[Callable[[Any, Any], Any], Any]) -> Any:
    """Give something its state and put it into its place, unless it was there already."""
    place, _ = _unsettled.pop(id(value), (None, None))
    if place is None:
        return value
    set_state, state = described
    key, qualname = place
    names = globals_of(key, {})
    new = state[1].get("__globals__")
    if new:
        state[1]["__globals__"] = {n: v for n, v in new.items() if n not in names}
    set_state(value, state)
    if "." not in qualname:
        names.setdefault(qualname, value)
    return value


def _get(place: Place) -> Any:
    namespace = _namespaces.get(place[0])
    return None if namespace is None else namespace.get(place[1])
