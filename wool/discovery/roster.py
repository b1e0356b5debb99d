"""The workers that this process knows of, and how those that left ended.

One roster serves every event loop of the process: it may be changed and watched from any thread.
"""

from __future__ import annotations

__all__ = ["Roster"]

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

from wool.exceptions import StartupError
from wool.types import Peer, Peers, WorkerMetadata

T = TypeVar("T")

_REMEMBERED = 256  # departures, and successions; a caller asks about one within moments


class Roster:
    """Who is there, as the sources tell. Watchers are called after each change, in its thread.

    Whether a worker is stopped, and how its process ended, is known only where that runs. The
    source that adds it says whether it will tell; callers do without what nobody can tell.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: Mapping[UUID, WorkerMetadata] = MappingProxyType({})
        self._retired: set[UUID] = set()
        self._stopped: Mapping[UUID, float] = MappingProxyType({})
        self._unwatched: frozenset[UUID] = frozenset()
        self._telling_end: set[UUID] = set()
        self._departed: OrderedDict[UUID, int | None] = OrderedDict()
        self._successors: OrderedDict[UUID, UUID] = OrderedDict()
        self._watchers: set[Callable[[], None]] = set()
        self._trouble: StartupError | None = None

    @property
    def workers(self) -> Mapping[UUID, WorkerMetadata]:
        """Everyone who takes calls now; a snapshot that does not change."""
        return self._workers

    @property
    def stopped(self) -> Mapping[UUID, float]:
        """Who is stopped, and since when, as `time.monotonic` has it; a snapshot."""
        return self._stopped

    @property
    def unwatched(self) -> frozenset[UUID]:
        """Those of whom nobody can tell whether they are stopped; a snapshot."""
        return self._unwatched

    @property
    def trouble(self) -> StartupError | None:
        """Why the last worker that was to join did not, until one does."""
        return self._trouble

    def note_trouble(self, error: StartupError | None) -> None:
        """Note why a worker that was to join did not; None: one did."""
        self._trouble = error

    def peers(self) -> Peers:
        """Return all that a worker is to be told, in one moment."""
        with self._lock:
            there = [
                Peer(metadata, self._is_stopped(uid), uid in self._telling_end)
                for uid, metadata in self._workers.items()
            ]
            departed = {uid: code for uid, code in self._departed.items() if code is not None}
            retired = frozenset(self._retired)
        return Peers(there, retired, departed)

    def follow(self, peers: Peers, *, here: UUID) -> None:
        """Be as the roster is that `peers` are of. Who reads this is the worker `here`."""
        there = {peer.metadata.uid: peer for peer in peers.there}
        for uid in self._workers.keys() - there.keys():
            self.retire(uid)
        for uid in (*self._retired - frozenset(peers.retired), *peers.departed):
            self.drop(uid, peers.departed.get(uid))
        for uid, peer in there.items():
            # What is said of this worker itself may be out of date: it runs now.
            stopped = False if uid == here else peer.stopped
            if uid not in self._workers:
                self.add(peer.metadata, stopped=stopped, tells_end=peer.tells_end)
            self.update(peer.metadata)
            self.mark(uid, stopped=stopped)
        self.tell()

    def add(
        self,
        metadata: WorkerMetadata,
        *,
        instead_of: UUID | None = None,
        stopped: bool | None = None,
        tells_end: bool = False,
    ) -> None:
        """Note that a worker joined, which is the end of what troubled others.

        Args:
            metadata: who it is, and where.
            instead_of: whose place it has taken.
            stopped: whether its process is stopped; None if that can't be told.
            tells_end: whether `drop` will tell how its process ended.
        """
        uid = metadata.uid
        with self._lock:
            if instead_of is not None:
                self._successors[instead_of] = uid
                while len(self._successors) > _REMEMBERED:
                    self._successors.popitem(last=False)
            self._workers = MappingProxyType({**self._workers, uid: metadata})
            self._trouble = None
            if tells_end:
                self._telling_end.add(uid)
            self._mark(uid, stopped=stopped)
        self.tell()

    def update(self, metadata: WorkerMetadata) -> bool:
        """Note what is new of a worker that takes calls: its address, its tags. Tell if any is."""
        with self._lock:
            if self._workers.get(metadata.uid, metadata) == metadata:
                return False
            self._workers = MappingProxyType({**self._workers, metadata.uid: metadata})
        self.tell()
        return True

    def successor(self, uid: UUID) -> UUID | None:
        """Return who took the place of a worker, or, if that has left, of its successor."""
        with self._lock:
            following = self._successors.get(uid)
            while following is not None and following not in self._workers:
                following = self._successors.get(following)
        return following

    def retire(self, uid: UUID) -> None:
        """Note that a worker takes no more calls, and will leave when those that run have ended."""
        with self._lock:
            self._retired.add(uid)
            self._workers = _without(self._workers, uid)
        self.tell()

    def is_retired(self, uid: UUID) -> bool:
        """Tell whether a worker takes no more calls and has not left yet."""
        return uid in self._retired

    def drop(self, uid: UUID, returncode: int | None = None) -> None:
        """Note that a worker left. To drop it again does nothing."""
        with self._lock:
            if uid not in self._workers and uid not in self._retired:
                return
            self._retired.discard(uid)
            self._telling_end.discard(uid)
            self._departed[uid] = returncode
            self._mark(uid, stopped=False)
            self._workers = _without(self._workers, uid)
            while len(self._departed) > _REMEMBERED:
                self._departed.popitem(last=False)
        self.tell()

    def mark(self, uid: UUID, *, stopped: bool | None) -> bool:
        """Note whether a worker is stopped; None: that can't be told. Tell whether it is news."""
        with self._lock:
            there = uid in self._workers or uid in self._retired
            if not there or stopped == self._is_stopped(uid):
                return False
            self._mark(uid, stopped=stopped)
        self.tell()
        return True

    def will_tell_end(self, uid: UUID) -> bool:
        """Tell whether a worker is there, retired or not, of which it will be told how it ended."""
        return uid in self._telling_end

    def returncode(self, uid: UUID) -> int | None:
        """How a worker that left ended, as `subprocess` has it; None if that is not known."""
        return self._departed.get(uid)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` at each change from now on."""
        with self._lock:
            self._watchers.add(watcher)

    def unwatch(self, watcher: Callable[[], None]) -> None:
        """Stop calling `watcher`."""
        with self._lock:
            self._watchers.discard(watcher)

    def tell(self) -> None:
        """Call the watchers: something has changed, be it only that a call may try again."""
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher()

    def _is_stopped(self, uid: UUID) -> bool | None:
        return None if uid in self._unwatched else uid in self._stopped

    def _mark(self, uid: UUID, *, stopped: bool | None) -> None:
        if stopped is None:
            self._unwatched |= {uid}
        else:
            self._unwatched -= {uid}
        if not stopped:
            self._stopped = _without(self._stopped, uid)
        elif uid not in self._stopped:
            self._stopped = MappingProxyType({**self._stopped, uid: time.monotonic()})


def _without(mapping: Mapping[UUID, T], uid: UUID) -> Mapping[UUID, T]:
    return MappingProxyType({key: value for key, value in mapping.items() if key != uid})
