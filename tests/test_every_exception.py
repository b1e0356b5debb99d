"""Whatever a routine raises arrives as it would from the same function called here."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from statistics import median
from typing import Any, cast

import pytest

import wool
from tests.awkward import HasLock
from tests.exception_kinds import BUILTIN, ENDING, OWN, raise_kind, stream_kind
from tests.notes import attributes
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pool"), pytest.mark.every_carrier]

_PATIENCE = 10.0  # seconds
Call = Callable[[str], Awaitable[Any]]


def _portrait(error: BaseException | None, seen: tuple[BaseException, ...] = ()) -> Any:
    """Return all that can be asked of an exception, and of those that hang on it."""
    if error is None or error in seen:
        return error and "seen"
    seen = (*seen, error)
    is_group = isinstance(error, BaseExceptionGroup)
    members = cast("BaseExceptionGroup[Any]", error).exceptions if is_group else ()
    fields = {name: getattr(error, name, None) for name in dir(error) if name[0] != "_"}
    data = {n: v for n, v in fields.items() if not callable(v) and n not in ("args", "exceptions")}
    return {
        "type": type(error).__name__,
        "args": error.args[:1] if is_group else error.args,
        "str": str(error),
        "notes": attributes(error).get("__notes__"),
        "fields": data,
        "members": [_portrait(member, seen) for member in members],
        "cause": _portrait(error.__cause__, seen),
        "context": _portrait(error.__context__, seen),
        "suppresses": error.__suppress_context__,
    }


async def _caught(call: Awaitable[Any]) -> BaseException:
    async with asyncio.timeout(_PATIENCE):
        try:
            await call
        except BaseException as error:  # noqa: BLE001 - whatever comes
            return error
    raise AssertionError("nothing was raised")


async def _portraits(call: Call, names: Iterable[str]) -> dict[str, Any]:
    return {name: _portrait(await _caught(call(name))) for name in names}


async def _second_step(name: str, *, local: bool) -> None:
    stream = (stream_kind.local if local else stream_kind)(name)
    await anext(stream)
    await anext(stream)


@pytest.mark.parametrize("kinds", [BUILTIN, OWN], ids=["builtin", "own"])
async def test_every_exception_of_a_coroutine_arrives_as_itself(kinds: dict[str, Any]) -> None:
    names = kinds.keys() - ENDING.keys()
    here = await _portraits(raise_kind.local, names)
    assert await _portraits(raise_kind, names) == here


@pytest.mark.parametrize("kinds", [BUILTIN, OWN], ids=["builtin", "own"])
async def test_every_exception_of_a_generator_arrives_as_itself(kinds: dict[str, Any]) -> None:
    names = kinds.keys() - ENDING.keys()
    here = await _portraits(lambda name: _second_step(name, local=True), names)
    assert await _portraits(lambda name: _second_step(name, local=False), names) == here


async def test_the_builtin_exceptions_are_all_there() -> None:
    assert len(BUILTIN) > 65
    assert {"BaseExceptionGroup", "UnicodeDecodeError", "StopIteration"} <= BUILTIN.keys()


@pytest.mark.parametrize("name", ENDING)
async def test_what_ends_a_process_ends_the_call_alone(name: str) -> None:
    for call in (raise_kind(name), _second_step(name, local=False)):
        caught = await _caught(call)
        assert isinstance(caught, wool.RoutineExited)
        assert caught.code == ENDING[name]


async def test_stop_iterations_are_runtime_errors_where_python_says_so() -> None:
    for name, call, text in [
        ("StopIteration", raise_kind("StopIteration"), "coroutine raised StopIteration"),
        ("StopIteration", _second_step("StopIteration", local=False), "async generator raised"),
        ("StopAsyncIteration", _second_step("StopAsyncIteration", local=False), "async generator"),
    ]:
        caught = await _caught(call)
        assert isinstance(caught, RuntimeError)
        assert text in str(caught)
        assert type(caught.__cause__).__name__ == name


async def test_what_cannot_be_pickled_in_a_member_or_a_cause_becomes_its_repr_there() -> None:
    group = await _caught(raise_kind("members"))
    assert isinstance(group, ExceptionGroup)
    locked, two = cast("ExceptionGroup[Exception]", group).exceptions
    caused = await _caught(raise_kind("cause"))
    assert _portrait(two)["fields"] == {"name": "disk", "code": 3}
    for error in (locked, caused.__cause__):
        assert isinstance(error, HasLock)
        assert error.code == 7
        assert "lock" in str(error.lock)


async def test_every_remote_traceback_can_be_read_in_the_callers() -> None:
    for name in BUILTIN | OWN:
        text = "".join(traceback.format_exception(await _caught(raise_kind(name))))
        for line in ("in _caught", "in raise_kind", "in _raise", "exception_kinds.py"):
            assert line in text, name


async def test_an_exception_arrives_within_a_second_and_its_worker_serves_on(
    pool: wool.WorkerPool,
) -> None:
    workers = {worker.pid for worker in pool.workers.values()}
    seconds = list[float]()
    for name in BUILTIN | OWN:
        began = time.monotonic()
        await _caught(raise_kind(name))
        seconds.append(time.monotonic() - began)
    assert median(seconds) < 1.0
    assert {await pid() for _ in range(4)} == workers
