"""Routines that take their cancellation in every way, to be run on a worker and here."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Protocol

import wool
from tests.notes import note

__all__ = ["FAMILY", "STREAMS", "Kind", "StreamKind", "working", "working_stream"]

_LONG = 60.0  # seconds


class Kind(Protocol):
    """A coroutine routine of this module."""

    __name__: str

    def __call__(self, key: str) -> Coroutine[Any, Any, Any]: ...
    def local(self, key: str) -> Coroutine[Any, Any, Any]: ...


class StreamKind(Protocol):
    """A generator routine of this module."""

    __name__: str

    def __call__(self, key: str) -> AsyncGenerator[Any, Any]: ...
    def local(self, key: str) -> AsyncGenerator[Any, Any]: ...


def _cancelling() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else -1


def _uncancel() -> int:
    task = asyncio.current_task()
    return task.uncancel() if task is not None else -1


async def _wait(key: str) -> None:
    """Wait for a cancellation, and note what it said."""
    note(key, "started")
    try:
        await asyncio.sleep(_LONG)
    except asyncio.CancelledError as error:
        note(key, "cancelled", error.args, _cancelling())
        raise


@wool.routine
async def heeding(key: str) -> None:
    try:
        await _wait(key)
    finally:
        await asyncio.sleep(0.01)
        note(key, "cleaned up", _cancelling())


@wool.routine
async def swallowing(key: str) -> str:
    try:
        await _wait(key)
    except asyncio.CancelledError:
        return "swallowed"
    return "went on"


@wool.routine
async def looping(key: str) -> str:
    """Go on for a while."""
    try:
        await _wait(key)
    except asyncio.CancelledError:
        for _ in range(10):
            await asyncio.sleep(0.001)
        note(key, "looped", _cancelling())
    return "looped"


@wool.routine
async def uncancelling(key: str) -> int:
    """Take the cancellation for its own affair, as the scopes of libraries do."""
    try:
        await _wait(key)
    except asyncio.CancelledError:
        note(key, "uncancelled", _uncancel())
    await asyncio.sleep(0.001)
    return _cancelling()


@wool.routine
async def failing(key: str) -> None:
    """Raise something else."""
    try:
        await _wait(key)
    except asyncio.CancelledError as error:
        await asyncio.sleep(0)
        raise ValueError("failed to clean up") from error


@wool.routine
async def cancelling_itself(key: str) -> None:
    """Raise a CancelledError of its own."""
    try:
        await _wait(key)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        raise asyncio.CancelledError("mine") from None


@wool.routine
async def grouping(key: str) -> None:
    """Have children, whose clean-up is waited for."""

    async def child() -> None:
        try:
            await asyncio.sleep(_LONG)
        finally:
            await asyncio.sleep(0.005)
            note(key, "child cleaned up")

    async with asyncio.TaskGroup() as group:
        group.create_task(child())
        group.create_task(child())
        await _wait(key)


@wool.routine
async def shielding(key: str) -> str:
    """Keep the cancellation from what it waits for, and see that through."""
    go = asyncio.Event()
    inner = asyncio.ensure_future(go.wait())
    note(key, "started")
    try:
        return str(await asyncio.shield(inner))
    except asyncio.CancelledError:
        go.set()
        note(key, "inner", await inner)
        raise


@wool.routine
async def limited(key: str) -> None:
    """Wait within a limit of its own that does not expire."""
    async with asyncio.timeout(_LONG):
        await _wait(key)


@wool.routine
async def heeding_stream(key: str) -> AsyncGenerator[str, Any]:
    yield "first"
    try:
        await _wait(key)
        yield "second"
    finally:
        await asyncio.sleep(0.005)
        note(key, "cleaned up", _cancelling())


@wool.routine
async def swallowing_stream(key: str) -> AsyncGenerator[str, Any]:
    yield "first"
    try:
        await _wait(key)
    except asyncio.CancelledError:
        await asyncio.sleep(0.005)
        yield "swallowed"
    yield "last"


@wool.routine
async def ending_stream(key: str) -> AsyncGenerator[str, Any]:
    yield "first"
    try:
        await _wait(key)
    except asyncio.CancelledError:
        return


@wool.routine
async def uncancelling_stream(key: str) -> AsyncGenerator[Any, Any]:
    yield "first"
    try:
        await _wait(key)
    except asyncio.CancelledError:
        note(key, "uncancelled", _uncancel())
    yield _cancelling()
    await asyncio.sleep(0)
    yield "last"


@wool.routine
async def failing_stream(key: str) -> AsyncGenerator[str, Any]:
    yield "first"
    try:
        await _wait(key)
    except asyncio.CancelledError as error:
        raise ValueError("failed to clean up") from error


async def _work(key: str) -> None:
    """Work for 15 ms, unless it is cancelled, and clean up; note the time of everything."""
    note(key, "started", time.monotonic())
    try:
        for _ in range(5):
            await asyncio.sleep(0.003)
        note(key, "done", time.monotonic())
    finally:
        note(key, "finally", time.monotonic())
        try:
            await asyncio.sleep(0.002)
        finally:
            note(key, "cleaned up", time.monotonic())


@wool.routine
async def working(key: str) -> str:
    await _work(key)
    return "done"


@wool.routine
async def working_stream(key: str) -> AsyncGenerator[str, Any]:
    yield "first"
    await _work(key)
    yield "second"


FAMILY: list[Kind] = [
    heeding,
    swallowing,
    looping,
    uncancelling,
    failing,
    cancelling_itself,
    grouping,
    shielding,
    limited,
]
STREAMS: list[StreamKind] = [
    heeding_stream,
    swallowing_stream,
    ending_stream,
    uncancelling_stream,
    failing_stream,
]
