"""What functools and typing make in a program, taken apart and put together elsewhere.

Their objects say that they are found by their names, which in a program's own file nobody else can.
"""

from __future__ import annotations

__all__ = ["Remaking", "is_importable", "parts_of", "remaking"]

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, NamedTuple, cast

from wool.reference import PLAIN
from wool.routine import options_of, routine_of

Remake = tuple[Callable[..., Any], tuple[Any, ...]]


class Remaking(NamedTuple):
    """How a thing that is like a function is made anew."""

    maker: Callable[..., Any]
    args: tuple[Any, ...]
    globals: dict[str, Any] | None
    """Those of the innermost function, one of which the thing may be."""
    attributes: dict[str, Any]


def remaking(thing: Any) -> Remaking | None:
    """Return how `thing` is made anew; None if this is not the place to ask."""
    if type(thing) is _CACHE:
        args = thing.__wrapped__, dict(thing.cache_parameters())
        return _described(thing, _cached, args, without={"cache_parameters"})
    if isinstance(thing, FunctionType):
        return _of_function(thing)
    return _of_type_checkers(thing)


def _of_function(function: FunctionType) -> Remaking | None:
    options = options_of(function)
    if options is not None:
        plain = getattr(function, PLAIN)
        return _described(function, routine_of, (plain, options), {PLAIN, "local", "options"})
    if function.__code__ is _DISPATCHER:
        registry: Mapping[type, Any] = getattr(function, "registry")  # noqa: B009 - no attribute of functions
        args = (registry[object], [(cls, f) for cls, f in registry.items() if cls is not object])
        names = {"register", "dispatch", "registry", "_clear_cache"}
        return _described(function, _dispatching, args, names)
    return None


def _described(
    thing: Any, maker: Callable[..., Any], args: tuple[Any, ...], without: set[str]
) -> Remaking:
    attributes = {k: v for k, v in thing.__dict__.items() if k not in {*without, "__wrapped__"}}
    innermost = inspect.unwrap(thing)
    found = innermost.__globals__ if isinstance(innermost, FunctionType) else None
    return Remaking(maker, args, found, attributes)


_CACHE: Any = type(functools.lru_cache(len))
_DISPATCHER = cast("FunctionType", functools.singledispatch(len)).__code__


def _cached(function: Callable[..., Any], parameters: Mapping[str, Any]) -> Callable[..., Any]:
    cached: Callable[..., Any] = functools.lru_cache(**parameters)(function)
    return cached


def _dispatching(
    default: Callable[..., Any], registered: list[tuple[type, Callable[..., Any]]]
) -> Callable[..., Any]:
    dispatcher = functools.singledispatch(default)
    for cls, function in registered:
        dispatcher.register(cls, function)
    return dispatcher


def parts_of(thing: Any) -> Remake | None:
    """Return a maker and its arguments for what can't be pickled otherwise; None for all else."""
    kind = cast("Any", type(thing))
    if kind is functools.cached_property:
        return _cached_property, (thing.func, thing.attrname, thing.__doc__)
    if kind is functools.singledispatchmethod:
        return _dispatching_method, (thing.func, thing.dispatcher)
    return None


def _cached_property(function: Callable[[Any], Any], name: str | None, doc: str | None) -> Any:
    made = functools.cached_property(function)
    made.attrname, made.__doc__ = name, doc
    return made


def _dispatching_method(function: Callable[..., Any], dispatcher: Any) -> Any:
    made = functools.singledispatchmethod(function)
    made.dispatcher = dispatcher
    return made


def _of_type_checkers(thing: Any) -> Remaking | None:
    if isinstance(thing, typing.NewType):
        args: tuple[Any, ...] = (thing.__name__, thing.__supertype__)
    elif isinstance(thing, typing.ParamSpec | typing.TypeVarTuple):
        args = (thing.__name__,)
    elif type(thing) is _ALIAS:
        args = (thing.__name__, thing.__value__, thing.__type_params__)
        return Remaking(_alias, args, None, {})
    else:
        return None
    return Remaking(_of_module, (type(thing), args, thing.__module__), None, {})


_ALIAS = getattr(typing, "TypeAliasType", None)  # since Python 3.12


def _alias(name: str, value: object, parameters: tuple[Any, ...]) -> Any:
    return cast("Any", _ALIAS)(name, value, type_params=parameters)


def _of_module(maker: Callable[..., Any], args: tuple[Any, ...], module: str) -> Any:
    made = maker(*args)
    made.__module__ = module
    return made


def is_importable(thing: object, name: str) -> bool:
    """Tell whether another process finds `thing` by importing its module."""
    import cloudpickle  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

    module = getattr(thing, "__module__", None)
    if not isinstance(module, str) or module == "__main__":
        return module is None  # pickle looks for it in all modules
    registered = cast("set[str]", cloudpickle.list_registry_pickle_by_value())
    if any(module == each or module.startswith(f"{each}.") for each in registered):
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is thing
