"""What holds here: which pool takes the calls, which task runs, how long yet, who gets its log."""

from __future__ import annotations

__all__ = [
    "RuntimeContext",
    "activate",
    "active_pool",
    "current_task",
    "enter_pool",
    "leave_pool",
    "log_sink",
    "open_pool",
    "running_task",
    "set_time_left",
    "task_context",
    "time_left",
]

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import Self

from wool.exceptions import NoActivePool
from wool.open_pools import at_prompt, is_any_open, note_entered, note_left
from wool.support.checks import budget, optional
from wool.tasks import Task
from wool.types import LogSink, PoolLike

_pool: ContextVar[PoolLike | None] = ContextVar("wool_pool", default=None)
running_task: ContextVar[Task | None] = ContextVar("wool_task", default=None)
"""The task that runs here, inside a routine on a worker."""

_limits: ContextVar[tuple[RuntimeContext, ...]] = ContextVar("wool_limits", default=())
_deadline: ContextVar[float | None] = ContextVar("wool_deadline", default=None)

_log_sink: ContextVar[LogSink | None] = ContextVar("wool_log", default=None)

_CURE = (
    "call it inside 'async with wool.WorkerPool(...)', let a web handler, or the dependency of one "
    "that makes the call, take 'pool: WoolPool', elsewhere make an open pool active with "
    "'with pool.activate()', or run the function here with '.local(...)'"
)
_CURE_IF_OPEN = (
    "one is open, but was entered in another task or thread: make it active here with "
    "'with pool.activate()', let a web handler, or the dependency of one that makes the call, take "
    "'pool: WoolPool', call it inside an 'async with wool.WorkerPool(...)' of its own, or run the "
    "function here with '.local(...)'"
)


def active_pool(task: Task) -> PoolLike:
    """Return the innermost open pool, for `task`. Raises NoActivePool where there is none."""
    pool = _pool.get()
    if pool is not None and not pool.closed:
        return pool
    pool = open_pool()
    if pool is None:
        cure = _CURE_IF_OPEN if is_any_open() else _CURE
        raise NoActivePool(f"the routine {task.name!r} was called with no pool active; {cure}")
    return pool


def open_pool() -> PoolLike | None:
    """Return the innermost pool here that is still open, or a prompt's; None without one."""
    pool = _pool.get()
    while pool is not None and pool.closed:
        pool = pool.outer
    return at_prompt() if pool is None else pool


def current_task() -> Task | None:
    """Return the task that runs here, inside a routine on a worker; None anywhere else."""
    return running_task.get()


def enter_pool(pool: PoolLike) -> None:
    """Make `pool` the active one here."""
    _pool.set(pool)
    note_entered(pool)


def leave_pool(pool: PoolLike) -> None:
    """Make the outer pool active again, where `pool` is.

    No token is used: a pool may be left in another context than it was entered in. Contexts that
    still hold it skip it, since it is closed.
    """
    note_left(pool)
    if _pool.get() is pool:
        _pool.set(pool.outer)


@contextmanager
def activate(pool: PoolLike) -> Generator[None]:
    """Make `pool` the active one inside the block."""
    previous = _pool.get()
    _pool.set(pool)
    try:
        yield
    finally:
        if _pool.get() is pool:
            _pool.set(previous)


class RuntimeContext:
    """Settings for the calls that are made inside its block.

    `dispatch_timeout` is how many seconds each call, and each step of a generator, may take; then
    it is cancelled and raises DispatchTimeout, at most the pool's `grace` later. The least of it,
    the routine's own `timeout` and what is left to the call that makes the call counts. Blocks may
    be nested: the inner counts. None is no limit; with 0, or less, it is cancelled where it first
    waits.

    Raises TypeError for anything else, and ValueError for NaN and what is no float.
    """

    def __init__(self, *, dispatch_timeout: float | None) -> None:
        self._dispatch_timeout = optional(budget, "dispatch_timeout", dispatch_timeout)

    @property
    def dispatch_timeout(self) -> float | None:
        """Seconds that each call may take; None for no limit."""
        return self._dispatch_timeout

    def __enter__(self) -> Self:
        _limits.set((*_limits.get(), self))
        return self

    def __exit__(self, *exc: object) -> None:
        entered = list(_limits.get())
        if self in entered:  # it is not, where a fixture is left in another task
            del entered[-1 - entered[::-1].index(self)]
            _limits.set(tuple(entered))


def time_left(timeout: float | None) -> float | None:
    """Return the seconds that a call made here has, whose own limit is `timeout`; None: no end."""
    deadline, blocks = _deadline.get(), _limits.get()
    if deadline is None and not blocks:
        return timeout
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        left = None  # it is cancelled already, and cleans up: the pool's grace is its limit
    innermost = blocks[-1].dispatch_timeout if blocks else None
    limits = [limit for limit in (timeout, innermost, left) if limit is not None]
    return min(limits) if limits else None


def set_time_left(timeout: float | None) -> None:
    """Limit the calls that are made here from now on to what is left of `timeout` seconds."""
    _deadline.set(None if timeout is None else time.monotonic() + timeout)


def log_sink() -> LogSink | None:
    """Return what takes the log records of the routine that runs here; None outside of any."""
    return _log_sink.get()


def task_context(task: Task, pool: PoolLike, log: LogSink, base: Context) -> Context:
    """Return a copy of `base` for running `task` in, on a worker whose calls go to `pool`."""
    context = base.copy()
    context.run(_enter_task, task, pool, log)
    return context


def _enter_task(task: Task, pool: PoolLike, log: LogSink) -> None:
    running_task.set(task)
    _pool.set(pool)
    _log_sink.set(log)
