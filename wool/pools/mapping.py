"""Many calls of one routine, some of them at a time."""

from __future__ import annotations

__all__ = ["Rows", "mapped"]

import asyncio
import itertools
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from contextlib import nullcontext
from typing import Any

from wool.support.notes import note
from wool.support.waiting import settle

_END = object()


class Rows:
    """Arguments for one call after the other, read from several iterables in step, as by `zip`.

    Raises TypeError if one of them can't be iterated over.
    """

    def __init__(self, iterables: Iterable[Iterable[Any] | AsyncIterable[Any]]) -> None:
        self._columns = [_iterator(each) for each in iterables]
        waits = any(isinstance(column, AsyncIterator) for column in self._columns)
        self._reading = asyncio.Lock() if waits else nullcontext()
        self.ended = False
        """Whether the shortest has ended, or one has raised."""

    async def read(self) -> list[Any] | None:
        """Return the next row; None if there is none. Raises what the iterables raise."""
        async with self._reading:
            if self.ended:
                return None
            row = list[Any]()
            try:
                for column in self._columns:
                    if isinstance(column, AsyncIterator):
                        row.append(await anext(column))
                    else:
                        row.append(next(column))
            except (StopIteration, StopAsyncIteration):
                self.ended = True
                return None
            except BaseException:  # the user's
                self.ended = True
                raise
            return row


def _iterator(
    iterable: Iterable[Any] | AsyncIterable[Any],
) -> Iterator[Any] | AsyncIterator[Any]:
    if isinstance(iterable, AsyncIterable):
        return aiter(iterable)
    try:
        return iter(iterable)
    except TypeError as error:
        raise TypeError(
            f"map takes an iterable of values for each argument of the routine: {error}"
        ) from error


async def mapped(
    call: Callable[..., Coroutine[Any, Any, Any]],
    rows: Rows,
    limit: Callable[[], int],
    *,
    ahead: int = 1,
    share: int = 1,
    ordered: bool,
) -> AsyncGenerator[Any]:
    """Yield what `call` returns for each row, at most `limit()` of them under way.

    No more than `limit()` rows are ahead of the consumer; while it waits for one that takes longer
    than those behind it, up to `ahead` times as many, each time that a worker's `share` has ended.
    """
    window = _Window(call, rows, limit, ahead, share, ordered=ordered)
    try:
        while (result := await window.next()) is not _END:
            yield result
    finally:
        await window.close()


class _Window:
    """The rows that were begun and whose results the consumer does not have: a task for each."""

    def __init__(
        self,
        call: Callable[..., Coroutine[Any, Any, Any]],
        rows: Rows,
        limit: Callable[[], int],
        ahead: int,
        share: int,
        *,
        ordered: bool,
    ) -> None:
        self._call = call
        self._rows = rows
        self._limit = limit
        self._ahead = ahead
        self._share = share
        self._ordered = ordered
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order of the rows
        self._under_way = 0
        self._count = itertools.count()
        self._ended: deque[asyncio.Task[Any]] = deque()  # in the order in which they ended
        self._progress = asyncio.Event()

    async def next(self) -> Any:
        """Wait for the next result; _END if there is none. Raises what the call raised."""
        while True:
            limit = self._limit()
            self._fill(limit, ahead=limit)
            if not self._tasks:
                return _END
            task = self._first()
            if task is None:
                if self._under_way <= limit - self._share:  # several at once go out in one write
                    self._fill(limit, ahead=limit * self._ahead)
                self._progress.clear()
                await self._progress.wait()
            else:
                del self._tasks[task]
                if (result := task.result()) is not _END:
                    return result

    async def close(self) -> None:
        """Cancel what is under way, and wait until it has cleaned up."""
        for task in self._tasks:
            task.cancel()
        await settle(self._tasks.keys())

    def _fill(self, limit: int, *, ahead: int) -> None:
        while self._under_way < limit and len(self._tasks) < ahead and not self._rows.ended:
            task = asyncio.create_task(self._one(next(self._count)))
            task.add_done_callback(self._end)
            self._tasks[task] = None
            self._under_way += 1

    async def _one(self, number: int) -> Any:
        try:
            row = await self._rows.read()
            return _END if row is None else await self._call(*row)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # the user's
            note(error, f"raised for item {number} of map, counted from 0")
            raise

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._under_way -= 1
        if not task.cancelled():
            task.exception()  # it has been seen now, even if the consumer leaves before
        if not self._ordered:
            self._ended.append(task)
        self._progress.set()

    def _first(self) -> asyncio.Task[Any] | None:
        """Take the task whose result is the next one, if that has ended."""
        if not self._ordered:
            return self._ended.popleft() if self._ended else None
        head = next(iter(self._tasks))
        return head if head.done() else None
