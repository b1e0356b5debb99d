"""What an open pool consists of: the sources of its workers, and the ways to them."""

from __future__ import annotations

__all__ = ["OpenPool"]

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from functools import partial

from wool.context import open_pool
from wool.discovery.roster import Roster
from wool.discovery.source import Source
from wool.dispatch.loops import Dispatchers
from wool.dispatch.stats import PoolStats
from wool.exceptions import PoolClosed
from wool.pools.sources import Sources
from wool.settings import CallSettings
from wool.support.waiting import first_of, settle, shielded
from wool.types import LoadBalancerLike

_log = logging.getLogger(__name__)

_CUT_GRACE = 1.0  # seconds that are left of the grace once leaving the pool is itself cancelled


class OpenPool:
    """A pool from when it is entered until it is left, whatever its sources do meanwhile."""

    def __init__(
        self,
        roster: Roster,
        balancer: LoadBalancerLike,
        settings: CallSettings,
        sources: Iterable[Source],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._roster = roster
        self.dispatchers = Dispatchers(roster, balancer, settings, open_pool())
        self._sources = Sources(sources, roster)
        self._running = self._loop.create_task(self._look_after(), name="wool pool")
        self._running.add_done_callback(_note_end)

    async def start(self) -> None:
        """Wait for the workers. Raises why there are none; then, and cancelled, they are killed."""
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._give_up, "the pool did not start")
            ready = self._loop.create_task(self._sources.until_ready())
            try:
                await first_of(ready, self._running)
            finally:
                ready.cancel()
                await settle([ready])
            if ready.cancelled():
                self.dispatchers.check()
                raise PoolClosed("the pool was left before its workers were ready")
            ready.result()
            on_failure.pop_all()

    async def aclose(self) -> None:
        """End the calls, have the sources end their workers; cancelled, do so in a hurry."""
        self.dispatchers.close()
        if self._running.done():
            return
        if asyncio.get_running_loop() is not self._loop:
            await self._aclose_elsewhere()
            return
        self._sources.stop()
        hurry: asyncio.TimerHandle | None = None
        cancelled: asyncio.CancelledError | None = None
        with shielded():
            while not self._running.done():
                try:
                    await asyncio.wait([self._running])
                except asyncio.CancelledError as error:
                    cancelled = error
                    hurry = hurry or self._loop.call_later(_CUT_GRACE, self._running.cancel)
        if hurry is not None:
            hurry.cancel()
        if cancelled is not None:
            raise cancelled
        if not self._running.cancelled():
            self._running.result()

    async def _aclose_elsewhere(self) -> None:
        if not self._loop.is_running():
            raise RuntimeError(
                "a pool is left on the event loop that opened it, or while that runs"
            )
        leaving = asyncio.run_coroutine_threadsafe(self.aclose(), self._loop)
        await asyncio.wrap_future(leaving)

    async def _look_after(self) -> None:
        """Run the sources. If that ends though the pool was not left, calls hear of it first."""
        working = self._loop.create_task(self._sources.run(), name="wool sources")
        try:
            await asyncio.wait([working])
        finally:
            if not self.dispatchers.has_ended:
                self._end_unexpectedly(working)
            working.cancel()
            await settle([working])
        if not working.cancelled():
            working.result()

    @property
    def closed(self) -> bool:
        """Tell whether the pool was left, or can't be any more, since its loop has ended."""
        return self.dispatchers.closed or self._loop.is_closed()

    def stats(self) -> PoolStats:
        """Count the calls of this process."""
        workers, sources = self._roster.workers, self._sources
        return self.dispatchers.ledger.stats(workers, sources.predecessors, sources.restarted)

    def _end_unexpectedly(self, working: asyncio.Task[None]) -> None:
        """Say to every call from now on, and at once in the log, why the workers have ended."""
        cause = working.exception() if working.done() and not working.cancelled() else None
        why = repr(cause) if cause else "its task was cancelled, or the event loop ended"
        closed = PoolClosed(f"the workers of the pool were ended, though it was not left: {why}")
        closed.__cause__ = cause or asyncio.CancelledError("the pool's own task")
        self.dispatchers.end(closed)
        self._loop.call_soon(partial(_log.error, "%s", closed, exc_info=cause))

    def abandon(self) -> None:
        """Stop the workers of a pool that nobody will leave any more."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: its end stopped them
            why = "the pool was collected without being left: use 'async with', or keep it"
            self._loop.call_soon_threadsafe(self._give_up, why)

    def _give_up(self, why: str) -> None:
        self.dispatchers.end(PoolClosed(why))
        self._running.cancel()


def _note_end(running: asyncio.Task[None]) -> None:
    if not running.cancelled():
        running.exception()  # it was logged, or whoever leaves the pool gets it
