import asyncio
import contextlib
import gc
import platform
import resource
import sys
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

import wool
from tests.awkward import Buffered
from tests.echoed import prints
from tests.routines import double, echo, evaluate, make, parrot, pid, size_of

pytestmark = pytest.mark.anyio

LIMIT = 1_000_000
ENVELOPE = 100  # bytes that pickle adds at most


async def test_ten_megabytes_go_there_and_back(pool: wool.WorkerPool) -> None:
    value = bytes(range(256)) * 40_000
    assert await echo(value) == value


async def test_buffers_travel_beside_the_pickle(pool: wool.WorkerPool) -> None:
    for size in (0, 1, 65_535, 65_536, 65_537, 5_000_000):
        there = await echo(Buffered(bytearray(b"x" * size)))
        assert bytes(there.data) == b"x" * size


async def test_many_buffers_travel_in_order(pool: wool.WorkerPool) -> None:
    sent = [Buffered(bytearray([n]) * (70_000 + n)) for n in range(20)]
    there = await echo(sent)
    assert [bytes(b.data) for b in there] == [bytes(b.data) for b in sent]


async def test_a_buffer_that_arrived_can_be_written_to(pool: wool.WorkerPool) -> None:
    there = await echo(Buffered(bytearray(100_000)))
    there.data[0] = 1
    assert bytes(there.data[:2]) == b"\x01\x00"


async def test_a_buffer_is_free_again_after_the_call(pool: wool.WorkerPool) -> None:
    data = bytearray(100_000)
    await size_of(Buffered(data))  # type: ignore[arg-type]
    gc.collect()
    data.append(1)


async def test_large_and_small_calls_do_not_mix_up(pool: wool.WorkerPool) -> None:
    sizes = [10**n for n in range(7)] * 5
    calls = [size_of(bytes(size)) for size in sizes] + [double(n) for n in range(100)]
    assert await asyncio.gather(*calls) == [*sizes, *range(0, 200, 2)]


@pytest.mark.both_loops
async def test_many_megabytes_each_way_at_once_arrive_in_order(pool: wool.WorkerPool) -> None:
    sent = [bytes([n]) * (n * 700_000) for n in range(16)]
    calls = [echo(value) for value in sent] + [double(n) for n in range(100)]
    assert await asyncio.gather(*calls) == [*sent, *range(0, 200, 2)]


async def test_large_values_of_each_type_come_back(pool: wool.WorkerPool) -> None:
    for value in (bytes(10**6), bytearray(10**6), "\ud800" + "x" * 10**6, [[b"x" * 10**5], 1] * 3):
        there = await echo(value)
        assert (type(there), there) == (type(value), value)


async def test_items_and_what_is_sent_may_be_large(pool: wool.WorkerPool) -> None:
    stream = parrot()
    await anext(stream)
    for size in (100, 10**5, 10**7):
        assert len(await stream.asend(bytes(size))) == size
        assert len(await stream.asend(Buffered(bytearray(size)))) == size
    await stream.aclose()


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
async def test_a_large_value_takes_its_own_memory_and_no_more_at_either_end() -> None:
    assert (
        prints("""
    import resource
    SIZE = 90 * 2**20
    def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    @wool.routine
    async def memory(): return most()
    async def main():
        async with wool.WorkerPool(size=1):
            value = b"x" * SIZE
            here, there = most(), await memory()
            back = await echo(value)
            here, there = (most() - here) / SIZE, (await memory() - there) / SIZE
            print(back == value, here < 1.2, there < 1.2)
    """)
        == "True True True\n"
    )


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="that is what the worker sets up")
async def test_a_worker_uses_its_memory_again_for_the_next_large_value() -> None:
    faults = "__import__('resource').getrusage(0).ru_minflt"
    pages = 10**6 // resource.getpagesize()
    async with wool.WorkerPool(size=1):
        for _ in range(10):
            await echo(bytes(10**6))
        before = await evaluate(faults)
        for _ in range(20):
            await echo(bytes(10**6))
        assert await evaluate(faults) - before < 20 * pages / 4


@pytest.fixture(scope="module")
async def small(pool: wool.WorkerPool) -> AsyncIterator[wool.WorkerPool]:
    async with wool.WorkerPool(size=1, max_message_size=LIMIT) as small:
        await pid()
        yield small


async def test_a_value_up_to_the_limit_travels(small: wool.WorkerPool) -> None:
    with small.activate():
        assert await size_of(bytes(LIMIT - ENVELOPE)) == LIMIT - ENVELOPE
        assert len(await make(LIMIT - ENVELOPE)) == LIMIT - ENVELOPE
        value = await echo(Buffered(bytearray(LIMIT - ENVELOPE)))
        assert len(value) == LIMIT - ENVELOPE


async def test_the_limit_is_exact(small: wool.WorkerPool) -> None:
    with small.activate():
        with pytest.raises(wool.MessageTooLarge) as caught:
            await size_of(bytes(LIMIT))
        over = caught.value.size - LIMIT
        assert await size_of(bytes(LIMIT - over)) == LIMIT - over
        with pytest.raises(wool.MessageTooLarge) as caught:
            await size_of(bytes(LIMIT - over + 1))
        assert (caught.value.size, caught.value.limit) == (LIMIT + 1, LIMIT)


async def test_arguments_over_the_limit_are_named_and_nothing_is_sent(
    small: wool.WorkerPool,
) -> None:
    with small.activate():
        with pytest.raises(wool.MessageTooLarge, match=r"arguments of 'tests\.routines\.size_of'"):
            await size_of(bytes(10 * LIMIT))
        with pytest.raises(wool.MessageTooLarge):
            await echo(Buffered(bytearray(LIMIT)))
        assert await double(1) == 2


@wool.routine
async def total(small: bytes, *more: bytes, large: bytes = b"", **named: bytes) -> int:
    return sum(map(len, (small, *more, large, *named.values())))


async def test_the_largest_argument_is_named_with_its_size(small: wool.WorkerPool) -> None:
    large, less = bytes(2 * LIMIT), bytes(LIMIT)
    with small.activate():
        with pytest.raises(
            wool.MessageTooLarge, match=r"'large' the largest with 2,000,0.. bytes"
        ) as e:
            await total(less, large=large)
        assert "test_large_values.total'" in str(e.value)
        with pytest.raises(wool.MessageTooLarge, match=r"'\*more\[1\]' the largest"):
            await total(less, less, large)
        with pytest.raises(wool.MessageTooLarge, match="'other' the largest"):
            await total(less, other=large)


async def test_a_limit_below_that_of_no_arguments_at_all_is_told_so() -> None:
    async with wool.WorkerPool(size=1, max_message_size=1):
        with pytest.raises(
            wool.MessageTooLarge, match=r"the arguments of 'tests\.routines\.pid': "
        ):
            await pid()


async def test_results_over_the_limit_cost_no_worker_its_place(small: wool.WorkerPool) -> None:
    with small.activate():
        worker = await pid()
        with pytest.raises(wool.MessageTooLarge, match="the result") as caught:
            await make(2 * LIMIT)
        assert caught.value.limit == LIMIT
        assert caught.value.size > 2 * LIMIT
        assert await pid() == worker


async def test_items_over_the_limit_end_the_stream(small: wool.WorkerPool) -> None:
    @wool.routine
    async def growing() -> AsyncGenerator[bytes, None]:
        for n in (10, 2 * LIMIT):
            yield bytes(n)

    with small.activate():
        stream = growing()
        assert len(await anext(stream)) == 10
        with pytest.raises(wool.MessageTooLarge, match="an item"):
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_what_is_sent_over_the_limit_closes_the_stream(small: wool.WorkerPool) -> None:
    with small.activate():
        stream = parrot()
        await anext(stream)
        with pytest.raises(wool.MessageTooLarge, match="sent"):
            await stream.asend(bytes(2 * LIMIT))
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_large_routine_and_large_arguments_together_break_no_link() -> None:
    limit = 4 * 2**20
    captured = bytes(limit * 3 // 4)

    @wool.routine
    async def total(value: bytes) -> int:
        return len(captured) + len(value)

    async with wool.WorkerPool(size=1, max_message_size=limit):
        worker = await pid()
        with contextlib.suppress(wool.MessageTooLarge):
            assert await total(captured) == 2 * len(captured)
        assert await pid() == worker


async def test_ten_thousand_calls_may_be_in_flight(pool: wool.WorkerPool) -> None:
    results = await asyncio.gather(*(double(n) for n in range(10_000)))
    assert results == list(range(0, 20_000, 2))


async def test_ten_thousand_calls_leave_nothing_in_memory(pool: wool.WorkerPool) -> None:
    count = "__import__('gc').collect() and 0 or len(__import__('gc').get_objects())"
    await asyncio.gather(*(double(n) for n in range(1_000)))
    gc.collect()
    before = len(gc.get_objects()), await evaluate(count), await evaluate(count)
    await asyncio.gather(*(double(n) for n in range(10_000)))
    await asyncio.sleep(0)  # the loop's last reference to the calls goes
    gc.collect()
    after = len(gc.get_objects()), await evaluate(count), await evaluate(count)
    assert after[0] - before[0] < 1_000
    assert abs(sum(after[1:]) - sum(before[1:])) < 1_000


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_routines_that_carry_data_do_not_pile_up_in_the_worker() -> None:
    resident = "int(__import__('pathlib').Path('/proc/self/statm').read_text().split()[1]) * 4096"

    async def carry(data: bytes) -> int:
        @wool.routine
        async def length() -> int:
            return len(data)

        return await length()

    async with wool.WorkerPool(size=1):
        await carry(bytes(10**6))
        before = await evaluate(resident)
        for n in range(150):
            assert await carry(bytes([n]) * 10**6) == 10**6
        assert await evaluate(resident) - before < 100 * 10**6
