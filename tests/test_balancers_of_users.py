"""A balancer may be brought as a thing, what makes it or a context; what is none is named."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import pytest

import wool
from tests.routines import double, pid

pytestmark = pytest.mark.anyio


class LastOnly:
    """Gives every call to the worker that joined last."""

    def __init__(self) -> None:
        self.tasks: list[str] = []

    def choose(
        self, task: wool.Task, workers: Sequence[wool.WorkerLike]
    ) -> Iterable[wool.WorkerLike]:
        self.tasks.append(task.name)
        return [workers[-1]]


async def test_users_may_bring_a_balancer_of_their_own() -> None:
    balancer = LastOnly()
    async with wool.WorkerPool(size=2, loadbalancer=balancer) as pool:
        last = list(pool.workers.values())[-1].pid
        assert {await pid() for _ in range(4)} == {last}
    assert balancer.tasks == ["tests.routines.pid"] * 4


async def test_a_balancer_that_chooses_nobody_is_said_to() -> None:
    class Nobody:
        def choose(
            self, task: wool.Task, workers: Sequence[wool.WorkerLike]
        ) -> Iterable[wool.WorkerLike]:
            return []

    async with wool.WorkerPool(size=1, loadbalancer=Nobody):
        with pytest.raises(wool.NoWorkersAvailable, match="chose none of 1"):
            await double(1)


class Giving:
    """Gives whatever it is told to."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def choose(self, task: wool.Task, workers: Sequence[wool.WorkerLike]) -> Any:
        return self.given(workers)

    def __repr__(self) -> str:
        return "Giving()"


def _another_too(workers: Sequence[wool.WorkerLike]) -> list[Any]:
    return [*workers, "another"]


def _uids(workers: Sequence[wool.WorkerLike]) -> list[Any]:
    return [worker.uid for worker in workers]


def _unhashable(workers: Sequence[wool.WorkerLike]) -> list[Any]:
    return [{}, *workers]


def _one(workers: Sequence[wool.WorkerLike]) -> Any:
    return workers[0]


def _nothing(workers: Sequence[wool.WorkerLike]) -> None:
    pass


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (_another_too, "'another'"),
        (_uids, "UUID"),
        (_unhashable, "{}"),
        (_one, "Connection"),
        (_nothing, "None"),
    ],
)
async def test_a_balancer_that_gives_what_is_no_worker_of_the_pool_is_named(
    given: Any, named: str
) -> None:
    async with wool.WorkerPool(size=1, loadbalancer=Giving(given)):
        with pytest.raises(TypeError, match=rf"load balancer Giving\(\) chose .*{named}.*given"):
            await double(1)


async def test_a_balancer_that_gives_a_worker_of_an_earlier_call_is_named() -> None:
    seen = list[wool.WorkerLike]()

    def first_ever(workers: Sequence[wool.WorkerLike]) -> list[wool.WorkerLike]:
        seen.extend(workers)
        return seen[:1]

    async with wool.WorkerPool(size=1, max_tasks_per_worker=1, loadbalancer=Giving(first_ever)):
        assert await double(1) == 2
        with pytest.raises(TypeError, match="given for this very call"):
            await double(1)


class NoBalancer:
    """A class that makes nothing of use."""


@pytest.mark.parametrize("given", [object(), NoBalancer, NoBalancer(), "round robin"])
def test_what_is_no_balancer_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"loadbalancer is .* no method choose"):
        wool.WorkerPool(size=1, loadbalancer=given)


@pytest.mark.parametrize("makes", [object(), NoBalancer(), LastOnly])
async def test_a_function_that_makes_none_is_refused_when_the_pool_is_entered(makes: Any) -> None:
    pool = wool.WorkerPool(size=1, loadbalancer=lambda: makes)
    with pytest.raises(TypeError, match=r"loadbalancer is .* no method choose"):
        await pool.__aenter__()


class Contexts:
    """Balancers in contexts of every sort, that note when these are entered and left."""

    def __init__(self) -> None:
        self.noted = list[str]()
        self.balancer = LastOnly()

    @contextmanager
    def sync(self) -> Generator[LastOnly]:
        self.noted.append("entered")
        try:
            yield self.balancer
        finally:
            self.noted.append("left")

    @asynccontextmanager
    async def asynchronous(self) -> AsyncGenerator[LastOnly]:
        await asyncio.sleep(0)
        with self.sync() as balancer:
            yield balancer
            await asyncio.sleep(0)


class InContext(LastOnly):
    """A balancer that is its own context."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = list[str]()

    async def __aenter__(self) -> Self:
        self.noted.append("entered")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.noted.append("left")


@pytest.mark.parametrize("form", ["sync", "asynchronous"])
@pytest.mark.parametrize("made", [True, False], ids=["made", "as it is"])
async def test_a_context_of_a_balancer_is_entered_and_left_with_the_pool(
    form: str, made: bool
) -> None:
    contexts = Contexts()
    make = getattr(contexts, form)
    pool = wool.WorkerPool(size=1, loadbalancer=make if made else make())
    assert contexts.noted == []
    async with pool:
        assert contexts.noted == ["entered"]
        await pid()
    assert contexts.noted == ["entered", "left"]
    assert contexts.balancer.tasks == ["tests.routines.pid"]
    await pool.aclose()
    assert contexts.noted == ["entered", "left"]


@pytest.mark.parametrize("made", [True, False], ids=["made", "instance"])
async def test_a_balancer_may_be_its_own_context(made: bool) -> None:
    balancer = InContext()
    async with wool.WorkerPool(size=1, loadbalancer=(lambda: balancer) if made else balancer):
        await pid()
        assert balancer.noted == ["entered"]
    assert balancer.noted == ["entered", "left"]


async def test_a_context_is_left_when_the_workers_do_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contexts = Contexts()
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(wool.StartupError):
        await wool.WorkerPool(size=1, loadbalancer=contexts.sync).__aenter__()
    assert contexts.noted == ["entered", "left"]


async def test_what_a_context_raises_when_it_is_entered_is_raised_by_the_pool() -> None:
    @contextmanager
    def broken() -> Generator[LastOnly]:
        raise ZeroDivisionError
        yield LastOnly()

    pool = wool.WorkerPool(size=1, loadbalancer=broken)
    with pytest.raises(ZeroDivisionError):
        await pool.__aenter__()
    assert pool.closed
