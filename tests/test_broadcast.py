"""One call on every worker: `pool.broadcast`."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import wool
from tests.faults.until import until
from tests.home import Home, say, told
from tests.lives import breaking
from tests.routines import Account, count, double, fail, pid, wait

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@wool.routine
async def raise_at(victim: int, home: str) -> int:
    """Raise on one worker, wait for "go" on the others."""
    if os.getpid() == victim:
        raise LookupError("not here")
    say(home, "waiting")
    await told(home, "go")
    return os.getpid()


@wool.routine
async def fail_at(victim: int, error: BaseException) -> int:
    if os.getpid() == victim:
        raise error
    return os.getpid()


@wool.routine(idempotent=True)
async def die_at(victim: int) -> int:
    if os.getpid() == victim:
        os.kill(victim, signal.SIGKILL)
        await asyncio.sleep(10)
    return os.getpid()


async def test_every_worker_gets_the_call_once(pool: wool.WorkerPool) -> None:
    results = await pool.broadcast(pid)
    assert results == {uid: worker.pid for uid, worker in pool.workers.items()}


async def test_arguments_and_methods_are_as_ever(pool: wool.WorkerPool) -> None:
    assert list((await pool.broadcast(double, n=2)).values()) == [4, 4]
    assert list((await pool.broadcast(Account(1).plus, 2)).values()) == [3, 3]


async def test_the_balancer_has_no_say() -> None:
    class Nobody:
        def choose(self, task: wool.Task, workers: Any) -> Any:
            return []

    async with wool.WorkerPool(size=2, loadbalancer=Nobody) as pool:
        assert len(set((await pool.broadcast(pid)).values())) == 2


async def test_an_error_on_one_lets_the_others_end_and_says_where_it_was(
    pool: wool.WorkerPool, home: Home
) -> None:
    (bad, victim), (good, other) = ((uid, worker.pid) for uid, worker in pool.workers.items())
    call = asyncio.create_task(pool.broadcast(raise_at, victim, home.path))
    assert await home.hear() == "waiting"
    home.tell("go")
    with pytest.raises(wool.BroadcastError, match="raise_at' raised on 1 of 2 workers") as caught:
        await call
    error = caught.value
    assert error.results == {good: other}
    assert list(error.errors) == [bad]
    assert isinstance(error.errors[bad], LookupError)
    assert error.exceptions == (error.errors[bad],)
    assert error.errors[bad].__notes__ == [f"raised on worker {victim}"]


async def test_errors_can_be_caught_by_their_type(pool: wool.WorkerPool) -> None:
    caught = list[BaseException]()
    try:
        await pool.broadcast(fail, ValueError("no"))
    except* ValueError as group:
        caught.extend(group.exceptions)
    assert [str(error) for error in caught] == ["no", "no"]


async def test_to_cancel_it_cancels_every_call(pool: wool.WorkerPool, home: Home) -> None:
    call = asyncio.create_task(pool.broadcast(wait, home.path))
    assert [await home.hear(), await home.hear()] == ["started"] * 2
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()
    assert sorted(home.heard()) == ["cancelled", "cancelled", "ended", "ended"]


async def test_to_cancel_it_after_one_call_raised_leaves_no_error_unseen(
    pool: wool.WorkerPool, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    victim = next(iter(pool.workers.values())).pid
    call = asyncio.create_task(pool.broadcast(raise_at, victim, home.path))
    assert await home.hear() == "waiting"
    while pool.stats().in_flight > 1:  # noqa: ASYNC110 - the victim's answer is on its way
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()
    gc.collect()
    assert caplog.messages == []


@pytest.mark.parametrize("error", [asyncio.CancelledError("no more"), GeneratorExit("no more")])
async def test_what_is_no_exception_on_one_leaves_the_results_of_the_others(
    pool: wool.WorkerPool, error: BaseException
) -> None:
    (bad, victim), (good, other) = ((uid, worker.pid) for uid, worker in pool.workers.items())
    with pytest.raises(wool.BroadcastError) as caught:
        await pool.broadcast(fail_at, victim, error)
    assert caught.value.results == {good: other}
    remote = caught.value.errors[bad]
    assert isinstance(remote, wool.RemoteError)
    assert type(remote.__cause__) is type(error)
    assert str(remote) == f"the routine raised {type(error).__name__}: no more"


async def test_a_worker_that_dies_of_it_is_an_error_even_if_the_routine_is_idempotent() -> None:
    async with wool.WorkerPool(size=2) as pool:
        (bad, victim), (good, other) = ((uid, worker.pid) for uid, worker in pool.workers.items())
        with pytest.raises(wool.BroadcastError) as caught:
            await pool.broadcast(die_at, victim)
        assert caught.value.results == {good: other}
        died = caught.value.errors[bad]
        assert isinstance(died, wool.WorkerDied)
        assert died.signal == signal.SIGKILL
        assert "attempts" not in str(died)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who is stopped")
async def test_a_worker_that_left_before_its_call_is_left_out(home: Home) -> None:
    async with wool.WorkerPool(size=2, stall_timeout=0.1) as pool:
        (_, victim), (other, _) = ((uid, worker.pid) for uid, worker in pool.workers.items())
        call = asyncio.create_task(pool.broadcast(wait, home.path))
        assert [await home.hear(), await home.hear()] == ["started"] * 2
        os.kill(victim, signal.SIGSTOP)
        home.tell("go")
        with pytest.raises(wool.BroadcastError) as caught:
            await call
        [error] = caught.value.errors.values()
        assert isinstance(error, wool.WorkerStalled)  # from here on the pool sends it nothing
        assert await home.hear() == "ended"
        home.hold("go")
        call = asyncio.create_task(pool.broadcast(wait, home.path))
        assert await home.hear() == "started"
        os.kill(victim, signal.SIGKILL)
        home.tell("go")
        assert await call == {other: "went on"}


async def test_workers_at_their_limit_get_it_all_the_same(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_pending=1) as pool:
        call = asyncio.create_task(wait(home.path))
        await home.hear()
        assert len(await pool.broadcast(pid)) == 1
        with pytest.raises(wool.Overloaded):
            await pid()
        home.tell("go")
        await call
        assert await double(1) == 2


async def test_a_generator_is_refused(pool: wool.WorkerPool) -> None:
    with pytest.raises(TypeError, match=r"iterate over pool\.dispatch"):
        await pool.broadcast(count, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_what_is_no_routine_is_refused(pool: wool.WorkerPool) -> None:
    with pytest.raises(TypeError, match="is not a routine"):
        await pool.broadcast(asyncio.sleep, 0)


async def test_a_generator_is_refused_though_nobody_is_there() -> None:
    async with wool.WorkerPool(size=1) as pool:
        os.kill(await pid(), signal.SIGKILL)
        await until(lambda: not pool.workers)
        with pytest.raises(TypeError, match=r"iterate over pool\.dispatch"):
            await pool.broadcast(count, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_a_broadcast_waits_for_workers_as_a_call_does(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    async with wool.WorkerPool(size=2, lifespan=breaking(broken), start_timeout=3.0) as pool:
        broken.touch()
        for worker in pool.workers.values():
            os.kill(worker.pid, signal.SIGKILL)
        await until(lambda: not pool.workers)
        with pytest.raises(wool.StartupError, match=r"routines\.double.* was not started"):
            await pool.broadcast(double, 2)
        reaching = asyncio.create_task(pool.broadcast(double, 2))
        await asyncio.sleep(0)
        broken.unlink()
        results = await reaching
        assert results
        assert set(results.values()) == {4}
