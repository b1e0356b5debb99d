"""Cancelling a remote call does to caller and routine what cancelling a local one does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.cancelled_routines import FAMILY, STREAMS, Kind, StreamKind
from tests.carriers import OpenPool
from tests.notes import described, noted, noted_so_far

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.usefixtures("worker"),
    pytest.mark.every_carrier,
]

_PATIENCE = 1.0  # seconds; for what can't be told to expire when the routine has started

Make = Callable[[], Coroutine[Any, Any, Any]]
Started = Callable[[], Awaitable[None]]
_Scenario = Callable[[Make, Started], Awaitable[Any]]


@pytest.fixture(scope="module")
async def worker(open_pool: OpenPool) -> AsyncIterator[None]:
    """One worker, so that what a routine notes is found."""
    async with open_pool(size=1, grace=2.0):
        await noted("nothing")
        yield


async def _observed(call: Make) -> tuple[Any, ...]:
    """Return what the caller of `call` observes in its own task."""
    task = asyncio.current_task()
    assert task is not None
    try:
        return "value", await call(), task.cancelling()
    except BaseException as error:  # noqa: BLE001 - whatever comes is compared
        return "raised", described(error), task.cancelling()


async def _cancel(call: Make, started: Started) -> Any:
    task = asyncio.create_task(_observed(call))
    await started()
    task.cancel("why")
    return await _came_of(task)


async def _came_of(task: asyncio.Task[Any]) -> Any:
    """Wait for a task, which a group that it left by an error may have cancelled again."""
    await asyncio.wait([task])
    return task.cancelled() or described(task.exception()) or task.result()


async def _cancel_twice_at_once(call: Make, started: Started) -> Any:
    task = asyncio.create_task(_observed(call))
    await started()
    task.cancel("once")
    task.cancel("twice")
    return await _came_of(task)


async def _cancel_and_await(call: Make, started: Started) -> Any:
    task = asyncio.create_task(call())
    await started()
    task.cancel("why")
    return await _came_of(task)


async def _expire(call: Make, started: Started) -> Any:
    async def within_limit() -> Any:
        async with asyncio.timeout(None) as scope:
            expiring = asyncio.create_task(_when(started, lambda: scope.reschedule(0)))
            came = await call()
        await expiring
        return came

    return await _observed(within_limit)


async def _wait_for(call: Make, started: Started) -> Any:
    return await _observed(lambda: asyncio.wait_for(call(), _PATIENCE))


async def _fail_beside(call: Make, started: Started) -> Any:
    async def sibling() -> None:
        await started()
        raise LookupError("beside")

    async def both() -> Any:
        async with asyncio.TaskGroup() as group:
            calling = group.create_task(_observed(call))
            group.create_task(sibling())
        return calling.result()

    return await _observed(both)


async def _leave_group(call: Make, started: Started) -> Any:
    async def in_group() -> Any:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
            return await call()

    return await _cancel(in_group, started)


async def _when(started: Started, act: Callable[[], object]) -> None:
    await started()
    act()


_SCENARIOS = [
    _cancel,
    _cancel_twice_at_once,
    _cancel_and_await,
    _expire,
    _wait_for,
    _fail_beside,
    _leave_group,
]


@dataclass(frozen=True)
class _Side:
    """Where a twin runs, and what its process has noted under `key`."""

    local: bool
    key: str

    async def started(self) -> None:
        so_far = noted_so_far.local if self.local else noted_so_far
        async with asyncio.timeout(10):
            while ("started",) not in await so_far(self.key):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.001)

    async def notes(self) -> list[Any]:
        return await (noted.local if self.local else noted)(self.key)


@pytest.mark.parametrize("scenario", _SCENARIOS, ids=lambda scenario: scenario.__name__[1:])
async def test_a_remote_coroutine_is_cancelled_as_a_local_one(scenario: _Scenario) -> None:
    async def observe(kind: Kind, side: _Side) -> Any:
        call = partial(kind.local if side.local else kind, side.key)
        return await scenario(call, side.started), await side.notes()

    assert await _each(FAMILY, observe, local=False) == await _each(FAMILY, observe, local=True)


@pytest.mark.parametrize("scenario", _SCENARIOS, ids=lambda scenario: scenario.__name__[1:])
async def test_a_remote_step_is_cancelled_as_a_local_one(scenario: _Scenario) -> None:
    async def observe(kind: StreamKind, side: _Side) -> Any:
        stream = (kind.local if side.local else kind)(side.key)

        async def step() -> Any:
            return await anext(stream)

        first, came = await step(), await scenario(step, side.started)
        after = [await asyncio.create_task(_observed(step)) for _ in range(3)]
        return first, came, after, await side.notes()

    assert await _each(STREAMS, observe, local=False) == await _each(STREAMS, observe, local=True)


async def _each(family: list[Any], observe: Callable[..., Any], *, local: bool) -> dict[str, Any]:
    """Observe all of a family at once, each in a task of its own."""
    names = [kind.__name__ for kind in family]
    sides = [_Side(local, name) for name in names]
    return dict(zip(names, await asyncio.gather(*map(observe, family, sides)), strict=True))
