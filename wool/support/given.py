"""What users may hand to a pool in several forms: a thing, what makes it, or a context of it."""

from __future__ import annotations

__all__ = ["Given", "enter", "refuse_unless"]

import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from typing import Any, TypeAlias, TypeVar, cast

T = TypeVar("T")

_Context: TypeAlias = AbstractContextManager[T] | AbstractAsyncContextManager[T]
Given: TypeAlias = T | _Context[T] | Callable[[], T | _Context[T]]
"""A T; a context manager of one, sync or async; or a class or function that makes either."""


def refuse_unless(name: str, method: str, given: object) -> None:
    """Raise TypeError if what has `method` can't come of the argument `name`. It is not called.

    `method` is as it is written in a call: "choose(task, workers)".
    """
    is_function = callable(given) and not isinstance(given, type)
    if not (hasattr(given, _name(method)) or _is_context(given) or is_function):
        raise _not_one(name, method, given)


async def enter(name: str, method: str, given: Any, stack: AsyncExitStack) -> Any:
    """Return what has `method`: make it if need be, and enter its context, which `stack` leaves.

    Raises TypeError if nothing of the kind comes of it, and what the user's code raises.
    """
    made = given
    if inspect.isclass(given) or not (hasattr(given, _name(method)) or _is_context(given)):
        made = given()
    if isinstance(made, AbstractAsyncContextManager):
        entering = cast("AbstractAsyncContextManager[Any]", made)
        found = await stack.enter_async_context(entering)
    elif isinstance(made, AbstractContextManager):
        found = stack.enter_context(cast("AbstractContextManager[Any]", made))
    else:
        found = made
    if inspect.isclass(found) or not callable(getattr(found, _name(method), None)):
        raise _not_one(name, method, found)
    return found


def _is_context(given: object) -> bool:
    return hasattr(given, "__aenter__") or hasattr(given, "__enter__")


def _name(method: str) -> str:
    return method.partition("(")[0]


def _not_one(name: str, method: str, thing: object) -> TypeError:
    return TypeError(
        f"{name} is {thing!r}, which has no method {method}; give something that has it, a class "
        f"or function that makes that, or a context manager of it"
    )
