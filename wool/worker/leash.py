"""What a worker hangs on: who tells it who is there and when to stop, and hears from it."""

from __future__ import annotations

__all__ = ["Leash", "Led"]

from typing import Protocol

from wool.types import Peers


class Led(Protocol):
    """A worker as its leash sees it: what it can be told until it is to stop."""

    def update(self, peers: Peers, /) -> None:
        """Know who is in the pool, for the calls that its routines make."""
        ...

    def retire(self) -> None:
        """Take no more calls, and say when those that run have ended and every caller is gone."""
        ...

    def extend(self) -> None:
        """Take more calls than the quota. It says so, unless the quota is one call."""
        ...


class Leash(Protocol):
    """What holds a worker. None but `follow` waits, and none raises.

    The control channel to a parent is one; signals of an operator may be another.
    """

    async def follow(self, worker: Led, /) -> float:
        """Tell a worker that is ready what it has to know, until it has to stop.

        Returns the grace that its calls have then, in seconds. What it raises ends the worker.
        """
        ...

    def ready(self) -> None:
        """Hear that the worker takes calls."""
        ...

    def due(self) -> None:
        """Hear that it has almost done its quota: it is time to start another."""
        ...

    def extended(self) -> None:
        """Hear that it takes more calls than its quota."""
        ...

    def drained(self) -> None:
        """Hear that it was retired, its last call has ended, and every caller has hung up."""
        ...
