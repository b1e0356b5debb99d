"""How long calls may take, and what is left of it to the calls that they make."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from typing import Any

import pytest

import wool
from tests.carriers import OpenPool
from tests.combined_routines import nap
from tests.home import Home, say, told
from tests.routines import double, pid, tell_steps, wait

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pool"), pytest.mark.every_carrier]

FOREVER = 3600.0


@wool.routine(timeout=0.2)
async def impatient(place: str) -> None:
    await wait.local(place)


@wool.routine
async def ask(place: str, timeout: float | None) -> str:
    try:
        await wait.options(timeout=timeout)(place)
    except wool.DispatchTimeout as error:
        return f"{error.timeout:.1f}"
    return "ended"


@wool.routine(timeout=0.3)
async def slow_then_quick() -> AsyncGenerator[str, None]:
    yield "quick"
    await asyncio.sleep(0.2)
    yield "in time"
    await asyncio.sleep(FOREVER)


@wool.routine(timeout=1.0)
async def nap_past_the_limit_to_clean_up(place: str) -> None:
    say(place, "started")
    try:
        await told(place, "never")
    finally:
        say(place, f"napped for {await nap(1.2)}")


@wool.routine
async def raise_timeout() -> None:
    raise TimeoutError("of its own")


@wool.routine(idempotent=True)
async def die_once(path: str) -> int:
    with open(path, "a+") as file:  # noqa: ASYNC230, PTH123
        file.write("x")
        file.flush()
        file.seek(0)
        if file.read() == "x":
            os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


async def test_a_call_that_takes_too_long_is_cancelled_and_raises(home: Home) -> None:
    call = asyncio.create_task(impatient(home.path))
    assert await home.hear() == "started"
    with pytest.raises(wool.DispatchTimeout, match=r"impatient.* 0\.2 s") as caught:
        await call
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.timeout == 0.2
    assert home.heard() == ["cancelled", "ended"]


async def test_the_error_says_on_which_worker_it_was(open_pool: OpenPool) -> None:
    async with open_pool(size=1):
        worker = await pid()
        with pytest.raises(wool.DispatchTimeout, match=f"it had on worker {worker}, and") as call:
            await nap.options(timeout=1.0)(FOREVER)
        stream = slow_then_quick.options(timeout=1.0)()
        assert [await anext(stream), await anext(stream)] == ["quick", "in time"]
        with pytest.raises(wool.DispatchTimeout, match=f"it had on worker {worker}, and") as step:
            await anext(stream)
    assert call.value.pid == step.value.pid == worker


async def test_the_error_of_a_call_that_no_worker_took_says_so(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=1, max_pending=1) as pool:
        running = asyncio.create_task(wait(home.path))
        assert await home.hear() == "started"
        with pytest.raises(wool.DispatchTimeout, match="while it waited for a worker") as caught:
            [n async for n in pool.map(double.options(timeout=0.2), [2])]
        assert caught.value.pid is None
        home.tell("go")
        await running


async def test_the_limit_of_a_context_holds_for_every_call_in_it(home: Home) -> None:
    with wool.RuntimeContext(dispatch_timeout=0.2):
        assert await double(2) == 4
        with pytest.raises(wool.DispatchTimeout):
            await wait(home.path)


async def test_an_inner_context_counts_instead_of_the_outer_one() -> None:
    with wool.RuntimeContext(dispatch_timeout=0.000001):
        with wool.RuntimeContext(dispatch_timeout=None):
            assert await double(2) == 4
        with pytest.raises(wool.DispatchTimeout):
            await double(2)


async def test_what_is_left_of_the_limit_travels_with_nested_calls(home: Home) -> None:
    limited = ask.options(timeout=FOREVER)
    assert await limited(home.path, 0.2) == "0.2"
    with pytest.raises(wool.DispatchTimeout):
        await ask.options(timeout=0.3)(home.path, FOREVER)


async def test_the_least_limit_counts(home: Home) -> None:
    with wool.RuntimeContext(dispatch_timeout=FOREVER), pytest.raises(wool.DispatchTimeout) as it:
        await wait.options(timeout=0.1)(home.path)
    assert it.value.timeout == 0.1


async def test_the_limit_of_a_generator_is_for_each_step() -> None:
    stream = slow_then_quick()
    assert await anext(stream) == "quick"
    assert await anext(stream) == "in time"
    with pytest.raises(wool.DispatchTimeout):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_stream_within_its_limit_ends_as_ever(home: Home) -> None:
    limited = tell_steps.options(timeout=FOREVER)
    assert [n async for n in limited(home.path, 3)] == [0, 1, 2]


async def test_the_clean_up_of_a_call_that_is_dropped_may_call_past_its_limit(home: Home) -> None:
    call = nap_past_the_limit_to_clean_up(home.path)
    call.send(None)
    assert await home.hear() == "started"
    call.close()
    assert await home.hear() == "napped for 1.2"


async def test_a_timeout_of_the_routine_itself_stays_what_it_is() -> None:
    with pytest.raises(TimeoutError, match="of its own") as caught:
        await raise_timeout.options(timeout=FOREVER)()
    assert not isinstance(caught.value, wool.DispatchTimeout)


async def test_the_callers_own_timeouts_work_as_ever(home: Home) -> None:
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.1):
            await wait.options(timeout=FOREVER)(home.path)
    assert not isinstance(caught.value, wool.DispatchTimeout)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), 10**400])
def test_a_limit_that_is_none_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="number of seconds"):
        double.options(timeout=timeout)


@pytest.mark.parametrize(
    ("budget", "error"),
    [("5", TypeError), (True, TypeError), (float("nan"), ValueError), (10**400, ValueError)],
)
def test_a_budget_that_is_no_number_is_refused(budget: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="dispatch_timeout is a number of seconds"):
        wool.RuntimeContext(dispatch_timeout=budget)


async def test_a_block_may_be_left_in_another_task_than_it_was_entered_in() -> None:
    limit = wool.RuntimeContext(dispatch_timeout=FOREVER)

    async def enter() -> None:
        limit.__enter__()

    await asyncio.create_task(enter())
    with wool.RuntimeContext(dispatch_timeout=0.1):
        limit.__exit__(None, None, None)
        with pytest.raises(wool.DispatchTimeout):
            await nap(FOREVER)
    assert await double(2) == 4


@pytest.mark.parametrize("budget", [0, -1.5])
async def test_a_budget_that_is_used_up_leaves_no_time(budget: float) -> None:
    with wool.RuntimeContext(dispatch_timeout=budget), pytest.raises(wool.DispatchTimeout):
        await double(2)
    stream = slow_then_quick()
    with wool.RuntimeContext(dispatch_timeout=budget), pytest.raises(wool.DispatchTimeout):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_options_leave_the_routine_as_it_is() -> None:
    assert double.options(timeout=1.0) is not double
    assert await double.options(timeout=FOREVER)(3) == 6
    assert double.options(timeout=1.0).__qualname__ == double.__qualname__


@pytest.mark.needs_processes("kills its worker")
async def test_an_idempotent_call_whose_worker_dies_is_made_again(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=2):
        path = f"{home.path}.log"
        assert await die_once(path) != os.getpid()
    with open(path) as file:  # noqa: ASYNC230, PTH123
        assert file.read() == "xx"
    os.unlink(path)  # noqa: PTH108
