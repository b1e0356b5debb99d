"""Making classes and functions. What the making of a class did at home came with it as data."""

from __future__ import annotations

__all__ = ["make_class", "make_function", "set_state_of_class"]

import functools
import pickle
import threading
from collections.abc import Callable, Mapping
from types import CellType, CodeType, FunctionType
from typing import Any

from wool.values.parts import CURE

_HOOK = "__init_subclass__"


class _Making(threading.local):
    is_under_way = False


_making = _Making()


def make_class(maker: Callable[..., type], args: tuple[Any, ...]) -> type:
    """Make a class, its bases not told: they were when it was defined."""
    before, _making.is_under_way = _making.is_under_way, True
    try:
        return maker(*args)
    except Exception as error:
        raise pickle.UnpicklingError(
            f"the class {args[1]!r} can't be made anew, where its metaclass runs again before "
            f"methods are set: {type(error).__name__}: {error}; {CURE}"
        ) from error
    finally:
        _making.is_under_way = before


def make_function(code: CodeType, values: dict[str, Any]) -> FunctionType:
    """Make a function with cells that are still empty."""
    closure = tuple(CellType() for _ in code.co_freevars)
    return FunctionType(code, values, None, None, closure)


def set_state_of_class(
    cls: type,
    set_state: Callable[[type, Any], type],
    state: tuple[dict[str, Any], Any],
    members: Mapping[str, dict[str, Any]],
) -> None:
    """Give a class its attributes, and the members of an enum theirs."""
    attributes, _ = state
    if isinstance(attributes.get(_HOOK), classmethod):
        attributes[_HOOK] = _for_new_classes(attributes[_HOOK])
    set_state(cls, state)
    for name, fields in members.items():
        member: object = getattr(cls, name)
        member.__dict__.update(fields)


def _for_new_classes(hook: classmethod[Any, ..., None]) -> classmethod[Any, ..., None]:
    """Return an __init_subclass__ that is not called for classes that travelled."""
    function: Callable[..., None] = hook.__func__

    @functools.wraps(function)
    def guarded(cls: type, **options: Any) -> None:
        if not _making.is_under_way:
            function(cls, **options)

    return classmethod(guarded)
