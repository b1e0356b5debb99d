"""What is logged faster than it is read takes little memory: the rest is dropped, and counted."""

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wool
from tests.faults.until import until
from tests.flooding_routines import (
    FLOOD,
    answers_at_length_after_a_flood,
    floods,
    floods_at_once,
    floods_between_items,
    floods_from_a_thread,
    floods_of_a_lifespan,
    leaves_a_flood_behind,
    logs_a_megabyte,
    relays_a_flood,
)
from tests.logging_routines import logs
from tests.memory import MIB, peak_memory

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read in /proc"),
]

MOST = 100 * MIB  # a flood is twice as much


def _dropped(record: logging.LogRecord) -> dict[str, int]:
    dropped: dict[str, int] = getattr(record, "dropped", {})
    return dropped


def _accounted(records: list[logging.LogRecord]) -> tuple[int, int]:
    """Count what arrived, and what is said to be dropped."""
    told = sum(_dropped(record).get("flood", 0) for record in records)
    return sum(record.name == "flood.of.records" for record in records), told


@pytest.fixture
def slow_to_read() -> Iterator[None]:
    """Lets this process take far longer for a record than its workers do."""

    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            time.sleep(0.002)

    slow = Slow()
    logging.getLogger("flood").addHandler(slow)
    yield
    logging.getLogger("flood").removeHandler(slow)


def _stand_still_until(over: Path) -> None:
    """Keep this process's loop from reading anything."""
    while not over.exists():
        time.sleep(0.01)


async def test_a_caller_that_stands_still_costs_its_worker_little_memory(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    over = tmp_path / "over"
    async with wool.WorkerPool(size=1):
        call = asyncio.create_task(floods(str(over)))
        await until(lambda: caplog.records)
        _stand_still_until(over)
        assert await call < MOST
        arrived, dropped = _accounted(caplog.records)
        assert dropped > FLOOD // 2
        assert arrived + dropped == FLOOD


async def test_nothing_is_dropped_of_what_is_read_meanwhile_however_much_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with wool.WorkerPool(size=1):
        for _ in range(20):
            await logs_a_megabyte()
    assert _accounted(caplog.records) == (400, 0)


async def test_what_was_dropped_is_said_before_the_result_and_what_is_logged_later(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    over = tmp_path / "over"
    async with wool.WorkerPool(size=1):
        call = asyncio.create_task(floods_at_once(str(over)))
        await until(lambda: caplog.records)
        _stand_still_until(over)
        await call
        [notice] = [record for record in caplog.records if _dropped(record)]
        assert caplog.records[-1] is notice
        assert (notice.name, notice.levelno) == ("wool.logs.outlet", logging.WARNING)
        assert f"{_dropped(notice)['flood']:,} log records were dropped" in notice.message
        assert "'flood'" in notice.message
        caplog.clear()
        await logs("hello")
        assert caplog.messages == ["said hello"]


async def test_it_is_said_before_the_result_even_while_another_result_is_under_way(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    over = tmp_path / "over"
    async with wool.WorkerPool(size=1):
        another = asyncio.create_task(answers_at_length_after_a_flood())
        call = asyncio.create_task(floods_at_once(str(over)))
        ended = list[asyncio.Task[Any]]()
        for each in (another, call):
            each.add_done_callback(ended.append)
        await until(lambda: caplog.records)
        _stand_still_until(over)
        await call
        assert ended[:1] == [call]
        arrived, dropped = _accounted(caplog.records)
        assert dropped > 0
        assert arrived + dropped == FLOOD
        assert len(await another) == 50_000_000


@pytest.mark.usefixtures("slow_to_read")
async def test_a_stream_loses_none_of_its_items(caplog: pytest.LogCaptureFixture) -> None:
    async with wool.WorkerPool(size=1):
        assert [n async for n in floods_between_items()] == [0, 1, 2]
        arrived, dropped = _accounted(caplog.records)
        assert dropped > 0
        assert arrived + dropped == 3 * FLOOD


@pytest.mark.usefixtures("slow_to_read")
async def test_a_thread_that_logs_while_the_loop_is_blocked_costs_little_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with wool.WorkerPool(size=1):
        assert await floods_from_a_thread() < MOST
        await until(lambda: sum(_accounted(caplog.records)) == FLOOD)


async def test_what_a_call_left_behind_dropped_is_said_without_another_record(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    over = tmp_path / "over"
    async with wool.WorkerPool(size=1):
        await leaves_a_flood_behind(str(over))
        _stand_still_until(over)
        assert await peak_memory() < MOST
        await until(lambda: sum(_accounted(caplog.records)) == FLOOD)
        assert _accounted(caplog.records)[1] > 0


async def test_a_flood_in_a_nested_call_is_accounted_for_where_the_first_was_made(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    over = tmp_path / "over"
    async with wool.WorkerPool(size=2):
        call = asyncio.create_task(relays_a_flood(str(over)))
        await until(lambda: caplog.records)
        _stand_still_until(over)
        assert await call < MOST
        assert sum(_accounted(caplog.records)) == FLOOD


@pytest.mark.usefixtures("slow_to_read")
async def test_a_flood_outside_of_calls_is_accounted_for_where_the_pool_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with wool.WorkerPool(size=1, lifespan=floods_of_a_lifespan):
        assert await peak_memory() < MOST
        await until(lambda: sum(_accounted(caplog.records)) == FLOOD)
    assert sum(_accounted(caplog.records)) == 2 * FLOOD
    assert len([record for record in caplog.records if _dropped(record)]) == 2
