"""Pools and forks: a process that was forked can't use the pools of the one that it is from."""

from __future__ import annotations

__all__ = ["refuse_in_fork"]

from typing import NoReturn

from wool.exceptions import PoolClosed


def refuse_in_fork() -> NoReturn:
    """Raise PoolClosed for a call in a fork of the process that opened the pool."""
    raise PoolClosed(
        "this process was forked from the one that opened the pool, which goes on there; open a "
        "pool of this process's own"
    )
