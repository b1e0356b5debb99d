"""How long a call may take."""

from __future__ import annotations

__all__ = ["within_limit"]

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from wool.context import time_left
from wool.exceptions import DispatchTimeout
from wool.task import Task

T = TypeVar("T")


async def within_limit(task: Task, step: Callable[[float | None], Coroutine[Any, Any, T]]) -> T:
    """Run a step of `task`, telling it how many seconds it has.

    When they are over, the step is cancelled, and DispatchTimeout is raised once it has ended.
    """
    limit = time_left(task.timeout)
    if limit is None:
        return await step(None)
    scope = asyncio.timeout(limit)
    try:
        async with scope:
            return await step(limit)
    except TimeoutError:
        if not scope.expired():
            raise  # the routine's own
    raise DispatchTimeout(
        f"{task.name!r} took longer than the {limit:.3g} s that it had, and was cancelled; if it "
        f"computes without waiting, or ignores that, it still occupies its worker",
        timeout=limit,
    )
