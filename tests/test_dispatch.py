"""Calls through one pool, whichever is active."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

import wool
from tests.carriers import OpenPool
from tests.routines import Account, Savings, count, decorated, double, lineage, parrot, pid

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, pytest.mark.every_carrier]


@pytest.fixture(scope="module")
async def outer(open_pool: OpenPool) -> AsyncIterator[wool.WorkerPool]:
    async with open_pool(size=1) as pool:
        await pool.dispatch(pid)  # joined: later calls open nothing
        yield pool


@pytest.fixture(scope="module")
async def pool(open_pool: OpenPool, outer: wool.WorkerPool) -> AsyncIterator[wool.WorkerPool]:
    async with open_pool(size=1) as pool:
        await pool.dispatch(pid)
        yield pool


def _pid(pool: wool.WorkerPool) -> int:
    [worker] = pool.workers.values()
    return worker.pid


async def test_a_call_goes_to_the_pool_that_is_named(
    outer: wool.WorkerPool, pool: wool.WorkerPool
) -> None:
    with pool.activate():
        assert await outer.dispatch(pid) == _pid(outer)
        assert await pid() == _pid(pool)
    with outer.activate():
        assert await pool.dispatch(pid) == _pid(pool)


async def test_no_pool_has_to_be_active(pool: wool.WorkerPool) -> None:
    assert await pool.dispatch(double, n=21) == 42


async def test_the_call_is_of_the_same_kind_as_the_routines_own(pool: wool.WorkerPool) -> None:
    call = pool.dispatch(double, 1)
    stream: Any = pool.dispatch(parrot)
    assert inspect.iscoroutine(call)
    assert inspect.isasyncgen(pool.dispatch(parrot))
    assert call.__qualname__ == "double"
    assert await call == 2
    assert await anext(stream) == "ready"
    assert await stream.asend("hello") == "hello"
    assert await stream.athrow(ValueError("x")) == "caught ValueError: x"
    await stream.aclose()


async def test_calls_that_the_routine_makes_go_to_that_pool_too(
    outer: wool.WorkerPool, pool: wool.WorkerPool
) -> None:
    with pool.activate():
        calls = await outer.dispatch(lineage, 2)
    assert {where for _, _, where in calls} == {_pid(outer)}


@pytest.mark.parametrize(
    ("routine", "args", "result"),
    [
        (Account(5).plus, (1,), 6),
        (Account.rated, (3,), 6),
        (Savings.rated_too, (3,), 15),
        (Account.thrice, (2,), 6),
        (Account(5).thrice_too, (2,), 6),
        (partial(double, 4), (), 8),
        (partial(double, n=4), (), 8),
        (partial(partial(Account(5).plus), 2), (), 7),
        (double.options(timeout=5), (3,), 6),
    ],
)
async def test_methods_and_partials_of_routines_are_taken(
    pool: wool.WorkerPool, routine: Any, args: tuple[Any, ...], result: int
) -> None:
    assert await pool.dispatch(routine, *args) == result


async def test_methods_that_are_generators_are_taken(pool: wool.WorkerPool) -> None:
    assert [n async for n in pool.dispatch(Account(1).each, 3)] == [1, 2, 3]
    assert [n async for n in pool.dispatch(partial(count, 2))] == [0, 1]


async def _plain() -> None: ...


@pytest.mark.parametrize(
    "thing", [_plain, len, None, 3, [], decorated, functools.partial(len), "".join]
)
async def test_anything_else_is_refused_with_the_cure(pool: wool.WorkerPool, thing: Any) -> None:
    with pytest.raises(TypeError, match=r"is not a routine: decorate .* with @wool\.routine"):
        pool.dispatch(thing)


@pytest.mark.parametrize(
    "call", [lambda: double(1), lambda: count(3)], ids=["coroutine", "generator"]
)
async def test_what_was_called_already_is_refused(
    pool: wool.WorkerPool, call: Callable[[], Any]
) -> None:
    with pytest.raises(TypeError, match=r"is a call already: give the routine, and its arguments"):
        pool.dispatch(call())


async def test_a_pool_that_is_not_open_takes_no_calls(open_pool: OpenPool) -> None:
    pool = open_pool(size=1)
    with pytest.raises(wool.PoolClosed, match="not open"):
        await pool.dispatch(double, 1)
    async with pool:
        call = pool.dispatch(double, 1)
    with pytest.raises(wool.PoolClosed):
        await call


async def test_the_limits_of_the_caller_hold(pool: wool.WorkerPool) -> None:
    with wool.RuntimeContext(dispatch_timeout=0.0), pytest.raises(wool.DispatchTimeout):
        await pool.dispatch(asyncio_sleep)


@wool.routine
async def asyncio_sleep() -> None:
    await asyncio.sleep(10)
