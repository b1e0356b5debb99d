"""Calls that wait for a place on a worker: in turn, once, and for as long as they were promised."""

import asyncio
import gc
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import wool
from tests.combined_routines import hold
from tests.faults.until import until
from tests.home import Home, say, told
from tests.lives import breaking, waiting
from tests.loops import factory, run
from tests.routines import double, pid
from tests.sockets import path_of

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@wool.routine
async def enter(home: str, name: str) -> None:
    say(home, name)


@wool.routine(idempotent=True)
async def die_once(home: str, log: str) -> str:
    """Die when told so; return at once when called again."""
    with Path(log).open("a") as file:  # noqa: ASYNC230
        file.write("x")
        started_before = file.tell() > 1
    if not started_before:
        say(home, "waiting")
        await told(home, "die")
        os._exit(1)
    return "done"


@wool.routine(idempotent=True)
async def break_and_die(broken: str) -> None:
    Path(broken).touch()  # noqa: ASYNC240
    await asyncio.sleep(0)
    os._exit(7)


async def test_calls_that_wait_for_a_worker_to_start_are_sent_to_the_one_before_it_once(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "wool.dispatch")
    home.tell("go")
    async with wool.WorkerPool(
        size=1, max_pending=20, max_tasks_per_worker=2, lifespan=waiting(home.path)
    ):
        home.hold("go")
        assert [await double(n) for n in range(2)] == [0, 2]
        calls: list[asyncio.Task[int]] = []
        for n in range(10):
            calls.append(asyncio.create_task(double(n)))
            await until(lambda: caplog.text.count("did not take") >= len(calls))
        assert caplog.text.count("did not take") == len(calls)
        home.tell("go")
        assert await asyncio.gather(*calls) == [*range(0, 20, 2)]


async def test_a_place_goes_to_those_who_wait_for_it_in_their_turn(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_pending=1) as pool:
        holder = asyncio.create_task(hold(home.path, "go"))
        assert await home.hear() == "holding"
        maps = [pool.map(enter, [home.path], [name]) for name in ("first", "second")]
        in_line = [asyncio.ensure_future(anext(each)) for each in maps]

        async def push_in() -> int:
            refused = 0
            while True:
                try:
                    await enter(home.path, "new")
                except wool.Overloaded:
                    refused += 1
                    await asyncio.sleep(0)
                else:
                    return refused

        new = asyncio.create_task(push_in())
        home.tell("go")
        await asyncio.wait([holder, *in_line, new])
        assert home.heard() == ["first", "second", "new"]
        assert new.result() > 0


async def test_one_who_no_longer_waits_passes_its_turn_on(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_pending=1) as pool:
        holder = asyncio.create_task(hold(home.path, "go"))
        assert await home.hear() == "holding"
        gives_up = asyncio.ensure_future(anext(pool.map(enter, [home.path], ["nobody"])))
        stays = asyncio.ensure_future(anext(pool.map(enter, [home.path], ["stays"])))
        holder.add_done_callback(lambda _: gives_up.cancel())  # its place was given on by now
        home.tell("go")
        await asyncio.wait([holder, gives_up, stays])
        assert stays.done()
        assert await double(1) == 2
        assert set(home.heard()) - {"nobody"} == {"stays"}


async def test_a_place_is_not_lost_with_one_who_is_cancelled_in_the_turn_in_which_it_is_given(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=1, max_pending=1) as pool:
        assert await double(0) == 0  # the worker is joined
        holder = hold(home.path, "go")
        holder.send(None)
        assert await home.hear() == "holding"
        gives_up, stays = (asyncio.ensure_future(anext(pool.map(double, [n]))) for n in (1, 2))
        for _ in range(5):  # until both are in the line
            await asyncio.sleep(0)
        holder.close()  # its place is given to the first of them, here and now
        gives_up.cancel()
        async with asyncio.timeout(20):
            assert await stays == 4
        assert gives_up.cancelled()
        assert await double(3) == 6


class Moody:
    """Chooses nobody while it is in the mood for that."""

    moody = False

    def choose(
        self, task: wool.Task, workers: Sequence[wool.WorkerLike]
    ) -> Iterable[wool.WorkerLike]:
        return [] if self.moody else workers


async def test_a_place_is_not_lost_when_the_balancer_chooses_nobody_for_one_who_waits(
    home: Home,
) -> None:
    balancer = Moody()
    async with wool.WorkerPool(size=1, max_pending=1, loadbalancer=balancer) as pool:
        holder = asyncio.create_task(hold(home.path, "go"))
        assert await home.hear() == "holding"
        waits = asyncio.ensure_future(anext(pool.map(double, [1])))
        await asyncio.sleep(0)
        balancer.moody = True
        home.tell("go")
        with pytest.raises(wool.NoWorkersAvailable, match="chose none"):
            await waits
        await holder
        balancer.moody = False
        assert await double(1) == 2


async def test_an_attempt_after_a_long_one_has_the_whole_start_timeout(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = asyncio.get_running_loop()

    async def call() -> str:
        async with wool.WorkerPool(size=1, start_timeout=60.0):
            attempts = asyncio.create_task(die_once(home.path, str(tmp_path / "log")))
            heard = asyncio.run_coroutine_threadsafe(home.hear(), here)
            assert await asyncio.wrap_future(heard) == "waiting"
            loop = asyncio.get_running_loop()
            monkeypatch.setattr(loop, "time", lambda: time.monotonic() + 61.0)
            here.call_soon_threadsafe(home.tell, "die")
            return await attempts

    # On a loop of its own, whose clock may jump.
    assert await asyncio.to_thread(run, call()) == "done"


async def test_a_call_that_was_started_and_finds_no_second_worker_says_that_it_died(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken"
    async with wool.WorkerPool(size=1, lifespan=breaking(broken), start_timeout=3.0):
        with pytest.raises(wool.WorkerDied, match="no other worker took it") as caught:
            await break_and_die(str(broken))
    assert caught.value.exitcode == 7
    assert isinstance(caught.value.__cause__, wool.StartupError)


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    pass


async def test_a_place_is_not_lost_with_a_loop_that_was_closed(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_pending=1) as pool:
        holder = asyncio.create_task(hold(home.path, "go"))
        assert await home.hear() == "holding"
        left = list[object]()

        async def wait_in_line() -> None:
            task = asyncio.ensure_future(anext(pool.map(double, [1])))
            left.append(task)
            for _ in range(5):
                await asyncio.sleep(0)

        def elsewhere() -> None:
            loop = (factory() or asyncio.new_event_loop)()
            loop.set_exception_handler(_ignore)  # that tasks are pending when it ends
            loop.run_until_complete(wait_in_line())
            loop.close()

        with pool.activate():
            await asyncio.to_thread(elsewhere)
        home.tell("go")
        await holder
        assert await double(1) == 2
        left.clear()
        gc.collect()


async def test_one_who_waits_takes_any_place_though_a_worker_with_room_does_not_answer(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=2, max_pending=1) as pool:
        holder = asyncio.create_task(hold(home.path, "go"))
        assert await home.hear() == "holding"
        by_worker = pool.stats().by_worker
        [idle] = [uid for uid, worker in by_worker.items() if not worker.in_flight]
        path_of(pool.workers[idle]).unlink()  # it can't be joined any more
        [waits] = [asyncio.ensure_future(anext(pool.map(double, [1])))]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waits), 0.2)
        home.tell("go")
        async with asyncio.timeout(20):
            assert await waits == 2
        await holder


@pytest.mark.parametrize("limit", [None, 1])
async def test_a_broadcast_reaches_a_worker_that_has_done_its_share(limit: int | None) -> None:
    async with wool.WorkerPool(size=2, max_tasks_per_worker=1, max_pending=limit) as pool:
        await pid()
        assert len(await pool.broadcast(pid)) == 2


async def test_a_broadcast_ends_though_each_worker_is_used_up_at_once() -> None:
    async with wool.WorkerPool(size=1, max_tasks_per_worker=1) as pool:

        async def keep_calling() -> None:
            while True:
                await double(1)

        callers = [asyncio.create_task(keep_calling()) for _ in range(4)]
        async with asyncio.timeout(20):
            for _ in range(5):
                assert len(await pool.broadcast(pid)) == 1
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
