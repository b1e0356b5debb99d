"""Where another process finds a routine: by its module and its name there."""

from __future__ import annotations

__all__ = ["PLAIN", "Reference", "is_generator", "reference", "resolve"]

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, cast

from wool.support.notes import note

Reference = tuple[str, str]
"""A module's name and a qualified name in it."""

PLAIN = "__wool_function__"
"""The attribute of a routine that holds its function."""

_FOUND = "__wool_reference__"

_NAMED_BY_PYTEST = (
    "if it is a test module: pytest's --import-mode=importlib makes up a name by which no worker "
    "finds it, unless its directory has an __init__.py and lies in one of pytest's `pythonpath`"
)


def is_generator(function: Callable[..., Any]) -> bool:
    """Tell whether a routine's function is a generator."""
    return bool(function.__code__.co_flags & inspect.CO_ASYNC_GENERATOR)


def reference(function: Callable[..., Any]) -> Reference | None:
    """Return where another process finds the routine made of `function`, by importing it.

    None if there is no such place: then it has to travel by value.
    """
    known: Reference | None = getattr(function, _FOUND, None)
    if known is None:
        module, qualname = function.__module__, function.__qualname__
        if module == "__main__" or "<locals>" in qualname or module not in sys.modules:
            return None
        if _lookup((module, qualname)) is not function:
            return None
        known = module, qualname
        setattr(function, _FOUND, known)
    return known


def resolve(where: Reference) -> Callable[..., Any]:
    """Import a routine and return its function. Raises ImportError, also if there is none."""
    try:
        importlib.import_module(where[0])
    except ModuleNotFoundError as error:
        if f"{where[0]}.".startswith(f"{error.name}."):
            note(error, _NAMED_BY_PYTEST)
        raise
    function = _lookup(where)
    if function is None:
        raise ImportError(
            f"module {where[0]!r} has no routine {where[1]!r} in the worker, though the caller's "
            f"does; is it defined under a condition?"
        )
    return function


def _lookup(where: Reference) -> Callable[..., Any] | None:
    found: Any = sys.modules[where[0]]
    for name in where[1].split("."):
        found = inspect.getattr_static(found, name, None)
    if isinstance(found, classmethod | staticmethod):
        found = cast("staticmethod[..., Any]", found).__func__
    function: Callable[..., Any] | None = getattr(found, PLAIN, None)
    return function
