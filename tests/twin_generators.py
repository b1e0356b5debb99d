"""Generators of every temper, to be run on a worker and here, and told apart by nothing.

Each awaits something on every way through a step, and notes what its `finally` saw.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Protocol

import wool
from tests.notes import described, note

__all__ = ["FAMILY", "Kind", "yielding_in_finally"]


class Kind(Protocol):
    """A generator routine of this module."""

    __name__: str

    def __call__(self, key: str) -> AsyncGenerator[Any, Any]: ...
    def local(self, key: str) -> AsyncGenerator[Any, Any]: ...


async def _note(key: str, *what: Any) -> None:
    """Note `what` and which exception is on its way, after and before some turns of the loop."""
    await asyncio.sleep(0)
    note(key, *what, described(sys.exception()))
    await asyncio.sleep(0)


@wool.routine
async def echoing(key: str) -> AsyncGenerator[Any, Any]:
    heard: Any = "ready"
    try:
        while True:
            await _note(key, "step")
            heard = yield heard
    finally:
        await _note(key, "finally")


@wool.routine
async def catching(key: str) -> AsyncGenerator[Any, Any]:
    """Catch whatever comes, being closed and cancelled included, some times."""
    heard: Any = "ready"
    try:
        for _ in range(6):
            try:
                await _note(key, "step")
                heard = yield heard
            except BaseException as error:  # noqa: BLE001 - that is its temper
                heard = described(error)
                await _note(key, "caught")
    finally:
        await _note(key, "finally")


@wool.routine
async def catching_errors(key: str) -> AsyncGenerator[Any, Any]:
    """Yield while it handles what it caught, which is what it raises at last."""
    await _note(key, "step")
    try:
        yield "ready"
    except Exception:
        await _note(key, "caught")
        yield "while handling"
        await _note(key, "raising again")
        raise
    finally:
        await _note(key, "finally")


@wool.routine
async def raising_in_finally(key: str) -> AsyncGenerator[Any, Any]:
    try:
        for n in range(3):
            await _note(key, "step")
            yield n
    finally:
        await _note(key, "finally")
        raise LookupError("finally", 1)


@wool.routine
async def yielding_in_finally(key: str) -> AsyncGenerator[Any, Any]:
    try:
        await _note(key, "step")
        yield "ready"
    finally:
        await _note(key, "finally")
        try:
            sent = yield "clean-up"
            await _note(key, "sent", sent)
        finally:
            await _note(key, "finally of finally")


@wool.routine
async def waiting_in_finally(key: str) -> AsyncGenerator[Any, Any]:
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            doubling = group.create_task(asyncio.sleep(0, 2))
            await _note(key, "step")
            yield "ready"
            await _note(key, "step")
            yield await doubling
            await _note(key, "step")
    finally:
        await asyncio.gather(*(_note(key, "finally") for _ in range(2)))


@wool.routine
async def stopping(key: str) -> AsyncGenerator[Any, Any]:
    """Raise StopAsyncIteration and StopIteration, which no generator may."""
    try:
        await _note(key, "step")
        sent = yield "ready"
    finally:
        await _note(key, "finally")
    raise (StopIteration if sent else StopAsyncIteration)("enough")


@wool.routine
async def exiting(key: str) -> AsyncGenerator[Any, Any]:
    """Raise what asyncio and generators have a meaning of their own for."""
    try:
        await _note(key, "step")
        sent = yield "ready"
    finally:
        await _note(key, "finally")
    raise (asyncio.CancelledError if sent else GeneratorExit)("mine")


@wool.routine
async def returning(key: str) -> AsyncGenerator[Any, Any]:
    """End when something is sent or thrown."""
    try:
        while True:
            await _note(key, "step")
            if (yield "ready"):
                await _note(key, "return")
                return
    except BaseException:  # noqa: BLE001 - that is its temper
        await _note(key, "except")
        return
    finally:
        await _note(key, "finally")


@wool.routine
async def translating(key: str) -> AsyncGenerator[Any, Any]:
    """Raise something else than was thrown: with a cause, without, as a group."""
    await _note(key, "step")
    try:
        sent = yield "ready"
        await _note(key, "step")
        yield sent
    except ValueError as error:
        await _note(key, "except")
        raise ValueError(*error.args, "translated") from error
    except LookupError:
        await _note(key, "except")
        raise TypeError("translated") from None
    except Exception as error:  # noqa: BLE001 - that is its temper
        await _note(key, "except")
        raise ExceptionGroup("translated", [error, OSError(2, "gone")])  # noqa: B904 - its context
    finally:
        await _note(key, "finally")


@asynccontextmanager
async def _resource(key: str) -> AsyncGenerator[None]:
    await _note(key, "acquired")
    try:
        yield
    finally:
        await _note(key, "released")


@wool.routine
async def nesting(key: str) -> AsyncGenerator[Any, Any]:
    """Relay a plain generator inside a context manager, and hand on what is thrown."""
    async with _resource(key), aclosing(catching.local(key)) as inner:
        await _note(key, "step")
        item = await anext(inner)
        while True:
            try:
                sent = yield item
            except Exception as error:  # noqa: BLE001 - it hands on whatever comes
                item = await inner.athrow(error)
            else:
                await _note(key, "step")
                item = await inner.asend(sent)


@wool.routine
async def relaying(key: str) -> AsyncGenerator[Any, Any]:
    """Relay another routine's generator, which is a remote one either way."""
    try:
        async with aclosing(echoing(f"{key}/inner")) as inner:
            async for item in inner:
                yield item
    finally:
        await _note(key, "finally")


@wool.routine
async def raising_at_once(key: str) -> AsyncGenerator[Any, Any]:
    """Yield nothing."""
    await _note(key, "step")
    raise OSError(2, "no such file", key)
    yield


FAMILY: list[Kind] = [
    echoing,
    catching,
    catching_errors,
    raising_in_finally,
    yielding_in_finally,
    waiting_in_finally,
    stopping,
    exiting,
    returning,
    translating,
    nesting,
    relaying,
    raising_at_once,
]
