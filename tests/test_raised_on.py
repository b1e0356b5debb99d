"""An exception says on which worker it was raised, once."""

import asyncio
import os
from collections.abc import AsyncGenerator

import pytest

import wool
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pool")]

KEPT = LookupError("the same each time")


@wool.routine
async def fail() -> None:
    raise LookupError(os.getpid())


@wool.routine
async def fail_at_second_step() -> AsyncGenerator[None, None]:
    yield
    raise LookupError(os.getpid())


async def fail_elsewhere() -> None:
    errors = await asyncio.gather(fail(), fail(), return_exceptions=True)
    raise next(e for e in errors if isinstance(e, LookupError) and e.args[0] != os.getpid())


@wool.routine
async def pass_on() -> None:
    await fail_elsewhere()


@wool.routine
async def wrap() -> None:
    try:
        await fail_elsewhere()
    except LookupError as error:
        raise RuntimeError(os.getpid()) from error


@wool.routine
async def fail_with_what_is_kept() -> None:
    raise KEPT


@wool.routine
async def catch_and_fail() -> AsyncGenerator[None, None]:
    try:
        yield
    except ValueError:
        raise LookupError(os.getpid()) from None


@wool.routine
async def give_up() -> None:
    raise asyncio.CancelledError("without being asked")


async def test_it_has_a_note_with_the_process_id() -> None:
    with pytest.raises(LookupError) as caught:
        await fail()
    assert caught.value.__notes__ == [f"raised on worker {caught.value.args[0]}"]


async def test_a_generators_has_it_too() -> None:
    with pytest.raises(LookupError) as caught:
        [_ async for _ in fail_at_second_step()]
    assert caught.value.__notes__ == [f"raised on worker {caught.value.args[0]}"]


async def test_one_that_comes_through_a_nested_call_says_where_it_was_raised_first() -> None:
    with pytest.raises(LookupError) as caught:
        await pass_on()
    assert caught.value.__notes__ == [f"raised on worker {caught.value.args[0]}"]


async def test_its_cause_says_where_that_was_raised() -> None:
    with pytest.raises(RuntimeError) as caught:
        await wrap()
    error, cause = caught.value, caught.value.__cause__
    assert isinstance(cause, LookupError)
    assert error.args != cause.args
    assert error.__notes__ == [f"raised on worker {error.args[0]}"]
    assert cause.__notes__ == [f"raised on worker {cause.args[0]}"]


async def test_one_that_is_raised_again_and_again_says_it_once() -> None:
    async with wool.WorkerPool(size=1):
        for _ in range(3):
            with pytest.raises(LookupError) as caught:
                await fail_with_what_is_kept()
            assert caught.value.__notes__ == [f"raised on worker {await pid()}"]


async def test_one_that_is_thrown_into_a_generator_and_comes_back_says_nothing() -> None:
    thrown = ValueError("thrown")
    thrown.add_note("the caller's")
    stream = fail_at_second_step()
    await anext(stream)
    with pytest.raises(ValueError, match="thrown") as caught:
        await stream.athrow(thrown)
    assert caught.value is thrown
    assert caught.value.__notes__ == ["the caller's"]


async def test_what_a_generator_raises_instead_of_what_was_thrown_says_it() -> None:
    stream = catch_and_fail()
    await anext(stream)
    with pytest.raises(LookupError) as caught:
        await stream.athrow(ValueError("thrown"))
    assert caught.value.__notes__ == [f"raised on worker {caught.value.args[0]}"]


async def test_a_cancellation_is_no_error_and_says_nothing() -> None:
    with pytest.raises(asyncio.CancelledError) as caught:
        await give_up()
    assert not hasattr(caught.value, "__notes__")


async def test_here_it_says_nothing() -> None:
    with pytest.raises(LookupError) as caught:
        await fail.local()
    assert not hasattr(caught.value, "__notes__")
