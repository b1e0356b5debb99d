"""A pool's `lifespan`, on its way to the workers."""

from __future__ import annotations

__all__ = ["checked_lifespan", "pickled_lifespan"]

import inspect
from typing import Any, cast

from wool.types import Lifespan
from wool.values import serializer


def checked_lifespan(lifespan: object) -> Lifespan | None:
    """Return `lifespan` if it can make context managers. Raises TypeError."""
    if lifespan is None:
        return None
    if inspect.isasyncgenfunction(lifespan):
        raise TypeError(
            f"lifespan is {lifespan!r}: decorate it with contextlib.asynccontextmanager"
        )
    if not inspect.isclass(lifespan) and hasattr(lifespan, "__aenter__"):
        raise TypeError(f"lifespan is {lifespan!r}, made already: give what makes it, without ()")
    if not callable(lifespan):
        raise TypeError(f"lifespan is {lifespan!r}, and no function that makes a context manager")
    _check_that_it_needs_no_argument(lifespan)
    return cast("Lifespan", lifespan)


def _check_that_it_needs_no_argument(lifespan: Any) -> None:
    try:
        signature = inspect.signature(lifespan)
    except ValueError:  # it is not known
        return
    try:
        signature.bind()
    except TypeError as error:
        raise TypeError(
            f"lifespan is called without arguments, and {lifespan!r}: {error}"
        ) from None


def pickled_lifespan(lifespan: Lifespan | None) -> bytes:
    """Return `lifespan` as workers get it, by reference if they can import it.

    Raises SerializationError.
    """
    if lifespan is None:
        return b""
    return serializer.dumps_in_band(lifespan, "the pool's lifespan")
