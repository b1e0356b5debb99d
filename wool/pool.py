"""WorkerPool: workers, and the way to them, in one `async with`."""

from __future__ import annotations

__all__ = ["WorkerPool"]

import asyncio
import contextlib
import os
import secrets
import warnings
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self, cast
from uuid import UUID

from wool.balancing.round_robin import RoundRobinLoadBalancer
from wool.context import activate, enter_pool, leave_pool
from wool.discovery.roster import Roster
from wool.dispatch.loops import Dispatchers
from wool.dispatch.steps import RemoteSteps
from wool.exceptions import PoolClosed, StartupError
from wool.settings import PoolSettings
from wool.task import Task
from wool.types import LoadBalancerLike, PoolLike, WorkerMetadata
from wool.waiting import shielded
from wool.worker.fleet import Fleet
from wool.worker.janitor import Janitor
from wool.worker.launch import WorkerSettings
from wool.worker.runtime_directory import RuntimeDirectory

_TOKEN_SIZE = 32  # bytes
_LARGEST = 2**31 - 2**22  # bytes: a protobuf message holds 2 GiB
_CUT_GRACE = 1.0  # seconds that are left of the grace once leaving the pool is itself cancelled


class WorkerPool:
    """Worker processes on this machine, to which the routines called inside the block go.

    `size` is the number of workers, by default `os.cpu_count()`. `loadbalancer` chooses who gets a
    call: a LoadBalancerLike, or a class or function that makes one; by default each worker in turn.
    `start_timeout` is how many
    seconds a worker may take to start, and a call may wait for one. `grace` is how many seconds a
    cancelled call, or one that runs when the pool is left, has for its clean-up. `max_message_size`
    is how many bytes the arguments, a result or an item may take, pickled.

    Entering waits until every worker takes calls; it raises StartupError if one does not come up,
    and cancelling it leaves nothing behind. Leaving ends calls that still run with PoolClosed,
    gives the routines the grace to clean up, then kills what is left. To cancel the leaving cuts
    the grace to one second. A worker that dies is replaced.

    The pool may be left in another task than it was entered in, and routines may be called on
    other event loops and threads meanwhile. A pool is opened once.
    """

    _opened: _Opened | None = None
    _closed = False

    def __init__(
        self,
        *,
        size: int | None = None,
        loadbalancer: LoadBalancerLike | Callable[[], LoadBalancerLike] | None = None,
        start_timeout: float = 60.0,
        grace: float = 5.0,
        max_message_size: int = 100 * 2**20,
    ) -> None:
        self._size = _positive("size", os.cpu_count() or 1 if size is None else size)
        self._start_timeout = _seconds("start_timeout", start_timeout)
        self._grace = _seconds("grace", grace)
        self._max_message_size = _positive("max_message_size", max_message_size)
        if max_message_size > _LARGEST:
            raise ValueError(f"max_message_size is at most {_LARGEST:,}, not {max_message_size:,}")
        self._balancer = _made(loadbalancer)
        self._roster = Roster()
        self._outer: PoolLike | None = None

    async def __aenter__(self) -> Self:
        if self._opened is not None or self._closed:
            raise RuntimeError("a WorkerPool is opened once; make a new one")
        opened = self._opened = _Opened(self._roster, self._balancer, self._size, self._settings())
        async with contextlib.AsyncExitStack() as on_failure:
            on_failure.push_async_callback(self.aclose)
            await opened.start()
            on_failure.pop_all()
        self._outer = enter_pool(self)
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
        leave_pool(self)
        if self._opened is not None:
            await self._opened.aclose()

    def activate(self) -> AbstractContextManager[None]:
        """Return a context manager that makes this pool the active one in its block.

        For code that runs outside the task that entered the pool, as a web framework's handlers do.
        Raises PoolClosed if the pool was left, or is not open yet.
        """
        self._dispatchers()
        if self._closed:
            raise PoolClosed("the pool was left: open another one")
        return activate(self)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._opened is not None else "new"
        return f"<{type(self).__qualname__} size={self._size} {state}>"

    @property
    def workers(self) -> Mapping[UUID, WorkerMetadata]:
        """The workers that take calls now, by uid; a snapshot."""
        return self._roster.workers

    @property
    def closed(self) -> bool:
        """Tell whether the pool was left."""
        return self._closed

    @property
    def outer(self) -> PoolLike | None:
        """The pool that was active when this one was entered."""
        return self._outer

    def call(self, task: Task, /) -> Coroutine[Any, Any, Any]:
        """Run a coroutine routine; what a routine does when it is awaited."""
        return self._dispatchers().call(task)

    def steps(self, task: Task, /) -> RemoteSteps:
        """Prepare a generator routine; what a routine does at its first step."""
        return self._dispatchers().steps(task)

    def _dispatchers(self) -> Dispatchers:
        if self._opened is None:
            raise PoolClosed("the pool is not open: enter it with 'async with'")
        return self._opened.dispatchers

    def _settings(self) -> PoolSettings:
        return PoolSettings(
            token=secrets.token_bytes(_TOKEN_SIZE),
            max_message_size=self._max_message_size,
            grace=self._grace,
            start_timeout=self._start_timeout,
        )

    def __del__(self) -> None:
        if self._opened is not None and not self._closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
            self._opened.abandon()


class _Opened:
    """What an open pool consists of."""

    def __init__(
        self, roster: Roster, balancer: LoadBalancerLike, size: int, settings: PoolSettings
    ) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._directory = RuntimeDirectory()
        except OSError as error:
            raise StartupError(f"no directory for the workers' sockets: {error}") from error
        self._janitor = Janitor(self._directory.path)
        self.dispatchers = Dispatchers(roster, balancer, settings)
        worker_settings = WorkerSettings(settings, self._directory.path, self._janitor)
        self._fleet = Fleet(size, worker_settings, roster)
        self._running = self._loop.create_task(self._fleet.run(), name="wool fleet")
        self._running.add_done_callback(self._clean_up)

    async def start(self) -> None:
        """Wait for the workers. Raises StartupError; then, and when cancelled, they are killed."""
        both = [self._fleet.ready, self._running]
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._running.cancel)
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not self._fleet.ready.done():
                await self._running
                raise PoolClosed("the pool was left before its workers were ready")
            await self._fleet.ready
            on_failure.pop_all()

    async def aclose(self) -> None:
        """End the calls, stop the workers, remove the directory; cancelled, do so in a hurry."""
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

    def _clean_up(self, running: asyncio.Task[None]) -> None:
        """Remove what is left when the last worker has gone, however that came about."""
        del running
        self.dispatchers.close()
        self._janitor.dismiss()
        self._directory.remove()

    def abandon(self) -> None:
        """Stop the workers of a pool that nobody will leave any more."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: its end stopped them
            self._loop.call_soon_threadsafe(self._running.cancel)


def _made(
    balancer: LoadBalancerLike | Callable[[], LoadBalancerLike] | None,
) -> LoadBalancerLike:
    if balancer is None:
        return RoundRobinLoadBalancer()
    made: Any = balancer() if callable(balancer) else balancer
    if not callable(getattr(made, "choose", None)):
        raise TypeError(f"loadbalancer is {made!r}, which has no method choose(task, workers)")
    return cast("LoadBalancerLike", made)


def _positive(name: str, value: int) -> int:
    if type(value) is not int:
        raise TypeError(f"{name} is a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} is at least 1, not {value}")
    return value


def _seconds(name: str, value: float) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{name} is a number of seconds, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{name} is a number of seconds, at least 0, not {value}")
    return float(value)
