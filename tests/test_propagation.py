"""ContextVars travel with calls and come back, as if the routine ran here."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from typing import Any

import pytest

import wool
from tests import propagated
from tests.alone import alone
from tests.awkward_variables import fails_with, sets_what_exits, waits_with
from tests.carriers import Carrier, OpenPool
from tests.home import Home
from tests.late_value import Value
from tests.late_variable import LATE
from tests.propagated import DEFAULTED, LOCK, REQUEST, USER
from tests.routines import tell_steps

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pool"), pytest.mark.every_carrier]

Function = Callable[..., Any]

TWINS = [propagated.at_each_step, propagated.at_each_step.local]
RESETTING = [propagated.sets_and_resets, propagated.sets_and_resets.local]
RESETTING_BOTH = [
    propagated.sets_twice_and_resets_both,
    propagated.sets_twice_and_resets_both.local,
]
DEFAULTS = [propagated.sets_a_default, propagated.sets_a_default.local]


@alone
async def test_a_routine_sees_what_its_caller_had() -> None:
    REQUEST.set("a")
    DEFAULTED.set("b")
    assert await propagated.read() == ("a", "b")


@alone
async def test_a_variable_that_is_not_set_is_not_set_there_and_has_its_default() -> None:
    assert await propagated.read() == (None, "default")


@alone
async def test_what_a_routine_sets_is_set_in_its_caller() -> None:
    await propagated.sets("there")
    assert REQUEST.get() == "there"


@alone
async def test_what_it_sets_before_it_fails_is_set_too() -> None:
    with pytest.raises(LookupError):
        await propagated.fails_after_setting("there")
    assert REQUEST.get() == "there"


@alone
async def test_what_it_sets_while_it_is_cancelled_is_set_too(home: Home) -> None:
    async def cancelled() -> None:
        call = propagated.set_and_wait(home.path, "cleaned up")
        with pytest.raises(asyncio.CancelledError):
            await call
        assert REQUEST.get() == "cleaned up"

    task = asyncio.create_task(cancelled())
    assert await home.hear() == "waiting"
    task.cancel()
    await task


@alone
async def test_a_call_in_a_task_of_its_own_sets_nothing_outside_of_it() -> None:
    REQUEST.set("outside")
    await asyncio.create_task(propagated.sets("inside"))
    assert REQUEST.get() == "outside"


@alone
async def test_what_was_not_set_anew_stays_the_same_object() -> None:
    mine = ["me"]
    USER.set(mine)
    await propagated.sets("x")
    assert USER.get() is mine


@alone
async def test_values_travel_with_nested_calls_and_back() -> None:
    assert await propagated.relay("deep") == "deep"
    assert REQUEST.get() == "deep"


@alone
async def test_concurrent_calls_never_mix() -> None:
    async def one(name: str) -> tuple[str, str, str]:
        REQUEST.set(name)
        seen = await propagated.read_after_a_while()
        await propagated.sets(f"{name}!")
        return name, seen, REQUEST.get()

    names = [f"call {n}" for n in range(200)]
    assert await asyncio.gather(*map(one, names)) == [(n, n, f"{n}!") for n in names]


@pytest.mark.parametrize("function", TWINS, ids=["there", "here"])
@alone
async def test_a_generator_sees_and_sets_them_at_each_step(function: Function) -> None:
    REQUEST.set("a")
    steps = function()
    assert await anext(steps) == "a"
    assert REQUEST.get() == "a!"
    REQUEST.set("b")
    assert await anext(steps) == "b"
    assert REQUEST.get() == "b!"
    await steps.aclose()


@pytest.mark.parametrize("function", TWINS, ids=["there", "here"])
@alone
async def test_two_generators_share_what_their_consumer_has(function: Function) -> None:
    first, second = function(), function()
    REQUEST.set("")
    assert [await anext(step) for step in (first, second, first)] == ["", "!", "!!"]
    await first.aclose()
    await second.aclose()


@pytest.mark.parametrize("function", RESETTING, ids=["there", "here"])
@pytest.mark.parametrize("before", [None, "outer"])
@alone
async def test_a_reset_at_a_later_step_comes_back(function: Function, before: str | None) -> None:
    if before is not None:
        REQUEST.set(before)
    steps = function()
    assert await anext(steps) == "inner"
    assert REQUEST.get() == "inner"
    assert await anext(steps) == before
    assert REQUEST.get(None) == before
    await steps.aclose()


@pytest.mark.parametrize("function", RESETTING_BOTH, ids=["there", "here"])
@alone
async def test_what_was_set_twice_is_not_set_once_both_are_reset(function: Function) -> None:
    steps = function()
    assert [(await anext(steps), REQUEST.get(None)) for _ in range(3)] == [
        ("first", "first"),
        ("second", "second"),
        (None, None),
    ]
    await steps.aclose()


@pytest.mark.parametrize("function", DEFAULTS, ids=["there", "here"])
@alone
async def test_a_step_from_another_context_sees_what_that_has(function: Function) -> None:
    async def step() -> tuple[str, str]:
        return await anext(steps), DEFAULTED.get()

    steps = function()
    assert await asyncio.create_task(step()) == ("default", "set")
    assert await step() == ("default", "set")
    await steps.aclose()


@alone
async def test_a_reset_that_comes_to_another_context_than_the_set_is_no_error() -> None:
    async def step() -> tuple[str | None, str | None]:
        return await anext(steps), REQUEST.get(None)

    steps = propagated.sets_and_resets()
    assert await step() == ("inner", "inner")
    assert await asyncio.create_task(step()) == (None, "inner")
    await steps.aclose()


@alone
async def test_a_generator_that_runs_ahead_brings_what_belongs_to_the_item() -> None:
    async for _ in (steps := propagated.prefetching()):
        if REQUEST.get() == "3":
            break
    await steps.aclose()
    assert REQUEST.get() == "3"


@alone
async def test_a_value_that_cannot_travel_is_named() -> None:
    LOCK.set(threading.Lock())
    with pytest.raises(wool.SerializationError, match="context variable 'tests_lock'"):
        await propagated.read()


@alone
async def test_a_value_that_cannot_come_back_is_named_and_the_worker_serves_on() -> None:
    with pytest.raises(wool.SerializationError, match="context variable 'tests_lock'"):
        await propagated.sets_something_unpicklable()
    assert await propagated.read() == (None, "default")


@alone
async def test_values_that_are_too_large_are_refused() -> None:
    REQUEST.set("x" * 600_000)
    with pytest.raises(wool.MessageTooLarge, match="'tests_request'"):
        await propagated.read()


@alone
async def test_a_step_whose_variables_cannot_travel_closes_the_generator(home: Home) -> None:
    steps = tell_steps(home.path, 5)
    await anext(steps)
    LOCK.set(threading.Lock())
    with pytest.raises(wool.SerializationError):
        await anext(steps)
    assert home.heard()[-1] == "ended"


@alone
async def test_a_routine_that_travels_by_value_brings_its_variables_with_it(
    carrier: Carrier,
) -> None:
    color: ContextVar[str] = ContextVar(f"tests_color_{carrier}", default="grey")
    wool.propagate(color)

    @wool.routine
    async def paint() -> AsyncGenerator[str, None]:
        yield color.get()
        color.set("blue")
        yield color.get()

    assert await anext(paint()) == "grey"
    color.set("red")
    assert [seen async for seen in paint()] == ["red", "blue"]
    assert color.get() == "blue"


@alone
async def test_a_variable_that_is_not_propagated_cannot_travel() -> None:
    private: ContextVar[str] = ContextVar("tests_private")

    @wool.routine
    async def read() -> str:
        return private.get()

    with pytest.raises(wool.SerializationError, match=r"wool\.propagate\(tests_private\)"):
        await read()


def test_two_variables_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="another ContextVar with the name 'tests_request'"):
        wool.propagate(ContextVar("tests_request"))
    wool.propagate(REQUEST)


def test_only_context_variables_are_propagated() -> None:
    with pytest.raises(TypeError, match="takes ContextVars, not 'REQUEST'"):
        wool.propagate("REQUEST")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@alone
async def test_a_module_that_is_imported_late_finds_its_values() -> None:
    LATE.set("early")
    assert await propagated.relay_late("later") == "early"
    assert LATE.get() == "later"


@alone
async def test_a_value_whose_module_propagates_in_its_turn_arrives(open_pool: OpenPool) -> None:
    LATE.set(Value())
    async with open_pool(size=1):
        assert await propagated.read_late("later") == Value()


@alone
async def test_an_exception_comes_though_a_variable_can_not() -> None:
    with pytest.raises(KeyError, match="the routine's own") as caught:
        await fails_with()
    assert "tests_awkward" in caught.value.__notes__[-1]


@alone
async def test_a_cancellation_stays_one_though_a_variable_cannot_be_read(home: Home) -> None:
    call = asyncio.create_task(waits_with(home.path))
    await home.hear()
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()


@alone
async def test_a_value_that_exits_when_it_is_pickled_ends_no_worker(pool: wool.WorkerPool) -> None:
    before = pool.workers.keys()
    with pytest.raises(wool.SerializationError, match="tests_awkward"):
        await sets_what_exits()
    assert pool.workers.keys() == before
