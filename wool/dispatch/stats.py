"""What became of this process's calls, over all its event loops."""

from __future__ import annotations

__all__ = ["Ledger", "PoolStats", "WorkerStats"]

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from uuid import UUID

from wool.dispatch.admission import Admission
from wool.protocol.tally import Tally


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """The calls that this process made on one worker."""

    in_flight: int
    """Calls that are open now, generators between two steps included."""
    completed: int
    """Calls that returned, and generators that ended or were closed."""
    failed: int
    """Calls that ended otherwise: raised, were cancelled, or were lost with their worker."""
    restarted: int
    """Workers that came before this one in its place."""


@dataclass(frozen=True, slots=True)
class PoolStats:
    """The calls that this process made on a pool, on whichever event loop.

    Those that routines made themselves are counted nowhere; a call that was made again, since it is
    idempotent, counts each time.
    """

    workers: int
    """Workers that take calls now."""
    in_flight: int
    """As in WorkerStats; here and below the workers that have left count, too."""
    completed: int
    failed: int
    restarted: int
    """Workers that were replaced since the pool was opened."""
    by_worker: Mapping[UUID, WorkerStats]
    """The same for each worker that takes calls now."""


class Ledger:
    """Every tally of a pool in this process. Tallies are opened and closed on any thread."""

    def __init__(self, admission: Admission | None = None) -> None:
        self.admission = admission
        """Who is told of each call that ends."""
        self._lock = threading.Lock()
        self._open: dict[UUID, list[Tally]] = {}
        self._closed: dict[UUID, _Sum] = {}
        self._departed = _Sum()

    def open(self, uid: UUID) -> Tally:
        """Return a tally for one loop's calls on a worker."""
        tally = Tally(None if self.admission is None else partial(self.admission.end, uid))
        with self._lock:
            self._open.setdefault(uid, []).append(tally)
        return tally

    def close(self, uid: UUID, tally: Tally, *, departed: bool) -> None:
        """Note that a tally is final; `departed` tells whether its worker has left for good."""
        with self._lock:
            still_open = self._open[uid]
            still_open.remove(tally)
            self._closed[uid] = _Sum.of([self._closed.get(uid, _Sum()), tally])
            if not still_open:
                del self._open[uid]
                if departed:
                    self._departed = _Sum.of([self._departed, self._closed.pop(uid)])

    def stats(self, workers: Iterable[UUID], restarts: Mapping[UUID, int], total: int) -> PoolStats:
        """Sum up. `restarts` tells how many came before each of `workers`, `total` in all."""
        with self._lock:
            there = set(workers)
            known = there | self._open.keys() | self._closed.keys()
            sums = {uid: self._sum(uid) for uid in known}
            whole = _Sum.of([self._departed, *sums.values()])
        by_worker = {
            uid: WorkerStats(part.in_flight, part.completed, part.failed, restarts.get(uid, 0))
            for uid, part in sums.items()
            if uid in there
        }
        return PoolStats(
            workers=len(there),
            in_flight=whole.in_flight,
            completed=whole.completed,
            failed=whole.failed,
            restarted=total,
            by_worker=by_worker,
        )

    def _sum(self, uid: UUID) -> _Sum:
        return _Sum.of([self._closed.get(uid, _Sum()), *self._open.get(uid, ())])


class _Sum(NamedTuple):
    in_flight: int = 0
    completed: int = 0
    failed: int = 0

    @classmethod
    def of(cls, parts: Iterable[Tally | _Sum]) -> _Sum:
        counts = [(part.in_flight, part.completed, part.failed) for part in parts]
        return cls(*map(sum, zip(*counts, strict=True)))
