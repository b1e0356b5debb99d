"""Tasks that run up to their first wait at once, instead of at the loop's next turn.

Python has them since 3.12. Before, a task is made of a coroutine whose first step was taken
already, as its current task, by the functions that asyncio documents for makers of tasks
("Extending"). It saves a turn of the loop for each call.
"""

from __future__ import annotations

__all__ = ["start_eagerly"]

import asyncio
import sys
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore[reportPrivateUsage]
from collections.abc import Coroutine
from contextvars import Context
from typing import Any


def start_eagerly(coroutine: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None]:
    """Run a coroutine in a task, up to its first wait here and now."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)
    begun = _Begun(coroutine)
    task = loop.create_task(begun, context=context)
    _enter_task(loop, task)
    try:
        context.run(begun.take_first_step)
    finally:
        _leave_task(loop, task)
    return task


class _Begun(Coroutine[Any, Any, None]):
    """A coroutine whose first step was taken before its task's."""

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._coroutine = coroutine
        self._waits_for: list[Any] = []
        self._ended = False  # not the exception: its traceback would lead back here

    def take_first_step(self) -> None:
        """Run to the first wait, or to the end. The coroutine raises nothing: a session doesn't."""
        try:
            self._waits_for.append(self._coroutine.send(None))
        except StopIteration:
            self._ended = True

    def send(self, value: Any, /) -> Any:
        """Go on; at the first time only say what the first step waits for."""
        if self._ended:
            raise StopIteration
        return self._waits_for.pop() if self._waits_for else self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Go on with an exception. The first time it is a cancellation: pass it to the wait."""
        if self._ended:
            raise StopIteration
        if not self._waits_for:
            return self._coroutine.throw(*error)
        future = self._waits_for.pop()
        if future is None:  # a bare yield, as sleep(0) does
            return self._coroutine.throw(*error)
        future.cancel(*error[0].args)
        return future

    def close(self) -> None:
        """Close the coroutine."""
        self._coroutine.close()

    def __await__(self) -> Any:
        return self
