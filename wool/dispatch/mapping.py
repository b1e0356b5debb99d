"""Many calls of one routine, some of them at a time."""

from __future__ import annotations

__all__ = ["Rows", "mapped"]

import asyncio
import itertools
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from functools import partial
from typing import Any

from wool.notes import note
from wool.waiting import settle

_END = object()


class Rows:
    """Arguments for one call after the other, read from several iterables in step, as by `zip`.

    Raises TypeError if one of them can't be iterated over.
    """

    def __init__(self, iterables: Iterable[Iterable[Any] | AsyncIterable[Any]]) -> None:
        self._columns = [_iterator(each) for each in iterables]
        self._reading = asyncio.Lock()
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
    ordered: bool,
) -> AsyncGenerator[Any]:
    """Yield what `call` returns for each row, at most `limit()` rows ahead of the consumer."""
    window = _Window(call, rows, limit, ordered=ordered)
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
        *,
        ordered: bool,
    ) -> None:
        self._call = call
        self._rows = rows
        self._limit = limit
        self._ordered = ordered
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order of the rows
        self._count = itertools.count()
        self._ended: dict[asyncio.Task[Any], None] = {}  # in the order in which they ended
        self._progress = asyncio.Event()

    async def next(self) -> Any:
        """Wait for the next result; _END if there is none. Raises what the call raised."""
        while True:
            self._fill()
            if not self._tasks:
                return _END
            task = self._first()
            if task is None:
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

    def _fill(self) -> None:
        while len(self._tasks) < self._limit() and not self._rows.ended:
            task = asyncio.create_task(self._one())
            task.add_done_callback(partial(self._note_end, next(self._count)))
            self._tasks[task] = None

    async def _one(self) -> Any:
        row = await self._rows.read()
        return _END if row is None else await self._call(*row)

    def _note_end(self, number: int, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:  # it has been seen now, even if the consumer leaves before
            note(error, f"raised for item {number} of map, counted from 0")
        self._ended[task] = None
        self._progress.set()

    def _first(self) -> asyncio.Task[Any] | None:
        """Take the task whose result is the next one, if its end has been noted."""
        task = next(iter(self._tasks if self._ordered else self._ended), None)
        if task not in self._ended:
            return None
        del self._ended[task]
        return task
