"""Fairness: calls that came together must not keep the loop from its sockets.

A loop runs everything that is ready before it looks at its sockets again. If forty calls arrive at
once and each computes for 50 ms, no result would go out, and no cancellation come in, for 2 s.
"""

from __future__ import annotations

__all__ = ["Fairness"]

import asyncio

_LONG = 0.002  # seconds; some hundred calls that do nothing


class Fairness:
    """Tells calls that are about to start whether the loop should look at its sockets first."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether calls have been running for too long since the loop looked."""
        now = self._loop.time()
        if self._began is None:
            self._began = now
            self._loop.call_soon(self._end)  # which is after the loop has looked
            return False
        return now - self._began > _LONG

    def _end(self) -> None:
        self._began = None
