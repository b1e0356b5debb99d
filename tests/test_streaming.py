import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import anyio
import pytest

import wool
from tests.awkward import Multiple, Unprintable
from tests.carriers import OpenPool
from tests.home import Home
from tests.loops import factory, run
from tests.routines import (
    count,
    double,
    doubled_stream,
    evaluate,
    limited_stream,
    parrot,
    stubborn,
    tell_steps,
    translating,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.usefixtures("pool"),
    pytest.mark.every_carrier,
]


async def test_items_come_in_order() -> None:
    assert [n async for n in count(100)] == list(range(100))


async def test_an_empty_generator_ends_at_once() -> None:
    assert [n async for n in count(0)] == []


async def test_the_worker_does_not_run_ahead(home: Home) -> None:
    stream = tell_steps(home.path, 3)
    assert await anext(stream) == 0
    for _ in range(3):
        await double(1)
    assert home.heard() == ["0"]
    assert await anext(stream) == 1
    await stream.aclose()
    assert home.heard() == ["1", "ended"]


async def test_nothing_starts_before_the_first_step(home: Home) -> None:
    stream = tell_steps(home.path, 3)
    await double(1)
    assert home.heard() == []
    await stream.aclose()
    assert home.heard() == []
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_what_is_sent_arrives_at_the_yield() -> None:
    stream = parrot()
    assert await anext(stream) == "ready"
    assert await stream.asend("hello") == "hello"
    assert await stream.asend(None) is None
    await stream.aclose()


async def test_sending_to_a_generator_that_has_not_started_is_refused_as_ever() -> None:
    stream = parrot()
    with pytest.raises(TypeError, match="just-started"):
        await stream.asend("hello")
    await stream.aclose()


async def test_a_generator_is_closed_when_what_it_is_sent_cannot_be_pickled(home: Home) -> None:
    lock: Any = threading.Lock()
    stream = tell_steps(home.path, 3)
    await anext(stream)
    with pytest.raises(wool.SerializationError, match="what was sent to"):
        await stream.asend(lock)
    assert home.heard() == ["0", "ended"]


async def test_what_is_thrown_arrives_at_the_yield() -> None:
    stream = parrot()
    await anext(stream)
    assert await stream.athrow(ValueError("no")) == "caught ValueError: no"
    assert await stream.athrow(Multiple("disk", code=1)) == "caught Multiple: disk failed"
    await stream.aclose()


async def test_what_is_thrown_and_not_caught_is_raised_here_as_the_same_object() -> None:
    stream = count(3)
    await anext(stream)
    error = Multiple("disk", code=1)
    with pytest.raises(Multiple) as caught:
        await stream.athrow(error)
    assert caught.value is error


async def test_what_cannot_be_pickled_and_is_thrown_comes_back_as_the_same_object() -> None:
    stream = count(3)
    await anext(stream)
    error = ValueError(Unprintable())
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - identity is what counts
        await stream.athrow(error)
    assert caught.value is error
    assert not hasattr(error, "traceback")


async def test_an_exception_translated_there_has_the_thrown_one_as_its_cause() -> None:
    stream = translating()
    await anext(stream)
    with pytest.raises(LookupError) as caught:
        await stream.athrow(ValueError("no"))
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_base_exceptions_thrown_in_come_back(error: BaseException) -> None:
    stream = count(3)
    await anext(stream)
    with pytest.raises(type(error)) as caught:
        await stream.athrow(error)
    assert caught.value is error
    assert await double(1) == 2


@pytest.mark.parametrize("error", [StopAsyncIteration(), StopIteration()])
async def test_the_end_thrown_in_is_a_runtime_error_as_in_any_generator(error: Exception) -> None:
    stream = count(3)
    await anext(stream)
    with pytest.raises(RuntimeError):
        await stream.athrow(error)


async def test_throwing_into_a_generator_that_has_not_started_raises_here() -> None:
    stream = parrot()
    with pytest.raises(ValueError, match="no"):
        await stream.athrow(ValueError("no"))


async def test_aclose_returns_after_the_remote_clean_up(home: Home) -> None:
    stream = tell_steps(home.path, 3)
    await anext(stream)
    await stream.aclose()
    assert home.heard() == ["0", "ended"]
    await stream.aclose()


# Python says so of a local one as well, once it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_generator_that_ignores_being_closed_is_a_runtime_error(
    open_pool: OpenPool,
) -> None:
    async with open_pool(size=1, grace=0.2):
        stream = stubborn()
        await anext(stream)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            await stream.aclose()
        assert await double(1) == 2
        del stream
        gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_generator_that_ignored_being_closed_ends_once_it_is_collected(
    open_pool: OpenPool,
) -> None:
    async with open_pool(size=1):
        tasks = await evaluate("len(asyncio.all_tasks())")
        stream = stubborn()
        await anext(stream)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            await stream.aclose()
        del stream
        gc.collect()
        async with asyncio.timeout(5):
            while await evaluate("len(asyncio.all_tasks())") > tasks:
                pass


async def test_a_loop_left_early_closes_the_generator_when_it_is_collected(home: Home) -> None:
    async for _ in tell_steps(home.path, 3):
        break
    gc.collect()
    assert await home.hear() == "0"
    assert await home.hear() == "ended"


async def test_a_loop_that_ends_closes_its_generators(home: Home, pool: wool.WorkerPool) -> None:
    kept: list[AsyncGenerator[Any, Any]] = []

    async def leave_open() -> None:
        with pool.activate():
            stream = tell_steps(home.path, 3)
            kept.append(stream)
            await anext(stream)

    await asyncio.to_thread(run, leave_open())
    assert await home.hear() == "0"
    assert await home.hear() == "ended"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_stubborn_generator_whose_caller_is_gone_does_not_block_its_worker(
    open_pool: OpenPool,
    home: Home,
) -> None:
    async with open_pool(size=1, grace=0.5) as pool:

        async def leave_open() -> None:
            with pool.activate():
                kept.append(stubborn())
                await anext(kept[0])

        kept: list[AsyncGenerator[Any, Any]] = []
        await asyncio.to_thread(_run_quietly, leave_open())
        async with asyncio.timeout(2):
            assert await double(1) == 2


async def test_two_steps_at_once_are_refused_as_ever(home: Home) -> None:
    stream = tell_steps(home.path, 3)
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="already running"):
        await anext(stream)
    assert await first == 0
    await stream.aclose()


async def test_a_timeout_held_across_yields_ends_the_step_that_is_too_slow() -> None:
    stream = limited_stream("asyncio", 0.2)
    assert await anext(stream) == "first"
    assert await anext(stream) == "TimeoutError"
    await stream.aclose()


async def test_a_timeout_that_passes_between_two_steps_does_no_harm() -> None:
    for sort in ("asyncio", "anyio"):
        stream = limited_stream(sort, 0.0)
        assert await anext(stream) == "first"
        await evaluate("asyncio.sleep(0.05)")
        async with asyncio.timeout(2):
            assert await anext(stream) in ("TimeoutError", "cancelled")
        await stream.aclose()


async def test_many_steps_after_a_scope_expired_never_break_the_link() -> None:
    stream = limited_stream("anyio", 0.0)
    await anext(stream)
    for n in range(50):
        assert await double(n) == 2 * n
    await stream.aclose()


async def test_anyio_scopes_may_be_held_across_yields() -> None:
    with anyio.fail_after(5):
        stream = limited_stream("anyio", 0.2)
        assert await anext(stream) == "first"
        assert await anext(stream) == "cancelled"
        await stream.aclose()


async def test_streams_may_be_nested() -> None:
    assert [n async for n in doubled_stream(5)] == [0, 2, 4, 6, 8]


async def test_hundreds_of_streams_may_be_open() -> None:
    streams = [count(3) for _ in range(300)]
    assert [await anext(s) for s in streams] == [0] * 300
    assert await asyncio.gather(*(anext(s) for s in streams)) == [1] * 300
    await asyncio.gather(*(s.aclose() for s in streams))


def _run_quietly(main: Coroutine[Any, Any, None]) -> None:
    """Run a loop that does not say that a generator of its own would not close."""
    with asyncio.Runner(loop_factory=factory()) as runner:
        runner.get_loop().set_exception_handler(_say_nothing)
        runner.run(main)


def _say_nothing(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Take what the loop reports."""
