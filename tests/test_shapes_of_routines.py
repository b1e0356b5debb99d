import asyncio
import functools
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, cast

import pytest

import wool
from tests.routines import count, double, pid
from tests.shapes import Dog, Puppy, apply, collect, descend, gather_in_group, in_pools

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("worker")]


@pytest.fixture(scope="module")
async def worker() -> AsyncIterator[int]:
    """The one worker, by its pid; nested calls come back to it."""
    async with wool.WorkerPool(size=1):
        yield await pid()


@pytest.mark.parametrize("dog", [Dog("Rex"), Puppy("Rex")], ids=["parent", "child"])
async def test_methods_that_call_each_other_do_so_by_the_rules_of_inheritance(dog: Any) -> None:
    cls: Any = cast("Any", type(dog))
    assert await dog.bark(2, loud=True) == await cls.bark.local(dog, 2, loud=True)
    here: list[str] = [words async for words in cls.barks.local(dog, 3)]
    assert [words async for words in dog.barks(3)] == here
    assert here[-1].count(dog.sound) == 3


async def test_class_methods_of_a_child_call_their_parents() -> None:
    cls: Any = Puppy
    assert await cls.kind() == "Puppy of Puppy"
    assert await cls("Rex").kind() == "Puppy of Puppy"
    assert await cls.legs() == 4


async def test_a_routine_may_close_over_a_lambda() -> None:
    factor = 3
    times: Callable[[int], int] = lambda n: factor * n  # noqa: E731 - a lambda is the point

    @wool.routine
    async def tripled(n: int) -> int:
        return times(n) + await double(n)

    @wool.routine
    async def multiples(to: int) -> AsyncGenerator[int, None]:
        for n in range(to):
            yield times(n)

    assert await tripled(5) == 25
    assert [n async for n in multiples(3)] == [0, 3, 6]


async def test_partials_of_routines_and_bound_methods_work_here_and_there(worker: int) -> None:
    loud = functools.partial(Dog("Rex").bark, loud=True)
    assert await loud() == "REX: WOOF"
    assert await apply(loud) == (worker, "REX: WOOF")
    assert await apply(functools.partial(double, 4)) == (worker, 8)


async def test_a_routine_that_was_handed_over_is_called_there(worker: int) -> None:
    assert await apply(double, 4) == (worker, 8)
    assert await apply(apply, apply, double, 4) == (worker, (worker, (worker, 8)))
    assert await collect(count, 3) == [0, 1, 2]
    assert await collect(Puppy("Rex").barks, 1) == ["little Rex: yip!"]


async def test_a_routine_that_travels_by_value_may_be_handed_over(worker: int) -> None:
    @wool.routine
    async def halve(n: int) -> float:
        return n / 2

    assert await apply(halve, 5) == (worker, 2.5)


async def test_a_routine_may_call_itself_fifty_deep_on_one_worker() -> None:
    async with asyncio.timeout(10):
        assert await descend(50) == 50
        assert await asyncio.gather(*(descend(50) for _ in range(4))) == [50] * 4


async def test_task_groups_of_calls_work_here_and_there() -> None:
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(gather_in_group([n, n + 1])) for n in range(5)]
    assert [call.result() for call in calls] == [[2 * n, 2 * n + 2] for n in range(5)]


async def test_a_pool_that_a_routine_opens_takes_its_calls_until_it_is_left(worker: int) -> None:
    places = await in_pools()
    assert {places[name] for name in ("here", "before", "after")} == {worker}
    assert places["outer"] == places["outer again"]
    assert len({worker, places["outer"], places["inner"], os.getpid()}) == 4
    assert await pid() == worker


async def test_of_nested_pools_the_innermost_takes_the_calls(worker: int) -> None:
    async with wool.WorkerPool(size=1):
        outer = await pid()
        async with wool.WorkerPool(size=1):
            inner = await pid()
            assert await apply(pid) == (inner, inner)
        assert await apply(pid) == (outer, outer)
    assert await apply(pid) == (worker, worker)
    assert len({worker, outer, inner}) == 3
