"""Fairness: calls that came together must not keep the loop from its sockets.

A loop runs everything that is ready before it looks at its sockets again. If forty calls arrive at
once and each computes for 50 ms, no result would go out, and no cancellation come in, for 2 s.
"""

from __future__ import annotations

__all__ = ["Batches", "Fairness"]

import asyncio
from typing import Protocol

_LONG = 0.002  # seconds; some hundred calls that do nothing


class Batches(Protocol):
    """A link that counts how often it was read."""

    @property
    def batches(self) -> int: ...


class Fairness:
    """Tells calls that are about to start whether the loop should look at its sockets first."""

    def __init__(self, link: Batches) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._batch = 0
        self._began: float | None = None
        self._is_ending = False

    def is_overdue(self) -> bool:
        """Tell whether calls have been running for too long since the loop looked."""
        now = self._loop.time()
        if self._began is None or self._batch != self._link.batches:
            self._began, self._batch = now, self._link.batches
            return False
        if now - self._began <= _LONG:
            return False
        if not self._is_ending:
            self._is_ending = True
            self._loop.call_soon(self._end)  # which is after the loop has looked
        return True

    def _end(self) -> None:
        self._began, self._is_ending = None, False
