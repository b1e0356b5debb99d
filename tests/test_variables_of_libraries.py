"""A library's ContextVars travel, though the caller alone propagates them."""

import logging
from contextvars import ContextVar

import pytest

import wool
from tests import library_routines as routines
from tests.alone import alone
from tests.library_of_variables import CORRELATION, SPAN, Correlation, bind, bound
from tests.propagated import read
from tests.scripts import run

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pool")]

NOWHERE: list[ContextVar[str]] = [ContextVar("tests_in_a_list")]


@pytest.fixture(autouse=True)
def _only_the_caller_propagates() -> None:
    """No worker imports this module, nor calls it."""
    wool.propagate(CORRELATION, Correlation.VAR, SPAN.current)


@alone
async def test_a_routine_sees_a_variable_that_only_its_caller_propagates() -> None:
    CORRELATION.set("7f3a")
    assert (await routines.seen())[0] == "7f3a"


@alone
async def test_what_a_routine_sets_comes_back() -> None:
    await routines.correlate("there")
    assert CORRELATION.get() == "there"


@alone
async def test_nested_calls_see_it_too() -> None:
    CORRELATION.set("7f3a")
    assert (await routines.relay())[0] == "7f3a"


@alone
async def test_the_steps_of_a_generator_see_and_set_it() -> None:
    CORRELATION.set("a")
    steps = routines.trail()
    assert [await anext(steps), await anext(steps), CORRELATION.get()] == ["a", "a!", "a!"]
    await steps.aclose()


@alone
async def test_a_variable_that_is_not_set_has_its_default_there() -> None:
    assert (await routines.seen())[:3] == ("-", "-", "-")


@alone
async def test_attributes_of_classes_and_objects_are_found() -> None:
    Correlation.VAR.set("of a class")
    SPAN.current.set("of an object")
    assert (await routines.seen())[1:3] == ("of a class", "of an object")


@alone
async def test_a_variable_that_a_library_makes_when_it_is_used_is_made_there_too() -> None:
    wool.propagate(bind("user", "me"))
    assert (await routines.relay())[3] == {"user": "me"}
    await routines.label("user", "you")
    assert bound() == {"user": "you"}


@alone
async def test_workers_import_the_module_that_defines_it_and_none_that_takes_it_from_there() -> (
    None
):
    CORRELATION.set("7f3a")
    assert await routines.has_imported("tests.library_of_variables")
    assert not await routines.has_imported(__name__)


@alone
async def test_a_routine_by_value_uses_the_variable_that_the_library_uses_there() -> None:
    @wool.routine
    async def both() -> tuple[str, str]:
        return CORRELATION.get(), (await routines.seen.local())[0]

    CORRELATION.set("7f3a")
    assert await both() == ("7f3a", "7f3a")


@alone
async def test_a_variable_that_can_not_be_found_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wool.propagate(NOWHERE[0])
    for _ in range(3):
        await read()
    (record,) = [r for r in caplog.records if "tests_in_a_list" in r.message]
    assert f"which {__name__!r} propagates, is in no module's globals" in record.message


@alone
async def test_a_variable_of_a_program_and_of_what_it_sends_is_not_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    local: ContextVar[str] = ContextVar("tests_brought", default="-")
    wool.propagate(local)

    @wool.routine
    async def get() -> str:
        return local.get()

    await get()
    await read()
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


WITH_A_PLUGIN = """
import asyncio, sys, types, wool
from contextvars import ContextVar
from tests.routines import double

plugin = sys.modules["made_here"] = types.ModuleType("made_here")
plugin.var = ContextVar("of_a_made_module")
wool.propagate(plugin.var)
plugin.var.set("x")

async def main():
    async with wool.WorkerPool(size=1):
        print(await double(1), await double(2))

asyncio.run(main())
"""


def test_a_module_that_a_worker_does_not_have_is_told_of_once_and_hinders_nothing() -> None:
    ended = run(["-c", WITH_A_PLUGIN])
    assert ended.out == "2 4\n"
    assert ended.err.count("the ContextVar 'of_a_made_module'") == 1
    assert "is not found in worker" in ended.err
    assert "No module named 'made_here'" in ended.err
