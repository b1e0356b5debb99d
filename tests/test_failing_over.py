"""Who gets a call when the first choice can't take it, and what is never lost or done twice."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from weakref import ref

import anyio
import pytest

import wool
from tests.home import Home
from tests.loops import run
from tests.routines import block, double, pid, slow_clean_up

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@wool.routine(idempotent=True)
async def always_die(path: str) -> None:
    with Path(path).open("a") as file:  # noqa: ASYNC230
        file.write("x")
    await asyncio.sleep(0)
    os._exit(7)


@wool.routine
async def last_words(n: int) -> int:
    if n == 0:
        asyncio.get_running_loop().call_later(0.05, os._exit, 0)
    return n


def _hang_up() -> None:
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(descriptor))) as sock:
            listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if str(sock.getsockname()).endswith(".sock") and not listens:
                sock.shutdown(socket.SHUT_RDWR)


@wool.routine
async def cut_links(path: str | None = None) -> None:
    """Hang up on every caller, and live on. Then there is a file at `path`."""
    _hang_up()
    if path is not None:
        Path(path).touch()  # noqa: ASYNC240
    await asyncio.sleep(60)


@wool.routine(idempotent=True)
async def cut_links_once(path: str) -> int:
    """Hang up on every caller if there is no file at `path`; else tell the pid."""
    if not Path(path).exists():  # noqa: ASYNC240
        Path(path).touch()  # noqa: ASYNC240
        _hang_up()
        await asyncio.sleep(60)
    return os.getpid()


class FirstFirst:
    """Names the workers as they joined."""

    def choose(
        self, task: wool.Task, workers: Sequence[wool.WorkerLike]
    ) -> Sequence[wool.WorkerLike]:
        del task
        return workers


async def test_calls_that_can_not_have_left_go_to_another_worker_if_theirs_is_dead() -> None:
    async with wool.WorkerPool(size=2, loadbalancer=FirstFirst) as pool:
        assert await double(1) == 2
        first = next(iter(pool.workers.values())).pid
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - unheard by the loop
        assert await asyncio.gather(*map(double, range(5))) == [0, 2, 4, 6, 8]
        assert pool.stats().failed == 0


async def test_a_call_whose_link_breaks_while_its_worker_lives_raises_at_once() -> None:
    async with wool.WorkerPool(size=1):
        call = asyncio.ensure_future(cut_links())
        later = asyncio.ensure_future(asyncio.sleep(0.95))
        done, _ = await asyncio.wait([call, later], return_when=asyncio.FIRST_COMPLETED)
        later.cancel()
        assert done == {call}
        with pytest.raises(wool.WorkerDied, match="went away") as caught:
            await call
        assert caught.value.exitcode is caught.value.signal is None
        assert await double(2) == 4


async def test_a_call_that_can_not_have_left_takes_a_new_link_to_a_worker_that_lives(
    tmp_path: Path,
) -> None:
    cut = tmp_path / "cut"
    async with wool.WorkerPool(size=1) as pool:
        before = await pid()
        call = asyncio.ensure_future(cut_links(str(cut)))
        await asyncio.sleep(0)
        while not cut.exists():  # unheard by the loop
            time.sleep(0.01)  # noqa: ASYNC251
        assert await asyncio.wait_for(pid(), 5) == before
        with pytest.raises(wool.WorkerDied):
            await call
        assert pool.stats().failed == 1


async def test_an_idempotent_call_takes_a_new_link_to_a_worker_that_lives(tmp_path: Path) -> None:
    async with wool.WorkerPool(size=1):
        before = await pid()
        assert await asyncio.wait_for(cut_links_once(str(tmp_path / "cut")), 5) == before


async def test_an_idempotent_call_is_started_three_times_at_most(tmp_path: Path) -> None:
    async with wool.WorkerPool(size=2):
        with pytest.raises(wool.WorkerDied) as caught:
            await always_die(str(tmp_path / "log"))
    assert caught.value.exitcode == 7
    assert (tmp_path / "log").read_text() == "xxx"


async def test_a_first_call_does_not_wait_for_a_blocked_worker(home: Home) -> None:
    async with wool.WorkerPool(size=2) as pool:
        blocking = asyncio.create_task(block(home.path, 3.0))
        await home.hear()

        async def call() -> int:
            with pool.activate():
                return [await double(n) for n in range(2)][-1]

        started = time.monotonic()
        assert await asyncio.to_thread(run, call()) == 2
        assert time.monotonic() - started < 2.5
        await blocking


async def test_results_that_a_worker_sent_before_it_ended_arrive() -> None:
    async with wool.WorkerPool(size=1):
        await pid()
        calls = [asyncio.ensure_future(last_words(n)) for n in range(40)]
        for _ in range(3):  # until all of them have been written
            await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 - the caller is busy while the worker answers and ends
        assert await asyncio.gather(*calls) == list(range(40))


async def test_a_cancelled_scope_of_anyio_waits_quietly_for_the_clean_up(home: Home) -> None:
    async with wool.WorkerPool(size=1):
        await pid()
        with anyio.move_on_after(0.1):
            await slow_clean_up(home.path)
        before = time.process_time()
        with anyio.move_on_after(0.1):
            await slow_clean_up(home.path)
        assert time.process_time() - before < 0.2, "the loop spins"


@wool.routine
async def compute(path: str) -> float:
    with Path(path).open("a") as file:  # noqa: ASYNC230
        file.write("x")
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        pass
    return time.monotonic()


async def test_a_result_goes_out_before_the_next_call_computes(tmp_path: Path) -> None:
    async with wool.WorkerPool(size=1):
        await pid()
        calls = [asyncio.ensure_future(compute(str(tmp_path / "log"))) for _ in range(10)]
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) < 5
        await asyncio.gather(*calls)


async def test_calls_that_computing_ones_keep_waiting_can_be_cancelled(tmp_path: Path) -> None:
    async with wool.WorkerPool(size=1):
        await pid()
        calls = [asyncio.ensure_future(compute(str(tmp_path / "log"))) for _ in range(20)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
    assert len((tmp_path / "log").read_text()) < 10


async def test_a_pool_forgets_the_loops_that_ended() -> None:
    loops = list[ref[asyncio.AbstractEventLoop]]()
    async with wool.WorkerPool(size=1) as pool:

        async def call() -> int:
            loops.append(ref(asyncio.get_running_loop()))
            with pool.activate():
                return await double(1)

        for _ in range(3):
            assert await asyncio.to_thread(run, call()) == 2
        gc.collect()
        assert [loop() for loop in loops] == [None] * 3


async def test_a_pool_opened_where_no_directory_is_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(wool.StartupError, match="No such file"):
        async with asyncio.timeout(5), wool.WorkerPool(size=1):
            pass


async def test_calls_end_when_the_loop_of_the_pool_ends_without_leaving_it() -> None:
    pools: list[wool.WorkerPool] = []

    async def open_and_forget() -> None:
        pools.append(wool.WorkerPool(size=1))
        await pools[0].__aenter__()

    await asyncio.to_thread(run, open_and_forget())
    async with asyncio.timeout(5):
        with pytest.raises(wool.PoolClosed), pools[0].activate():
            await double(1)
    await pools[0].aclose()
