"""WorkerPool: workers, and the way to them, in one `async with`."""

from __future__ import annotations

__all__ = ["WorkerPool"]

import contextlib
import os
import secrets
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from wool.balancing.round_robin import RoundRobinLoadBalancer
from wool.context import activate, enter_pool, leave_pool
from wool.discovery.roster import Roster
from wool.dispatch.stats import PoolStats
from wool.exceptions import PoolClosed
from wool.given import Given, enter, refuse_unless
from wool.lifespan import checked_lifespan, pickled_lifespan
from wool.opened import OpenPool
from wool.settings import PoolSettings, checked_modules, checked_tags, positive, seconds
from wool.types import LoadBalancerLike, WorkerMetadata

_BALANCER = ("loadbalancer", "choose(task, workers)")
_TOKEN_SIZE = 32  # bytes
_LARGEST = 2**31 - 2**22  # bytes: a protobuf message holds 2 GiB


class WorkerPool:
    """Worker processes on this machine, to which the routines called inside the block go.

    `tags` mark the workers: load balancers find them in a worker's metadata.
    `size` is the number of workers, by default `os.cpu_count()`. `loadbalancer` chooses who gets a
    call: a LoadBalancerLike, a context manager of one (sync or async), which is entered before the
    workers start and left when they are gone, or a class or function that makes either; by default
    each worker has its turn.

    Every worker imports `modules`, in order, and then enters the context manager that `lifespan()`
    makes, before it takes calls; it leaves it when its calls have ended. What the lifespan yields
    is `wool.worker_state()` in the worker. A worker that has taken `max_tasks_per_worker` calls, or
    up to a tenth less, is replaced by another; no call is lost by that.

    `max_pending` is how many calls of this process a worker may have in flight, over all event
    loops; a generator counts from its first step to its end. Workers that have as many are left out
    before the balancer chooses, and if all have, the call raises Overloaded. Calls that routines
    make are not limited: a routine that waits for another must not keep it out.

    A worker that is stopped (SIGSTOP, a debugger; on Linux, where the system tells) gets no calls
    from half a second later until it goes on; if all are stopped, calls wait. `stall_timeout` is
    for how many seconds a call that was sent there before waits on; then it raises WorkerStalled,
    here and in routines that made it, and what is left of it on the worker is cancelled as soon as
    that goes on. By default it waits for as long as it takes.

    `start_timeout` is how many seconds a worker may take to start, modules and lifespan included,
    and a call may wait for one. `grace` is how many seconds a cancelled call, or one that runs when
    the pool is left, has for its clean-up. `max_message_size` is how many bytes the arguments, a
    result or an item may take, pickled. With `forward_logs` what routines log arrives at the
    loggers of the same names in the process that called them.

    Entering waits until every worker takes calls; it raises StartupError if one does not come up,
    SerializationError if the lifespan can't be pickled, and cancelling it leaves nothing behind.
    Leaving ends calls that still run with PoolClosed, gives the routines and then the lifespans the
    grace to clean up, then kills what is left. To cancel the leaving cuts the grace to one second.
    A worker that dies is replaced.

    The pool may be left in another task than it was entered in, and routines may be called on
    other event loops and threads meanwhile. A pool is opened once.
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
        max_pending: int | None = None,
        max_tasks_per_worker: int | None = None,
        stall_timeout: float | None = None,
        start_timeout: float = 60.0,
        grace: float = 5.0,
        max_message_size: int = 100 * 2**20,
        forward_logs: bool = True,
    ) -> None:
        self._tags = checked_tags(tags)
        self._size = positive("size", os.cpu_count() or 1 if size is None else size)
        self._start_timeout = seconds("start_timeout", start_timeout)
        self._grace = seconds("grace", grace)
        self._max_pending = None if max_pending is None else positive("max_pending", max_pending)
        self._stall_timeout = (
            None if stall_timeout is None else seconds("stall_timeout", stall_timeout)
        )
        self._max_message_size = positive("max_message_size", max_message_size)
        if max_message_size > _LARGEST:
            raise ValueError(f"max_message_size is at most {_LARGEST:,}, not {max_message_size:,}")
        self._forward_logs = forward_logs
        self._lifespan = checked_lifespan(lifespan)
        self._modules = checked_modules(modules)
        self._max_tasks = None
        if max_tasks_per_worker is not None:
            self._max_tasks = positive("max_tasks_per_worker", max_tasks_per_worker)
        self._balancer = RoundRobinLoadBalancer if loadbalancer is None else loadbalancer
        refuse_unless(*_BALANCER, self._balancer)
        self._given = contextlib.AsyncExitStack()
        self._roster = Roster()

    async def __aenter__(self) -> Self:
        if self._entered or self._closed:
            raise RuntimeError("a WorkerPool is opened once; make a new one")
        self._entered = True
        async with contextlib.AsyncExitStack() as on_failure:
            on_failure.push_async_callback(self.aclose)
            balancer = await enter(*_BALANCER, self._balancer, self._given)
            opened = OpenPool(self._roster, balancer, self._size, self._settings())
            self._opened = opened
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

    def activate(self) -> AbstractContextManager[None]:
        """Return a context manager that makes this pool the active one in its block.

        For code that runs outside the task that entered the pool, as a web framework's handlers do.
        Raises PoolClosed if the pool was left, or is not open yet.
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
        """Tell whether the pool was left, or ended with its event loop."""
        return self._closed or (self._opened is not None and self._opened.dispatchers.closed)

    def _open(self) -> OpenPool:
        if self._opened is None:
            raise PoolClosed("the pool is not open: enter it with 'async with'")
        return self._opened

    def _settings(self) -> PoolSettings:
        return PoolSettings(
            token=secrets.token_bytes(_TOKEN_SIZE),
            max_message_size=self._max_message_size,
            grace=self._grace,
            start_timeout=self._start_timeout,
            forward_logs=self._forward_logs,
            tags=self._tags,
            modules=self._modules,
            lifespan=pickled_lifespan(self._lifespan),
            max_pending=self._max_pending,
            max_tasks_per_worker=self._max_tasks,
            stall_timeout=self._stall_timeout,
        )

    def __del__(self) -> None:
        if self._opened is not None and not self._closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
            self._opened.abandon()
