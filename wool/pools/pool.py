"""WorkerPool: workers, and the way to them, in one `async with`."""

from __future__ import annotations

__all__ = ["WorkerPool"]

import contextlib
import functools
import os
import warnings
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar
from uuid import UUID

from wool.balancing.round_robin import RoundRobinLoadBalancer
from wool.context import activate, enter_pool, leave_pool
from wool.discovery.roster import Roster
from wool.dispatch.stats import PoolStats
from wool.exceptions import PoolClosed
from wool.fleet.fleet import FACTORY, Fleet
from wool.fleet.local_workers import LocalWorkers
from wool.pools.arguments import call_settings, worker_settings
from wool.pools.broadcasting import broadcast
from wool.pools.lifespan import checked_lifespan, pickled_lifespan
from wool.pools.mapping import Rows, mapped
from wool.pools.open_pool import OpenPool
from wool.pools.through import through
from wool.support.checks import positive
from wool.support.given import Given, enter, refuse_unless
from wool.tasks import Placement
from wool.types import LoadBalancerLike, WorkerFactory, WorkerMetadata

P = ParamSpec("P")
T = TypeVar("T")

_BALANCER = ("loadbalancer", "choose(task, workers)")
_AHEAD = 25  # times as many rows may have begun while a map waits for a slow one
_PLENTY = 4  # calls per worker: one runs, and others are there when it ends


class WorkerPool:
    """Worker processes on this machine, to which the routines called inside the block go.

    Entering waits until every worker takes calls; cancelling it leaves nothing behind. Leaving ends
    calls that still run with PoolClosed, gives the routines and then the lifespans the grace to
    clean up, then kills what is left. To cancel the leaving cuts the grace to one second.

    A worker that dies is replaced. If that fails, the pool tries again, at most 5 s later, for as
    long as it is open. Calls that find no worker meanwhile wait up to `start_timeout`, and raise
    StartupError then, with the last worker's as its cause. A worker that is stopped (SIGSTOP, a
    debugger; on Linux, where the system tells) gets no calls, from a moment later until it goes on;
    if all are stopped, calls wait.

    The pool may be left in another task than it was entered in, or on another event loop while its
    own runs, and routines may be called on other loops and threads meanwhile. It is opened once.

    Args:
        *tags: What marks the workers: a routine with `tags=` goes only where the workers have all
            of those, and load balancers find them in a worker's metadata.
        size: The number of workers, by default `os.cpu_count()`.
        loadbalancer: What chooses who gets a call: a LoadBalancerLike, a context manager of one
            (sync or async), which is entered before the workers start and left when they are gone,
            or what makes either; by default each worker that answers has its turn.
        lifespan: Makes the context manager that every worker enters before it takes calls, and
            leaves when its calls have ended. What it yields is `wool.worker_state()` in the worker.
        modules: What every worker imports, in order, before it enters the lifespan.
        worker: How workers are started, for those that are not to be processes of this machine: a
            WorkerFactory, or what makes one, as with `loadbalancer`.
        max_pending: How many calls of this process a worker may have in flight, over all event
            loops; a generator counts from its first step to its end. Workers that have as many are
            left out before the balancer chooses, and if all have, the call raises Overloaded. Only
            one that had its place on a worker which did not take it, or died with it, and those of
            a `map` without a `limit` wait for a place, in turn, for up to `start_timeout`. Calls
            of routines are not limited: one that waits for another must not keep it out.
        max_tasks_per_worker: A worker that has taken so many calls, or up to a tenth less, is
            replaced by another; no call is lost by that.
        stall_timeout: For how many seconds a call waits on that was sent to a worker before that
            was stopped; then it raises WorkerStalled, here and in routines that made it, and what
            is left of it on the worker is cancelled as soon as that goes on. By default it waits
            for as long as it takes.
        start_timeout: Seconds for the start of a worker, modules and lifespan included, and for a
            call to find one.
        grace: Seconds for the clean-up of a call that is cancelled, or runs when the pool is left.
        max_message_size: How many bytes the arguments, a result or an item may take, pickled.
        forward_logs: Whether what routines log arrives at the same loggers of the process that
            called them, and what workers log otherwise at those of this one.

    Raises:
        StartupError: On entering, if a worker does not come up.
        SerializationError: On entering, if the lifespan can't be pickled.
    """

    _entered = False
    _opened: OpenPool | None = None
    _closed = False

    def __init__(
        self,
        *tags: str,
        size: int | None = None,
        loadbalancer: Given[LoadBalancerLike] | None = None,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None,
        modules: Iterable[str] = (),
        worker: Given[WorkerFactory] | None = None,
        max_pending: int | None = None,
        max_tasks_per_worker: int | None = None,
        stall_timeout: float | None = None,
        start_timeout: float = 60.0,
        grace: float = 5.0,
        max_message_size: int = 100 * 2**20,
        forward_logs: bool = True,
    ) -> None:
        self._size = positive("size", os.cpu_count() or 1 if size is None else size)
        self._calls = call_settings(
            max_pending=max_pending,
            stall_timeout=stall_timeout,
            start_timeout=start_timeout,
            grace=grace,
            max_message_size=max_message_size,
        )
        self._workers = worker_settings(
            self._calls,
            tags=tags,
            modules=modules,
            max_tasks_per_worker=max_tasks_per_worker,
            forward_logs=forward_logs,
        )
        self._lifespan = checked_lifespan(lifespan)
        self._balancer = RoundRobinLoadBalancer if loadbalancer is None else loadbalancer
        refuse_unless(*_BALANCER, self._balancer)
        self._factory = LocalWorkers if worker is None else worker
        refuse_unless(*FACTORY, self._factory)
        self._given = contextlib.AsyncExitStack()
        self._roster = Roster()

    async def __aenter__(self) -> Self:
        if self._entered or self._closed:
            raise RuntimeError("a WorkerPool is opened once; make a new one")
        self._entered = True
        async with contextlib.AsyncExitStack() as on_failure:
            on_failure.push_async_callback(self.aclose)
            balancer = await enter(*_BALANCER, self._balancer, self._given)
            settings = replace(self._workers, lifespan=pickled_lifespan(self._lifespan))
            fleet = Fleet(self._size, self._factory, settings, self._roster)
            opened = self._opened = OpenPool(self._roster, balancer, self._calls, [fleet])
            await opened.start()
            on_failure.pop_all()
        enter_pool(opened.dispatchers)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave the pool. To repeat it is harmless; it returns when the pool is gone."""
        self._closed = True
        try:
            if self._opened is not None:
                leave_pool(self._opened.dispatchers)
                await self._opened.aclose()
        finally:
            await self._given.aclose()

    def dispatch(self, routine: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a routine through this pool, whichever is active.

        Returns what the call itself would: a coroutine, or an async generator. Calls that the
        routine makes go to this pool, too. `routine` may be a bound method of a routine, and a
        `functools.partial` of one; TypeError is raised for anything else. Raises PoolClosed if the
        pool is not open yet; if it was left, awaiting the coroutine does.
        """
        called: T = through(self._open().dispatchers, routine)(*args, **kwargs)
        return called

    def map(
        self,
        routine: Callable[..., Coroutine[Any, Any, T]],
        /,
        *iterables: Iterable[Any] | AsyncIterable[Any],
        limit: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[T]:
        """Call a routine for each item, or for each row of several iterables; iterate over results.

        Calls begin when the result is iterated over, and a slow consumer holds them up. While the
        result that is next takes longer than those behind it, up to 25 times as many rows as
        `limit` are read ahead. A call that finds no place waits for one, up to `start_timeout`;
        with a `limit` it raises Overloaded.

        The first error is raised, in its turn; the other calls are cancelled, and have the pool's
        grace to clean up before. The same becomes of them when the consumer is cancelled or closes
        the iterator; one left by `break` does so when it is collected. No call outlives it.

        Args:
            routine: A coroutine's, or what `dispatch` takes for one.
            *iterables: Read one row at a time, in step as by `zip`. They may be async.
            limit: How many calls are under way, and no more rows are read ahead of what was taken
                from the result. By default four for each worker (or `max_pending`, if that is
                less), of which a worker that computes has only the one: the others are sent as it,
                or another, answers.
            ordered: Whether results and errors come in the order of the rows, or as calls end.

        Raises:
            TypeError: If `routine` is none, or is a generator.
        """
        if not iterables:
            raise TypeError("map takes at least one iterable beside the routine")
        at_once = None if limit is None else positive("limit", limit)
        placement = Placement(patient=at_once is None)
        call = through(self._open().dispatchers, routine, coroutine_only=True, placement=placement)
        rows, share = Rows(iterables), self._share
        if at_once is not None:
            return mapped(call, rows, lambda: at_once, ordered=ordered)
        return mapped(call, rows, lambda: self._plenty, ahead=_AHEAD, share=share, ordered=ordered)

    async def broadcast(
        self, routine: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> dict[UUID, T]:
        """Call a routine once on every worker; return the results by uid.

        The calls run at the same time, each to its end, whatever becomes of the others; then
        BroadcastError, a group, tells which workers raised what, and what the others returned; for
        CancelledError, which no such group can hold, stands a RemoteError with it as its cause. A
        worker that leaves before its call has started is in neither; the one that has its place by
        then is called in its stead. Idempotent routines are not called elsewhere. Neither
        `max_pending` nor `max_tasks_per_worker` holds a call up. One on a worker that is stopped
        waits for it, for up to `start_timeout`.

        If no worker is there it waits for one as a call does, and raises what a call would.
        Cancelling this cancels all the calls. Raises PoolClosed if the pool was left, and TypeError
        if `routine` is none, as `dispatch` does, or is a generator.
        """
        dispatchers = self._open().dispatchers
        call = functools.partial(routine, *args, **kwargs)
        return await broadcast(dispatchers, self._roster, call)

    def activate(self) -> AbstractContextManager[None]:
        """Return a context manager that makes this pool the active one in its block.

        For code outside the task that entered the pool, such as web handlers. Raises PoolClosed if
        the pool was left, or is not open yet.
        """
        dispatchers = self._open().dispatchers
        if self.closed:
            raise PoolClosed("the pool was left: open another one")
        return activate(dispatchers)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._opened is not None else "new"
        return f"<{type(self).__qualname__} size={self._size} {state}>"

    @property
    def workers(self) -> Mapping[UUID, WorkerMetadata]:
        """The workers that take calls now, by uid; a snapshot."""
        return self._roster.workers

    def stats(self) -> PoolStats:
        """Count the calls that this process made on the pool, on whichever event loop.

        It may be asked from any thread, and after the pool was left. Counts on other loops may be
        a moment old. Raises PoolClosed if the pool is not open yet.
        """
        return self._open().stats()

    @property
    def closed(self) -> bool:
        """Tell whether the pool was left, or its event loop has ended."""
        return self._closed or (self._opened is not None and self._opened.closed)

    @property
    def _plenty(self) -> int:
        """How many calls keep the workers busy."""
        running = self._roster.workers.keys() - self._roster.stopped.keys()
        return self._share * max(len(running), 1)

    @property
    def _share(self) -> int:
        """How many keep one of them busy."""
        return min(self._calls.max_pending or _PLENTY, _PLENTY)

    def _open(self) -> OpenPool:
        if self._opened is None:
            raise PoolClosed("the pool is not open: enter it with 'async with'")
        return self._opened

    def __del__(self) -> None:
        if self._opened is not None and not self._closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
            self._opened.abandon()
