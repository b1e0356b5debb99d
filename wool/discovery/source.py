"""Where the workers of a pool come from."""

from __future__ import annotations

__all__ = ["Source"]

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

_NONE: Mapping[UUID, int] = MappingProxyType({})


class Source(ABC):
    """Puts workers on its pool's roster, and takes them off, for as long as the pool is open.

    What only the machine of a worker knows of it, it tells the roster, if it can. It belongs to the
    event loop on which it was made.
    """

    def __init__(self) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when those are there whom entering the pool waits for, or with why they are not."""

    @property
    def restarted(self) -> int:
        """How many workers were started in the place of others."""
        return 0

    @property
    def predecessors(self) -> Mapping[UUID, int]:
        """How many workers came before each one in its place."""
        return _NONE

    @abstractmethod
    async def run(self) -> None:
        """Keep the roster true until `stop` is called, and leave nothing on it. Cancelled, at once.

        What it raises is logged, and it is run again a second later; but before it is `ready`, that
        is final.
        """

    @abstractmethod
    def stop(self) -> None:
        """Have `run` end, within the pool's grace. To repeat it is harmless."""
