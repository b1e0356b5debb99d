"""The ways to a pool's workers from one event loop, kept true to the roster."""

from __future__ import annotations

__all__ = ["Departed", "Workers"]

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from wool.discovery.roster import Roster
from wool.dispatch.connection import Connection, Gate
from wool.dispatch.stalls import Stalls
from wool.dispatch.stats import Ledger
from wool.exceptions import PoolClosed, WoolError, WorkerStalled
from wool.protocol.load import News
from wool.settings import CallSettings
from wool.support.waiting import settle

_POST_MORTEM = 1.0  # seconds to wait for the exit status of a worker that hung up
_SILENT = 1.0  # seconds after which, for want of better knowledge, a worker may be stopped
_LAST_FRAMES = 1.0  # seconds for a link to end by itself when its worker has left


class Departed(LookupError):
    """The one worker that a call was for is not there. It was certainly not started."""


class Workers:
    """Who can be called from this loop. Not to be used from another."""

    def __init__(self, roster: Roster, settings: CallSettings, ledger: Ledger) -> None:
        self._roster = roster
        self._settings = settings
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()
        self._ready: list[Connection] = []
        self.gate = Gate()
        self._connections: dict[UUID, Connection] = {}
        self._retired: set[Connection] = set()
        self._leaving: set[Connection] = set()
        self._watching: dict[asyncio.Event, None] = {}
        self._news = 0
        self._closed: PoolClosed | None = None
        self.acknowledgements = News()
        """Told as a worker acknowledges a call, or one ends before that."""
        self._stalls = Stalls(settings.stall_timeout, self._give_up)
        roster.watch(self._on_roster_change)
        self._sync()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def connections(self) -> list[Connection]:
        """The workers that may get calls now, those that joined first before the others."""
        if self._ready:
            return self._ready.copy()
        run = [worker for worker in self._connections.values() if not worker.stopped]
        return [w for w in run if w.watched or w.unacknowledged_for < _SILENT] or run

    def only(self, uid: UUID) -> list[Connection]:
        """Return one worker, or none while it is stopped. Raises Departed if it is not there."""
        if uid not in self._connections:
            self._sync()  # it may have joined just now
        if uid not in self._connections:
            raise Departed
        worker = self._connections[uid]
        return [] if worker.stopped else [worker]

    @property
    def closed(self) -> PoolClosed | None:
        """Why nobody can be called any more, if that is so."""
        return self._closed

    @property
    def news(self) -> int:
        """How often there was something new to be heard of who is there, or runs."""
        return self._news

    @contextmanager
    def watching(self) -> Generator[asyncio.Event]:
        """Have an event that is set at all news from now on."""
        woken = asyncio.Event()
        self._watching[woken] = None
        try:
            yield woken
        finally:
            del self._watching[woken]

    def wake(self, woken: asyncio.Event) -> bool:
        """Set the event of one who is watching, from any thread; False if the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(woken.set)
        except RuntimeError:
            return False
        return True

    async def returncode(self, worker: Connection) -> int | None:
        """Return how a worker that hung up ended, waiting for a moment until it is known.

        None at once if it takes calls all the same, or nobody will tell.
        """
        uid = worker.uid
        with self.watching() as woken:
            probe = self._loop.create_task(self._answers(worker))
            probe.add_done_callback(lambda _: woken.set())
            try:
                async with asyncio.timeout(_POST_MORTEM):
                    while self._roster.will_tell_end(uid) and not _is_true(probe):
                        await woken.wait()
                        woken.clear()
            except TimeoutError:
                pass
            finally:
                probe.cancel()
                await settle([probe])
        return self._roster.returncode(uid)

    async def _answers(self, worker: Connection) -> bool:
        """Tell whether a worker whose link broke can be joined again."""
        try:
            await worker.connect(self._loop.time() + _POST_MORTEM)
        except (OSError, WoolError):
            return False
        return True

    def close(self, error: PoolClosed) -> None:
        """Hang up on every worker. Calls that run, and those still to come, end with `error`."""
        self._closed = error
        self._roster.unwatch(self._on_roster_change)
        for worker in list(self._leaving):
            self._hang_up(worker, error)
        for worker in (*self._connections.values(), *self._retired):
            worker.close(error)
            self._ledger.close(worker.uid, worker.tally, departed=False)
        self._retired.clear()
        self._connections.clear()
        self._ready.clear()
        self._stalls.update({})
        self._wake()

    def _on_roster_change(self) -> None:
        """Hear of a change, in whatever thread it was made."""
        try:
            self._loop.call_soon_threadsafe(self._sync)
        except RuntimeError:  # the loop is closed
            self._roster.unwatch(self._on_roster_change)

    def _sync(self) -> None:
        if self._closed is not None:
            return
        there = self._roster.workers
        for uid in self._connections.keys() - there.keys():
            worker = self._connections.pop(uid)
            worker.retire()
            self._retired.add(worker)
        for worker in [w for w in self._retired if not self._roster.is_retired(w.uid)]:
            self._retired.discard(worker)
            self._let_go(worker)
        for uid, worker in self._connections.items():
            if worker.metadata is not there[uid]:
                worker.update(there[uid])
        for uid in [uid for uid in there if uid not in self._connections]:
            tally = self._ledger.open(uid)
            self._connections[uid] = Connection(
                there[uid], self._settings, tally, self.gate, self.acknowledgements
            )
        self._note_stops()
        self._wake()

    def _note_stops(self) -> None:
        stopped, unwatched = self._roster.stopped, self._roster.unwatched
        self._ready = [] if stopped or unwatched else list(self._connections.values())
        for uid, worker in self._connections.items():
            worker.stopped, worker.watched = uid in stopped, uid not in unwatched
            if worker.stopped:
                worker.stop_joining()
        self._stalls.update(stopped)

    def _give_up(self, uid: UUID) -> None:
        stalled_for = self._settings.stall_timeout or 0.0
        for worker in (*self._connections.values(), *self._retired):
            if worker.uid == uid:
                worker.hang_up(WorkerStalled("stopped", stalled_for=stalled_for))

    def _let_go(self, worker: Connection) -> None:
        # What it sent before it ended may still lie in the socket: the link ends behind that.
        self._leaving.add(worker)
        left = ConnectionResetError("the worker left")
        self._loop.call_later(_LAST_FRAMES, self._hang_up, worker, left)

    def _hang_up(self, worker: Connection, error: Exception) -> None:
        if worker in self._leaving:
            self._leaving.remove(worker)
            worker.close(error)
            self._ledger.close(worker.uid, worker.tally, departed=True)

    def _wake(self) -> None:
        self._news += 1
        for woken in self._watching:
            woken.set()


def _is_true(told: asyncio.Task[bool]) -> bool:
    return told.done() and not told.cancelled() and told.result()
