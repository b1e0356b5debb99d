"""Forked processes: what they must not keep open, and how a pool knows that it is in one.

A fork has copies of its parent's descriptors. As long as it kept them, workers would not see their
parent die.
"""

from __future__ import annotations

__all__ = ["close_in_forks", "generation"]

import contextlib
import os
from collections.abc import Callable

_descriptors: set[int] = set()
_generation = 0


def generation() -> int:
    """Return how often this process, or one that it was forked from, was forked."""
    return _generation


def close_in_forks(descriptor: int) -> Callable[[], None]:
    """Have every fork of this process close `descriptor`; return what calls that off."""
    _descriptors.add(descriptor)
    return lambda: _descriptors.discard(descriptor)


def _after_fork() -> None:
    global _generation  # noqa: PLW0603 - a process has one
    _generation += 1
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is wanted, not a path
        for descriptor in _descriptors:
            # Not closed: the object that owns the number still may, and would close another's.
            with contextlib.suppress(OSError):
                os.dup2(nothing.fileno(), descriptor, inheritable=False)
    _descriptors.clear()


os.register_at_fork(after_in_child=_after_fork)
