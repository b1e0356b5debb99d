"""A pool is closed only by being left: whatever happens to its workers, it goes on trying."""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import wool
from tests.faults.until import until
from tests.home import Home
from tests.lives import Lifespan, breaking, waiting
from tests.routines import double, pid, wait

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


def _kill_all(pool: wool.WorkerPool) -> None:
    for worker in pool.workers.values():
        os.kill(worker.pid, signal.SIGKILL)


def _said(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [message for message in caplog.messages if words in message]


async def test_both_idle_workers_are_killed_at_once_and_the_pool_goes_on() -> None:
    for _ in range(3):
        async with wool.WorkerPool(size=2) as pool:
            _kill_all(pool)
            while True:  # a call may still meet a dead one
                try:
                    assert await double(1) == 2
                    break
                except wool.WorkerDied:
                    continue
            await until(lambda: len(pool.workers) == 2)
            assert not pool.closed


async def test_a_worker_that_dies_right_after_it_came_up_is_replaced() -> None:
    for _ in range(3):
        async with wool.WorkerPool(size=2) as pool:
            before = _pids(pool)
            os.kill(min(before), signal.SIGKILL)
            await until(lambda: len(pool.workers) == 2 and _pids(pool) != before)  # noqa: B023
            assert {await pid() for _ in range(4)} == {w.pid for w in pool.workers.values()}


async def test_a_replacement_may_take_longer_than_the_patience_with_the_one_before(
    home: Home,
) -> None:
    home.tell("go")
    async with wool.WorkerPool(size=1, lifespan=waiting(home.path)) as pool:
        await home.hear()
        home.hold("go")
        _kill_all(pool)
        assert (await home.hear()).startswith("waiting")
        call = asyncio.create_task(double(1))
        await asyncio.wait([call], timeout=6.0)  # beyond five seconds another way is taken
        assert not call.done()
        home.tell("go")
        assert await call == 2
        assert not pool.closed


async def test_a_cause_that_is_cured_after_many_attempts_ends_the_trouble(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken, attempts = tmp_path / "broken", tmp_path / "attempts"
    async with wool.WorkerPool(size=1, lifespan=counting(broken, attempts)) as pool:
        broken.touch()
        before = attempts.stat().st_size
        _kill_all(pool)
        await until(lambda: attempts.stat().st_size >= before + 6, within=30)
        call = asyncio.create_task(double(1))
        assert not pool.closed
        broken.unlink()
        assert await call == 2
    assert len(_said(caplog, "did not start; the pool goes on trying")) == 1
    assert len(_said(caplog, "workers start again")) == 1


def counting(broken: Path, attempts: Path) -> Lifespan:
    """Raise while there is a file at `broken`; each attempt makes another grow by a byte."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        with attempts.open("ab") as file:
            file.write(b".")
        if broken.exists():  # noqa: ASYNC240
            raise ValueError("no database")
        yield

    return lifespan


async def test_calls_say_why_no_worker_comes_up_once_start_timeout_is_over(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    async with wool.WorkerPool(size=1, lifespan=breaking(broken), start_timeout=3.0) as pool:
        broken.touch()
        _kill_all(pool)
        await until(lambda: not pool.workers)
        with pytest.raises(wool.StartupError, match="goes on trying") as caught:
            await double(1)
        cause = caught.value.__cause__
        assert isinstance(cause, wool.StartupError)
        assert "no model any more" in cause.stderr
        broken.unlink()
        assert await double(1) == 2


async def test_a_pool_whose_workers_do_not_start_keeps_its_calls_from_the_outer_one(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken"
    async with (
        wool.WorkerPool(size=1) as outer,
        wool.WorkerPool(size=1, lifespan=breaking(broken)) as inner,
    ):
        [elsewhere] = outer.workers.values()
        broken.touch()
        _kill_all(inner)
        await until(lambda: not inner.workers)
        call = asyncio.create_task(pid())
        await asyncio.wait([call], timeout=1.0)
        broken.unlink()
        assert await call != elsewhere.pid


async def test_only_failures_in_a_row_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken"
    async with wool.WorkerPool(size=1, lifespan=breaking(broken)) as pool:
        for times in range(1, 7):
            broken.touch()
            _kill_all(pool)
            await until(lambda: len(_said(caplog, "did not start")) == times)  # noqa: B023
            broken.unlink()
            assert await double(1) == 2
    assert _said(caplog, "after 1 failed starts") == _said(caplog, "workers start again")
    assert len(_said(caplog, "workers start again")) == 6


async def test_the_first_worker_that_starts_has_the_other_places_try_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken, attempts = tmp_path / "broken", tmp_path / "attempts"
    async with wool.WorkerPool(size=3, lifespan=counting(broken, attempts)) as pool:
        broken.touch()
        before = attempts.stat().st_size
        _kill_all(pool)
        await until(lambda: attempts.stat().st_size >= before + 9, within=30)
        broken.unlink()
        await until(lambda: pool.workers, within=20)
        tried = attempts.stat().st_size
        await until(lambda: len(pool.workers) == 3)
        assert attempts.stat().st_size <= tried + 2
    assert len(_said(caplog, "workers start again")) == 1


async def _idle(pool: wool.WorkerPool) -> list[int]:
    """Return the pids of the workers that have no call."""
    stats = pool.stats().by_worker
    return [worker.pid for uid, worker in pool.workers.items() if not stats[uid].in_flight]


def _pids(pool: wool.WorkerPool) -> set[int]:
    return {worker.pid for worker in pool.workers.values()}


@pytest.mark.skipif(sys.platform != "linux", reason="finds the control channel by its peer")
async def test_a_routine_that_spoils_the_control_channel_costs_its_worker_alone(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    async with wool.WorkerPool(size=2) as pool:
        call = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        [other] = await _idle(pool)
        with pytest.raises(wool.WorkerDied) as caught:
            await asyncio.gather(spoil_control(other), spoil_control(other))
        assert (caught.value.pid, caught.value.signal) == (other, signal.SIGKILL)
        assert len(_said(caplog, "control channel is spoilt")) == 1
        home.tell("go")
        assert await call == "went on"
        await until(lambda: len(pool.workers) == 2)


@wool.routine
async def spoil_control(there: int) -> None:
    """On one worker, write what is no message to the nameless socket that leads to the parent."""
    if os.getpid() != there:
        return
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        try:
            line = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue
        with line:
            peer = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            if struct.unpack("3i", peer)[0] == os.getppid() and not line.getsockname():
                line.send(b"\x07\x00\x00\x00garbage")
    await asyncio.Event().wait()


async def test_what_ends_the_workers_is_logged_at_once_and_told_to_every_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(wool.WorkerPool(size=1))
        before = asyncio.all_tasks()
        pool = await stack.enter_async_context(wool.WorkerPool(size=1))
        call = asyncio.create_task(wait_for_ever())
        await until(lambda: pool.stats().in_flight)
        for fleet in asyncio.all_tasks() - before:
            if fleet.get_name() == "wool pool":
                fleet.cancel()
        with pytest.raises(wool.PoolClosed, match="though it was not left") as caught:
            await call
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        await until(lambda: _said(caplog, "though it was not left"))
        [record] = [record for record in caplog.records if "not left" in record.message]
        assert record.levelname == "ERROR"
        with pytest.raises(wool.PoolClosed, match="though it was not left") as caught:
            await double(1)
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert not pool.closed
    assert pool.closed


@wool.routine
async def wait_for_ever() -> None:
    await asyncio.Event().wait()


def _take_all(held: contextlib.ExitStack) -> None:
    """Open files until there are no descriptors any more."""
    with contextlib.suppress(OSError):
        while True:
            held.callback(os.close, os.open(os.devnull, os.O_RDONLY))


@contextlib.contextmanager
def _limited(kind: int, limit: int) -> Generator[None]:
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
async def test_two_seconds_without_descriptors_do_not_end_a_pool(
    caplog: pytest.LogCaptureFixture,
) -> None:
    used = max(map(int, os.listdir("/proc/self/fd")))  # noqa: PTH208
    async with wool.WorkerPool(size=2) as pool:
        await asyncio.gather(*(double(n) for n in range(4)))
        with _limited(resource.RLIMIT_NOFILE, used + 40), contextlib.ExitStack() as held:
            _kill_all(pool)
            while pool.workers or not _said(caplog, "did not start"):
                _take_all(held)
                await asyncio.sleep(0)
            call = asyncio.create_task(double(1))
            await asyncio.wait([call], timeout=2.0)
            assert not pool.closed
        assert await call == 2
        await until(lambda: len(pool.workers) == 2)
