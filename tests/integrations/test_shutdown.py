import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from tests.environment import on_a_new_machine
from tests.integrations.clients import Diary, Exchange, RawClient, Tap
from tests.loops import run
from wool_integrations.shutdown import SIGNALS, end_streams_on_signals, ending
from wool_integrations.sse import EventStream

pytestmark = pytest.mark.both_loops

_START = 30.0  # seconds for a server and its workers, each of which imports a framework


@contextmanager
def _server() -> Generator[tuple[int, "subprocess.Popen[bytes]"]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integrations.server", str(listener.fileno())],
            pass_fds=[listener.fileno()],
            env=on_a_new_machine(PYTHONPATH=os.pathsep.join(sys.path)),
        )
        with process:
            try:
                yield listener.getsockname()[1], process
            finally:
                process.kill()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_open_streams_their_remote_generators_and_the_server(
    number: signal.Signals, diary: Diary
) -> None:
    with _server() as (port, process):
        with (
            RawClient(port, f"GET /linger/1?diary={diary.path}") as streaming,
            RawClient(port, f"GET /linger/0?diary={diary.path}") as waiting,
        ):
            first = [diary.read_line(within=_START)[:10] for _ in range(2)]
            assert first == ["started in"] * 2
            streaming.read_until("data: item 0\n\n")
            process.send_signal(number)
            assert {diary.read_line(), diary.read_line()} == {"cleaned up"}
            assert streaming.read_body() == ""
            assert waiting.read_head()[0] == 200
            assert waiting.read_body() == ""
        assert process.wait(10) == -number


@pytest.fixture
def received() -> Iterator[list[int]]:
    """What the handlers of a server received, as one installs them before the lifespan starts."""
    numbers: list[int] = []

    def handle(number: int, frame: object) -> None:
        numbers.append(number)

    previous = {number: signal.signal(number, handle) for number in SIGNALS}
    yield numbers
    for number, handler in previous.items():
        signal.signal(number, handler)


@pytest.mark.anyio
async def test_the_handlers_of_the_server_are_called_as_ever_and_put_back(
    received: list[int],
) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with end_streams_on_signals() as event:
        assert ending() is event
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        await event.wait()
    assert received == [signal.SIGTERM, signal.SIGINT]
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert ending() is None


@pytest.mark.anyio
async def test_a_handler_that_somebody_else_put_in_place_stays(received: list[int]) -> None:
    def chained(number: int, frame: FrameType | None) -> None:
        assert callable(inner)
        inner(number, frame)

    with end_streams_on_signals():
        inner = signal.signal(signal.SIGTERM, chained)
    assert signal.getsignal(signal.SIGTERM) is chained
    signal.raise_signal(signal.SIGTERM)
    assert received == [signal.SIGTERM]


@pytest.mark.anyio
async def test_an_ignored_signal_ends_nothing(received: list[int]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with end_streams_on_signals() as event:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        assert not event.is_set()


@pytest.mark.anyio
async def test_the_event_ends_streams_without_a_signal_and_those_to_come() -> None:
    tap, exchange, later = Tap(), Exchange(), Exchange()
    with end_streams_on_signals() as event, end_streams_on_signals() as inner:
        assert inner is event
        stream = EventStream(tap.stream("x"))
        response = asyncio.create_task(stream(exchange.scope, exchange.receive, exchange.send))
        await exchange.begun.wait()
        event.set()
        await response
        assert tap.closed
        assert exchange.body == "data: x\n\n"
        assert exchange.sent[-1]["more_body"] is False

        untouched = Tap()
        await EventStream(untouched.stream("x"))(later.scope, later.receive, later.send)
        assert not untouched.opened
        assert [message.get("status") for message in later.sent] == [200, None]


@pytest.mark.anyio
async def test_streams_are_told_of_a_signal_though_its_handler_raises() -> None:
    def give_up(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, give_up)
    try:
        with end_streams_on_signals() as event:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                await event.wait()
    finally:
        signal.signal(signal.SIGTERM, previous)


@pytest.mark.anyio
async def test_a_stream_that_is_open_when_the_block_is_left_ends() -> None:
    tap, exchange = Tap(), Exchange()
    with end_streams_on_signals():
        stream = EventStream(tap.stream("x"))
        response = asyncio.create_task(stream(exchange.scope, exchange.receive, exchange.send))
        await exchange.begun.wait()
    async with asyncio.timeout(5):
        await response
    assert tap.closed
    assert exchange.sent[-1]["more_body"] is False


@pytest.mark.anyio
async def test_a_client_that_does_not_take_the_end_holds_a_shutdown_for_a_second() -> None:
    tap, exchange = Tap(), Exchange()

    async def send(message: Any) -> None:
        if message.get("more_body") is False:
            await asyncio.Event().wait()
        await exchange.send(message)

    with end_streams_on_signals() as event:
        stream = EventStream(tap.stream("x"), send_timeout=None)
        response = asyncio.create_task(stream(exchange.scope, exchange.receive, send))
        await exchange.begun.wait()
        event.set()
        async with asyncio.timeout(5):
            await response  # and not a TimeoutError: nobody is there to be told
    assert tap.closed


@pytest.mark.anyio
async def test_outside_the_main_thread_no_handler_is_touched() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]

    async def watch() -> None:
        with end_streams_on_signals():
            assert [signal.getsignal(number) for number in SIGNALS] == before

    await asyncio.to_thread(run, watch())
