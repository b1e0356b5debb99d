"""A pool's dispatchers, one for each event loop that calls from this process."""

from __future__ import annotations

__all__ = ["Dispatchers"]

import asyncio
import threading
from collections.abc import Coroutine
from functools import partial
from typing import Any

from wool.discovery.roster import Roster
from wool.dispatch.admission import Admission
from wool.dispatch.dispatcher import Dispatcher
from wool.dispatch.forked import refuse_in_fork
from wool.dispatch.prefetching_steps import PrefetchingSteps
from wool.dispatch.stats import Ledger
from wool.dispatch.steps import RemoteSteps
from wool.exceptions import PoolClosed
from wool.settings import CallSettings
from wool.support.forks import forks
from wool.tasks import Task
from wool.types import LoadBalancerLike, PoolLike


class Dispatchers:
    """Where calls go in this process, whichever loop makes them. It is what a PoolLike needs."""

    def __init__(
        self,
        roster: Roster,
        balancer: LoadBalancerLike,
        settings: CallSettings,
        outer: PoolLike | None = None,
    ) -> None:
        self._roster = roster
        self._balancer = balancer
        self._settings = settings
        self._outer = outer
        limit = settings.max_pending
        self._ledger = Ledger(None if limit is None else Admission(limit))
        self._lock = threading.Lock()
        self._by_loop: dict[asyncio.AbstractEventLoop, Dispatcher] = {}
        self.closed = False
        """Whether the pool was left."""
        self._ended: PoolClosed | None = None
        self._forks = forks.count

    @property
    def has_ended(self) -> bool:
        """Tell whether the pool takes no calls any more, left or not."""
        return self._ended is not None

    @property
    def ledger(self) -> Ledger:
        """What became of the calls."""
        return self._ledger

    @property
    def outer(self) -> PoolLike | None:
        return self._outer

    def call(self, task: Task, /) -> Coroutine[Any, Any, Any]:
        """Run a coroutine routine on some worker and return its result."""
        return self._here().call(task)

    async def until_anyone(self, name: str) -> None:
        """Wait until a worker is there. Raises what the call `name` would that finds nobody."""
        await self._here().until_anyone(name)

    def steps(self, task: Task, /) -> RemoteSteps:
        """Prepare a generator routine."""
        kind = PrefetchingSteps if task.options.prefetch else RemoteSteps
        return kind(self._here(), task)

    def close(self) -> None:
        """End every call with PoolClosed, on this loop now and on others in a moment."""
        self.closed = True
        self.end(PoolClosed("the pool was left"))

    def end(self, error: PoolClosed) -> None:
        """End every call with `error`, and those still to come, though the pool was not left."""
        with self._lock:
            self._ended = self._ended or error
            dispatchers = list(self._by_loop.items())
            self._by_loop.clear()
        here = asyncio.get_running_loop()
        for loop, dispatcher in dispatchers:
            if loop is here:
                dispatcher.close(error)
            else:
                dispatcher.close_threadsafe(error)

    def check(self) -> None:
        """Raise PoolClosed if the pool takes no calls any more."""
        if self._ended is not None:
            raise self._ended.when("; a call needs one that is open")

    def _here(self) -> Dispatcher:
        if self._forks != forks.count:
            refuse_in_fork()
        loop = asyncio.get_running_loop()
        dispatcher = self._by_loop.get(loop)
        if dispatcher is None:
            with self._lock:
                self.check()
                closed = partial(self._by_loop.pop, loop, None)
                dispatcher = Dispatcher(
                    self._roster, self._balancer, self._settings, self._ledger, closed
                )
                self._by_loop[loop] = dispatcher
        return dispatcher
