"""A worker's quota of the calls: how many it takes before another takes its place."""

from __future__ import annotations

__all__ = ["Quota"]

import math
import random
from collections.abc import Callable


class Quota:
    """Counts calls, and says when it is time for another worker: somewhat before the last one.

    How much before is random, so that the workers of a pool are not replaced all at once.
    """

    def __init__(self, most: int | None, due: Callable[[], None]) -> None:
        self._most: float = most or math.inf
        self._tell_due = due
        quota = most or 0
        self._due_at = quota - random.randint(quota // 20, quota // 10)  # noqa: S311 - no secret
        self._taken = 0

    def take(self, *, beyond: bool = False) -> bool:
        """Take one more call, if there is one left to take, or it may go `beyond` the quota."""
        if self._taken >= self._most and not (beyond and self._most):
            return False
        self._taken += 1
        if self._taken == self._due_at:
            self._tell_due()
        return True

    def extend(self) -> bool:
        """Take calls without a limit, since nobody else will; but a limit of one is kept."""
        if self._most <= 1:
            return False
        self._most = math.inf
        return True

    def end(self) -> None:
        """Take no more."""
        self._most = 0
