"""What is compared: something that runs functions in other processes."""

from __future__ import annotations

__all__ = ["Contestant", "Opener", "warm_up"]

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from benchmarks.measure import Call, Echo, in_flight


@dataclass(frozen=True)
class Contestant:
    """One of those that are compared, while it runs."""

    noop: Call
    echo: Echo
    pids: Callable[[], list[int]]


Opener = Callable[[int], AbstractAsyncContextManager[Contestant]]
"""Opens one with so many workers."""


async def warm_up(contestant: Contestant, workers: int) -> None:
    """Make a few hundred calls, so that every worker has had some."""
    await in_flight(contestant.noop, 300 + 20 * workers, 8 * workers)
