"""The caller's half of the protocol refuses what a worker may not say, and forgets nothing."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.routines import double
from wool.exceptions import PoolClosed, ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.call import Call
from wool.protocol.calls import Calls
from wool.protocol.outcome import Lost, Outcome
from wool.tasks import Task
from wool.values.serializer import Buffer

pytestmark = pytest.mark.anyio

ACK = wire.Frame(call=1, ack=wire.Ack())
ITEM = wire.Frame(call=1, yielded=wire.Yield(value=b"N."))
RESULT = wire.Frame(call=1, returned=wire.Return(value=b"N."))
REJECT = wire.Frame(call=1, reject=wire.Reject(reason="stopping"))


class Wire:
    """A sender that keeps what is sent."""

    max_message_size = 1_000_000
    queued = written = 0

    def __init__(self) -> None:
        self.sent: list[str | None] = []

    def send(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        self.sent.append(frame.WhichOneof("kind"))

    def flush(self) -> None: ...


def _opened(grace: float = 1.0) -> tuple[Wire, Calls, Call]:
    line = Wire()
    calls = Calls(line, grace)
    return line, calls, calls.open(Task(double), wire.Frame(open=wire.Open()), (), ("m", "f"))


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
async def test_what_a_worker_may_not_say_is_refused(frames: list[wire.Frame]) -> None:
    _, calls, _ = _opened()
    for frame in frames[:-1]:
        calls.received(frame, ())
    with pytest.raises(ProtocolError):
        calls.received(frames[-1], ())


async def test_a_result_is_the_outcome() -> None:
    _, calls, call = _opened()
    assert len(calls.unacknowledged) == 1
    calls.received(ACK, ())
    assert len(calls.unacknowledged) == 0
    calls.received(RESULT, ())
    outcome = await call.outcome()
    assert isinstance(outcome, Outcome)
    assert outcome.kind == "returned"
    assert len(calls) == 0


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_a_lost_link_ends_every_call(acknowledged: bool) -> None:
    _, calls, call = _opened()
    if acknowledged:
        calls.received(ACK, ())
    calls.lost(None)
    assert await call.outcome() == Lost(acknowledged)
    assert len(calls) == 0


async def test_an_abandoned_generator_is_closed_when_it_yields_after_all() -> None:
    line, calls, call = _opened(grace=0)
    calls.received(ACK, ())
    waiting = asyncio.create_task(call.outcome())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    calls.received(ITEM, ())
    assert line.sent == ["open", "cancel", "close"]
    calls.received(RESULT, ())
    with pytest.raises(ProtocolError):
        calls.received(RESULT, ())


async def test_an_item_that_crosses_a_cancellation_is_dropped_and_the_generator_closed() -> None:
    line, calls, call = _opened()
    calls.received(ACK, ())
    waiting = asyncio.create_task(call.outcome())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    calls.received(ITEM, ())
    await asyncio.sleep(0)
    calls.received(RESULT, ())
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert line.sent == ["open", "cancel", "close"]


async def test_a_generator_that_its_worker_ends_between_two_steps_is_lost() -> None:
    _, calls, call = _opened()
    for frame in (ACK, ITEM):
        calls.received(frame, ())
    await call.outcome()
    calls.received(RESULT, ())
    call.step(wire.Frame(next=wire.Next()))
    outcome = await call.outcome()
    assert isinstance(outcome, Lost)
    assert isinstance(outcome.error, PoolClosed)
