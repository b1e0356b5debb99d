"""The only ContextVars: which pool takes the calls made here, and which task runs here."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context

from wool.exceptions import NoActivePool
from wool.task import Task
from wool.types import PoolLike

__all__ = ["activate", "active_pool", "current_task", "enter_pool", "leave_pool", "task_context"]

_pool: ContextVar[PoolLike | None] = ContextVar("wool_pool", default=None)
_task: ContextVar[Task | None] = ContextVar("wool_task", default=None)

_CURE = (
    "call it inside 'async with wool.WorkerPool(...)', make a pool active with "
    "'with pool.activate()', or run it here with '.local(...)'"
)


def active_pool() -> PoolLike:
    """Return the innermost open pool. Raises NoActivePool where there is none."""
    pool = _open_pool(_pool.get())
    if pool is None:
        raise NoActivePool(f"a routine was called with no pool active; {_CURE}")
    return pool


def current_task() -> Task | None:
    """Return the task that runs here, inside a routine on a worker; None anywhere else."""
    return _task.get()


def enter_pool(pool: PoolLike) -> PoolLike | None:
    """Make `pool` the active one here and return the one that was, if it is still open."""
    outer = _open_pool(_pool.get())
    _pool.set(pool)
    return outer


def leave_pool(pool: PoolLike) -> None:
    """Make the outer pool active again, where `pool` is.

    No token is used: a pool may be left in another context than it was entered in. Contexts that
    still hold it skip it, since it is closed.
    """
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


def task_context(task: Task, pool: PoolLike) -> Context:
    """Return a context for running `task` in, on a worker whose calls go to `pool`."""
    context = copy_context()
    context.run(_task.set, task)
    context.run(_pool.set, pool)
    return context


def _open_pool(pool: PoolLike | None) -> PoolLike | None:
    while pool is not None and pool.closed:
        pool = pool.outer
    return pool
