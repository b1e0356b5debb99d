"""Tests that set context variables."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

__all__ = ["alone"]

P = ParamSpec("P")


def alone(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, Coroutine[Any, Any, None]]:
    """Run a test in a task of its own: what it sets is not set in the next."""

    @functools.wraps(test)
    async def run(*args: P.args, **kwargs: P.kwargs) -> None:
        await asyncio.create_task(test(*args, **kwargs))

    return run
