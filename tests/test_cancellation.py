import asyncio
from collections.abc import AsyncGenerator

import anyio
import pytest

import wool
from tests.carriers import OpenPool
from tests.home import Home, say, told
from tests.routines import block, double, evaluate, pid, refuse_to_end, slow_step, wait

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.usefixtures("pool"),
    pytest.mark.every_carrier,
]


@wool.routine
async def swallow_within_a_timeout(home: str) -> AsyncGenerator[str, None]:
    """Hold a timeout across the yields that is over once a cancellation has been swallowed."""
    try:
        async with asyncio.timeout(None) as scope:
            yield "first"
            say(home, "started")
            try:
                await told(home, "never")
            except asyncio.CancelledError:
                yield "swallowed"
            scope.reschedule(0)
            await told(home, "never")
    except TimeoutError:
        yield "TimeoutError"


async def test_cancelling_the_caller_cancels_the_routine_and_waits_for_its_clean_up(
    home: Home,
) -> None:
    call = asyncio.create_task(wait(home.path))
    assert await home.hear() == "started"
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert home.heard() == ["cancelled", "ended"]


async def test_the_message_of_a_cancellation_travels(home: Home) -> None:
    call = asyncio.create_task(wait(home.path))
    assert await home.hear() == "started"
    call.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await call
    assert home.heard() == ["cancelled enough", "ended"]


async def test_a_cancellation_message_that_utf8_does_not_know_is_no_obstacle(home: Home) -> None:
    call = asyncio.create_task(wait(home.path))
    assert await home.hear() == "started"
    call.cancel("\udcff")
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_routine_that_swallows_its_cancellation_returns_as_it_would_here(
    home: Home,
) -> None:
    call = asyncio.create_task(wait(home.path, swallow=True))
    assert await home.hear() == "started"
    call.cancel()
    assert await call == "went on"


async def test_a_second_cancellation_reaches_the_clean_up_of_the_first(home: Home) -> None:
    call = asyncio.create_task(refuse_to_end(home.path))
    assert (await home.hear()).startswith("started")
    call.cancel("once")
    assert await home.hear() == "ignored"
    call.cancel("twice")
    assert await home.hear() == "ignored"
    home.tell("go")
    await call


async def test_a_timeout_cancels_the_routine(home: Home) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await wait(home.path)
    assert home.heard() == ["started", "cancelled", "ended"]


async def test_wait_for_cancels_the_routine(home: Home) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wait(home.path), 0.1)
    assert home.heard() == ["started", "cancelled", "ended"]


async def test_a_task_group_cancels_the_siblings_of_a_failure(home: Home) -> None:
    async def fail_once_it_started() -> None:
        assert await home.hear() == "started"
        raise ValueError("mine")

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012
        async with asyncio.TaskGroup() as group:
            group.create_task(wait(home.path))
            group.create_task(fail_once_it_started())
    assert [type(error) for error in caught.value.exceptions] == [ValueError]
    assert home.heard() == ["cancelled", "ended"]


async def test_an_anyio_scope_cancels_the_routine(home: Home) -> None:
    with anyio.move_on_after(0.1) as scope:
        await wait(home.path)
    assert scope.cancelled_caught
    heard = home.heard()
    assert heard[0] == "started"
    assert heard[1].startswith("cancelled")
    assert heard[2:] == ["ended"]


async def test_a_call_cancelled_before_it_was_sent_never_starts(home: Home) -> None:
    call = asyncio.create_task(wait(home.path))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert [await double(n) for n in range(4)] == [0, 2, 4, 6]
    assert home.heard() == []


async def test_a_call_cancelled_as_it_is_sent_is_cleaned_up_if_it_started(home: Home) -> None:
    call = asyncio.create_task(wait(home.path))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert home.heard() in ([], ["started", "cancelled", "ended"])


@pytest.mark.needs_processes("its worker's loop is blocked, and not the test's")
async def test_a_call_cancelled_in_one_batch_with_its_start_ends_at_once(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=1):
        blocking = asyncio.create_task(block(home.path, 0.2))
        await home.hear()
        call = asyncio.create_task(wait(home.path))
        await asyncio.sleep(0)
        call.cancel("why")
        await asyncio.wait([blocking, call])
        with pytest.raises(asyncio.CancelledError, match="why"):
            await call
        # A call runs up to its first wait as soon as it is there.
        assert home.heard() in ([], ["started", "cancelled why", "ended"])


@pytest.mark.needs_processes("its worker's loop is blocked, and not the test's")
async def test_a_call_cancelled_before_its_turn_came_never_starts_and_says_why(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=1):
        blocking = asyncio.create_task(block(home.path, 0.2))
        await home.hear()
        before_it = asyncio.create_task(block(home.path, 0.05))
        call = asyncio.create_task(wait(home.path))
        await asyncio.sleep(0)
        call.cancel("why")
        await asyncio.wait([blocking, before_it, call])
        with pytest.raises(asyncio.CancelledError, match="why"):
            await call
        assert [word.split()[0] for word in home.heard()] == ["started"]


@pytest.mark.needs_processes("its worker's loop is blocked, and not the test's")
async def test_a_step_and_its_cancellation_may_arrive_in_one_batch(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=1, grace=1.0):
        stream = slow_step(home.path)
        assert await anext(stream) == "first"
        blocking = asyncio.create_task(block(home.path, 0.3))
        await home.hear()
        step = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        step.cancel("why")
        await asyncio.wait([blocking])
        await asyncio.wait([step], timeout=0.5)
        assert step.done(), "the cancellation was lost"
        with pytest.raises(asyncio.CancelledError, match="why"):
            await step


async def test_after_the_grace_the_caller_goes_on_and_the_worker_lives(
    open_pool: OpenPool, home: Home
) -> None:
    async with open_pool(size=1, grace=0.2):
        worker = await pid()
        call = asyncio.create_task(refuse_to_end(home.path))
        assert (await home.hear()).startswith("started")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await pid() == worker
        home.tell("go")


async def test_a_cancelled_step_ends_the_generator(home: Home) -> None:
    stream = slow_step(home.path)
    assert await anext(stream) == "first"
    step = asyncio.ensure_future(anext(stream))
    assert await home.hear() == "started"
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert home.heard() == ["cancelled", "ended"]
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_step_that_swallows_its_cancellation_still_yields(home: Home) -> None:
    stream = slow_step(home.path, swallow=True)
    assert await anext(stream) == "first"
    step = asyncio.ensure_future(anext(stream))
    assert await home.hear() == "started"
    step.cancel()
    assert await step == "second"
    await stream.aclose()
    assert home.heard() == ["cancelled", "ended"]


async def test_a_cancellation_that_is_swallowed_does_not_spoil_the_timeout_around_it(
    home: Home,
) -> None:
    stream = swallow_within_a_timeout(home.path)
    assert await anext(stream) == "first"
    step = asyncio.ensure_future(anext(stream))
    assert await home.hear() == "started"
    step.cancel()
    assert await step == "swallowed"
    assert await anext(stream) == "TimeoutError"
    await stream.aclose()


async def test_cancelling_at_any_moment_leaves_no_call_behind() -> None:
    tasks = await evaluate("len(asyncio.all_tasks())")
    for turns in range(20):
        call = asyncio.create_task(double(turns))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
    assert await evaluate("len(asyncio.all_tasks())") < tasks + 5


async def test_a_coroutine_that_is_closed_by_hand_is_cancelled_there(
    pool: wool.WorkerPool, home: Home
) -> None:
    call = wait(home.path)
    call.send(None)
    assert await home.hear() == "started"
    call.close()
    assert await home.hear() == "cancelled"
    assert await home.hear() == "ended"
