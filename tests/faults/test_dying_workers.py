"""A worker that dies with calls: nobody waits, nothing runs twice, another takes its place."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from typing import Any

import pytest

import wool
from tests.faults.until import until
from tests.home import Home
from tests.routines import block, delegate_death, die, double, parrot, pid, tell_steps, wait
from tests.sockets import path_of

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


async def _replaced(pool: wool.WorkerPool) -> None:
    """Wait until those who are there now have been replaced, all of them."""
    before = pool.workers.keys()
    while len(pool.workers) < len(before) or before & pool.workers.keys():  # noqa: ASYNC110
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("how", "exitcode", "number"),
    [("exit", 3, None), ("segfault", None, signal.SIGSEGV), ("kill", None, signal.SIGKILL)],
)
async def test_a_worker_that_dies_during_a_call_is_reported_and_replaced(
    home: Home, how: str, exitcode: int | None, number: int | None
) -> None:
    async with wool.WorkerPool(size=1) as pool:
        before = await pid()
        with pytest.raises(wool.WorkerDied) as caught:
            await die(home.path, how)
        died = caught.value
        assert (died.pid, died.exitcode, died.signal) == (before, exitcode, number)
        assert died.acknowledged
        assert home.heard() == [f"ran {before}"]
        assert await pid() != before
        assert len(pool.workers) == 1


async def test_calls_on_other_workers_go_on(home: Home) -> None:
    async with wool.WorkerPool(size=2):
        others = [asyncio.create_task(wait(home.path)) for _ in range(2)]
        await home.hear()
        await home.hear()
        with pytest.raises(wool.WorkerDied):
            await die(home.path, "kill")
        home.tell("go")
        ended = await asyncio.gather(*others, return_exceptions=True)
        assert sorted(str(type(e)) for e in ended) == sorted([str(str), str(wool.WorkerDied)])


async def test_every_call_of_a_dead_worker_ends_within_a_second(home: Home) -> None:
    async with wool.WorkerPool(size=1):
        calls = [asyncio.create_task(wait(home.path)) for _ in range(20)]
        for _ in calls:
            await home.hear()
        os.kill(await pid(), signal.SIGKILL)
        done, pending = await asyncio.wait(calls, timeout=1)
        assert not pending
        assert {type(call.exception()) for call in done} == {wool.WorkerDied}


async def test_a_call_that_a_blocked_worker_had_not_acknowledged_says_so(home: Home) -> None:
    async with wool.WorkerPool(size=1):
        blocking = asyncio.create_task(block(home.path, 30))
        blocked = int((await home.hear()).split()[1])
        call = asyncio.create_task(double(1))
        for _ in range(5):
            await asyncio.sleep(0)
        os.kill(blocked, signal.SIGKILL)
        with pytest.raises(wool.WorkerDied) as caught:
            await call
        assert not caught.value.acknowledged
        with pytest.raises(wool.WorkerDied):
            await blocking


async def test_a_stream_whose_worker_dies_between_two_steps_says_so_at_the_next() -> None:
    async with wool.WorkerPool(size=1) as pool:
        stream = parrot()
        await anext(stream)
        os.kill(await pid(), signal.SIGKILL)
        await _replaced(pool)
        with pytest.raises(wool.WorkerDied) as caught:
            await anext(stream)
        assert caught.value.signal == signal.SIGKILL
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_stream_whose_worker_died_can_be_closed() -> None:
    async with wool.WorkerPool(size=1):
        stream = parrot()
        await anext(stream)
        os.kill(await pid(), signal.SIGKILL)
        with pytest.raises(wool.WorkerDied):
            await stream.aclose()


async def test_a_stream_whose_worker_dies_during_a_step_ends_with_it(home: Home) -> None:
    async with wool.WorkerPool(size=1):
        stream = tell_steps(home.path, 3)
        await anext(stream)
        worker = await pid()
        blocking = asyncio.create_task(block(home.path, 30))
        assert [await home.hear(), await home.hear()] == ["0", f"started {worker}"]
        step = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        os.kill(worker, signal.SIGKILL)
        for call in (step, blocking):
            with pytest.raises(wool.WorkerDied):
                await call


async def test_workers_killed_while_nobody_calls_are_replaced_in_silence() -> None:
    async with wool.WorkerPool(size=2) as pool:
        for victim in pool.workers.values():
            os.kill(victim.pid, signal.SIGKILL)
        await _replaced(pool)
        assert await asyncio.gather(*(double(n) for n in range(20))) == list(range(0, 40, 2))


async def test_nothing_runs_twice_while_workers_die(home: Home) -> None:
    async with wool.WorkerPool(size=2):
        calls: list[asyncio.Future[Any]] = []
        for _ in range(3):
            calls += map(asyncio.ensure_future, (die(home.path, "exit"), wait(home.path)))
        home.tell("go")
        async with asyncio.timeout(10):
            await asyncio.gather(*calls, return_exceptions=True)
        heard = home.heard()
        assert sum(word.startswith("ran") for word in heard) <= 3
        assert sum(word == "started" for word in heard) <= 3


async def test_a_stopped_worker_makes_nobody_wait_for_the_others(home: Home) -> None:
    async with wool.WorkerPool(size=2, grace=0.2) as pool:
        assert await pid() != await pid()
        victim = next(iter(pool.workers.values())).pid
        os.kill(victim, signal.SIGSTOP)
        calls = [asyncio.create_task(double(n)) for n in range(2)]
        done, pending = await asyncio.wait(calls, timeout=0.5)
        assert done
        for call in pending:
            call.cancel()
        await asyncio.wait(calls)


async def test_a_worker_that_dies_on_every_call_does_not_wear_the_pool_out(home: Home) -> None:
    async with wool.WorkerPool(size=1):
        for _ in range(4):
            with pytest.raises(wool.WorkerDied):
                await die(home.path, "exit")
        assert await double(1) == 2


async def test_a_nested_call_whose_worker_dies_raises_in_the_routine(home: Home) -> None:
    async with wool.WorkerPool(size=2) as pool:
        other, outcome = await delegate_death(home.path)
        assert outcome == f"WorkerDied {other} {signal.SIGKILL:d}"
        assert len(pool.workers) >= 1


async def test_workers_that_were_killed_leave_no_socket_in_the_directory() -> None:
    async with wool.WorkerPool(size=1) as pool:
        for _ in range(3):
            os.kill(await pid(), signal.SIGKILL)
            await _replaced(pool)
        [worker] = pool.workers.values()
        path = path_of(worker)
        await until(lambda: [*path.parent.glob("*.sock")] == [path])


async def test_a_map_goes_on_that_is_begun_while_the_only_worker_is_being_replaced() -> None:
    async with wool.WorkerPool(size=1) as pool:
        os.kill(await pid(), signal.SIGKILL)
        await until(lambda: not pool.workers)
        assert [n async for n in pool.map(double, range(3))] == [0, 2, 4]


@wool.routine
async def hang_up_and_exit_later() -> None:
    """Do at leisure what a process does that ends on a busy machine."""
    for descriptor in range(3, 100):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as link:
            if str(link.getsockname()).endswith(".sock"):
                link.shutdown(socket.SHUT_RDWR)
    time.sleep(0.3)  # noqa: ASYNC251 - as above
    os._exit(7)


async def test_the_exit_status_is_told_of_a_worker_that_takes_its_time_to_end() -> None:
    async with wool.WorkerPool(size=1):
        with pytest.raises(wool.WorkerDied) as caught:
            await hang_up_and_exit_later()
        assert caught.value.exitcode == 7
