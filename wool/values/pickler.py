"""Pickling by value, by cloudpickle: classes stand as identities, globals as their names."""

from __future__ import annotations

__all__ = ["PartPickler", "Pickler", "Sharing"]

import builtins
import pickle
from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum
from types import CodeType, FunctionType
from typing import Any, NamedTuple, Protocol, cast, is_typeddict

import cloudpickle.cloudpickle  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

from wool.values.apart import PROTOCOL, Writable
from wool.values.cloud import globals_of, is_by_reference
from wool.values.identities import identities
from wool.values.making import make_function
from wool.values.namespaces import Namespace, namespaces
from wool.values.parts import CURE, Key
from wool.values.propagation import described, is_propagated, named
from wool.values.reader import Reading
from wool.values.standard import Remaking, is_importable, parts_of, remaking

_cloudpickle: Any = cloudpickle.cloudpickle
_READS: frozenset[Any] = frozenset(
    {
        Reading.begin,
        Reading.begin_class,
        Reading.begin_value,
        Reading.finish_attributes,
        Reading.finish_class,
        Reading.finish_function,
        Reading.globals_of,
        Reading.known_class,
        Reading.named,
        Reading.value,
    }
)
_BUILTIN = frozenset(vars(builtins))
_MEMBERS = ("_value_", "_name_", "_sort_order_", "__objclass__")  # of an enum, set when it is made
_ATOMS = (bool, bytes, float, int, str, type(None))
_PLAINLY = (object.__reduce__, object.__reduce_ex__)
_UNSHARED = frozenset({*_ATOMS, complex, tuple, frozenset, CodeType, FunctionType, type})


class Sharing(Protocol):
    """What the picklers of one message have in common."""

    def see(self, namespace: Namespace) -> None:
        """Have the globals of a namespace stand as their names from now on."""
        ...

    def name_of(self, thing: object) -> Key | None:
        """Return the global that an object is, if it is one of a namespace that was seen."""
        ...

    def provide(self, key: Key) -> bool:
        """Write the part for a global; tell whether it may stand as its name."""
        ...


class _Begun:
    """Stands for the value of a global, which is made first and gets its state then."""

    def __init__(self, reduced: tuple[Any, ...]) -> None:
        self.reduced = reduced


class _Globals:
    """Stands for the globals of functions in what is pickled."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles the value of a message."""

    def __init__(
        self,
        sharing: Sharing,
        file: Writable,
        callback: Callable[[pickle.PickleBuffer], bool] | None = None,
        own: Key | type | None = None,
    ) -> None:
        super().__init__(file, protocol=PROTOCOL, buffer_callback=callback)  # pyright: ignore[reportUnknownMemberType]
        self.needs: dict[Key, None] = {}
        self._sharing = sharing
        self._own = own
        self._globals: dict[bytes, _Globals] = {}

    def pickle(self, value: object) -> None:
        """Write `value`."""
        self.dump(value)  # pyright: ignore[reportUnknownMemberType]

    def reducer_override(self, obj: Any) -> Any:  # noqa: PLR0911 - a case each
        kind = cast("Any", type(obj))
        if kind is FunctionType:
            return self._function(obj)
        if issubclass(kind, type):
            return self._class(obj)
        if kind is _Globals:
            namespace = obj.namespace
            return Reading.globals_of, (namespace.identity, namespace.facts)
        if kind is _Begun:
            return obj.reduced
        if isinstance(obj, ContextVar):
            return _by_name(obj)  # pyright: ignore[reportUnknownArgumentType]
        if (kind.__reduce__, kind.__reduce_ex__) == _PLAINLY:
            return self._sentinel(obj) if kind is object else _otherwise(obj)
        return self._found_by_name(obj)

    def _reduced(self, value: Any) -> Any:
        kind = cast("Any", type(value))
        if kind is list:
            return list, (), None, iter(value)
        if kind is dict:
            return dict, (), None, None, iter(value.items())
        if kind is set:
            return set, (), list(value), None, None, set[Any].update
        reduced = self.reducer_override(value)
        if reduced is not NotImplemented:
            return reduced
        reduce = self.dispatch_table.get(kind)  # pyright: ignore[reportUnknownMemberType]
        return value.__reduce_ex__(PROTOCOL) if reduce is None else reduce(value)

    def _sentinel(self, obj: object) -> Any:
        key = self._sharing.name_of(obj)
        if key is None or key == self._own or not self._sharing.provide(key):
            return NotImplemented
        self.needs[key] = None
        return Reading.value, key

    def _class(self, cls: type) -> Any:
        if cls is self._own:
            return self._definition(cls)
        key = identities.key_of(cls)
        if key is None:
            reduced = self._by_cloudpickle(cls)
            if not _is_by_value(reduced):
                return reduced
            key = identities.name(cls)
        self.needs[key, ""] = None
        return Reading.known_class, (key,)

    def _definition(self, cls: type[Any]) -> Any:
        maker, args, state, _, _, set_state = self._by_cloudpickle(cls)
        members = dict[str, dict[str, Any]]()
        if issubclass(cls, Enum):
            for name, member in cls.__members__.items():
                fields = {k: v for k, v in vars(member).items() if k not in _MEMBERS}
                members |= {name: fields} if fields else {}
        else:
            args[3].update(_from_the_start(cls))
            if NamedTuple in args[2]:  # which would make another class
                args = (*args[:2], cls.__bases__, *args[3:])
            elif is_typeddict(cls):  # whose metaclass adds dict
                args = (*args[:2], tuple(each for each in args[2] if each is not dict), *args[3:])
        key = identities.name(cls)
        rest = (key, set_state, state, members)
        return Reading.begin_class, (key, maker, args), rest, None, None, Reading.finish_class

    def _function(self, function: FunctionType) -> Any:
        if cast("Any", function) in _READS:
            return function.__qualname__
        if is_by_reference(function):
            return NotImplemented
        remade = remaking(function)
        if remade is not None:
            return self._remade(function, remade)
        namespace = namespaces.of(function.__globals__)
        self._sharing.see(namespace)
        key = identities.name(function)
        shared = self._shared(key, function)
        if shared is not None:
            return shared
        code = function.__code__
        attributes, fields = self._by_cloudpickle(function)[2]
        del fields["__globals__"]
        if not namespace.is_standard:
            for name in globals_of(code):
                if namespace.was_asked(name) or not _is_builtin(name, function.__globals__):
                    self.needs[namespace.identity, name] = None
        place = self._globals.setdefault(namespace.identity, _Globals(namespace))
        made = (key, make_function, (code, place))
        return Reading.begin, made, (attributes, fields), None, None, Reading.finish_function

    def _remade(self, thing: Any, remade: Remaking) -> Any:
        if type(thing).__weakrefoffset__ == 0:  # nothing can tell it from its copies
            return remade.maker, remade.args, remade.attributes or None
        key = identities.name(thing)
        if remade.globals is not None:
            self._sharing.see(namespaces.of(remade.globals))
        shared = self._shared(key, thing)
        if shared is not None:
            return shared
        made = (key, remade.maker, remade.args)
        return Reading.begin, made, remade.attributes, None, None, Reading.finish_attributes

    def _shared(self, key: bytes, thing: object) -> Any:
        """Return how a function stands that is a global; None if it has to be written here."""
        place = self._sharing.name_of(thing)
        if place is None or place == self._own:
            return None
        self.needs[place] = None
        return Reading.named, (key, *place)

    def _found_by_name(self, obj: Any) -> Any:
        """Return how a thing is pickled that may be found by its name, as what C code makes is."""
        parts = parts_of(obj)
        remade = remaking(obj) if parts is None else None
        if parts is None and remade is None:
            return self._in_its_own_way(obj)
        if is_importable(obj, str(getattr(obj, "__qualname__", None) or obj.__name__)):
            return NotImplemented
        return self._remade(obj, remade) if remade is not None else parts

    def _in_its_own_way(self, obj: Any) -> Any:
        if type(obj) in self.dispatch_table:  # pyright: ignore[reportUnknownMemberType]
            return NotImplemented
        reduced = obj.__reduce_ex__(PROTOCOL)
        if isinstance(reduced, str) and not is_importable(obj, reduced):
            raise pickle.PicklingError(
                f"{reduced!r} is found by its name alone, "
                f"which another process does not have; {CURE}"
            )
        return reduced

    def _by_cloudpickle(self, obj: object) -> Any:
        reduced: Any = super().reducer_override(obj)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return reduced


class PartPickler(Pickler):
    """Pickles a class or a global, in which other globals stand as their names.

    So an object that a global, an attribute and a default refer to is one object elsewhere, too.
    """

    _has_begun = False

    def pickle_global(self, key: Key, value: object) -> None:
        """Write a global so that it is there before its state, which may lead back to it."""
        reduced = self._reduced(value)
        if isinstance(reduced, str):  # found by its name elsewhere
            self.pickle(value)
            return
        maker, args, *rest = reduced
        self._has_begun = True
        self.pickle(_Begun((Reading.begin_value, (key, maker, args), *rest)))

    def persistent_id(self, obj: object) -> Key | None:
        """Return the global that stands for an object."""
        if type(obj) in _UNSHARED:
            return None
        key = self._sharing.name_of(obj)
        if key is None or (key == self._own and not self._has_begun):
            return None
        if not self._sharing.provide(key):
            return None
        self.needs[key] = None
        return key


def _from_the_start(cls: type[Any]) -> dict[str, Any]:
    """Return what a class has to have when it is made: slots, and what metaclasses may look at."""
    values = {k: v for k, v in vars(cls).items() if type(v) in _ATOMS and not k.startswith("__")}
    values["__qualname__"] = cls.__qualname__
    if "__slots__" in vars(cls):
        values["__slots__"] = vars(cls)["__slots__"]
    return values


def _is_builtin(name: str, values: dict[str, Any]) -> bool:
    return name in _BUILTIN and name not in values


def _is_by_value(reduced: Any) -> bool:
    return isinstance(reduced, tuple) and _cloudpickle._class_setstate in reduced  # noqa: SLF001


def _otherwise(obj: object) -> Any:
    parts = parts_of(obj)
    return NotImplemented if parts is None else parts


def _by_name(var: ContextVar[Any]) -> tuple[Callable[..., ContextVar[Any]], tuple[Any, ...]]:
    if not is_propagated(var):
        raise TypeError(
            f"the ContextVar {var.name!r} has no meaning in another process; "
            f"wool.propagate({var.name}) gives it one"
        )
    return named, described(var)
