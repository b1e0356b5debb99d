"""A pool has the workers that its sources say: others', its own, or none, while it is open."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

import wool
from tests.faults.until import until
from tests.home import Home
from tests.leaks import Traces
from tests.routines import double, pid, wait
from wool.balancing.round_robin import RoundRobinLoadBalancer
from wool.context import activate
from wool.discovery.roster import Roster
from wool.discovery.source import Source
from wool.fleet.fleet import Fleet
from wool.fleet.local_workers import LocalWorkers
from wool.pools.open_pool import OpenPool
from wool.settings import CallSettings, WorkerSettings
from wool.support.secret import Secret
from wool.types import WorkerMetadata

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

SETTINGS = CallSettings(Secret(bytes(32)), max_message_size=2**20, grace=2.0, start_timeout=20.0)


class Found(Source):
    """Has what a test puts on the roster, and takes it off."""

    def __init__(self, roster: Roster, *workers: WorkerMetadata) -> None:
        super().__init__()
        self._roster = roster
        self._workers = workers
        self._stopping = asyncio.Event()
        self.runs = 0
        self.fails_with: Exception | None = None
        self.fails = asyncio.Event()

    async def run(self) -> None:
        self.runs += 1
        for worker in self._workers:
            self._roster.add(worker)
        if not self.ready.done():
            self.ready.set_result(None)
        ways = [asyncio.ensure_future(event.wait()) for event in (self._stopping, self.fails)]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for worker in self._workers:
            self._roster.drop(worker.uid)
        if self.fails.is_set():
            self.fails.clear()
            if self.fails_with is not None:
                raise self.fails_with

    def stop(self) -> None:
        self._stopping.set()


def fleet(size: int, *tags: str) -> Callable[[Roster], Sequence[Source]]:
    settings = WorkerSettings(SETTINGS, frozenset(tags))
    return lambda roster: [Fleet(size, LocalWorkers, settings, roster)]


@asynccontextmanager
async def open_pool(
    sources: Callable[[Roster], Sequence[Source]], settings: CallSettings = SETTINGS
) -> AsyncGenerator[tuple[OpenPool, Roster]]:
    """Open a pool of such sources, and have the calls of the block go there."""
    roster = Roster()
    pool = OpenPool(roster, RoundRobinLoadBalancer(), settings, sources(roster))
    try:
        await pool.start()
        with activate(pool.dispatchers):
            yield pool, roster
    finally:
        await pool.aclose()


def found(*workers: WorkerMetadata) -> Callable[[Roster], Sequence[Source]]:
    return lambda roster: [Found(roster, *workers)]


async def test_a_pool_without_own_workers_calls_those_of_another_and_adds_nothing() -> None:
    async with open_pool(fleet(2)) as (_, theirs):
        before = Traces.now()
        async with open_pool(found(*theirs.workers.values())) as (pool, _):
            pids = {await pid() for _ in range(4)}
            now = Traces.now()
            assert pool.stats().workers == 2
            assert pool.stats().completed == 4
        assert pids == {worker.pid for worker in theirs.workers.values()}
        assert not now.since(before).keys() & {"children", "files"}
        assert await double(1) == 2  # they are still there


async def test_a_pool_without_any_source_is_open_and_its_calls_wait() -> None:
    impatient = replace(SETTINGS, start_timeout=0.1)
    async with open_pool(lambda roster: [], impatient) as (pool, _):
        with pytest.raises(wool.NoWorkersAvailable, match="of 0 known"):
            await double(1)
        assert not pool.closed


async def test_a_worker_that_moved_is_called_where_it_is_now() -> None:
    async with open_pool(fleet(1)) as (_, theirs):
        [worker] = theirs.workers.values()
        async with open_pool(found(replace(worker, address="unix:/nowhere"))) as (_, roster):
            call = asyncio.create_task(double(1))
            await asyncio.wait([call], timeout=0.1)
            assert not call.done()
            roster.update(worker)
            assert await call == 2
            moved = replace(worker, address="unix:/nowhere", tags=frozenset({"gpu"}))
            roster.update(moved)
            await asyncio.sleep(0)  # this loop hears of it
            assert await double.options(tags=["gpu"])(2) == 4  # its link stays
            roster.update(worker)
            await asyncio.sleep(0)
            with pytest.raises(wool.NoWorkersAvailable, match="tags"):
                await double.options(tags=["gpu"])(2)


async def test_of_a_worker_that_was_found_nobody_knows_how_it_ended(home: Home) -> None:
    async with open_pool(fleet(1)) as (_, theirs):
        [worker] = theirs.workers.values()
        async with open_pool(found(worker)) as (_, _):
            call = asyncio.create_task(wait(home.path))
            assert await home.hear() == "started"
            died = asyncio.get_running_loop().time()
            os.kill(worker.pid, signal.SIGKILL)
            with pytest.raises(wool.WorkerDied) as caught:
                await call
            assert asyncio.get_running_loop().time() - died < 0.9  # nobody was asked for a second
            assert (caught.value.exitcode, caught.value.signal) == (None, None)
            assert caught.value.pid == worker.pid


async def test_of_workers_that_were_found_those_that_answer_get_the_calls() -> None:
    async with open_pool(fleet(2)) as (_, theirs):
        victim, _ = [worker.pid for worker in theirs.workers.values()]
        finding = found(*theirs.workers.values())
        async with open_pool(finding) as (_, roster):
            assert len({await pid() for _ in range(2)}) == 2
            os.kill(victim, signal.SIGSTOP)
            held = [asyncio.create_task(pid()) for _ in range(2)]
            try:
                await asyncio.wait(held, timeout=1.2)
                assert not roster.stopped
                assert victim not in {await pid() for _ in range(4)}
            finally:
                os.kill(victim, signal.SIGCONT)
            await asyncio.gather(*held)


@wool.routine
async def pids_of_nested(calls: int) -> list[int]:
    return [await pid() for _ in range(calls)]


async def test_nested_calls_go_to_all_that_the_pool_knows() -> None:
    async with open_pool(fleet(1, "theirs")) as (_, theirs):
        [other] = theirs.workers.values()

        def both(roster: Roster) -> Sequence[Source]:
            return [*fleet(1, "ours")(roster), Found(roster, other)]

        async with open_pool(both) as (_, roster):
            [own] = [worker for worker in roster.workers.values() if worker.uid != other.uid]
            nested = pids_of_nested.options(tags=["ours"])
            assert set(await nested(4)) == {own.pid, other.pid}
            roster.drop(other.uid)
            async with asyncio.timeout(10):
                while set(await nested(4)) != {own.pid}:
                    pass


def _said(caplog: pytest.LogCaptureFixture, what: str) -> bool:
    return any(what in record.message for record in caplog.records)


async def test_a_source_that_fails_is_begun_again_and_calls_say_why_they_find_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_pool(fleet(1)) as (_, theirs):
        sources = list[Found]()

        def one(roster: Roster) -> Sequence[Source]:
            sources.append(Found(roster, *theirs.workers.values()))
            return sources

        async with open_pool(one, replace(SETTINGS, start_timeout=0.3)) as (pool, roster):
            [source] = sources
            source.fails_with = ConnectionError("the registry is gone")
            source.fails.set()
            await until(lambda: not roster.workers)
            with pytest.raises(wool.StartupError, match="the registry is gone") as caught:
                await double(1)
            trouble = caught.value.__cause__
            assert isinstance(trouble, wool.StartupError)
            assert trouble.__cause__ is source.fails_with
            assert _said(caplog, "the registry is gone")
            assert not pool.closed
            await until(lambda: roster.workers)
            assert source.runs == 2
            assert await double(1) == 2
            assert roster.trouble is None


async def test_a_source_that_ends_is_logged_and_the_pool_goes_on_without(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sources = list[Source]()

    def two(roster: Roster) -> Sequence[Source]:
        sources.extend([Found(roster), *fleet(1)(roster)])
        return sources

    async with open_pool(two) as (pool, _):
        sources[0].stop()
        await until(lambda: _said(caplog, "a source of workers has ended"))
        assert await double(1) == 2
        assert not pool.closed


async def test_a_source_that_fails_before_it_is_ready_is_what_entering_raises() -> None:
    class Broken(Found):
        async def run(self) -> None:
            raise ConnectionError("no registry")

    before = Traces.now()
    with pytest.raises(ConnectionError, match="no registry"):
        async with open_pool(lambda roster: [*fleet(1)(roster), Broken(roster)]):
            pass
    assert not Traces.now().since(before).get("children")


async def test_what_goes_wrong_as_a_source_is_stopped_is_raised_to_whoever_leaves_the_pool() -> (
    None
):
    class Clumsy(Found):
        async def run(self) -> None:
            await super().run()
            raise ConnectionError("not signed off")

    with pytest.raises(ConnectionError, match="not signed off"):
        async with open_pool(lambda roster: [*fleet(1)(roster), Clumsy(roster)]):
            assert await double(1) == 2
