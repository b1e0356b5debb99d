"""Whenever a call is cancelled, and by whatever: its clean-up runs at once and is waited for."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from statistics import median
from typing import Any

import anyio
import pytest

from tests.cancelled_routines import working, working_stream
from tests.carriers import OpenPool
from tests.home import Home
from tests.notes import noted
from tests.routines import refuse_to_end

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.both_loops,
    pytest.mark.usefixtures("worker"),
    pytest.mark.every_carrier,
]

_MOMENTS = 50
_LATEST = 0.02  # seconds after the call
_PROMPT = 0.05  # seconds from the cancellation to the remote `finally`, in the median
_GRACE = 0.3  # seconds

Waiting = Coroutine[Any, Any, Any]
_Scope = Callable[[Waiting, float], Waiting]


@pytest.fixture(scope="module")
async def worker(open_pool: OpenPool) -> AsyncIterator[None]:
    """One worker, so that what a routine notes is found."""
    async with open_pool(size=1, grace=_GRACE):
        await noted("nothing")
        yield


async def _cancelled(waiting: Waiting, after: float) -> None:
    task = asyncio.create_task(waiting)
    await asyncio.sleep(after)
    task.cancel()
    await asyncio.wait([task])


async def _timeout(waiting: Waiting, after: float) -> None:
    async with asyncio.timeout(after):
        await waiting


async def _wait_for(waiting: Waiting, after: float) -> None:
    await asyncio.wait_for(waiting, after)


async def _task_group(waiting: Waiting, after: float) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(waiting)
        await asyncio.sleep(after)
        raise TimeoutError


async def _move_on_after(waiting: Waiting, after: float) -> None:
    with anyio.move_on_after(after):
        await waiting


_SCOPES = [_cancelled, _timeout, _wait_for, _task_group, _move_on_after]
scopes = pytest.mark.parametrize("scope", _SCOPES, ids=lambda scope: scope.__name__[1:])


async def _end(scope: _Scope, waiting: Waiting, after: float) -> tuple[float, float]:
    """Return when `waiting` was to be cancelled, and when its scope had ended."""
    cancelled = time.monotonic() + after
    try:
        await asyncio.create_task(scope(waiting, after))
    except (TimeoutError, ExceptionGroup):
        pass
    finally:
        waiting.close()  # a scope that expired before it was awaited
    return cancelled, time.monotonic()


async def _lag(scope: _Scope, waiting: Waiting, key: str, after: float) -> float | None:
    """Return how late the clean-up began, if it was a cancellation that began it."""
    cancelled, ended = await _end(scope, waiting, after)
    notes = dict(await noted(key))
    assert list(notes) in ([], ["started", "finally", "cleaned up"], [*_WHOLE])
    assert notes.get("cleaned up", 0.0) <= ended
    return notes["finally"] - cancelled if notes and "done" not in notes else None


_WHOLE = ["started", "done", "finally", "cleaned up"]


@scopes
async def test_a_routine_that_had_started_cleans_up_before_its_callers_scope_ends(
    scope: _Scope,
) -> None:
    moments = random.Random(scope.__name__)
    lags = list[float]()
    for n in range(_MOMENTS):
        lag = await _lag(scope, working(str(n)), str(n), moments.uniform(0, _LATEST))
        lags += [] if lag is None else [lag]
    assert median(lags) < _PROMPT
    assert [await noted(str(n)) for n in range(_MOMENTS)] == [[]] * _MOMENTS, "it started later"


@scopes
async def test_a_step_that_had_started_cleans_up_before_its_callers_scope_ends(
    scope: _Scope,
) -> None:
    moments = random.Random(scope.__name__)
    lags = list[float]()
    for n in range(_MOMENTS):
        stream = working_stream(str(n))
        await anext(stream)
        lag = await _lag(scope, _step(stream), str(n), moments.uniform(0, _LATEST))
        lags += [] if lag is None else [lag]
        await stream.aclose()
    assert median(lags) < _PROMPT


async def _step(stream: Any) -> Any:
    return await anext(stream)


async def test_a_routine_that_does_not_end_holds_its_callers_scope_for_the_grace_at_most(
    home: Home,
) -> None:
    late = list[float]()
    for scope in _SCOPES:
        cancelled, ended = await _end(scope, refuse_to_end(home.path), 0.1)
        late.append(ended - cancelled - _GRACE)
    home.tell("go")
    assert -0.05 < median(late) < _PROMPT
