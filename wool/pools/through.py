"""Routines whose calls go to one pool, whichever is active."""

from __future__ import annotations

__all__ = ["routine_name", "through"]

import functools
import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any

from wool.routine import redirected
from wool.tasks import ANYWHERE, Placement, qualified_name
from wool.types import PoolLike


def routine_name(given: object) -> str:
    """Return the name of the routine behind partials, for messages."""
    while isinstance(given, functools.partial):
        given = given.func
    return qualified_name(given)


def through(
    pool: PoolLike,
    given: object,
    *,
    coroutine_only: bool = False,
    placement: Placement = ANYWHERE,
) -> Callable[..., Any]:
    """Return what calls the routine `given` through `pool`.

    It may be a bound method of a routine, too, or a `functools.partial` of either. Raises TypeError
    for anything else, and for a generator if it is to be `coroutine_only`.
    """
    if isinstance(given, functools.partial):
        function = through(pool, given.func, coroutine_only=coroutine_only, placement=placement)
        return functools.partial(function, *given.args, **given.keywords)
    if isinstance(given, MethodType):
        function = through(pool, given.__func__, coroutine_only=coroutine_only, placement=placement)
        return functools.partial(function, given.__self__)
    if inspect.iscoroutine(given) or inspect.isasyncgen(given):
        if inspect.iscoroutine(given):
            given.close()  # it will not be awaited, and need not say so
        raise TypeError(
            f"{given!r} is a call already: give the routine, and its arguments after it"
        )
    routine: Callable[..., Any] | None = redirected(given, pool, placement)
    name = getattr(given, "__qualname__", given)
    if routine is None:
        raise TypeError(
            f"{name!r} is not a routine: decorate the function with @wool.routine; what wraps a "
            f"routine can be called inside 'with pool.activate()'"
        )
    if coroutine_only and not inspect.iscoroutinefunction(routine):
        raise TypeError(
            f"{name!r} is a generator, and has no one result: iterate over pool.dispatch(...)"
        )
    return routine
