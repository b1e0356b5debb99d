"""A pool keeps workers running that are started in whichever way its `worker` says."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import pytest

import wool
from tests.faults.until import until
from tests.leaks import Traces
from tests.routines import double
from wool.fleet.local_workers import LocalWorkers
from wool.pools.in_process import InProcessWorkers

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]

said = list[str]()


@pytest.fixture(autouse=True)
def _nothing_was_said() -> None:
    said.clear()


class Telling(InProcessWorkers):
    """Says when it is entered and left, and when a worker starts."""

    async def __aenter__(self) -> Self:
        said.append("entered")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        said.append("left")

    async def start(self, settings: wool.WorkerSettings, /) -> wool.StartedWorker:
        said.append("started")
        return await super().start(settings)


def made() -> wool.WorkerFactory:
    return InProcessWorkers()


@contextmanager
def in_context() -> Generator[wool.WorkerFactory]:
    said.append("entered")
    yield InProcessWorkers()
    said.append("left")


@asynccontextmanager
async def in_async_context() -> AsyncGenerator[wool.WorkerFactory]:
    said.append("entered")
    yield InProcessWorkers()
    said.append("left")


@pytest.mark.parametrize(
    "given",
    [InProcessWorkers, InProcessWorkers(), made],
    ids=["class", "instance", "function"],
)
async def test_a_factory_is_given_as_a_balancer_is(given: Any) -> None:
    async with wool.WorkerPool(size=2, worker=given) as pool:
        assert await double(1) == 2
        assert len(pool.workers) == 2


@pytest.mark.parametrize(
    "given",
    [Telling, Telling(), in_context, in_async_context],
    ids=["class", "instance", "function", "async function"],
)
async def test_a_factory_that_is_a_context_manager_is_open_around_its_workers(given: Any) -> None:
    async with wool.WorkerPool(size=2, worker=given):
        assert await double(1) == 2
        assert (said[0], "left" in said) == ("entered", False)
    assert said[-1] == "left"
    assert said.count("entered") == 1


async def test_what_makes_no_factory_is_a_type_error_on_entering() -> None:
    makes_none: Any = lambda: "ray"  # noqa: E731
    with pytest.raises(TypeError, match=r"worker is 'ray'.*start\(settings\)"):
        await wool.WorkerPool(size=1, worker=makes_none).__aenter__()


async def test_a_factory_that_can_t_be_entered_is_what_entering_the_pool_raises() -> None:
    @asynccontextmanager
    async def broken() -> AsyncGenerator[wool.WorkerFactory]:
        raise ConnectionError("no cluster")
        yield

    with pytest.raises(ConnectionError, match="no cluster"):
        await wool.WorkerPool(size=1, worker=broken).__aenter__()


async def test_what_a_factory_raises_is_a_worker_that_did_not_start() -> None:
    class Broken(InProcessWorkers):
        async def start(self, settings: wool.WorkerSettings, /) -> wool.StartedWorker:
            raise ConnectionError("no cluster")

    with pytest.raises(wool.StartupError, match="ConnectionError: no cluster") as caught:
        await wool.WorkerPool(size=1, worker=Broken).__aenter__()
    assert isinstance(caught.value.__cause__, ConnectionError)


async def test_a_factory_that_returns_no_worker_is_told_so() -> None:
    class Forgetful(InProcessWorkers):
        async def start(self, settings: wool.WorkerSettings, /) -> Any:
            return None

    with pytest.raises(wool.StartupError, match="returned None, which is no StartedWorker"):
        await wool.WorkerPool(size=1, worker=Forgetful).__aenter__()


@pytest.mark.parametrize(
    ("address", "reason"),
    [("tcp:127.0.0.1:1", "no carrier of this wool"), ("unix:/nowhere", "No such file")],
)
async def test_a_call_says_why_no_worker_can_be_reached(address: str, reason: str) -> None:
    class Misleading(InProcessWorkers):
        async def start(self, settings: wool.WorkerSettings, /) -> Any:
            worker: Any = await super().start(settings)
            worker.metadata = replace(worker.metadata, address=address)
            return worker

    async with wool.WorkerPool(size=1, worker=Misleading, start_timeout=0.3):
        with pytest.raises(wool.NoWorkersAvailable, match=reason) as caught:
            await double(1)
    assert isinstance(caught.value.__cause__, OSError)


async def test_a_factory_gets_what_the_pool_was_opened_with() -> None:
    seen = list[wool.WorkerSettings]()

    class Seeing(InProcessWorkers):
        async def start(self, settings: wool.WorkerSettings, /) -> wool.StartedWorker:
            seen.append(settings)
            return await super().start(settings)

    options: dict[str, Any] = {"modules": ["json"], "max_tasks_per_worker": 7, "grace": 1.5}
    async with wool.WorkerPool("gpu", size=1, worker=Seeing, **options) as pool:
        assert {worker.tags for worker in pool.workers.values()} == {frozenset({"gpu"})}
    [settings] = seen
    assert (settings.tags, settings.modules) == (frozenset({"gpu"}), ("json",))
    assert (settings.max_tasks_per_worker, settings.calls.grace) == (7, 1.5)


async def test_workers_that_stop_starting_are_tried_again_until_they_start() -> None:
    class Moody(InProcessWorkers):
        async def start(self, settings: wool.WorkerSettings, /) -> wool.StartedWorker:
            said.append("asked")
            if said.count("asked") in (2, 3):
                raise ConnectionError("no cluster")
            return await super().start(settings)

    async with wool.WorkerPool(size=1, max_tasks_per_worker=1, worker=Moody) as pool:
        assert await double(1) == 2
        assert await double(2) == 4
        await until(lambda: pool.stats().restarted)
        assert said.count("asked") >= 4


async def test_the_directory_and_the_janitor_are_those_of_local_workers() -> None:
    before = Traces.now()
    with LocalWorkers():
        assert len(Traces.now().since(before)["files"]) == 1
    assert not Traces.now().since(before).get("files")
