"""How many calls a worker may have at once, and what is said to those that are too many."""

from __future__ import annotations

__all__ = ["Admission", "Waiter"]

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from uuid import UUID

from wool.exceptions import Overloaded
from wool.protocol.outcome import Lost, Outcome

_REMEMBERED = 64  # ends of calls, whose rate says when there will be room again
_SOONEST = 0.1  # seconds; the least that `retry_after` says
_LATEST = 60.0  # seconds; the most that it says


class Waiter:
    """A call's position in the line of those that wait for a place."""

    def __init__(self, lock: threading.Lock, tell: Callable[[], bool]) -> None:
        self._lock = lock
        self.tell = tell
        """Is called, in any thread, when the call was given a place; False if nobody hears it."""
        self.wanted: Collection[UUID] = ()
        """The workers on which a place would do."""
        self.given: UUID | None = None
        """The worker on which it was given one."""

    def collect(self) -> UUID | None:
        """Want none any more, and return where one was given. It is the asker's from now on."""
        with self._lock:
            given, self.given, self.wanted = self.given, None, ()
            return given


class Admission:
    """Keeps every worker at `max_pending` calls of this process, whichever loops make them.

    Most calls take a place or are refused. Those that wait stand in a line, and a place that is
    given back goes to the first who wants it, so that nobody else finds it free.
    """

    def __init__(self, max_pending: int) -> None:
        self._max_pending = max_pending
        self._lock = threading.Lock()
        self._taken: dict[UUID, int] = {}
        self._ends: deque[float] = deque(maxlen=_REMEMBERED)
        self._line: dict[Waiter, None] = {}

    def has_room(self, uid: UUID) -> bool:
        """Tell whether a worker may get a call; another thread may be faster than the asker."""
        return self._taken.get(uid, 0) < self._max_pending

    def take(self, uid: UUID, *, always: bool = False) -> bool:
        """Take a place on a worker, if there is one; `always` takes one that there is not."""
        with self._lock:
            if not self._taken:  # nothing ran, so nothing that ended before says how fast it goes
                self._ends.clear()
                self._ends.append(time.monotonic())
            if not always and not self.has_room(uid):
                return False
            self._taken[uid] = self._taken.get(uid, 0) + 1
            return True

    def end(self, uid: UUID, outcome: Outcome | Lost | None) -> None:
        """Give back the place of a call that has ended, None standing for one given up."""
        if outcome is None or not outcome.not_started:
            with self._lock:
                self._ends.append(time.monotonic())
        self.give_back(uid)

    def give_back(self, uid: UUID) -> None:
        """Give a place back: to the first in the line who wants it, and hears of it."""
        while True:
            with self._lock:
                self._taken[uid] -= 1
                waiter = self._next(uid) if self.has_room(uid) else None
                if waiter is None:
                    if not self._taken[uid]:
                        del self._taken[uid]
                    return
                self._taken[uid] += 1
                waiter.given, waiter.wanted = uid, ()
            if waiter.tell() or waiter.collect() is None:
                return

    def _next(self, uid: UUID) -> Waiter | None:
        return next((waiter for waiter in self._line if uid in waiter.wanted), None)

    @contextmanager
    def line_up(self, tell: Callable[[], bool]) -> Generator[Waiter]:
        """Stand at the end of the line, in which `tell` says that there is a place."""
        waiter = Waiter(self._lock, tell)
        with self._lock:
            self._line[waiter] = None
        try:
            yield waiter
        finally:
            with self._lock:
                del self._line[waiter]
            given = waiter.collect()
            if given is not None:
                self.give_back(given)

    def wait_for(self, waiter: Waiter, workers: Collection[UUID]) -> bool:
        """Have `waiter` want a place on one of `workers`; False if one has room at this moment."""
        with self._lock:
            if any(map(self.has_room, workers)):
                return False
            waiter.wanted = workers
            return True

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
