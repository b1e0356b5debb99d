"""How many calls a worker may have at once, and what is said to those that are too many."""

from __future__ import annotations

__all__ = ["Admission"]

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from uuid import UUID

from wool.exceptions import Overloaded

_REMEMBERED = 64  # ends of calls, whose rate says when there will be room again
_SOONEST = 0.1  # seconds; to come again earlier costs more than it wins
_LATEST = 60.0  # seconds; what the rate says about a later time is no more than a guess


class Admission:
    """Keeps every worker at `max_pending` calls of this process, whichever loops make them."""

    def __init__(self, max_pending: int) -> None:
        self._max_pending = max_pending
        self._lock = threading.Lock()
        self._taken: dict[UUID, int] = {}
        self._ends: deque[float] = deque(maxlen=_REMEMBERED)
        self._waiting: list[Callable[[], None]] = []

    def has_room(self, uid: UUID) -> bool:
        """Tell whether a worker may get a call; another thread may be faster than the asker."""
        return self._taken.get(uid, 0) < self._max_pending

    def take(self, uid: UUID, *, always: bool = False) -> bool:
        """Take a place on a worker, if there is one; `always` takes one that there is not."""
        with self._lock:
            if not self._taken:  # nothing ran, so nothing that ended before says how fast it goes
                self._ends.clear()
                self._ends.append(time.monotonic())
            taken = self._taken.get(uid, 0)
            if taken >= self._max_pending and not always:
                return False
            self._taken[uid] = taken + 1
            return True

    def free(self, uid: UUID) -> None:
        """Give a place back, its call having ended."""
        with self._lock:
            self._ends.append(time.monotonic())
            self._taken[uid] -= 1
            if not self._taken[uid]:
                del self._taken[uid]
            waiting = list(self._waiting)
        for tell in waiting:
            tell()

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Generator[None]:
        """Have `tell` called for each place that is given back, in whatever thread."""
        with self._lock:
            self._waiting.append(tell)
        try:
            yield
        finally:
            with self._lock:
                self._waiting.remove(tell)

    def refusal(self, call: str, workers: int) -> Overloaded:
        """Return the error for `call`, for which none of so many workers has room."""
        retry_after = self._retry_after()
        return Overloaded(
            f"{call!r} was not started: each of {workers} workers that could take it has "
            f"{self._max_pending} calls in flight, the pool's max_pending; try again in about "
            f"{retry_after:.2g} s, or open the pool with more workers",
            retry_after=retry_after,
        )

    def _retry_after(self) -> float:
        with self._lock:
            since = self._ends[0] if self._ends else time.monotonic()
            ends = max(len(self._ends) - 1, 1)  # the first is where the clock starts
        return min(max((time.monotonic() - since) / ends, _SOONEST), _LATEST)
