"""What is too large is refused before it is sent, and harms nobody."""

import asyncio
import mmap
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

import wool
from tests.awkward import Buffered
from tests.faults.journal import Journal, note
from tests.faults.soak import LONG, may_take
from tests.home import Home
from tests.routines import echo, make, parrot, pid, size_of, wait

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, may_take(300)]

LIMIT = 2**20  # bytes
GIGABYTE = 2**30


@wool.routine
async def stream_of(size: int) -> AsyncGenerator[bytes, None]:
    yield bytes(size)


@wool.routine
async def take(journal: str, value: Any) -> int:
    note(journal)
    return len(value)


async def argument(size: int) -> int:
    return await size_of(bytes(size))


async def result(size: int) -> int:
    return len(await make(size))


async def item(size: int) -> int:
    return len(await anext(stream_of(size)))


async def sent(size: int) -> int:
    steps = parrot()
    await anext(steps)
    return len(await steps.asend(bytes(size)))


def buffered(size: int) -> Buffered:
    return Buffered(bytearray(size))


@pytest.mark.parametrize("carried", [argument, result, item, sent])
async def test_a_value_at_the_limit_travels_and_a_byte_more_is_refused(
    carried: Callable[[int], Awaitable[int]], home: Home
) -> None:
    async with wool.WorkerPool(size=1, max_message_size=LIMIT):
        worker = await pid()
        bystander = asyncio.ensure_future(wait(home.path))
        await home.hear()
        with pytest.raises(wool.MessageTooLarge) as caught:
            await carried(LIMIT)
        fits = 2 * LIMIT - caught.value.size
        assert await carried(fits) == fits
        with pytest.raises(wool.MessageTooLarge) as caught:
            await carried(fits + 1)
        assert (caught.value.size, caught.value.limit) == (LIMIT + 1, LIMIT)
        home.tell("go")
        assert await bystander == "went on"
        assert await pid() == worker


async def test_a_gigabyte_is_refused_where_nothing_else_was_said(journal: Journal) -> None:
    async with wool.WorkerPool(size=1):
        worker = await pid()
        with pytest.raises(wool.MessageTooLarge) as caught:
            await take(journal.path, Buffered(memoryview(mmap.mmap(-1, GIGABYTE))))
        assert caught.value.size > GIGABYTE
        assert await pid() == worker
    assert not journal.ids


@pytest.mark.skipif(not LONG, reason="takes long, and some gigabytes: make soak")
@pytest.mark.parametrize("sort", [bytes, buffered])
async def test_a_gigabyte_travels_where_it_is_allowed(sort: Callable[[int], Any]) -> None:
    async with wool.WorkerPool(size=1, max_message_size=GIGABYTE + 1000):
        worker = await pid()
        value = sort(GIGABYTE)
        assert len(await echo(value)) == GIGABYTE
        assert len(await make(GIGABYTE)) == GIGABYTE
        steps = parrot()
        await anext(steps)
        assert len(await steps.asend(value)) == GIGABYTE
        await steps.aclose()
        assert await pid() == worker
