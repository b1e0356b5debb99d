import asyncio
import json
import subprocess
import traceback
from typing import Any, cast

import pytest

import wool
from tests.awkward import CarriesCode, Frozen, HasLock, HasState, Multiple, NoRepr, NoStr, Slotted
from tests.awkward_routines import chained, fail_with, nested_group
from tests.carriers import OpenPool
from tests.notes import attributes
from tests.routines import double, evaluate, fail

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pool"), pytest.mark.every_carrier]


@wool.routine
async def fail_for_large_reasons() -> None:
    error = ValueError("the last")
    for _ in range(300):
        reason, error = error, ValueError("x" * 9_000)
        error.__cause__ = reason
    raise error


async def _caught(call: Any) -> BaseException:
    async with asyncio.timeout(5):
        with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever comes
            await call
    assert await double(2) == 4, "the worker serves on"
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a", 1),
        KeyError("key"),
        OSError(2, "No such file", "/tmp/x"),  # noqa: S108 - only a name
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        ImportError("gone", name="m", path="p"),
        SyntaxError("bad", ("f.py", 3, 1, "x =")),
        json.JSONDecodeError("bad", "{}", 1),
        subprocess.CalledProcessError(1, ["false"], b"out"),
        asyncio.IncompleteReadError(b"ab", 5),
        StopAsyncIteration("over"),
        AttributeError("no", name="x"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_exception_comes_back_as_itself(error: Exception) -> None:
    caught = await _caught(fail(error))
    assert type(caught) is type(error)
    assert caught.args == error.args
    assert str(caught) == str(error)
    assert attributes(caught) == attributes(error)


async def test_the_fields_of_builtin_exceptions_survive() -> None:
    caught = await _caught(fail(OSError(13, "denied", "a", None, "b")))
    assert isinstance(caught, PermissionError)
    assert (caught.errno, caught.filename, caught.filename2) == (13, "a", "b")


async def test_constructors_with_other_arguments_are_no_obstacle() -> None:
    multiple, state = await _caught(fail_with("Multiple")), await _caught(fail_with("HasState"))
    assert isinstance(multiple, Multiple)
    assert isinstance(state, HasState)
    assert (multiple.args, multiple.name, multiple.code) == (("disk failed",), "disk", 3)
    assert state.tried == ["this", "that"]


async def test_slots_survive() -> None:
    slotted = await _caught(fail_with("Slotted"))
    assert isinstance(slotted, Slotted)
    assert slotted.code == 5


async def test_a_frozen_dataclass_that_is_an_exception_comes_back() -> None:
    frozen = await _caught(fail_with("Frozen"))
    assert isinstance(frozen, Frozen)
    assert frozen == Frozen(5)


async def test_what_cannot_be_pickled_in_an_exception_becomes_its_repr() -> None:
    caught = await _caught(fail_with("HasLock"))
    assert isinstance(caught, HasLock)
    assert caught.args[0] == "message"
    assert "lock" in str(caught.args[1])
    assert caught.code == 7


async def test_cause_context_and_notes_come_along() -> None:
    caught = await _caught(chained())
    assert caught.__notes__[0] == "a note"
    assert isinstance(caught.__cause__, KeyError)
    assert isinstance(caught.__cause__.__context__, ZeroDivisionError)
    assert caught.__suppress_context__


async def test_groups_come_along_with_their_members() -> None:
    caught = await _caught(nested_group())
    assert isinstance(caught, ExceptionGroup)
    group = cast("ExceptionGroup[Exception]", caught)
    assert group.message == "outer"
    matched, rest = group.split(KeyError)
    assert matched is not None
    assert rest is not None
    assert [type(e) for e in rest.exceptions] == [ValueError]


async def test_the_remote_traceback_is_in_the_callers() -> None:
    caught = await _caught(chained())
    text = "".join(traceback.format_exception(caught))
    assert "tests/awkward_routines.py" in text
    assert "in chained" in text
    assert "in _divide" in text


async def test_system_exit_and_keyboard_interrupt_end_the_call_and_no_worker() -> None:
    exited = await _caught(fail(SystemExit(4)))
    interrupted = await _caught(fail(KeyboardInterrupt()))
    assert isinstance(exited, wool.RoutineExited)
    assert isinstance(interrupted, wool.RoutineExited)
    assert (exited.code, interrupted.code) == (4, 130)


async def test_other_base_exceptions_come_back_as_themselves() -> None:
    assert isinstance(await _caught(fail(CarriesCode("x"))), CarriesCode)
    assert isinstance(await _caught(fail(GeneratorExit("x"))), GeneratorExit)


async def test_stop_iteration_becomes_a_runtime_error_as_in_any_coroutine() -> None:
    assert isinstance(await _caught(fail(StopIteration(1))), RuntimeError)


async def test_an_exception_without_words_comes_back() -> None:
    assert isinstance(await _caught(fail_with("NoStr")), NoStr)


async def test_an_exception_that_can_be_neither_pickled_nor_printed_comes_back() -> None:
    caught = await _caught(fail_with("NoRepr"))
    assert isinstance(caught, NoRepr | wool.RemoteError)


async def test_a_message_that_utf8_does_not_know_comes_back() -> None:
    caught = await _caught(fail(ValueError("\udcff.txt")))
    assert isinstance(caught, ValueError)
    assert caught.args == ("\udcff.txt",)


async def test_a_file_name_that_utf8_does_not_know_comes_back() -> None:
    caught = await _caught(fail(FileNotFoundError(2, "no file", "\udcff.txt")))
    assert isinstance(caught, FileNotFoundError)
    assert caught.filename == "\udcff.txt"


@pytest.mark.needs_processes("it breaks in another process only")
async def test_an_exception_that_breaks_when_unpickled_here_becomes_a_remote_error() -> None:
    caught = await _caught(fail_with("OnlyThere"))
    assert isinstance(caught, wool.RemoteError)
    assert caught.type == "tests.awkward.OnlyThere"
    assert "in fail_with" in caught.traceback
    assert "OnlyThere: ('message', homely)" in str(caught)


async def test_an_exception_too_large_to_travel_becomes_a_remote_error_that_is_cut(
    open_pool: OpenPool,
) -> None:
    async with open_pool(size=1, max_message_size=10_000):
        caught = await _caught(evaluate("(_ for _ in ()).throw(ValueError('x' * 10**7))"))
    assert isinstance(caught, wool.RemoteError)
    assert caught.type == "builtins.ValueError"
    assert len(str(caught)) < 2_000


async def test_an_exception_whose_causes_are_too_large_travels_without_them(
    open_pool: OpenPool,
) -> None:
    async with open_pool(size=1, max_message_size=10_000):
        caught = await _caught(fail_for_large_reasons())
    assert isinstance(caught, wool.RemoteError)
    assert caught.type == "builtins.ValueError"
    assert caught.__cause__ is None


async def test_a_thousand_causes_come_along() -> None:
    caught: BaseException | None = await _caught(fail_with("Chain"))
    for n in reversed(range(1_000)):
        assert caught is not None
        assert caught.args == (n,)
        caught = caught.__cause__


async def test_groups_nested_beyond_the_recursion_limit_hang_nobody() -> None:
    assert await _caught(fail_with("DeepGroup")) is not None


async def test_a_recursion_error_comes_back() -> None:
    assert isinstance(await _caught(fail_with("Recursion")), RecursionError)


@wool.routine
async def raise_huge(size: int) -> None:
    raise ValueError("x" * size)


async def test_a_huge_exception_arrives_within_a_second() -> None:
    caught = await _caught(raise_huge(150 * 2**20))
    assert isinstance(caught, wool.RemoteError)
    assert caught.type == "builtins.ValueError"


async def test_an_exception_tells_where_it_came_from() -> None:
    caught = await _caught(nested_group())
    remote = caught.__wool__  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
    assert isinstance(remote, wool.TaskException)
    assert remote.type == "builtins.ExceptionGroup"
    assert "nested_group" in "".join(remote.traceback)
