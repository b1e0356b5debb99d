"""The caller's half of the protocol refuses what a worker may not say, and forgets nothing."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.carriers import Carrier
from tests.contract.ends import Ear, ends
from tests.faults.until import until
from tests.routines import double
from wool.exceptions import PoolClosed, ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.call import Call
from wool.protocol.calls import Calls
from wool.protocol.outcome import Lost, Outcome
from wool.tasks import Task
from wool.transport.link import Link
from wool.values.serializer import Buffer

pytestmark = [pytest.mark.anyio, pytest.mark.every_carrier]

ACK = wire.Frame(call=1, ack=wire.Ack())
ITEM = wire.Frame(call=1, yielded=wire.Yield(value=b"N."))
RESULT = wire.Frame(call=1, returned=wire.Return(value=b"N."))
REJECT = wire.Frame(call=1, reject=wire.Reject(reason="stopping"))


class Caller:
    """A caller with one call, and a worker that says what the test has it say."""

    def __init__(self, link: Link, worker: Link, heard: Ear, grace: float) -> None:
        self.calls = Calls(link, grace)
        self.call: Call = self.calls.open(
            Task(double), wire.Frame(open=wire.Open()), (), ("m", "f")
        )
        self.frames = 0
        self.losses: list[Exception | None] = []
        self._worker = worker
        self._heard = heard

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        self.frames += 1
        self.calls.received(frame, buffers)

    def lost(self, error: Exception | None) -> None:
        self.losses.append(error)
        self.calls.lost(error)

    async def hear(self, *frames: wire.Frame) -> None:
        """Have the worker say something, and wait until it has come."""
        expected = self.frames + len(frames)
        for frame in frames:
            self._worker.send(frame)
        await until(lambda: self.frames == expected)

    def hang_up(self) -> None:
        """Have the worker hang up."""
        self._worker.abort()

    async def has_said(self, *kinds: str) -> None:
        """Wait until the worker has heard as many frames, and see which they are."""
        await self._heard.hear(len(kinds))
        assert self._heard.kinds == [*kinds]


@asynccontextmanager
async def _opened(carrier: Carrier, grace: float = 1.0) -> AsyncGenerator[Caller]:
    heard = Ear()
    async with ends(carrier, Ear(), heard) as (link, worker):
        caller = Caller(link, worker, heard, grace)
        link.attach(caller)
        yield caller


@pytest.mark.parametrize(
    "frames",
    [
        [RESULT, ACK],
        [ITEM, ACK],
        [ITEM, ITEM],
        [ACK, ITEM, ITEM],
        [ACK, RESULT, RESULT],
        [ACK, RESULT, ACK],
        [ACK, wire.Frame(call=1, next=wire.Next())],
        [ACK, wire.Frame(call=1)],
        [wire.Frame(call=2, ack=wire.Ack())],
        [ACK, REJECT],
        [ACK, ACK],
    ],
    ids=lambda frames: "-".join(f"{f.WhichOneof('kind')}{f.call}" for f in frames),
)
async def test_what_a_worker_may_not_say_is_refused(
    carrier: Carrier, frames: list[wire.Frame]
) -> None:
    async with _opened(carrier) as caller:
        await caller.hear(*frames[:-1])
        assert caller.losses == []
        await caller.hear(frames[-1])
        [error] = caller.losses
        assert isinstance(error, ProtocolError)


async def test_a_result_is_the_outcome(carrier: Carrier) -> None:
    async with _opened(carrier) as caller:
        assert len(caller.calls.unacknowledged) == 1
        await caller.hear(ACK)
        assert len(caller.calls.unacknowledged) == 0
        await caller.hear(RESULT)
        outcome = await caller.call.outcome()
        assert isinstance(outcome, Outcome)
        assert outcome.kind == "returned"
        assert len(caller.calls) == 0


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_a_lost_link_ends_every_call(carrier: Carrier, acknowledged: bool) -> None:
    async with _opened(carrier) as caller:
        if acknowledged:
            await caller.hear(ACK)
        await caller.has_said("open")  # what lies unread makes the end of a socket an error
        caller.hang_up()
        outcome = await caller.call.outcome()
        assert isinstance(outcome, Lost)
        assert (outcome.acknowledged, outcome.error) == (acknowledged, None)
        assert len(caller.calls) == 0


async def test_an_abandoned_generator_is_closed_when_it_yields_after_all(carrier: Carrier) -> None:
    async with _opened(carrier, grace=0) as caller:
        await caller.hear(ACK)
        waiting = asyncio.create_task(caller.call.outcome())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await caller.hear(ITEM)
        await caller.has_said("open", "cancel", "close")
        await caller.hear(RESULT)
        assert caller.losses == []
        await caller.hear(RESULT)
        assert isinstance(caller.losses[0], ProtocolError)


async def test_an_item_that_crosses_a_cancellation_is_dropped_and_the_generator_closed(
    carrier: Carrier,
) -> None:
    async with _opened(carrier) as caller:
        await caller.hear(ACK)
        waiting = asyncio.create_task(caller.call.outcome())
        await asyncio.sleep(0)
        waiting.cancel()
        await caller.hear(ITEM)
        await caller.has_said("open", "cancel", "close")
        await caller.hear(RESULT)
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_generator_that_its_worker_ends_between_two_steps_is_lost(carrier: Carrier) -> None:
    async with _opened(carrier) as caller:
        await caller.hear(ACK, ITEM)
        await caller.call.outcome()
        await caller.hear(RESULT)
        caller.call.step(wire.Frame(next=wire.Next()))
        outcome = await caller.call.outcome()
        assert isinstance(outcome, Lost)
        assert isinstance(outcome.error, PoolClosed)
