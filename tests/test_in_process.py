"""Workers in the caller's own process: calls are as with processes, and no process is there."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import AsyncGenerator
from contextvars import ContextVar

import pytest

import wool
from tests.faults.until import until
from tests.in_process import open_pool, said, telling, waits
from tests.leaks import Traces
from tests.loops import run
from tests.routines import double, echo, fail, lineage, parrot, pid
from tests.scripts import run as run_program
from wool.pools.in_process import InProcessWorkers

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

PLAIN: ContextVar[str] = ContextVar("tests_plain", default="nothing")
TRAVELS: ContextVar[str] = ContextVar("tests_travels", default="nothing")
wool.propagate(TRAVELS)


@pytest.fixture(autouse=True)
def _nothing_was_said() -> None:
    said.clear()


@wool.routine
async def refuses_to_end() -> None:
    said.append("started")
    while "go" not in said:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)
    said.append("ended")


@wool.routine
async def reads() -> tuple[str, str]:
    return PLAIN.get(), TRAVELS.get()


@wool.routine
async def sets(value: str) -> None:
    PLAIN.set(value)
    TRAVELS.set(value)


@wool.routine
async def logs(message: str) -> None:
    logging.getLogger(__name__).warning(message)


@wool.routine
async def append_to(values: list[int]) -> list[int]:
    values.append(1)
    return values


@wool.routine
async def steps() -> AsyncGenerator[int, None]:
    try:
        for n in range(9):
            yield n
    finally:
        said.append("closed")


async def test_no_process_and_no_file_is_there() -> None:
    before = Traces.now()
    async with open_pool(size=3) as pool:
        assert await pid() == os.getpid()
        assert len(pool.workers) == 3
        now = Traces.now()
    assert not now.since(before).keys() & {"children", "files"}


async def test_values_are_nobody_elses() -> None:
    values = [0]
    async with open_pool():
        assert await append_to(values) == [0, 1]
        with pytest.raises(wool.SerializationError):
            await echo(threading.Lock())
    assert values == [0]


async def test_exceptions_come_back_as_themselves_with_their_remote_traceback() -> None:
    async with open_pool():
        with pytest.raises(KeyError, match="lost") as caught:
            await fail(KeyError("lost"))
        with pytest.raises(wool.RoutineExited):
            await fail(SystemExit(3))
        assert await double(1) == 2
    assert "in fail" in "".join(caught.value.__wool__.traceback)  # type: ignore[attr-defined]


async def test_a_stream_goes_step_by_step_and_is_closed_where_it_runs() -> None:
    async with open_pool():
        async with contextlib.aclosing(parrot()) as bird:
            assert [await anext(bird), await bird.asend("polly")] == ["ready", "polly"]
            assert await bird.athrow(ValueError("ouch")) == "caught ValueError: ouch"
        stream = steps()
        assert [await anext(stream), await anext(stream)] == [0, 1]
        await stream.aclose()
        assert said == ["closed"]
        assert [n async for n in steps.options(prefetch=4)()] == list(range(9))


async def test_cancelling_a_call_cancels_the_routine_and_waits_for_its_clean_up() -> None:
    async with open_pool():
        call = asyncio.create_task(waits())
        await until(lambda: said)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        assert said == ["started", "cleaned up"]


async def test_limits_hold() -> None:
    async with open_pool(max_message_size=1000, max_pending=1, size=1):
        with pytest.raises(wool.MessageTooLarge):
            await echo(bytes(2000))
        with pytest.raises(wool.DispatchTimeout):
            await waits.options(timeout=0.05)()
        call = asyncio.create_task(waits())
        await until(lambda: said.count("started") == 2)
        with pytest.raises(wool.Overloaded):
            await double(1)
        call.cancel()
        await asyncio.wait([call])


async def test_a_routine_sees_what_travels_of_its_callers_context_and_nothing_else() -> None:
    PLAIN.set("the caller's")
    TRAVELS.set("the caller's")
    async with open_pool():
        assert await reads() == ("nothing", "the caller's")
        await sets("the routine's")
        assert (PLAIN.get(), TRAVELS.get()) == ("the caller's", "the routine's")


async def test_nested_calls_go_to_the_workers_of_the_pool() -> None:
    async with open_pool() as pool:
        family = await lineage(3)
        assert [caller for _, caller, _ in family] == [None, *(me for me, _, _ in family[:-1])]
        assert pool.stats().completed == 1


async def test_a_worker_that_has_done_its_quota_is_replaced_and_no_call_is_lost() -> None:
    async with open_pool(size=1, max_tasks_per_worker=5, lifespan=telling) as pool:
        assert [await double(n) for n in range(23)] == [2 * n for n in range(23)]
        await until(lambda: pool.stats().restarted >= 4)
        await until(lambda: said.count("left") >= 4)


async def test_a_routine_that_ignores_its_cancellation_is_given_up_when_the_grace_is_over() -> None:
    async with asyncio.timeout(5):
        async with open_pool(grace=0.05, size=1, lifespan=telling):
            call = asyncio.create_task(refuses_to_end())
            await until(lambda: "started" in said)
        assert isinstance(await asyncio.gather(call, return_exceptions=True), list)
        assert said == ["entered", "started", "left"]
        said.append("go")
        await until(lambda: "ended" in said)


@pytest.mark.parametrize("forward_logs", [True, False])
async def test_what_a_routine_logs_is_logged_once(
    caplog: pytest.LogCaptureFixture, *, forward_logs: bool
) -> None:
    async with open_pool(forward_logs=forward_logs):
        await logs("hello")
    assert [record.message for record in caplog.records] == ["hello"]


async def test_one_factory_serves_several_pools_at_once() -> None:
    factory = InProcessWorkers()
    async with wool.WorkerPool(size=1, worker=factory) as one:
        async with wool.WorkerPool(size=1, worker=factory) as other:
            assert await one.dispatch(double, 1) == 2
            assert await other.dispatch(double, 2) == 4
            assert one.workers.keys().isdisjoint(other.workers)
        assert await double(3) == 6


async def test_a_loop_of_another_thread_calls_too() -> None:
    async with open_pool() as pool:

        async def call() -> list[int]:
            with pool.activate():
                return [await double(1), *[n async for n in steps()][:2]]

        assert await asyncio.to_thread(run, call()) == [2, 0, 1]


async def test_broadcast_and_map_reach_the_workers() -> None:
    async with open_pool(size=3) as pool:
        assert await pool.broadcast(pid) == dict.fromkeys(pool.workers, os.getpid())
        assert [n async for n in pool.map(double, range(50))] == [2 * n for n in range(50)]


def test_what_main_defines_is_found_where_it_is() -> None:
    program = """
import asyncio, wool
from wool.pools.in_process import InProcessWorkers
seen = []
class Point:
    def __init__(self, x): self.x = x
@wool.routine
async def shift(point, by):
    seen.append(point.x)
    return Point(point.x + by)
async def main():
    async with wool.WorkerPool(size=1, worker=InProcessWorkers):
        point = await shift(Point(1), 2)
        print(type(point) is Point, point.x, seen)
asyncio.run(main())
"""
    assert run_program(["-c", program]).out == "True 3 [1]\n"
