"""What arguments must look like."""

from __future__ import annotations

__all__ = ["budget", "marks", "optional", "positive", "positive_seconds", "seconds", "strings"]

import math
from collections.abc import Callable, Iterable
from typing import TypeVar, cast

T = TypeVar("T")


def positive(name: str, value: int, *, most: int | None = None) -> int:
    """Return `value` if it is a whole number from 1 to `most`. Raises TypeError or ValueError."""
    if type(value) is not int:
        raise TypeError(f"{name} is a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} is at least 1, not {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} is at most {most:,}, not {value:,}")
    return value


def seconds(name: str, value: float) -> float:
    """Return `value` if it can be a time to wait. Raises TypeError or ValueError."""
    if not _number(name, value) >= 0:
        raise ValueError(f"{name} is a number of seconds, at least 0, not {value}")
    return value


def positive_seconds(name: str, value: float) -> float:
    """Return `value` if it is more than 0. Raises TypeError or ValueError."""
    if not _number(name, value) > 0:
        raise ValueError(f"{name} is a positive number of seconds, not {value}")
    return value


def budget(name: str, value: float) -> float:
    """Return `value` if it is a number; below 0 it is overdrawn. Raises TypeError or ValueError."""
    if math.isnan(_number(name, value)):
        raise ValueError(f"{name} is a number of seconds, not {value}")
    return value


def _number(name: str, value: float) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{name} is a number of seconds, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is a number of seconds, and this one is too large") from None


def strings(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return `values` if they are a collection of strings. Raises TypeError."""
    if isinstance(values, str):
        raise TypeError(f"{name} is a collection of strings: {name}=({values!r},), not {values!r}")
    if not isinstance(values, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} is a collection of strings, not {values!r}")
    several = tuple(values)
    for value in several:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} is a collection of strings, and {value!r} is none")
    return several


def optional(check: Callable[[str, T], T], name: str, value: T | None) -> T | None:
    """Return what `check` makes of `value`, and None for None."""
    return None if value is None else check(name, value)


def marks(tags: tuple[object, ...]) -> frozenset[str]:
    """Return the `tags` of a pool if all of them are strings. Raises TypeError."""
    for tag in tags:
        if type(tag) is int:
            raise TypeError(f"tags are strings, not {tag!r}; for that many workers, say size={tag}")
    return frozenset(strings("tags", cast("tuple[str, ...]", tags)))
