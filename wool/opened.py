"""What an open pool consists of: directory, janitor, workers and the ways to them."""

from __future__ import annotations

__all__ = ["OpenPool"]

import asyncio
import contextlib
import logging

from wool.context import open_pool
from wool.discovery.roster import Roster
from wool.dispatch.loops import Dispatchers
from wool.dispatch.stats import PoolStats
from wool.exceptions import PoolClosed, StartupError
from wool.settings import PoolSettings
from wool.types import LoadBalancerLike
from wool.waiting import shielded
from wool.worker.fleet import Fleet
from wool.worker.janitor import Janitor
from wool.worker.launch import WorkerSettings
from wool.worker.runtime_directory import RuntimeDirectory

_log = logging.getLogger(__name__)

_CUT_GRACE = 1.0  # seconds that are left of the grace once leaving the pool is itself cancelled


class OpenPool:
    """What an open pool consists of."""

    def __init__(
        self, roster: Roster, balancer: LoadBalancerLike, size: int, settings: PoolSettings
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_left = False
        self._roster = roster
        try:
            self._directory = RuntimeDirectory()
        except OSError as error:
            raise StartupError(f"no directory for the workers' sockets: {error}") from error
        self._janitor = Janitor(self._directory.path)
        self.dispatchers = Dispatchers(roster, balancer, settings, open_pool())
        worker_settings = WorkerSettings(settings, self._directory.path, self._janitor)
        self._fleet = Fleet(size, worker_settings, roster)
        self._running = self._loop.create_task(self._fleet.run(), name="wool fleet")
        self._running.add_done_callback(self._clean_up)

    async def start(self) -> None:
        """Wait for the workers. Raises StartupError; then, and when cancelled, they are killed."""
        both = [self._fleet.ready, self._running]
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._give_up)
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not self._fleet.ready.done():
                self.dispatchers.check()
                raise PoolClosed("the pool was left before its workers were ready")
            await self._fleet.ready
            on_failure.pop_all()

    async def aclose(self) -> None:
        """End the calls, stop the workers, remove the directory; cancelled, do so in a hurry."""
        self._is_left = True
        self.dispatchers.close()
        self._fleet.stop()
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

    @property
    def closed(self) -> bool:
        """Tell whether the pool was left, or can't be any more, since its loop has ended."""
        return self.dispatchers.closed or self._loop.is_closed()

    def stats(self) -> PoolStats:
        """Count the calls of this process."""
        workers, fleet = self._roster.workers, self._fleet
        return self.dispatchers.ledger.stats(workers, fleet.predecessors, fleet.restarted)

    def _clean_up(self, running: asyncio.Task[None]) -> None:
        """Remove what is left when the last worker has gone, however that came about."""
        if not self._is_left:
            self.dispatchers.end(_unexpected_end(running))
        self._janitor.dismiss()
        self._directory.remove()

    def abandon(self) -> None:
        """Stop the workers of a pool that nobody will leave any more."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: its end stopped them
            self._loop.call_soon_threadsafe(self._give_up)

    def _give_up(self) -> None:
        self._is_left = True
        self._running.cancel()


def _unexpected_end(running: asyncio.Task[None]) -> PoolClosed:
    """Say at once, and to every call from now on, why the workers of a pool have ended."""
    cause = None if running.cancelled() else running.exception()
    why = repr(cause) if cause else "its task was cancelled, or the event loop ended"
    closed = PoolClosed(f"the workers of the pool were ended, though it was not left: {why}")
    closed.__cause__ = cause or asyncio.CancelledError("the pool's own task")
    _log.error("%s", closed, exc_info=cause)
    return closed
