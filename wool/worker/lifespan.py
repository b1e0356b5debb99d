"""What a worker's lifespan yielded, for all code that runs in the worker."""

from __future__ import annotations

__all__ = ["WorkerState", "entered", "expect_lifespan", "worker_state"]

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any

from wool.types import Lifespan

_ELSEWHERE = (
    "worker_state() is what the lifespan of a worker yielded, and this process is no worker: await "
    "the routine in a pool that has a lifespan; to run it here with '.local(...)', have it take "
    "what it needs as an argument"
)
_TOO_EARLY = (
    "worker_state() is there once the worker's lifespan was entered: call it in the routine, not "
    "where its module is imported, and not in the lifespan itself"
)


class WorkerState:
    """What the lifespan of one worker yielded, once it was entered; `missing` says why not yet."""

    def __init__(self, missing: str = _TOO_EARLY) -> None:
        self.missing: str | None = missing
        self.value: Any = None


_process = WorkerState(_ELSEWHERE)
"""What this process has, if it is a worker, on whatever loops and threads."""

_here: ContextVar[WorkerState] = ContextVar("wool_worker_state", default=_process)
"""What a worker has whose calls run in this context; a process may have several workers."""


def worker_state() -> Any:
    """Return what the lifespan of the pool yielded in this worker; None if the pool has none.

    It is the same object for every call on the worker, and on every thread. Raises RuntimeError in
    a process that is no worker, and in a worker before its lifespan was entered.
    """
    state = _here.get()
    if state.missing is not None:
        raise RuntimeError(state.missing)
    return state.value


def expect_lifespan() -> WorkerState:
    """Note that this process is a worker, whose lifespan will be entered; return its state."""
    _process.missing = _TOO_EARLY
    return _process


@asynccontextmanager
async def entered(lifespan: Lifespan | None, state: WorkerState) -> AsyncGenerator[None]:
    """Run `lifespan` around the block, in one task. Raises what it raises.

    What it yields is the `state` of all that is begun in this context from now on.
    """
    _here.set(state)
    async with AsyncExitStack() as stack:
        if lifespan is not None:
            state.value = await stack.enter_async_context(lifespan())
        state.missing = None
        yield
