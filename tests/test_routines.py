import asyncio
import functools
import inspect
import itertools
import os
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

import pytest

import wool
from tests import routines
from tests.loops import run
from tests.routines import Account, Savings, count, double, evaluate, lineage, pid

pytestmark = pytest.mark.anyio


async def test_a_coroutine_routine_keeps_its_kind_and_face() -> None:
    assert inspect.iscoroutinefunction(double)
    assert list(inspect.signature(double).parameters) == ["n"]
    assert (double.__name__, double.__module__) == ("double", "tests.routines")
    assert evaluate.__doc__ == "Give what an expression is in the worker."


async def test_a_generator_routine_keeps_its_kind() -> None:
    assert inspect.isasyncgenfunction(count)
    assert inspect.signature(count).return_annotation == AsyncGenerator[int, None]


async def test_methods_of_every_sort_work(pool: wool.WorkerPool) -> None:
    account = Account(10)
    assert await account.plus(5) == 15
    assert [n async for n in account.each(3)] == [10, 11, 12]
    assert await Account.plus(account, 1) == 11


async def test_class_and_static_methods_work_in_either_order(pool: wool.WorkerPool) -> None:
    # Any: type checkers don't look behind @classmethod and @staticmethod on what is no function.
    cls: Any = Account
    account: Any = Account(10)
    assert (await cls.rated(3), await account.rated(3)) == (6, 6)
    assert (await cls.rated_too(3), await account.rated_too(3)) == (6, 6)
    assert (await cls.thrice(3), await account.thrice(3)) == (9, 9)
    assert (await cls.thrice_too(3), await account.thrice_too(3)) == (9, 9)


async def test_inherited_and_overridden_methods_work(pool: wool.WorkerPool) -> None:
    savings: Any = Savings(10)
    assert await savings.plus(5) == 150
    assert [n async for n in savings.each(2)] == [10, 11]
    cls: Any = Savings
    assert (await cls.rated(3), await savings.rated_too(3)) == (15, 15)


async def test_closures_and_local_functions_travel_by_value(pool: wool.WorkerPool) -> None:
    factor = 3

    @wool.routine
    async def times(n: int) -> int:
        return factor * n

    @wool.routine
    async def ups(to: int) -> AsyncGenerator[int, None]:
        for n in range(to):
            yield factor + n

    assert await times(5) == 15
    factor = 4
    assert await times(5) == 20
    assert [n async for n in ups(2)] == [4, 5]


async def test_a_routine_may_be_an_argument_and_a_result(pool: wool.WorkerPool) -> None:
    assert await routines.echo(double) is double


async def test_a_routine_under_another_decorator_works(pool: wool.WorkerPool) -> None:
    assert await routines.decorated(5) == 11


@pytest.mark.parametrize(
    ("thing", "described"),
    [
        (lambda: None, "plain function"),
        (routines.end, "plain function"),
        (Account, "class"),
        (len, "builtin_function_or_method"),
        (functools.partial(double, 1), "partial"),
        (5, "int"),
        (asyncio.sleep(0), "coroutine"),
    ],
    ids=["lambda", "function", "class", "builtin", "partial", "number", "coroutine"],
)
async def test_anything_else_is_refused_with_the_cure(thing: Any, described: str) -> None:
    if inspect.iscoroutine(thing):
        thing.close()
    decorate = cast("Callable[[Any], Any]", wool.routine)
    with pytest.raises(TypeError, match=described) as caught:
        decorate(thing)
    assert "async def" in str(caught.value)


async def test_a_plain_generator_function_is_refused() -> None:
    def plain() -> Any:
        yield 1

    with pytest.raises(TypeError, match="plain generator"):
        wool.routine(plain)


def test_an_option_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    options: Any = {"retries": 3}
    words = "no option 'retries'; there are timeout, tags, prefetch, idempotent"
    with pytest.raises(TypeError, match=words):
        wool.routine(**options)
    with pytest.raises(TypeError, match=words):
        double.options(**options)


async def test_a_routine_is_decorated_once() -> None:
    with pytest.raises(TypeError, match="already"):
        wool.routine(double)


async def test_local_runs_the_plain_function_here() -> None:
    assert await pid.local() == os.getpid()
    assert [n async for n in count.local(2)] == [0, 1]
    assert await Account.plus.local(Account(1), 2) == 3


async def test_a_call_with_no_pool_active_names_the_cure() -> None:
    def call() -> str:
        with pytest.raises(wool.NoActivePool) as caught:
            run(double(1))
        return str(caught.value)

    message = await _in_a_bare_thread(call)
    for cure in ("WorkerPool", "activate", ".local"):
        assert cure in message


async def test_a_thread_has_no_pool_until_one_is_activated(pool: wool.WorkerPool) -> None:
    def call() -> int:
        with pool.activate():
            return run(double(4))

    assert await _in_a_bare_thread(call) == 8


async def test_after_a_pool_the_outer_one_is_active_again(pool: wool.WorkerPool) -> None:
    async with wool.WorkerPool(size=1) as inner:
        assert {await pid() for _ in range(3)} == _pids(inner)
    assert {await pid() for _ in range(4)} == _pids(pool)


async def test_after_the_only_pool_there_is_none() -> None:
    async def work() -> None:
        async with wool.WorkerPool(size=1):
            stream = count(3)
            await anext(stream)
        with pytest.raises(wool.NoActivePool):
            await double(1)
        with pytest.raises(wool.NoActivePool):
            await anext(count(1))

    await _in_a_bare_thread(lambda: run(work()))


async def test_activate_chooses_the_pool_for_its_block(pool: wool.WorkerPool) -> None:
    async with wool.WorkerPool(size=1) as inner:
        with pool.activate():
            assert await pid() in _pids(pool)
            with inner.activate():
                assert await pid() in _pids(inner)
            assert await pid() in _pids(pool)
        assert await pid() in _pids(inner)


async def test_a_pool_that_was_not_entered_says_so_when_it_is_activated() -> None:
    with pytest.raises(wool.PoolClosed, match="async with"), wool.WorkerPool(size=1).activate():
        await double(1)


async def test_a_pool_that_was_left_says_so_when_it_is_activated() -> None:
    async with wool.WorkerPool(size=1) as left:
        pass
    with pytest.raises(wool.PoolClosed, match="open another one"), left.activate():
        await double(1)


async def test_tasks_started_in_a_pool_use_it(pool: wool.WorkerPool) -> None:
    async with wool.WorkerPool(size=1) as inner:
        call = asyncio.create_task(pid())
        assert await call in _pids(inner)


async def test_a_task_that_outlives_its_pool_uses_the_outer_one(pool: wool.WorkerPool) -> None:
    go = asyncio.Event()

    async def later() -> int:
        await go.wait()
        return await pid()

    async with wool.WorkerPool(size=1):
        call = asyncio.create_task(later())
    go.set()
    assert await call in _pids(pool)


async def test_a_pool_may_be_left_in_another_task_than_it_was_entered_in() -> None:
    pool = wool.WorkerPool(size=1)
    await asyncio.create_task(pool.__aenter__())
    with pool.activate():
        assert await double(1) == 2
    await asyncio.create_task(pool.aclose())
    assert pool.closed


async def test_many_loops_on_many_threads_share_a_pool(pool: wool.WorkerPool) -> None:
    async def several(start: int) -> list[int]:
        with pool.activate():
            return await asyncio.gather(*(double(n) for n in range(start, start + 50)))

    results = await asyncio.gather(*(asyncio.to_thread(run, several(n)) for n in range(0, 400, 50)))
    assert list(itertools.chain(*results)) == list(range(0, 800, 2))


async def test_a_loop_that_ends_says_nothing_and_keeps_no_socket(
    pool: wool.WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    async def call() -> int:
        with pool.activate():
            return await double(1)

    for _ in range(3):
        assert await asyncio.to_thread(run, call()) == 2
    assert caplog.records == []


async def test_current_task_is_none_outside_and_the_call_inside(pool: wool.WorkerPool) -> None:
    assert wool.current_task() is None
    chain = await lineage(3)
    ids = [task for task, _, _ in chain]
    assert [caller for _, caller, _ in chain] == [None, *ids[:-1]]
    assert len(set(ids)) == 4


async def test_nested_calls_go_to_every_worker_of_the_pool(pool: wool.WorkerPool) -> None:
    chains = await asyncio.gather(*(lineage(4) for _ in range(4)))
    assert {pid for chain in chains for *_, pid in chain} == _pids(pool)


def _pids(pool: wool.WorkerPool) -> set[int]:
    return {worker.pid for worker in pool.workers.values()}


async def _in_a_bare_thread(function: Any) -> Any:
    """Run a function in a thread that inherits no context."""
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(function()))
    thread.start()
    while thread.is_alive():  # noqa: ASYNC110 - a thread has no event
        await asyncio.sleep(0.001)
    assert done, "the function raised"
    return done[0]
