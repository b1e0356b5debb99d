"""What all parts of one pool share."""

from __future__ import annotations

__all__ = ["PoolSettings", "checked_modules", "checked_tags", "optional", "positive", "seconds"]

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """A pool's own settings. Times are seconds, sizes bytes."""

    token: bytes
    """What a caller has to show to a worker."""
    max_message_size: int
    grace: float
    start_timeout: float
    """How long a worker may take to start, and a call may wait for one."""
    forward_logs: bool = True
    """Whether what routines log goes to the logging of their callers."""
    tags: frozenset[str] = frozenset()
    """What the pool's own workers are marked with."""
    modules: tuple[str, ...] = ()
    """What a worker imports before anything else."""
    lifespan: bytes = b""
    """What makes the context manager around a worker's life, pickled; empty if there is none."""
    max_pending: int | None = None
    """Calls that this process may have in flight on one worker; None: any number."""
    stall_timeout: float | None = None
    """How long a call waits for a worker that was stopped; None: for as long as it takes."""
    max_tasks_per_worker: int | None = None
    """How many calls a worker takes before another takes its place; None for no limit."""


def positive(name: str, value: int, *, most: int | None = None) -> int:
    """Return `value` if it is a whole number from 1 to `most`. Raises TypeError or ValueError."""
    if type(value) is not int:
        raise TypeError(f"{name} is a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} is at least 1, not {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} is at most {most:,}, not {value:,}")
    return value


def optional(check: Callable[[str, T], T], name: str, value: T | None) -> T | None:
    """Return what `check` makes of `value`, and None for None."""
    return None if value is None else check(name, value)


def checked_tags(tags: Iterable[str]) -> frozenset[str]:
    """Return `tags` if all of them are strings. Raises TypeError."""
    for tag in tags:
        if not isinstance(tag, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            cure = f"; for that many workers, say size={tag}" if type(tag) is int else ""
            raise TypeError(f"tags are strings, and {tag!r} is not one{cure}")
    return frozenset(tags)


def checked_modules(modules: Iterable[str]) -> tuple[str, ...]:
    """Return `modules` if they are names. Raises TypeError."""
    if isinstance(modules, str):
        raise TypeError(f"modules are several names: modules=({modules!r},), not {modules!r}")
    names = tuple(modules)
    for name in names:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"modules are names, and {name!r} is none")
    return names


def seconds(name: str, value: float) -> float:
    """Return `value` if it can be a time to wait. Raises TypeError or ValueError."""
    if type(value) not in (int, float):
        raise TypeError(f"{name} is a number of seconds, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{name} is a number of seconds, at least 0, not {value}")
    return float(value)
