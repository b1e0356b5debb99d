"""How long a call may take."""

from __future__ import annotations

__all__ = ["within_limit"]

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from wool.context import time_left
from wool.exceptions import DispatchTimeout
from wool.reference import is_generator
from wool.tasks import Task

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
    what = f"a step of {task.name!r}" if is_generator(task.callable) else repr(task.name)
    late = f"took longer than the {limit:.3g} s that it had" if limit > 0 else "had no time at all"
    raise DispatchTimeout(f"{what} {late} {_where(task)}", timeout=limit, pid=task.sent_to)


def _where(task: Task) -> str:
    if task.sent_to is None:
        return "while it waited for a worker to take it"
    return (
        f"on worker {task.sent_to}, and was cancelled; if it computes without waiting, or ignores "
        f"that, it still occupies that worker"
    )
