"""A pool that says no in time: `max_pending`."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import wool
from tests.combined_routines import hold
from tests.faults.until import is_running, until
from tests.home import Home, say
from tests.loops import run
from tests.routines import count, delegate_death, double, lineage, parrot, wait
from wool.dispatch import admission

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

_PATIENCE = 30.0  # seconds


@wool.routine
async def block_and_stay(home: str, path: str) -> AsyncGenerator[str, None]:
    """Keep the loop until there is a file at `path`, then yield once more when this is closed."""
    yield "first"
    say(home, "blocked")
    while not Path(path).exists():  # noqa: ASYNC240
        time.sleep(0.005)  # noqa: ASYNC251
    try:
        with contextlib.suppress(GeneratorExit):
            yield "crossed"
        yield "closed"
    finally:
        say(home, "ended")


async def _fill(home: Home, calls: int) -> list[asyncio.Task[str]]:
    """Make calls that wait for "go"."""
    tasks = [asyncio.create_task(wait(home.path)) for _ in range(calls)]
    for _ in tasks:
        assert await home.hear() == "started"
    return tasks


async def test_a_call_too_many_is_refused_and_never_starts(home: Home) -> None:
    async with wool.WorkerPool(size=2, max_pending=2):
        running = await _fill(home, 4)
        with pytest.raises(wool.Overloaded, match=r"each of 2 workers .* has 2 calls") as caught:
            await wait(home.path)
        assert 0.1 <= caught.value.retry_after <= 60
        home.tell("go")
        assert await asyncio.gather(*running) == ["went on"] * 4
        assert home.heard() == ["ended"] * 4


async def test_there_is_room_again_when_a_call_ended(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_pending=1):
        [running] = await _fill(home, 1)
        with pytest.raises(wool.Overloaded):
            await double(1)
        home.tell("go")
        await running
        assert await double(1) == 2


@pytest.mark.parametrize("how", ["raises", "is cancelled", "is given up"])
async def test_a_call_leaves_its_place_however_it_ends(home: Home, how: str) -> None:
    async with wool.WorkerPool(size=1, max_pending=1, grace=0.1):
        for _ in range(3):
            call = asyncio.create_task(wait(home.path, swallow=how == "is given up"))
            await home.hear()
            call.cancel()
            await asyncio.wait([call])
        assert await double(1) == 2


async def test_a_generator_whose_item_crossed_its_cancellation_is_given_up_if_it_yields_on_close(
    home: Home, tmp_path: Path
) -> None:
    async with wool.WorkerPool(size=1, max_pending=1):
        stream = block_and_stay(home.path, str(tmp_path / "go on"))
        await anext(stream)
        step = asyncio.ensure_future(anext(stream))
        assert await home.hear() == "blocked"
        step.cancel()
        await asyncio.sleep(0)  # the cancellation is sent, and not read yet
        (tmp_path / "go on").touch()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert await double(1) == 2
        assert await home.hear() == "ended"


async def test_the_estimate_does_not_count_the_time_in_which_nothing_ran(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_pending=1):
        assert await double(1) == 2
        await asyncio.sleep(0.5)
        before = time.monotonic()
        [running] = await _fill(home, 1)
        with pytest.raises(wool.Overloaded) as caught:
            await double(1)
        assert caught.value.retry_after <= max(0.1, time.monotonic() - before)
        home.tell("go")
        await running


async def test_calls_made_at_once_are_counted_before_the_workers_have_been_joined(
    home: Home,
) -> None:
    async with wool.WorkerPool(size=2, max_pending=3):
        in_turn = asyncio.as_completed([wait(home.path) for _ in range(20)])
        for _ in range(14):
            with pytest.raises(wool.Overloaded):
                await next(in_turn)
        home.tell("go")
        assert [await each for each in in_turn] == ["went on"] * 6


async def test_a_generator_holds_its_place_between_two_steps() -> None:
    async with wool.WorkerPool(size=1, max_pending=1):
        stream = parrot()
        await anext(stream)
        with pytest.raises(wool.Overloaded):
            await anext(count(1))
        await stream.aclose()
        assert [n async for n in count(1)] == [0]


async def test_a_generator_takes_no_place_before_its_first_step() -> None:
    async with wool.WorkerPool(size=1, max_pending=1):
        stream = count(1)
        assert await double(1) == 2
        assert [n async for n in stream] == [0]


async def test_calls_that_routines_make_are_not_limited() -> None:
    async with wool.WorkerPool(size=1, max_pending=1):
        assert len(await lineage(50)) == 51


async def test_workers_at_their_limit_are_left_out_before_the_balancer_chooses(home: Home) -> None:
    class Recorder:
        def __init__(self) -> None:
            self.seen = list[int]()

        def choose(
            self, task: wool.Task, workers: Sequence[wool.WorkerLike]
        ) -> Iterable[wool.WorkerLike]:
            self.seen.append(len(workers))
            return workers

    balancer = Recorder()
    async with wool.WorkerPool(size=2, max_pending=1, loadbalancer=balancer):
        running = [*await _fill(home, 1), *await _fill(home, 1)]
        home.tell("go")
        await asyncio.gather(*running)
    assert balancer.seen == [2, 1]


async def test_the_loops_of_a_process_share_the_places(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_pending=2) as pool:
        [here] = await _fill(home, 1)
        loop = asyncio.get_running_loop()

        async def elsewhere() -> str:
            with pool.activate():
                assert await double(1) == 2  # the worker is joined
                first_to_end = asyncio.as_completed([wait(home.path) for _ in range(4)])
                for _ in range(3):
                    with pytest.raises(wool.Overloaded):
                        await next(first_to_end)
                loop.call_soon_threadsafe(home.tell, "go")
                return await next(first_to_end)

        assert await asyncio.to_thread(run, elsewhere()) == "went on"
        assert await here == "went on"


class _Preferring:
    """Names one worker first."""

    first: UUID | None = None

    def choose(
        self, task: wool.Task, workers: Sequence[wool.WorkerLike]
    ) -> Iterable[wool.WorkerLike]:
        return sorted(workers, key=lambda worker: worker.uid != self.first)


async def test_a_map_waits_for_places_unless_it_is_told_how_many_to_use(home: Home) -> None:
    async with wool.WorkerPool(size=1, max_pending=2) as pool:
        held = await _fill(home, 2)
        with pytest.raises(wool.Overloaded):
            await anext(pool.map(double, [1], limit=1))
        results = pool.map(double, range(9))
        first = asyncio.ensure_future(anext(results))
        await asyncio.sleep(0)  # its calls are made
        home.tell("go")
        assert [await first, *[each async for each in results]] == [*range(0, 18, 2)]
        assert await asyncio.gather(*held) == ["went on"] * 2


@pytest.mark.parametrize("first_to_end", ["the retired worker", "the others"])
async def test_a_call_that_a_retired_worker_did_not_take_waits_for_a_place(
    home: Home, first_to_end: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "wool.dispatch")
    balancer = _Preferring()
    joined, changed = threading.Event(), threading.Event()
    async with wool.WorkerPool(
        size=2, max_pending=2, max_tasks_per_worker=3, loadbalancer=balancer
    ) as pool:

        async def elsewhere() -> int:
            with pool.activate():
                assert await double(1) == 2
                joined.set()
                # Meanwhile its loop does not hear of what becomes of the workers.
                assert changed.wait(_PATIENCE)
                return await double(2)

        async def fill(worker: UUID, word: str) -> asyncio.Task[None]:
            balancer.first = worker
            call = asyncio.create_task(hold(home.path, word))
            assert await home.hear() == "holding"
            return call

        balancer.first = retiring = next(iter(pool.workers))
        departing = pool.workers[retiring].pid
        call = asyncio.create_task(asyncio.to_thread(run, elsewhere()))
        assert await asyncio.to_thread(joined.wait, _PATIENCE)
        assert await double(1) == 2
        last = await fill(retiring, "retired")
        await until(lambda: retiring not in pool.workers and len(pool.workers) == 2)
        others = [await fill(worker, "others") for worker in [*pool.workers] * 2]
        balancer.first = retiring
        changed.set()
        await until(lambda: "did not take" in caplog.text)
        if first_to_end == "the retired worker":
            home.tell("retired")
            await last
            await until(lambda: not is_running(departing))
        home.tell("others")
        async with asyncio.timeout(_PATIENCE):
            assert await call == 4
        home.tell("retired")
        await asyncio.gather(last, *others)


async def test_a_worker_that_dies_takes_its_places_with_it(home: Home) -> None:
    async with wool.WorkerPool(size=2, max_pending=2) as pool:
        await delegate_death(home.path)
        while len(pool.workers) < 2:  # noqa: ASYNC110 - the pool has no event
            await asyncio.sleep(0)
        assert await asyncio.gather(*(double(1) for _ in range(4))) == [2] * 4


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="max_pending is at least 1"):
        wool.WorkerPool(size=1, max_pending=limit)


def test_the_estimate_is_the_mean_time_between_two_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    places, worker = admission.Admission(3), uuid4()
    for _ in range(3):
        assert places.take(worker)
    now += 4.0  # none has ended yet
    assert places.refusal("f", 1).retry_after == 4.0
    for _ in range(4):
        now += 2.0
        places.end(worker, None)
        assert places.take(worker)
    assert places.refusal("f", 1).retry_after == 3.0
