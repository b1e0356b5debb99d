"""Wherever in a call its worker dies, the caller is told how, at once, and nobody else suffers."""

import asyncio
import os
import signal
from itertools import cycle
from typing import Any

import pytest

from tests.faults import lethal
from tests.faults.journal import Journal, note_death
from tests.faults.lethal import WAYS, DiesWhenUnpickled, stream, take
from tests.faults.soak import long_or_short, may_take
from tests.faults.until import until
from tests.faults.ward import Fault, Ward, open_ward
from tests.home import Home
from tests.routines import pid

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, may_take(1200)]

KILLS = long_or_short(100, 2)


async def unpickling_arguments(ward: Ward, how: str) -> None:
    await take(ward.journal.path, DiesWhenUnpickled(how, ward.journal.path))


async def before_the_acknowledgement(ward: Ward, how: str) -> None:
    victim = await pid()  # from now on there is a link
    os.kill(victim, signal.SIGSTOP)
    call = asyncio.ensure_future(take(ward.journal.path))
    await asyncio.sleep(0.01)  # it is written, and not read
    note_death(ward.journal.path)
    os.kill(victim, signal.SIGKILL)
    await call


async def running(ward: Ward, how: str) -> None:
    await lethal.run(how, ward.journal.path)


async def pickling_the_result(ward: Ward, how: str) -> None:
    await lethal.answer(how, ward.journal.path)


async def unpickling_the_arguments_of_a_stream(ward: Ward, how: str) -> None:
    path = ward.journal.path
    await anext(stream("none", how, path, DiesWhenUnpickled(how, path)))


async def in_the_first_step(ward: Ward, how: str) -> None:
    await anext(stream("first step", how, ward.journal.path))


async def pickling_an_item(ward: Ward, how: str) -> None:
    await anext(stream("item", how, ward.journal.path))


async def between_two_steps(ward: Ward, how: str) -> None:
    steps = stream("between", how, ward.journal.path)
    await anext(steps)
    await until(lambda: len(ward.pool.workers) == 1)
    await anext(steps)


async def in_a_later_step(ward: Ward, how: str) -> None:
    steps = stream("later step", how, ward.journal.path)
    await anext(steps)
    await anext(steps)


async def unpickling_what_is_sent(ward: Ward, how: str) -> None:
    steps: Any = stream("none", how, ward.journal.path)
    await anext(steps)
    await steps.asend(DiesWhenUnpickled(how, ward.journal.path))


async def closing(ward: Ward, how: str) -> None:
    steps = stream("closing", how, ward.journal.path)
    await anext(steps)
    await steps.aclose()


STAGES: dict[str, tuple[Fault, bool]] = {
    "unpickling the arguments": (unpickling_arguments, False),
    "running": (running, True),
    "pickling the result": (pickling_the_result, True),
    "unpickling a stream's arguments": (unpickling_the_arguments_of_a_stream, False),
    "in the first step": (in_the_first_step, True),
    "pickling an item": (pickling_an_item, True),
    "between two steps": (between_two_steps, True),
    "in a later step": (in_a_later_step, True),
    "unpickling what is sent": (unpickling_what_is_sent, True),
    "closing": (closing, True),
}
"""Where in a call -> (how to die there, whether the call had been acknowledged)."""

ONE_BY_ONE = [(stage, way) for stage in STAGES for way in WAYS]
IN_TURN = [(stage, " ".join([*WAYS, *WAYS][n % 4 :][:KILLS])) for n, stage in enumerate(STAGES)]


@pytest.mark.parametrize(("stage", "ways"), long_or_short(ONE_BY_ONE, IN_TURN))
async def test_a_worker_dies(stage: str, ways: str, journal: Journal, home: Home) -> None:
    fault, acknowledged = STAGES[stage]
    async with open_ward(journal, home) as ward:
        for _, way in zip(range(KILLS), cycle(ways.split()), strict=False):
            await ward.kill(fault, way, acknowledged=acknowledged)
    ward.assert_promises()


async def test_a_stopped_worker_is_killed_before_it_acknowledges(
    journal: Journal, home: Home
) -> None:
    async with open_ward(journal, home) as ward:
        for _ in range(KILLS):
            await ward.kill(before_the_acknowledgement, "kill", acknowledged=False)
        assert len(journal.ids) == 1  # the bystander's
    ward.assert_promises()
