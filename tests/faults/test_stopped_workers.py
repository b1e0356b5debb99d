"""A worker that is stopped (SIGSTOP, a debugger): avoided, given up on, and taken back."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

import wool
from tests.home import Home, say, told
from tests.loops import run
from tests.routines import block, double, echo, pid, slow_step, tell_steps, wait

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who is stopped"),
]

_NOTICED = 1.0  # seconds: from then on new calls avoid a stopped worker
_FAILED = 3.0  # seconds: by then calls in flight have failed, with a stall_timeout of two


@contextmanager
def _stopped(*pids: int) -> Generator[None]:
    for each in pids:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in pids:
            os.kill(each, signal.SIGCONT)


def _pids(pool: wool.WorkerPool) -> list[int]:
    return [worker.pid for worker in pool.workers.values()]


async def _everybody_answers(pool: wool.WorkerPool) -> None:
    seen = set[int]()
    async with asyncio.timeout(5):
        while seen != set(_pids(pool)):
            seen.add(await pid())


@wool.routine
async def wait_at(home: str) -> int:
    """Say where it runs, then wait for "go"; tell home of the end."""
    say(home, os.getpid())
    try:
        await told(home, "go")
    finally:
        say(home, "ended")
    return os.getpid()


@wool.routine(idempotent=True)
async def harmless(home: str) -> int:
    return await wait_at.local(home)


@wool.routine
async def nested_pids(home: str, calls: int) -> set[int]:
    """Wait for "nest", then tell where nested calls run."""
    say(home, os.getpid())
    await told(home, "nest")
    return set(await asyncio.gather(*(pid() for _ in range(calls))))


@wool.routine
async def nest_elsewhere(home: str) -> str:
    """Have a nested call wait on another worker; tell how it ended."""
    while await pid() == os.getpid():
        pass
    await pid()  # here: the next is the other's
    try:
        await wait_at(home)
    except wool.WorkerStalled as error:
        return f"stalled {error.pid}"
    return "went on"


async def test_new_calls_avoid_it_within_a_second() -> None:
    async with wool.WorkerPool(size=2) as pool:
        await _everybody_answers(pool)
        victim, other = _pids(pool)
        with _stopped(victim):
            await asyncio.sleep(_NOTICED)
            async with asyncio.timeout(5):
                assert {await pid() for _ in range(20)} == {other}
        await _everybody_answers(pool)


async def test_calls_in_flight_wait_for_it(home: Home) -> None:
    async with wool.WorkerPool(size=1) as pool:
        call = asyncio.create_task(wait_at(home.path))
        victim = int(await home.hear())
        with _stopped(victim):
            home.tell("go")
            done, _ = await asyncio.wait([call], timeout=_NOTICED)
            assert not done
        assert await call == victim
        assert _pids(pool) == [victim]


async def test_calls_in_flight_fail_after_the_stall_timeout(home: Home) -> None:
    async with wool.WorkerPool(size=1, stall_timeout=2.0):
        calls = [asyncio.create_task(wait_at(home.path)) for _ in range(3)]
        victim = {int(await home.hear()) for _ in calls}.pop()
        await double(1)  # which is answered behind their acknowledgements
        with _stopped(victim):
            stopped = time.monotonic()
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert 2.0 <= time.monotonic() - stopped < _FAILED
    for error in ended:
        assert isinstance(error, wool.WorkerStalled)
        assert isinstance(error, wool.WorkerDied)
        assert (error.pid, error.acknowledged, error.stalled_for) == (victim, True, 2.0)
        assert f"worker {victim} has been stopped for 2 s" in str(error)
        assert "had been started" in str(error)


async def test_what_ran_there_is_cancelled_when_it_goes_on(home: Home) -> None:
    async with wool.WorkerPool(size=1, stall_timeout=0.2) as pool:
        call = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        [victim] = _pids(pool)
        with _stopped(victim):
            with pytest.raises(wool.WorkerStalled):
                await call
            assert home.heard() == []
        assert [await home.hear(), await home.hear()] == ["cancelled", "ended"]
        assert await pid() == victim


async def test_results_that_come_too_late_harm_nothing(home: Home) -> None:
    async with wool.WorkerPool(size=1, stall_timeout=0.2) as pool:
        await double(1)
        [victim] = _pids(pool)
        with _stopped(victim):
            calls = [asyncio.create_task(echo(bytes(1000 * n))) for n in range(50)]
            for error in await asyncio.gather(*calls, return_exceptions=True):
                assert isinstance(error, wool.WorkerStalled)
                assert not error.acknowledged
                assert "may have been started" in str(error)
        assert await asyncio.gather(*(double(n) for n in range(50))) == list(range(0, 100, 2))
        assert pool.stats().in_flight == 0


async def test_a_stream_on_it_fails_at_its_next_step_and_is_closed_remotely(home: Home) -> None:
    async with wool.WorkerPool(size=1, stall_timeout=0.2) as pool:
        stream = tell_steps(home.path, 3)
        await anext(stream)
        assert await home.hear() == "0"
        with _stopped(*_pids(pool)):
            while pool.stats().in_flight:  # noqa: ASYNC110 - between two steps nobody waits
                await asyncio.sleep(0.01)
            with pytest.raises(wool.WorkerStalled):
                await anext(stream)
        assert await home.hear() == "ended"


async def test_a_streams_running_step_fails_too(home: Home) -> None:
    async with wool.WorkerPool(size=1, stall_timeout=0.2) as pool:
        stream = slow_step(home.path)
        await anext(stream)
        step = asyncio.ensure_future(anext(stream))
        assert await home.hear() == "started"
        with _stopped(*_pids(pool)), pytest.raises(wool.WorkerStalled):
            await step
        assert [await home.hear(), await home.hear()] == ["cancelled", "ended"]


async def test_an_idempotent_call_is_made_again_on_another(home: Home) -> None:
    async with wool.WorkerPool(size=2, stall_timeout=0.2) as pool:
        await _everybody_answers(pool)
        call = asyncio.create_task(harmless(home.path))
        victim = int(await home.hear())
        with _stopped(victim):
            other = int(await home.hear())
            home.tell("go")
            assert await call == other != victim


async def test_a_worker_that_computes_is_not_stopped(home: Home) -> None:
    async with wool.WorkerPool(size=1, stall_timeout=0.1) as pool:
        assert await block(home.path, 1.5) == _pids(pool)[0]


async def test_a_short_stop_harms_nothing(home: Home) -> None:
    async with wool.WorkerPool(size=1, stall_timeout=1.5) as pool:
        call = asyncio.create_task(wait_at(home.path))
        victim = int(await home.hear())
        for _ in range(2):
            with _stopped(*_pids(pool)):
                await asyncio.sleep(0.8)
            await asyncio.sleep(0.4)
        home.tell("go")
        assert await call == victim


async def test_with_every_worker_stopped_a_call_waits_for_one() -> None:
    async with wool.WorkerPool(size=2) as pool:
        await _everybody_answers(pool)
        first, second = _pids(pool)
        with _stopped(second):
            with _stopped(first):
                await asyncio.sleep(_NOTICED)
                call = asyncio.create_task(pid())
                done, _ = await asyncio.wait([call], timeout=0.3)
                assert not done
            async with asyncio.timeout(5):
                assert await call == first


@pytest.mark.parametrize("survivor", [0, 1])
async def test_workers_that_were_stopped_before_anybody_joined_them_make_nobody_hang(
    survivor: int,
) -> None:
    async with wool.WorkerPool(size=2) as pool:
        pids = _pids(pool)
        with _stopped(pids[1 - survivor]):
            with _stopped(pids[survivor]):
                call = asyncio.create_task(pid())
                await asyncio.sleep(_NOTICED)
            async with asyncio.timeout(5):
                assert await call == pids[survivor]


async def test_a_call_waits_for_no_longer_than_start_timeout() -> None:
    async with wool.WorkerPool(size=1, start_timeout=5) as pool:
        await double(1)
        with _stopped(*_pids(pool)):
            await asyncio.sleep(_NOTICED)
            with pytest.raises(wool.NoWorkersAvailable, match="or stopped"):
                await double(1)


async def test_nested_calls_avoid_it(home: Home) -> None:
    async with wool.WorkerPool(size=2) as pool:
        await _everybody_answers(pool)
        call = asyncio.create_task(nested_pids(home.path, 10))
        alive = int(await home.hear())
        [victim] = set(_pids(pool)) - {alive}
        with _stopped(victim):
            await asyncio.sleep(_NOTICED)
            home.tell("nest")
            async with asyncio.timeout(5):
                assert await call == {alive}


async def test_nested_calls_in_flight_fail_after_the_stall_timeout(home: Home) -> None:
    async with wool.WorkerPool(size=2, stall_timeout=0.2):
        call = asyncio.create_task(nest_elsewhere(home.path))
        victim = int(await home.hear())
        with _stopped(victim):
            assert await call == f"stalled {victim}"


async def test_other_loops_learn_of_it_too() -> None:
    async with wool.WorkerPool(size=2) as pool:
        await _everybody_answers(pool)
        victim, other = _pids(pool)

        async def elsewhere() -> set[int]:
            with pool.activate():
                return {await pid() for _ in range(10)}

        with _stopped(victim):
            await asyncio.sleep(_NOTICED)
            async with asyncio.timeout(5):
                assert await asyncio.to_thread(run, elsewhere()) == {other}


async def test_the_pool_can_be_left_while_a_worker_is_stopped() -> None:
    async with asyncio.timeout(10):
        async with wool.WorkerPool(size=1, grace=0.2) as pool:
            await double(1)
            os.kill(_pids(pool)[0], signal.SIGSTOP)
