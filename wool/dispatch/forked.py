"""Pools and forks: a process that was forked can't use the pools of the one that it is from."""

from __future__ import annotations

__all__ = ["Origin"]

from wool.exceptions import PoolClosed
from wool.support.forks import generation


class Origin:
    """The process that something was made in."""

    def __init__(self) -> None:
        self._forks = generation()

    @property
    def is_here(self) -> bool:
        return self._forks == generation()

    def check(self) -> None:
        """Raise PoolClosed in a fork of that process."""
        if not self.is_here:
            raise PoolClosed(
                "this process was forked from the one that opened the pool, which goes on there; "
                "open a pool of this process's own"
            )
