"""The lives of workers in the caller's own process: as those of processes, one beside the other."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

import wool
from tests.faults.until import until
from tests.in_process import open_pool, said, telling, waits
from tests.lives import raising, raising_at_the_end
from tests.routines import double
from wool.pools.in_process import InProcessWorkers

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@pytest.fixture(autouse=True)
def _nothing_was_said() -> None:
    said.clear()


@wool.routine
async def state() -> tuple[int, int]:
    """Tell the state's id, in the routine and in a thread that asyncio starts for it."""
    return id(wool.worker_state()), await asyncio.to_thread(lambda: id(wool.worker_state()))


async def test_each_worker_has_a_state_of_its_own() -> None:
    async with open_pool(lifespan=telling):
        seen = Counter([await state() for _ in range(4)])
        assert sorted(seen.values()) == [2, 2]
        assert all(here == in_thread for here, in_thread in seen)
        with pytest.raises(RuntimeError, match="no worker"):
            wool.worker_state()


async def test_a_lifespan_is_entered_before_the_first_call_and_left_after_the_last() -> None:
    async with open_pool(size=1, lifespan=telling):
        assert said == ["entered"]
        call = asyncio.create_task(waits())
        await until(lambda: "started" in said)
    await asyncio.wait([call])
    assert said == ["entered", "started", "cleaned up", "left"]
    assert isinstance(call.exception(), wool.PoolClosed)


@pytest.mark.parametrize(
    "error", [ValueError("no model"), SystemExit("no model"), asyncio.CancelledError("no model")]
)
async def test_a_lifespan_that_raises_is_a_startup_error_with_its_traceback(
    error: BaseException,
) -> None:
    with pytest.raises(wool.StartupError, match="status 1") as caught:
        await wool.WorkerPool(worker=InProcessWorkers, lifespan=raising(error)).__aenter__()
    assert f"{type(error).__name__}: no model" in caught.value.stderr


async def test_a_module_that_is_not_there_is_a_startup_error() -> None:
    with pytest.raises(wool.StartupError, match="no_such_module"):
        await wool.WorkerPool(worker=InProcessWorkers, modules=["no_such_module"]).__aenter__()


async def test_a_lifespan_that_is_not_entered_in_time_is_a_startup_error() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        await asyncio.Event().wait()
        yield

    pool = wool.WorkerPool(worker=InProcessWorkers, lifespan=lifespan, start_timeout=0.05)
    with pytest.raises(wool.StartupError, match=r"start_timeout, 0\.05 s"):
        await pool.__aenter__()


async def test_a_lifespan_that_raises_at_its_end_is_logged_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_pool(size=1, lifespan=raising_at_the_end(ValueError("late"))):
        assert await double(1) == 2
    assert [r.exc_info and str(r.exc_info[1]) for r in caplog.records] == ["late"]


async def test_a_worker_whose_lifespan_fails_later_on_dies_and_is_replaced() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        async def watch() -> None:
            await until(lambda: "fail" in said)
            said.remove("fail")
            raise ValueError("the connection is gone")

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch())
            yield
            watching.cancel()

    async with open_pool(size=1, lifespan=lifespan) as pool:
        [before] = pool.workers
        call = asyncio.create_task(waits())
        await until(lambda: said)
        said.append("fail")
        with pytest.raises(wool.WorkerDied) as caught:
            await call
        assert (caught.value.exitcode, caught.value.acknowledged) == (1, True)
        assert await double(1) == 2
        assert before not in pool.workers
        assert pool.stats().restarted == 1
