"""A stream closes its generator on every way out, whenever the client of a real server leaves."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from typing import Any

import pytest

from tests.integrations.clients import Tap
from tests.integrations.conftest import Serve
from wool_integrations.sse import EventStream, ServerSentEvent

# More than the buffers of a local connection ever hold.
HUGE = "x" * 2**25


def app_of(*streams: AsyncGenerator[Any, Any], **options: Any) -> Any:
    """An application that answers its first request with the first of `streams`, and so on."""
    remaining = iter(streams)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await EventStream(next(remaining), **options)(scope, receive, send)

    return app


async def numbers(count: int) -> AsyncGenerator[int]:
    for number in range(count):
        yield number


def test_items_arrive_one_event_each_and_the_stream_ends(serve: Serve) -> None:
    client = serve(app_of(numbers(3)))("GET /")
    status, headers = client.read_head()
    assert status == 200
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert client.read_body() == "data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_a_stream_without_items_answers_204_so_that_a_browser_stops_asking(serve: Serve) -> None:
    status, _ = serve(app_of(numbers(0)))("GET /").read_head()
    assert status == 204


def test_events_are_named_and_the_first_tells_when_to_come_back(serve: Serve) -> None:
    client = serve(app_of(numbers(2), event="n", retry=0.25))("GET /")
    client.read_head()
    assert client.read_body() == "retry: 250\n\nevent: n\ndata: 0\n\nevent: n\ndata: 1\n\n"


def test_head_gets_the_headers_and_starts_nothing(serve: Serve) -> None:
    tap = Tap()
    status, headers = serve(app_of(tap.stream("x")))("HEAD /").read_head()
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert not tap.opened


def test_a_client_leaves_while_the_generator_waits(serve: Serve) -> None:
    tap = Tap()
    client = serve(app_of(tap.stream("x")))("GET /")
    client.read_until("data: x\n\n")
    client.leave()
    assert tap.wait_closed()


def test_a_client_leaves_before_the_first_item(serve: Serve) -> None:
    tap = Tap()
    client = serve(app_of(tap.stream()))("GET /")
    assert tap.wait_opened()
    client.leave()
    assert tap.wait_closed()


def test_a_client_leaves_while_a_send_waits_for_it(serve: Serve) -> None:
    tap = Tap()
    request = serve(app_of(tap.stream(HUGE, "blocked", "never"), numbers(1)))
    client = request("GET /")
    assert tap.wait_items(2)
    request("GET /").read_until("data: 0\n\n")
    assert tap.items == 2, "the next item is taken when the last was sent"
    client.leave()
    assert tap.wait_closed()


def test_a_client_has_left_before_the_stream_first_listens(serve: Serve) -> None:
    tap = Tap()
    accepted, finished = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        accepted.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        await EventStream(tap.stream("x"))(scope, receive, send)
        finished.set()

    client = serve(app)("GET /")
    assert accepted.wait(10)
    client.leave()
    assert finished.wait(10)
    assert tap.opened == tap.closed


def test_a_client_that_takes_nothing_is_left_after_the_timeout(serve: Serve) -> None:
    tap, outcome = Tap(), Future[None]()
    stream = app_of(tap.stream(HUGE, "blocked"), send_timeout=0.05)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await stream(scope, receive, send)
        except TimeoutError as error:
            outcome.set_exception(error)

    client = serve(app)("GET /")
    with pytest.raises(TimeoutError, match=r"the client took nothing for 0\.05 s"):
        outcome.result(10)
    assert tap.closed
    client.leave()


def test_an_exception_after_the_first_item_breaks_the_response_off(serve: Serve) -> None:
    tap = Tap()
    client = serve(app_of(tap.stream("x", then=ValueError("boom"))))("GET /")
    client.read_until("data: x\n\n")
    assert tap.wait_closed()
    with pytest.raises(ConnectionError):
        client.read_body()


def test_an_item_that_cannot_be_encoded_closes_the_generator(serve: Serve) -> None:
    tap = Tap()
    client = serve(app_of(tap.stream("x", object())))("GET /")
    client.read_until("data: x\n\n")
    assert tap.wait_closed()
    with pytest.raises(ConnectionError):
        client.read_body()


def test_a_quiet_stream_is_kept_alive_without_disturbing_the_step(serve: Serve) -> None:
    release = threading.Event()

    async def slow() -> AsyncGenerator[str]:
        yield "first"
        await asyncio.to_thread(release.wait, 10)
        yield "second"

    client = serve(app_of(slow(), ping=0.02))("GET /")
    client.read_until("data: first\n\n")
    client.read_until(": ping\n\n")
    client.read_until(": ping\n\n")
    release.set()
    client.read_until("data: second\n\n")


def test_a_generator_that_never_waits_leaves_the_loop_to_others(serve: Serve) -> None:
    tap = Tap()

    async def endless() -> AsyncGenerator[str]:
        with tap.open():
            while True:
                yield "x"

    request = serve(app_of(endless(), numbers(1), ping=None))
    greedy = request("GET /")
    greedy.read_until("data: x\n\n")
    reader = threading.Thread(target=greedy.read_until_left)
    reader.start()
    assert request("GET /").read_head()[0] == 200
    greedy.shut()
    reader.join(10)
    assert tap.wait_closed()


def test_an_event_carries_every_field(serve: Serve) -> None:
    async def events() -> AsyncGenerator[ServerSentEvent]:
        yield ServerSentEvent(data={"n": 1}, event="e", id="7")

    client = serve(app_of(events()))("GET /")
    client.read_head()
    assert client.read_body() == 'event: e\ndata: {"n":1}\nid: 7\n\n'
