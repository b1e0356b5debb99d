"""A worker that gets no more memory, and a caller that can't take a result in."""

import os
import sys
from collections.abc import AsyncGenerator
from typing import NoReturn

import pytest

import wool
from tests.awkward import ExplodesWhenUnpickled
from tests.faults.journal import Journal, note
from tests.faults.lethal import limit_memory
from tests.routines import double, pid

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="limits what /proc says is used"),
]

TOO_MUCH = 2**30  # bytes


@wool.routine
async def want_too_much(journal: str) -> int:
    note(journal)
    limit_memory(64 * 2**20)
    return len(bytearray(TOO_MUCH))


@wool.routine
async def stream_too_much(journal: str) -> AsyncGenerator[int, None]:
    note(journal)
    yield os.getpid()
    limit_memory(64 * 2**20)
    yield len(bytearray(TOO_MUCH))


@wool.routine
async def give_what_nobody_can_take(journal: str) -> ExplodesWhenUnpickled:
    note(journal)
    return ExplodesWhenUnpickled(MemoryError("at the caller"))


@wool.routine
async def stream_what_nobody_can_take(
    journal: str,
) -> AsyncGenerator[ExplodesWhenUnpickled, None]:
    note(journal)
    yield ExplodesWhenUnpickled(MemoryError("at the caller"))


class WantsTooMuch:
    def __reduce__(self) -> tuple[object, ...]:
        return _allocate, ()


def _allocate() -> NoReturn:
    limit_memory(64 * 2**20)
    bytearray(TOO_MUCH)
    raise AssertionError("there was enough")


async def test_a_memory_error_travels_and_the_worker_goes_on(journal: Journal) -> None:
    async with wool.WorkerPool(size=1):
        before = await pid()
        with pytest.raises(MemoryError):
            await want_too_much(journal.path)
        assert await pid() == before
    assert len(journal.ids) == 1


async def test_a_memory_error_in_a_stream_ends_it_and_the_worker_goes_on(journal: Journal) -> None:
    async with wool.WorkerPool(size=1):
        steps = stream_too_much(journal.path)
        worker = await anext(steps)
        with pytest.raises(MemoryError):
            await anext(steps)
        with pytest.raises(StopAsyncIteration):
            await anext(steps)
        assert await pid() == worker


async def test_a_memory_error_in_unpickling_arguments_starts_nothing(journal: Journal) -> None:
    async with wool.WorkerPool(size=1):
        before = await pid()
        with pytest.raises(wool.WoolError, match="MemoryError"):
            await double(WantsTooMuch())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert await pid() == before


async def test_what_can_t_be_unpickled_at_the_caller_is_an_error_there(journal: Journal) -> None:
    async with wool.WorkerPool(size=1):
        before = await pid()
        with pytest.raises(wool.WoolError, match="MemoryError: at the caller"):
            await give_what_nobody_can_take(journal.path)
        with pytest.raises(wool.WoolError, match="MemoryError: at the caller"):
            await anext(stream_what_nobody_can_take(journal.path))
        assert await pid() == before
    assert len(journal.ids) == 2
