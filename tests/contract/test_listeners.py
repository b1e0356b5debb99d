"""What a listener is, on any carrier: it hands on whoever connects, until it is closed."""

import asyncio
import concurrent.futures

import pytest

from tests import loops
from tests.contract.ends import LIMIT, Ear, item
from tests.faults.until import until
from wool.transport.carriers import connect, listener, memory_address
from wool.transport.link import Link

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, pytest.mark.every_carrier]

CALLERS = 20


class Host:
    """Takes links in, and answers each frame with itself."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.ears: list[Ear] = []

    def accept(self, link: Link) -> None:
        ear = Ear(reply=link.send)
        link.attach(ear)
        self.links.append(link)
        self.ears.append(ear)

    async def aclose(self) -> None:
        for link in self.links:
            link.abort()
            await link.wait_closed()


async def _ask(address: str, value: int) -> bytes:
    """Connect, say something, and return the answer."""
    link, ear = await connect(address, LIMIT), Ear()
    link.attach(ear)
    link.send(item(value))
    await until(lambda: ear.frames or ear.losses)
    if ear.losses:
        raise ear.losses[0] or ConnectionResetError("hung up")
    link.abort()
    await link.wait_closed()
    return ear.values[0]


async def test_everyone_who_connects_gets_a_link_of_their_own(address: str) -> None:
    host, listening = Host(), listener(address, LIMIT)
    assert listening.address == address
    await listening.open(host.accept)
    answers = await asyncio.gather(*(_ask(address, n) for n in range(CALLERS)))
    listening.close()
    assert answers == [b"%d" % n for n in range(CALLERS)]
    assert sorted(ear.values[0] for ear in host.ears) == sorted(answers)
    await host.aclose()


async def test_nobody_can_connect_where_nobody_listens(address: str) -> None:
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await connect(address, LIMIT)


async def test_nobody_can_connect_to_a_listener_that_is_closed_but_links_stay(address: str) -> None:
    host, listening, ear = Host(), listener(address, LIMIT), Ear()
    await listening.open(host.accept)
    link = await connect(address, LIMIT)
    link.attach(ear)
    link.send(item(1))
    await ear.hear(1)
    listening.close()
    listening.close()
    with pytest.raises((ConnectionError, FileNotFoundError)):
        await _ask(address, 1)
    assert len(host.links) == 1
    link.send(item(2))
    await ear.hear(2)
    assert ear.values == [b"1", b"2"]
    link.abort()
    await host.aclose()


async def test_an_address_of_no_carrier_is_refused() -> None:
    for address in ("", "carrier-pigeon:home", "/no/carrier"):
        with pytest.raises(OSError, match="no carrier"):
            await connect(address, LIMIT)
        with pytest.raises(OSError, match="no carrier"):
            listener(address, LIMIT)


async def test_callers_on_other_loops_are_served(address: str) -> None:
    host, listening = Host(), listener(address, LIMIT)
    await listening.open(host.accept)

    async def ask_all() -> list[bytes]:
        return await asyncio.gather(*(_ask(address, n) for n in range(CALLERS)))

    answers = await asyncio.gather(*(asyncio.to_thread(loops.run, ask_all()) for _ in range(3)))
    assert answers == [[b"%d" % n for n in range(CALLERS)]] * 3
    listening.close()
    await host.aclose()


async def test_a_name_is_one_listeners_while_that_is_open() -> None:
    address, host = memory_address("taken"), Host()
    first, second = listener(address, LIMIT), listener(address, LIMIT)
    await first.open(host.accept)
    with pytest.raises(OSError, match="listens already"):
        await second.open(host.accept)
    second.close()
    assert await _ask(address, 1) == b"1"
    first.close()
    await second.open(host.accept)
    assert await _ask(address, 2) == b"2"
    second.close()
    await host.aclose()


async def test_where_a_loop_was_closed_that_somebody_listened_on_nobody_does() -> None:
    address, host = memory_address("left open"), Host()

    async def listen() -> None:
        await listener(address, LIMIT).open(host.accept)

    await asyncio.to_thread(loops.run, listen())
    with pytest.raises(ConnectionRefusedError):
        await connect(address, LIMIT)
    listening = listener(address, LIMIT)
    await listening.open(host.accept)
    assert await _ask(address, 1) == b"1"
    listening.close()
    await host.aclose()


async def test_a_link_to_a_loop_that_was_closed_is_lost_when_something_is_sent() -> None:
    address, ear = memory_address("left open, too"), Ear()

    async def take_one_in() -> None:
        accepted = asyncio.Event()
        listening = listener(address, LIMIT)
        await listening.open(lambda link: accepted.set())
        listens.set_result(None)
        await accepted.wait()
        listening.close()

    listens = concurrent.futures.Future[None]()
    taking = asyncio.create_task(asyncio.to_thread(loops.run, take_one_in()))
    await asyncio.wrap_future(listens)
    link = await connect(address, LIMIT)
    link.attach(ear)
    await taking
    assert ear.losses == []
    link.send(item(1))
    assert isinstance(await ear.hear_loss(), ConnectionResetError)
