"""Handlers hear what becomes of each call, in the order that TaskEvent states."""

import asyncio
import logging
import time
from contextvars import Context, ContextVar

import pytest

import wool
from tests.events import Heard, counts, dies, fails, listen, relays, returns, waits
from tests.home import Home
from tests.loops import run

pytestmark = pytest.mark.anyio

CALL = ["task-created", "task-scheduled", "task-started", "task-stopped", "task-completed"]
STEP = ["task-iteration-initiated", "task-iteration-started", "task-iteration-completed"]
FIRST = [
    "task-created",
    "task-iteration-initiated",
    "task-scheduled",
    "task-started",
    "task-iteration-started",
    "task-iteration-completed",
]
LAST = [*STEP, "task-stopped", "task-completed"]

VARIABLE: ContextVar[str] = ContextVar("tests_events")


def _types(heard: Heard) -> list[str]:
    return [event.type for event, _, _ in heard]


async def test_a_call_that_returns(pool: wool.WorkerPool) -> None:
    with listen() as heard:
        await returns()
    assert _types(heard) == CALL


async def test_a_call_that_fails(pool: wool.WorkerPool) -> None:
    with listen() as heard, pytest.raises(LookupError):
        await fails()
    assert _types(heard) == CALL


async def test_a_call_that_is_cancelled(pool: wool.WorkerPool, home: Home) -> None:
    with listen() as heard:
        call = asyncio.create_task(waits(home.path))
        await home.hear()
        call.cancel()
        await asyncio.wait([call])
    assert _types(heard) == CALL


async def test_a_call_that_takes_too_long(pool: wool.WorkerPool, home: Home) -> None:
    with listen() as heard, pytest.raises(wool.DispatchTimeout):
        await waits.options(timeout=2)(home.path)
    assert _types(heard) == CALL


async def test_nested_calls_are_heard_of_where_they_are_made(pool: wool.WorkerPool) -> None:
    with listen() as heard:
        await relays()
    assert _types(heard) == CALL
    assert {event.task.name for event, _, _ in heard} == {"tests.events.relays"}


async def test_a_call_whose_worker_dies_stops_without_a_word() -> None:
    async with wool.WorkerPool(size=1):
        with listen() as heard, pytest.raises(wool.WorkerDied):
            await dies()
    assert _types(heard) == ["task-created", "task-scheduled", "task-completed"]


async def test_a_generator_with_each_of_its_steps(pool: wool.WorkerPool) -> None:
    with listen() as heard:
        assert [n async for n in counts(2)] == [0, 1]
    assert _types(heard) == [*FIRST, *STEP, *LAST]


async def test_a_generator_that_is_closed(pool: wool.WorkerPool) -> None:
    with listen() as heard:
        steps = counts(5)
        await anext(steps)
        await steps.aclose()
    assert _types(heard) == [*FIRST, *LAST]


async def test_a_generator_that_runs_ahead(pool: wool.WorkerPool) -> None:
    with listen() as heard:
        assert [n async for n in counts.options(prefetch=2)(3)] == [0, 1, 2]
    types = _types(heard)
    assert types[:3] == FIRST[:3]
    assert types[-1] == "task-completed"
    assert types.count("task-iteration-completed") == 4
    assert types.count("task-stopped") == 1


def test_a_call_with_no_pool_is_none() -> None:
    with listen() as heard, pytest.raises(wool.NoActivePool):
        run(returns())
    assert heard == []


async def test_events_of_one_call_share_its_task(pool: wool.WorkerPool) -> None:
    with listen() as heard:
        await asyncio.gather(returns(), returns())
    tasks = {event.task.id for event, _, _ in heard}
    assert len(tasks) == 2
    for task in tasks:
        assert _types([each for each in heard if each[0].task.id == task]) == CALL


async def test_timestamps_are_nanoseconds_and_never_go_back(pool: wool.WorkerPool) -> None:
    before = time.time_ns()
    with listen() as heard:
        await returns()
    stamps = [before, *(timestamp for _, timestamp, _ in heard), time.time_ns()]
    assert stamps == sorted(stamps)


async def test_handlers_get_the_context_of_the_call(pool: wool.WorkerPool) -> None:
    VARIABLE.set("mine")
    with listen() as heard:
        await returns()
    for _, _, context in heard:
        assert context is not None
        assert context[VARIABLE] == "mine"


async def test_a_handler_that_raises_harms_nothing(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    raising = [True]

    @wool.TaskEvent.handler("task-started", "task-completed")
    def broken(event: wool.TaskEvent, timestamp: int, context: Context | None = None) -> None:
        if raising:
            raise LookupError("in a handler")

    with listen() as heard, caplog.at_level(logging.ERROR, "wool"):
        assert await returns() == 1
    raising.clear()
    assert _types(heard) == CALL
    assert caplog.text.count("LookupError: in a handler") == 2


def test_a_handler_of_what_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="'task-lost'"):
        wool.TaskEvent.handler("task-lost")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_an_async_handler_is_refused() -> None:
    async def handler(event: wool.TaskEvent, at: int, context: Context | None = None) -> None: ...

    with pytest.raises(TypeError, match="plain functions"):
        wool.TaskEvent.handler()(handler)
