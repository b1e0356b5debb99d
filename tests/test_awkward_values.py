"""Values that can't travel: each a typed error at once, and the worker serves on."""

import asyncio
import gc
import sys
import threading
import types
from typing import Any

import pytest

import wool
from tests.awkward import ExplodesWhenPickled, ExplodesWhenUnpickled, Multiple, NeverPickles
from tests.awkward_routines import give, stream_of, unsendable_stream
from tests.home import Home
from tests.routines import double, echo, parrot, pid

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pool")]

ERRORS = ["ValueError", "RecursionError", "MemoryError", "StopIteration", "StopAsyncIteration"]
BASE_ERRORS = ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError", "CarriesCode"]


async def _caught(call: Any) -> BaseException:
    before = {await pid(), await pid()}
    task = asyncio.ensure_future(call)
    await asyncio.wait([task], timeout=1)
    assert task.done(), "the caller hangs"
    assert {await pid(), await pid()} == before, "the workers serve on"
    if task.cancelled():
        return asyncio.CancelledError()
    error: BaseException | None = task.exception()
    assert error is not None
    return error


async def test_an_argument_that_cannot_be_pickled_is_named() -> None:
    caught = await _caught(double(n=threading.Lock()))  # type: ignore[arg-type]
    assert isinstance(caught, wool.SerializationError)
    assert "argument 'n'" in str(caught)
    assert caught.type == "_thread.lock"
    assert isinstance(caught.__cause__, TypeError)


async def test_a_positional_argument_that_cannot_be_pickled_is_named() -> None:
    caught = await _caught(double(NeverPickles()))  # type: ignore[arg-type]
    assert isinstance(caught, wool.SerializationError)
    assert "argument 'n' of 'tests.routines.double'" in caught.what
    assert caught.type == "tests.awkward.NeverPickles"


async def test_a_result_that_cannot_be_pickled_is_called_the_result() -> None:
    caught = await _caught(give("ExplodesWhenPickled", "ValueError"))
    assert isinstance(caught, wool.SerializationError)
    assert caught.what == "the result of 'tests.awkward_routines.give'"
    assert caught.type == "tests.awkward.ExplodesWhenPickled"


@pytest.mark.parametrize("error", ERRORS + BASE_ERRORS)
async def test_a_result_that_raises_when_it_is_pickled_hangs_nobody(error: str) -> None:
    caught = await _caught(give("ExplodesWhenPickled", error))
    assert isinstance(caught, wool.WoolError)
    assert not isinstance(caught, wool.WorkerDied)


@pytest.mark.parametrize("error", ERRORS)
async def test_a_result_that_raises_when_it_is_unpickled_is_a_serialization_error(
    error: str,
) -> None:
    caught = await _caught(give("ExplodesWhenUnpickled", error))
    assert isinstance(caught, wool.SerializationError)
    assert "result" in caught.what


@pytest.mark.parametrize(
    "error",
    [ValueError("on purpose"), Multiple("disk", code=1), SystemExit(3), KeyboardInterrupt(),
     GeneratorExit(), asyncio.CancelledError(), StopIteration(1)],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_an_argument_that_raises_when_it_is_unpickled_is_a_serialization_error(
    error: BaseException,
) -> None:
    caught = await _caught(echo(ExplodesWhenUnpickled(error)))
    assert isinstance(caught, wool.SerializationError)
    assert "argument" in str(caught)


@pytest.mark.parametrize("error", [ValueError("on purpose"), SystemExit(1), GeneratorExit()])
async def test_an_argument_that_raises_when_it_is_pickled_is_named(error: BaseException) -> None:
    caught = await _caught(echo(ExplodesWhenPickled(error)))
    assert isinstance(caught, wool.SerializationError)
    assert "argument 'value'" in str(caught)


@pytest.mark.parametrize("error", ["ValueError", "SystemExit", "CancelledError"])
async def test_an_item_that_raises_when_it_is_pickled_ends_the_stream(
    error: str, home: Home
) -> None:
    caught = await _caught(anext(stream_of("ExplodesWhenPickled", error, home.path)))
    assert isinstance(caught, wool.WoolError)
    assert home.heard() == ["ended"]


async def test_an_item_that_cannot_be_unpickled_here_ends_the_stream(home: Home) -> None:
    stream = stream_of("ExplodesWhenUnpickled", "ValueError", home.path)
    assert isinstance(await _caught(anext(stream)), wool.SerializationError)
    del stream
    gc.collect()
    assert await home.hear() == "ended"


async def test_an_item_that_cannot_be_pickled_and_a_clean_up_that_fails_hang_nobody() -> None:
    caught = await _caught(anext(stream_of("ExplodesWhenPickled", "ValueError", "fail")))
    assert isinstance(caught, wool.SerializationError | LookupError)


@pytest.mark.parametrize("ignore_close", [False, True])
async def test_a_generator_of_items_that_cannot_be_pickled_hangs_nobody(ignore_close: bool) -> None:
    caught = await _caught(anext(unsendable_stream(ignore_close=ignore_close)))
    assert isinstance(caught, wool.SerializationError | RuntimeError)


async def test_what_is_sent_to_a_generator_and_cannot_be_pickled_closes_it() -> None:
    stream = parrot()
    assert await anext(stream) == "ready"
    caught = await _caught(stream.asend(threading.Lock()))
    assert isinstance(caught, wool.SerializationError)
    assert "sent" in caught.what
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@pytest.mark.parametrize("error", [ValueError("on purpose"), SystemExit(3)])
async def test_what_is_sent_and_raises_when_it_is_unpickled_there_closes_the_generator(
    error: BaseException,
) -> None:
    stream = parrot()
    assert await anext(stream) == "ready"
    caught = await _caught(stream.asend(ExplodesWhenUnpickled(error)))
    assert isinstance(caught, wool.SerializationError)


async def test_a_value_nested_beyond_the_recursion_limit_is_a_serialization_error() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    caught = await _caught(echo(deep))
    assert isinstance(caught, wool.SerializationError)


async def test_a_call_with_arguments_that_do_not_fit_is_the_type_error_of_python() -> None:
    caught = await _caught(double(1, 2))  # type: ignore[call-arg]
    assert isinstance(caught, TypeError)
    assert "double()" in str(caught)


async def test_a_call_does_not_mind_that_another_thread_imports_cloudpickle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", types.ModuleType("cloudpickle"))
    assert await double(2) == 4
