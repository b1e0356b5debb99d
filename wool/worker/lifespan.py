"""What a worker's lifespan yielded, for all code that runs in the worker."""

from __future__ import annotations

__all__ = ["entered", "expect_lifespan", "worker_state"]

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
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


class _Here:
    """What this process has; it has one lifespan, whatever loops and threads run in it."""

    missing: str | None = _ELSEWHERE
    state: Any = None


def worker_state() -> Any:
    """Return what the lifespan of the pool yielded in this worker; None if the pool has none.

    It is the same object for every call on the worker, and on every thread. Raises RuntimeError in
    a process that is no worker, and in a worker before its lifespan was entered.
    """
    if _Here.missing is not None:
        raise RuntimeError(_Here.missing)
    return _Here.state


def expect_lifespan() -> None:
    """Note that this process is a worker, whose lifespan will be entered."""
    _Here.missing = _TOO_EARLY


@asynccontextmanager
async def entered(lifespan: Lifespan | None) -> AsyncGenerator[None]:
    """Run `lifespan` around the block, in one task. Raises what it raises."""
    async with AsyncExitStack() as stack:
        if lifespan is not None:
            _Here.state = await stack.enter_async_context(lifespan())
        _Here.missing = None
        yield
