"""How a link ends, on any carrier: each end is told once, whoever waits for it goes on."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.carriers import Carrier
from tests.contract.ends import Ear, Ears, ends, item
from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.values.serializer import Buffer

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, pytest.mark.every_carrier]

MIB = 1024 * 1024


async def test_whoever_waits_for_a_congested_link_goes_on_when_it_is_lost(
    carrier: Carrier, ears: Ears
) -> None:
    async with ends(carrier, *ears) as (near, far):
        calls = list[str]()
        for _ in range(20):
            near.send(item(bytes(MIB)))
        near.flush()
        near.when_writable(lambda: calls.append("writable"))
        waiting = asyncio.create_task(near.until_writable())
        await asyncio.sleep(0)
        near.abort()
        async with asyncio.timeout(10):
            await waiting
            await far.wait_closed()
        assert (near.is_congested, calls) == (False, [])


async def test_finishing_delivers_what_was_queued_before_both_ends_are_told(
    carrier: Carrier, ears: Ears
) -> None:
    async with ends(carrier, *ears) as (near, far):
        for n in range(10):
            near.send(item(n), [bytes(MIB)])
        near.finish()
        near.send(item(b"too late"))
        assert ears[0].losses == []
        far.send(item(b"in vain"))
        async with asyncio.timeout(10):
            await asyncio.gather(near.wait_closed(), far.wait_closed())
        assert ears[1].values == [b"%d" % n for n in range(10)]
        assert (ears[0].values, ears[0].losses) == ([], [None])
        assert len(ears[1].losses) == 1


async def test_aborting_tells_the_handler_once_and_at_once(carrier: Carrier, ears: Ears) -> None:
    async with ends(carrier, *ears) as (near, far):
        error = ValueError("why")
        near.abort(error)
        assert ears[0].losses == [error]
        near.abort(ValueError("again"))
        near.send(item(b"too late"))
        near.flush()
        near.finish()
        async with asyncio.timeout(10):
            await asyncio.gather(near.wait_closed(), far.wait_closed())
        assert ears[0].losses == [error]
        assert (ears[1].frames, ears[1].losses) == ([], [None])


async def test_a_handler_that_comes_to_a_lost_link_is_told_at_once(
    carrier: Carrier, ears: Ears
) -> None:
    async with ends(carrier, *ears) as (near, _):
        error = ValueError("why")
        near.abort(error)
        late = Ear()
        near.attach(late)
        assert late.losses == [error]


async def test_the_end_of_a_connection_calls_back_once(carrier: Carrier, ears: Ears) -> None:
    async with ends(carrier, *ears) as (near, far):
        calls = list[str]()
        for name, link in (("near", near), ("far", far)):
            link.when_closed(lambda name=name: calls.append(name))  # type: ignore[misc]
        near.abort()
        assert calls == []
        async with asyncio.timeout(10):
            await asyncio.gather(near.wait_closed(), far.wait_closed())
        assert sorted(calls) == ["far", "near"]
        near.when_closed(lambda: calls.append("now"))
        assert calls[2:] == ["now"]


class Refusing(Ear):
    """Raises at the second frame."""

    error: Exception

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        super().received(frame, buffers)
        if len(self.frames) > 1:
            raise self.error


async def test_what_is_not_allowed_to_a_handler_closes_the_link(
    carrier: Carrier, ears: Ears
) -> None:
    refusing = Refusing()
    refusing.error = ProtocolError("not now")
    async with ends(carrier, ears[0], refusing) as (near, _):
        for n in range(3):
            near.send(item(n))
        error = await refusing.hear_loss()
        assert isinstance(error, ProtocolError)
        assert "not now" in str(error)
        assert len(refusing.frames) == 2
        await ears[0].hear_loss()


async def test_a_bug_in_a_handler_is_reported_and_closes_the_link(
    carrier: Carrier, ears: Ears
) -> None:
    reports = list[dict[str, Any]]()
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda loop, report: reports.append(report))
    buggy = Refusing()
    buggy.error = LookupError("a bug")
    async with ends(carrier, ears[0], buggy) as (near, _):
        for n in range(3):
            near.send(item(n))
        assert await buggy.hear_loss() is buggy.error
        await ears[0].hear_loss()
    loop.set_exception_handler(before)
    assert [report["exception"] for report in reports] == [buggy.error]
