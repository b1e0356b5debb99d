"""What routines log arrives at the caller's logging; wool itself traces each call at DEBUG."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest

import wool
from tests.logging_routines import (
    a_fork_logs,
    each_step_logs,
    logs,
    logs_an_exception,
    logs_and_dies,
    logs_extras,
    logs_in_a_thread,
    relays_logs,
)
from tests.loops import on_chosen_loop
from tests.routines import double
from tests.scripts import run

pytestmark = pytest.mark.anyio

NAME = "tests.logging_routines"
REQUEST: ContextVar[str] = ContextVar("tests_logging_request", default="-")


async def test_a_record_arrives_with_level_name_and_pid(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await logs("hello", level=logging.ERROR)
    (record,) = caplog.records
    assert (record.name, record.levelno, record.getMessage()) == (NAME, logging.ERROR, "said hello")
    assert (record.process, record.processName) == (worker, "wool-worker")
    assert (record.funcName, record.module) == ("logs", "logging_routines")


async def test_records_arrive_in_order_and_before_the_result(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    await logs(*map(str, range(100)))
    assert caplog.messages == [f"said {n}" for n in range(100)]


async def test_what_was_added_to_a_record_arrives_if_it_can_travel(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    await logs("hello")
    assert vars(caplog.records[0])["said"] == "hello"
    assert "lock" not in vars(caplog.records[0])


async def test_what_cannot_be_read_back_stays_behind_alone(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    await logs_extras(size=3)
    assert vars(caplog.records[0])["size"] == 3
    assert "one_way" not in vars(caplog.records[0])


async def test_what_is_too_large_stays_behind(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    await logs_extras(large="x" * 200_000, size=3)
    assert vars(caplog.records[0])["size"] == 3
    assert "large" not in vars(caplog.records[0])


async def test_an_exception_arrives_as_text(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    await logs_an_exception()
    assert "LookupError: logged" in caplog.text


async def test_each_step_of_a_generator_logs_before_its_item(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    async for n in each_step_logs():
        assert caplog.messages[-1] == f"step {n}"


async def test_threads_of_a_routine_log_to_its_caller(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    await logs_in_a_thread("from a thread")
    assert caplog.messages == ["from a thread"]


async def test_a_fork_of_a_worker_logs_to_its_own_standard_error(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with wool.WorkerPool(size=1):
        assert await a_fork_logs() == 0
        await logs("hello")
    assert caplog.messages == ["said hello"]
    assert "from a fork" in capfd.readouterr().err


async def test_nested_calls_log_to_where_the_first_was_made(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await relays_logs("deep")
    assert [(r.getMessage(), r.process) for r in caplog.records] == [("said deep", worker)]


async def test_workers_know_the_levels_that_their_parent_had(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, NAME):
        async with wool.WorkerPool(size=1):
            await logs("info", level=logging.INFO)
            await logs("debug", level=logging.DEBUG)
    assert caplog.messages == ["said info"]


async def test_a_level_that_was_raised_meanwhile_counts(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL, NAME):
        await logs("too little")
    assert caplog.records == []


async def test_forwarding_can_be_switched_off(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with wool.WorkerPool(size=1, forward_logs=False):
        await logs("hello")
    assert caplog.records == []
    assert "said hello" in capfd.readouterr().err


async def test_debug_traces_a_call_there_and_back(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "wool"):
        async with wool.WorkerPool(size=1) as pool:
            await double(1)
            (worker,) = pool.workers.values()
    trace = [(r.name, r.process) for r in caplog.records if "tests.routines.double" in r.message]
    here = caplog.records[0].process
    assert trace == [
        ("wool.dispatch.dispatcher", here),
        ("wool.protocol.session", worker.pid),
        ("wool.protocol.session", worker.pid),
        ("wool.dispatch.dispatcher", here),
    ]


@asynccontextmanager
async def _talking() -> AsyncGenerator[None]:
    logging.getLogger(NAME).warning("the lifespan begins")
    yield
    logging.getLogger(NAME).warning("the lifespan ends")


async def test_what_is_logged_outside_of_calls_arrives_where_the_pool_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with wool.WorkerPool(size=1, lifespan=_talking):
        await double(1)
    assert caplog.messages == ["the lifespan begins", "the lifespan ends"]


async def test_the_last_word_before_a_crash_arrives(caplog: pytest.LogCaptureFixture) -> None:
    async with wool.WorkerPool(size=1):
        with pytest.raises(wool.WorkerDied):
            await logs_and_dies()
    assert "the last word" in caplog.messages


async def test_the_factory_of_records_runs_in_the_context_of_the_call(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    plain = logging.getLogRecordFactory()

    def factory(name: str, *args: Any, **options: Any) -> logging.LogRecord:
        record = plain(name, *args, **options)
        record.request = f"{REQUEST.get()} {name.partition('.')[0]}"
        return record

    async def call(request: str) -> None:
        REQUEST.set(request)
        await logs(request)

    logging.setLogRecordFactory(factory)
    try:
        await asyncio.gather(call("a"), call("b"))
    finally:
        logging.setLogRecordFactory(plain)
    assert {(r.getMessage(), vars(r)["request"]) for r in caplog.records} == {
        ("said a", "a tests"),
        ("said b", "b tests"),
    }


LOGS_ON = """
import asyncio, logging, threading, time, wool

def log_on(pool_is_left):
    for n in range(200):
        logging.getLogger("lasting").error("record %d", n)
        time.sleep(0.005)

@wool.routine
async def leave_a_thread():
    threading.Thread(target=log_on, args=(None,)).start()

async def main():
    async with wool.WorkerPool(size=1, grace=2.0):
        await leave_a_thread()
asyncio.run(main())
"""


@pytest.mark.both_loops
def test_a_thread_that_logs_on_while_its_worker_ends_is_heard_without_tracebacks() -> None:
    ended = run(["-"], text=on_chosen_loop(LOGS_ON), flags=())
    assert ended.code == 0
    assert "Logging error" not in ended.err
    said = re.findall(r"^record (\d+)$", ended.err, re.MULTILINE)
    assert said
    assert len(said) == len(set(said))
