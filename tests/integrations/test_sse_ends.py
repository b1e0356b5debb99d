"""How a stream ends when the server, the generator or the arguments want it so."""

import asyncio
import contextvars
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

from tests.environment import on_a_new_machine
from tests.integrations.clients import Exchange, Tap
from tests.loops import on_chosen_loop
from wool_integrations.sse import EventStream

pytestmark = pytest.mark.both_loops


async def numbers(count: int) -> AsyncGenerator[int]:
    for number in range(count):
        yield number


@pytest.mark.anyio
async def test_an_error_in_send_means_that_the_client_left() -> None:
    tap, exchange = Tap(), Exchange()

    async def send(message: Any) -> None:
        raise OSError("gone")

    await EventStream(tap.stream("x"))(exchange.scope, exchange.receive, send)
    assert tap.closed


@pytest.mark.anyio
async def test_a_cancelled_request_ends_when_the_generator_has_cleaned_up() -> None:
    exchange, cleaned = Exchange(), False
    waiting, release = asyncio.Event(), asyncio.Event()

    async def stubborn() -> AsyncGenerator[str]:
        nonlocal cleaned
        try:
            yield "x"
            waiting.set()
            await asyncio.Event().wait()
        finally:
            await release.wait()
            cleaned = True

    request = asyncio.create_task(
        EventStream(stubborn())(exchange.scope, exchange.receive, exchange.send)
    )
    await waiting.wait()
    for _ in range(3):
        request.cancel()
        await asyncio.sleep(0)
    assert not request.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert cleaned


@pytest.mark.anyio
async def test_a_cancelled_scope_waits_for_the_generator_at_rest() -> None:
    exchange, cleaned = Exchange(), False
    with anyio.CancelScope() as scope:

        async def stream() -> AsyncGenerator[str]:
            nonlocal cleaned
            try:
                yield "x"
                scope.cancel()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.05)
                cleaned = True

        await EventStream(stream())(exchange.scope, exchange.receive, exchange.send)
    assert cleaned
    assert scope.cancelled_caught


@pytest.mark.anyio
async def test_clean_up_that_has_begun_is_not_cancelled_by_a_client_that_leaves() -> None:
    exchange, cleaned = Exchange(), False

    async def failing() -> AsyncGenerator[object]:
        nonlocal cleaned
        try:
            yield object()
        finally:
            exchange.left.set()
            await asyncio.sleep(0.01)
            cleaned = True

    with pytest.raises(TypeError, match="object is not JSON serializable"):
        await EventStream(failing())(exchange.scope, exchange.receive, exchange.send)
    assert cleaned
    assert exchange.sent == [], "the item failed before the status was sent"


@pytest.mark.anyio
async def test_a_generator_that_swallows_its_cancellation_is_closed_all_the_same() -> None:
    exchange, closed = Exchange(), False

    async def swallowing() -> AsyncGenerator[str]:
        nonlocal closed
        try:
            while True:
                try:
                    exchange.left.set()
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    yield "not so fast"
        finally:
            closed = True

    await EventStream(swallowing())(exchange.scope, exchange.receive, exchange.send)
    assert closed
    assert exchange.sent == []


@pytest.mark.anyio
async def test_an_error_of_the_clean_up_is_raised() -> None:
    exchange = Exchange()

    async def untidy() -> AsyncGenerator[str]:
        try:
            yield "x"
            exchange.left.set()
            await asyncio.Event().wait()
        finally:
            raise ValueError("in the clean-up")

    with pytest.raises(ValueError, match="in the clean-up"):
        await EventStream(untidy())(exchange.scope, exchange.receive, exchange.send)


@pytest.mark.anyio
async def test_a_step_that_cancels_itself_cancels_the_request() -> None:
    exchange = Exchange()

    async def cancelled() -> AsyncGenerator[str]:
        yield "x"
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await EventStream(cancelled())(exchange.scope, exchange.receive, exchange.send)


@pytest.mark.anyio
async def test_a_request_cancelled_before_the_first_step_closes_the_generator() -> None:
    exchange = Exchange()
    stream = numbers(3)
    request = asyncio.current_task()
    assert request is not None
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await EventStream(stream)(exchange.scope, exchange.receive, exchange.send)
    request.uncancel()
    assert [number async for number in stream] == []


@pytest.mark.anyio
async def test_all_steps_run_in_one_task_in_the_context_of_the_construction() -> None:
    exchange, tasks = Exchange(), set[Any]()
    colour = contextvars.ContextVar("colour", default="none")

    async def coloured() -> AsyncGenerator[str]:
        for _ in range(2):
            tasks.add(asyncio.current_task())
            yield colour.get()
            colour.set("set in a step")
        tasks.add(asyncio.current_task())

    token = colour.set("of the handler")
    response = EventStream(coloured())
    colour.reset(token)
    await response(exchange.scope, exchange.receive, exchange.send)
    assert exchange.body == "data: of the handler\n\ndata: set in a step\n\n"
    assert len(tasks) == 1
    assert colour.get() == "none"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"event": "a\nb"}, ValueError, "event"),
        ({"retry": -1}, ValueError, "retry"),
        ({"ping": 0}, ValueError, "ping"),
        ({"send_timeout": -1.0}, ValueError, "send_timeout"),
        ({"retry": "5"}, TypeError, "retry"),
        ({"ping": "5"}, TypeError, "ping"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(
    options: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        EventStream(numbers(1), **options)


def test_a_function_is_no_generator() -> None:
    not_called: Any = numbers
    with pytest.raises(TypeError, match="call a function that yields to get one"):
        EventStream(not_called)


STREAM_ALONE = """
import asyncio, sys
from wool_integrations.sse import EventStream

async def numbers():
    yield 1

async def receive():
    await asyncio.Event().wait()

async def send(message):
    print(message.get("body", b"").decode(), end="")

asyncio.run(EventStream(numbers())({"type": "http", "method": "GET"}, receive, send))
assert not {"anyio", "starlette", "fastapi"} & set(sys.modules)
"""


def test_a_stream_needs_no_framework() -> None:
    environment = on_a_new_machine(PYTHONPATH=os.pathsep.join(sys.path))
    run = subprocess.run(
        [sys.executable, "-c", on_chosen_loop(STREAM_ALONE)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (run.stdout, run.stderr) == ("data: 1\n\n", "")
