"""Forked processes: what they must not keep open, how a pool knows that it is in one, how one ends.

A fork has copies of its parent's descriptors. As long as it kept them, nobody would see its parent
die.
"""

from __future__ import annotations

__all__ = ["close_in_forks", "end_fork", "forks"]

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

_descriptors: set[int] = set()


class _Forks:
    """What tells a process from those that are forked from it."""

    count = 0
    """How often this process, or one that it was forked from, was forked."""


forks = _Forks()


def close_in_forks(descriptor: int) -> Callable[[], None]:
    """Have every fork of this process close `descriptor`; return what calls that off."""
    _descriptors.add(descriptor)
    return lambda: _descriptors.discard(descriptor)


def end_fork(error: BaseException | None = None) -> NoReturn:
    """End this process, which was forked, with the status of a program that raised `error`."""
    status = error.code if isinstance(error, SystemExit) else error
    if not (status is None or isinstance(status, int)):
        traceback.print_exception(error)
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def _after_fork() -> None:
    forks.count += 1
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is wanted, not a path
        for descriptor in _descriptors:
            # Not closed: the object that owns the number still may, and would close another's.
            with contextlib.suppress(OSError):
                os.dup2(nothing.fileno(), descriptor, inheritable=False)
    _descriptors.clear()


os.register_at_fork(after_in_child=_after_fork)
