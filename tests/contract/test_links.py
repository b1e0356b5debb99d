"""What a link carries, on any carrier: frames arrive whole, in order, and with their buffers."""

import asyncio
import contextvars

import pytest

from tests.carriers import Carrier
from tests.contract.ends import Ear, Ears, ends, item
from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, pytest.mark.every_carrier]

KIB = 1024
MIB = 1024 * KIB


async def test_frames_arrive_in_order_whenever_they_were_sent(carrier: Carrier, ears: Ears) -> None:
    async with ends(carrier, *ears) as (near, _):
        for n in range(1_000):
            near.send(item(n))
            if n % 10 == 0:
                near.flush()
            if n % 100 == 0:
                await asyncio.sleep(0)
        await ears[1].hear(1_000)
        assert ears[1].values == [b"%d" % n for n in range(1_000)]


async def test_both_ends_send_at_once(carrier: Carrier, ears: Ears) -> None:
    async with ends(carrier, *ears) as links:
        for n in range(100):
            for link in links:
                link.send(item(n))
        for ear in ears:
            await ear.hear(100)
            assert ear.values == [b"%d" % n for n in range(100)]


async def test_a_frame_is_another_object_at_the_other_end(carrier: Carrier, ears: Ears) -> None:
    async with ends(carrier, *ears) as (near, _):
        sent = item(1)
        near.send(sent)
        sent.send.value = b"changed since"
        await ears[1].hear(1)
        assert ears[1].values == [b"1"]


async def test_buffers_of_any_size_arrive_with_their_frame(carrier: Carrier, ears: Ears) -> None:
    sizes = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 3 * MIB]
    sent = [bytes([n + 1]) * size for n, size in enumerate(sizes)]
    async with ends(carrier, *ears) as (near, _):
        near.send(item(b"all"), sent)
        near.send(item(b"none"))
        near.send(item(b"last"), sent[-1:])
        await ears[1].hear(3)
        assert ears[1].values == [b"all", b"none", b"last"]
        heard = [[bytes(buffer) for buffer in buffers] for buffers in ears[1].buffers]
        assert heard == [sent, [], sent[-1:]]


async def test_a_buffer_that_arrived_is_memory_of_the_receivers_own(
    carrier: Carrier, ears: Ears
) -> None:
    sent = bytearray(100 * KIB)
    async with ends(carrier, *ears) as (near, _):
        near.send(item(1), [memoryview(sent)])
        await ears[1].hear(1)
        [buffer] = ears[1].buffers[0]
        memoryview(buffer)[0] = 1
        assert sent[0] == 0


@pytest.mark.parametrize("size", [10, MIB])
async def test_a_buffer_arrives_as_what_it_was_sent_as(
    carrier: Carrier, ears: Ears, size: int
) -> None:
    async with ends(carrier, *ears) as (near, _):
        near.send(item(1), [bytes(size), bytearray(size), memoryview(bytes(size))])
        await ears[1].hear(1)
        [buffers] = ears[1].buffers
        assert [type(buffer) for buffer in buffers] == [bytes, bytearray, memoryview]
        memoryview(buffers[2])[0] = 1


async def test_a_link_counts_how_often_frames_come(carrier: Carrier, ears: Ears) -> None:
    async with ends(carrier, *ears) as (near, far):
        before = far.batches
        for n in range(3):
            near.send(item(n))
            await ears[1].hear(n + 1)
        assert far.batches == before + 3


async def test_a_link_counts_the_frames_that_have_left(carrier: Carrier, ears: Ears) -> None:
    async with ends(carrier, *ears) as (near, _):
        before = near.queued
        for n in range(5):
            near.send(item(n))
        near.flush()
        assert near.written == near.queued == before + 5
        await ears[1].hear(5)


async def test_a_frame_may_take_what_the_largest_value_needs(carrier: Carrier, ears: Ears) -> None:
    async with ends(carrier, *ears) as (near, _):
        near.send(item(bytes(near.max_message_size)))
        near.send(item(b""), [bytes(near.max_message_size)])
        await ears[1].hear(2)
        assert [len(value) for value in ears[1].values] == [near.max_message_size, 0]


@pytest.mark.parametrize("buffers", [[], [bytes(600), bytes(500)]], ids=["frame", "buffers"])
async def test_a_frame_over_the_limit_closes_the_link(
    carrier: Carrier, ears: Ears, buffers: list[bytes]
) -> None:
    async with ends(carrier, *ears, limit=1_000) as (near, _):
        near.send(item(bytes(900)))
        await ears[1].hear(1)
        near.send(item(b"" if buffers else bytes(1_000)), buffers)
        near.send(item(b"too late"))
        error = await ears[1].hear_loss()
        assert isinstance(error, ProtocolError)
        assert "1,000 are allowed" in str(error)
        assert len(ears[1].frames) == 1
        await ears[0].hear_loss()


async def test_a_handler_may_give_way_to_another_that_takes_larger_frames(
    carrier: Carrier, ears: Ears
) -> None:
    later = Ear()
    first = Ear(reply=lambda frame: far.attach(later))
    async with ends(carrier, ears[0], first, limit=100) as (near, far):
        near.send(item(bytes(10)))
        await first.hear(1)
        for size in (20, MIB):
            near.send(item(bytes(size)))
        await later.hear(2)
        assert [len(value) for value in first.values + later.values] == [10, 20, MIB]


async def test_nothing_arrives_while_it_is_being_sent(carrier: Carrier, ears: Ears) -> None:
    order = list[str]()

    def answer(frame: wire.Frame) -> None:
        order.append("question")
        far.send(item(b"answer"))
        order.append("answered")

    near_ear = Ear(reply=lambda frame: order.append("answer"))
    async with ends(carrier, near_ear, Ear(reply=answer)) as (near, far):
        near.send(item(b"question"))
        order.append("asked")
        await near_ear.hear(1)
        assert order == ["asked", "question", "answered", "answer"]


async def test_what_arrives_is_heard_outside_of_the_senders_context(
    carrier: Carrier, ears: Ears
) -> None:
    variable = contextvars.ContextVar("variable", default="not set")
    seen = list[str]()
    looking = Ear(reply=lambda frame: seen.append(variable.get()))
    async with ends(carrier, ears[0], looking) as (near, _):
        variable.set("the sender's")
        near.send(item(1))
        await asyncio.sleep(0)
        near.send(item(2))
        await looking.hear(2)
        assert seen == ["not set", "not set"]


async def test_a_link_on_which_much_is_queued_is_congested_until_it_has_gone_out(
    carrier: Carrier, ears: Ears
) -> None:
    async with ends(carrier, *ears) as (near, _):
        calls = list[str]()
        near.when_writable(lambda: calls.append("now"))
        assert (near.is_congested, calls) == (False, ["now"])
        for _ in range(20):
            near.send(item(bytes(MIB)))
        near.flush()
        near.when_writable(lambda: calls.append("later"))
        assert (near.is_congested, calls) == (True, ["now"])
        await near.until_writable()
        assert (near.is_congested, calls) == (False, ["now", "later"])
        await ears[1].hear(20)
        assert calls == ["now", "later"]
