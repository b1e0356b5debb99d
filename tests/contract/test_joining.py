"""Who may come in, on any carrier, and what each end learns of the other before the first call."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from tests.carriers import Carrier
from tests.contract.ends import LIMIT, Ear, item
from tests.faults.until import until
from wool.exceptions import AuthenticationError, ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import PROTOCOL_VERSION
from wool.protocol.handshake import HELLO_LIMIT, hello
from wool.support.secret import Secret
from wool.transport.carriers import connect, listener
from wool.transport.joining import authenticate, join
from wool.transport.link import Link
from wool.transport.reception import Reception

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, pytest.mark.every_carrier]

UID = uuid4()
TOKEN = Secret(b"t" * 32)
SOONER = 2.0  # seconds: a silent stranger is borne for longer
LATER = 30.0  # seconds: and for less than that


class Worker:
    """A reception, and who came in."""

    def __init__(self, address: str) -> None:
        self.links: list[Link] = []
        self.ears: list[Ear] = []
        self.reception = Reception(UID, TOKEN, [listener(address, LIMIT)], self._joined)

    def _joined(self, link: Link) -> Ear:
        ear = Ear(reply=link.send)
        self.links.append(link)
        self.ears.append(ear)
        return ear


@pytest.fixture
async def worker(address: str) -> AsyncIterator[Worker]:
    worker = Worker(address)
    await worker.reception.open()
    yield worker
    async with asyncio.timeout(LATER):
        await worker.reception.aclose()


async def _stranger(address: str) -> tuple[Link, Ear]:
    """Connect, and say nothing yet."""
    link, ear = await connect(address, LIMIT), Ear()
    link.attach(ear)
    return link, ear


async def test_who_holds_the_token_comes_in_and_is_heard(worker: Worker, address: str) -> None:
    link, ear = await join(address, UID, TOKEN, LIMIT), Ear()
    link.attach(ear)
    assert link.max_message_size == LIMIT
    link.send(item(bytes(100 * HELLO_LIMIT)))
    await ear.hear(1)
    assert ear.values == worker.ears[0].values == [bytes(100 * HELLO_LIMIT)]
    link.abort()


async def test_a_caller_learns_who_answered(worker: Worker, address: str) -> None:
    link = await connect(address, LIMIT)
    welcome = await authenticate(link, TOKEN)
    assert UUID(bytes=welcome.uid) == UID
    assert (welcome.pid, welcome.protocol) == (os.getpid(), PROTOCOL_VERSION)
    link.abort()


@pytest.mark.parametrize("token", [b"", bytes(32), b"t" * 31, b"t" * 33])
async def test_the_wrong_token_is_refused(worker: Worker, address: str, token: bytes) -> None:
    with pytest.raises(AuthenticationError, match="the token is wrong"):
        await join(address, UID, Secret(token), LIMIT)
    assert worker.links == []


async def test_who_refuses_hangs_up_and_hears_no_more(worker: Worker, address: str) -> None:
    link, ear = await _stranger(address)
    link.send(hello(Secret(b"wrong")))
    link.send(hello(TOKEN))
    link.send(item(b"in vain"))
    await ear.hear_loss()
    assert (ear.kinds, worker.links) == (["reject"], [])


async def test_another_worker_than_the_one_that_was_meant_is_hung_up_on(
    worker: Worker, address: str
) -> None:
    with pytest.raises(ConnectionRefusedError, match="another worker"):
        await join(address, uuid4(), TOKEN, LIMIT)
    [ear] = worker.ears
    assert await ear.hear_loss() is None


async def test_another_version_of_the_protocol_is_refused_by_the_worker(
    worker: Worker, address: str
) -> None:
    link, ear = await _stranger(address)
    said = wire.Hello(protocol=PROTOCOL_VERSION + 1, token=bytes(TOKEN))
    link.send(wire.Frame(hello=said))
    await ear.hear_loss()
    [frame] = ear.frames
    assert frame.reject.protocol == PROTOCOL_VERSION
    assert "install the same wool at both ends" in frame.reject.reason
    assert worker.links == []


@pytest.mark.parametrize(
    "first",
    [item(b"to work!"), wire.Frame(), wire.Frame(call=1)],
    ids=["work", "empty", "nothing"],
)
async def test_who_does_not_begin_with_a_hello_is_refused(
    worker: Worker, address: str, first: wire.Frame
) -> None:
    link, ear = await _stranger(address)
    link.send(first)
    await ear.hear_loss()
    assert (ear.kinds, worker.links) == (["reject"], [])


async def test_who_says_more_than_a_hello_takes_is_hung_up_on(worker: Worker, address: str) -> None:
    link, ear = await _stranger(address)
    link.send(item(bytes(HELLO_LIMIT)))
    await ear.hear_loss()
    assert (ear.frames, worker.links) == ([], [])


async def test_who_says_nothing_is_hung_up_on_after_some_seconds(
    worker: Worker, address: str
) -> None:
    caller = await join(address, UID, TOKEN, LIMIT)
    caller_ear = Ear()
    caller.attach(caller_ear)
    link, ear = await _stranger(address)
    began = time.monotonic()
    async with asyncio.timeout(LATER):
        await link.wait_closed()
    assert time.monotonic() - began > SOONER
    assert (ear.frames, len(ear.losses)) == ([], 1)
    caller.send(item(b"still here"))
    await caller_ear.hear(1)
    caller.abort()


class Impostor:
    """Listens where a worker would, and answers as it is told; None: it hangs up."""

    def __init__(self, *answers: wire.Frame | None) -> None:
        self._answers = answers
        self._links: list[Link] = []
        self.ears: list[Ear] = []

    def accept(self, link: Link) -> None:
        def answer(frame: wire.Frame) -> None:
            for each in self._answers:
                if each is None:
                    link.finish()
                else:
                    link.send(each)

        ear = Ear(reply=answer)
        link.attach(ear)
        self._links.append(link)
        self.ears.append(ear)

    async def aclose(self) -> None:
        for link in self._links:
            link.abort()
            await link.wait_closed()


WELCOME = wire.Frame(welcome=wire.Welcome(uid=UID.bytes, protocol=PROTOCOL_VERSION))
OTHER_VERSION = wire.Frame(reject=wire.Reject(reason="too old", protocol=PROTOCOL_VERSION + 1))


@pytest.mark.parametrize(
    ("answer", "error", "match"),
    [
        (OTHER_VERSION, ProtocolError, "too old"),
        (item(b"?"), ProtocolError, "welcome"),
        (item(bytes(HELLO_LIMIT)), ProtocolError, "allowed"),
        (None, ConnectionError, "hung up"),
    ],
    ids=["version", "no welcome", "too much", "hung up"],
)
async def test_an_answer_that_is_no_welcome_is_an_error_and_closes_the_link(
    address: str, answer: wire.Frame | None, error: type[Exception], match: str
) -> None:
    impostor, listening = Impostor(answer), listener(address, LIMIT)
    await listening.open(impostor.accept)
    with pytest.raises(error, match=match):
        await join(address, UID, TOKEN, LIMIT)
    await impostor.ears[0].hear_loss()
    listening.close()
    await impostor.aclose()


async def test_a_caller_that_stops_to_wait_for_an_answer_leaves_no_link(address: str) -> None:
    impostor, listening = Impostor(), listener(address, LIMIT)
    await listening.open(impostor.accept)
    joining = asyncio.create_task(join(address, UID, TOKEN, LIMIT))
    await until(lambda: impostor.ears and impostor.ears[0].frames)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    assert await impostor.ears[0].hear_loss() is None
    listening.close()
    await impostor.aclose()


async def test_a_reception_that_closes_hangs_up_on_strangers_and_keeps_callers(
    worker: Worker, address: str
) -> None:
    caller, ear = await join(address, UID, TOKEN, LIMIT), Ear()
    caller.attach(ear)
    _, stranger_ear = await _stranger(address)
    alone = asyncio.create_task(worker.reception.until_alone())
    await asyncio.sleep(0)
    worker.reception.close()
    await stranger_ear.hear_loss()
    with pytest.raises((ConnectionError, FileNotFoundError)):
        await join(address, UID, TOKEN, LIMIT)
    caller.send(item(1))
    await ear.hear(1)
    assert not alone.done()
    caller.abort()
    async with asyncio.timeout(LATER):
        await alone


async def test_a_reception_is_alone_though_strangers_are_there(
    worker: Worker, address: str
) -> None:
    _, ear = await _stranger(address)
    async with asyncio.timeout(SOONER):
        await worker.reception.until_alone()
    assert ear.losses == []


async def test_a_reception_that_ends_hangs_up_on_everyone(worker: Worker, address: str) -> None:
    caller, ear = await join(address, UID, TOKEN, LIMIT), Ear()
    caller.attach(ear)
    _, stranger_ear = await _stranger(address)
    await worker.reception.aclose()
    assert len(worker.ears[0].losses) == 1
    assert await ear.hear_loss() is None
    await stranger_ear.hear_loss()
    await worker.reception.aclose()


async def test_a_reception_that_can_not_listen_everywhere_listens_nowhere(
    carrier: Carrier, address: str
) -> None:
    impossible = "unix:/nowhere/at/all"
    listeners = [listener(address, LIMIT), listener(impossible, LIMIT)]
    reception = Reception(UID, TOKEN, listeners, lambda link: Ear())
    with pytest.raises(FileNotFoundError):
        await reception.open()
    with pytest.raises((ConnectionError, FileNotFoundError)):
        await join(address, UID, TOKEN, LIMIT)
