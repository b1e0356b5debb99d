"""Routines that tests share; workers import this module."""

import asyncio
import contextlib
import functools
import inspect
import os
import signal
import time
from collections.abc import AsyncGenerator
from typing import Any, NoReturn

import anyio

import wool
from tests.home import say, told

# ruff: noqa: ASYNC251 - blocking a worker's loop is what some tests are about


@wool.routine
async def pid() -> int:
    return os.getpid()


@wool.routine
async def double(n: int) -> int:
    return 2 * n


@wool.routine
async def echo(value: Any) -> Any:
    return value


@wool.routine
async def evaluate(expression: str) -> Any:
    """Give what an expression is in the worker."""
    value = eval(expression, {"os": os, "asyncio": asyncio, "wool": wool})  # noqa: S307
    return await value if inspect.isawaitable(value) else value


@wool.routine
async def size_of(value: bytes) -> int:
    return len(value)


@wool.routine
async def make(size: int) -> bytes:
    return bytes(size)


@wool.routine
async def fail(error: BaseException) -> NoReturn:
    raise error


@wool.routine
async def wait(home: str, *, swallow: bool = False) -> str:
    """Say "started", wait for "go", and tell home of a cancellation and of the end."""
    say(home, "started")
    try:
        await told(home, "go")
    except asyncio.CancelledError as error:
        say(home, " ".join(["cancelled", *error.args]))
        if not swallow:
            raise
    finally:
        say(home, "ended")
    return "went on"


@wool.routine
async def refuse_to_end(home: str) -> None:
    """Ignore every cancellation until home says "go"."""
    say(home, f"started {os.getpid()}")
    going = asyncio.ensure_future(told(home, "go"))
    while not going.done():
        try:
            await asyncio.wait([going])
        except asyncio.CancelledError:
            say(home, "ignored")


@wool.routine
async def block(home: str, seconds: float) -> int:
    """Keep the worker's loop from turning."""
    say(home, f"started {os.getpid()}")
    time.sleep(seconds)
    return os.getpid()


@wool.routine
async def die(home: str, how: str) -> None:
    """Note that it ran, then end the process."""
    say(home, f"ran {os.getpid()}")
    await asyncio.sleep(0.01)  # the acknowledgement goes out
    end(how)


def end(how: str) -> None:
    if how == "exit":
        os._exit(3)
    elif how == "segfault":
        import ctypes

        ctypes.string_at(0)
    else:
        os.kill(os.getpid(), signal.SIGKILL)


@wool.routine
async def count(to: int) -> AsyncGenerator[int, None]:
    for n in range(to):
        yield n


@wool.routine
async def tell_steps(home: str, to: int) -> AsyncGenerator[int, None]:
    """Count, telling home of each step and of the end."""
    try:
        for n in range(to):
            say(home, n)
            yield n
    finally:
        say(home, "ended")


@wool.routine
async def parrot() -> AsyncGenerator[Any, Any]:
    """Yield whatever is sent, and the type name of whatever is thrown."""
    heard: Any = "ready"
    while True:
        try:
            heard = yield heard
        except Exception as error:  # noqa: BLE001 - tests throw what they like
            heard = f"caught {type(error).__name__}: {error}"


@wool.routine
async def slow_step(home: str, *, swallow: bool = False) -> AsyncGenerator[str, None]:
    """Yield "first"; take for the second step until home says "go"."""
    try:
        yield "first"
        say(home, "started")
        try:
            await told(home, "go")
        except asyncio.CancelledError:
            say(home, "cancelled")
            if not swallow:
                raise
        yield "second"
    finally:
        await asyncio.sleep(0)
        say(home, "ended")


@wool.routine
async def stubborn() -> AsyncGenerator[str, None]:
    """Ignore being closed, for ever."""
    while True:
        with contextlib.suppress(GeneratorExit):
            yield "here"


@wool.routine
async def lineage(depth: int) -> list[tuple[Any, Any, int]]:
    """Tell (id, caller, pid) of this call and of the nested ones."""
    task = wool.current_task()
    assert task is not None
    here = (task.id, task.caller, os.getpid())
    return [here, *(await lineage(depth - 1) if depth else [])]


@wool.routine
async def doubled_stream(to: int) -> AsyncGenerator[int, None]:
    """Stream what comes from a nested stream and a nested call."""
    async for n in count(to):
        yield await double(n)


class Account:
    """Methods of every sort."""

    rate = 2

    def __init__(self, balance: int) -> None:
        self.balance = balance

    @wool.routine
    async def plus(self, amount: int) -> int:
        """Add."""
        return self.balance + amount

    @wool.routine
    async def each(self, amount: int) -> AsyncGenerator[int, None]:
        for n in range(amount):
            yield self.balance + n

    @classmethod
    @wool.routine
    async def rated(cls, n: int) -> int:
        return cls.rate * n

    @wool.routine
    @classmethod
    async def rated_too(cls, n: int) -> int:
        return cls.rate * n

    @staticmethod
    @wool.routine
    async def thrice(n: int) -> int:
        return 3 * n

    @wool.routine
    @staticmethod
    async def thrice_too(n: int) -> int:
        return 3 * n


class Savings(Account):
    rate = 5

    @wool.routine
    async def plus(self, amount: int) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return 10 * await super().plus(amount)


@wool.routine
async def translating() -> AsyncGenerator[str, None]:
    try:
        yield "ready"
    except ValueError as error:
        raise LookupError("translated") from error


@wool.routine
async def limited_stream(sort: str, limit: float) -> AsyncGenerator[str, None]:
    """Hold a timeout of asyncio, or a scope of anyio, across a yield, then take too long."""
    if sort == "asyncio":
        try:
            async with asyncio.timeout(limit):
                yield "first"
                await asyncio.sleep(10)
        except TimeoutError:
            yield "TimeoutError"
    else:
        with anyio.move_on_after(limit):
            yield "first"
            await asyncio.sleep(10)
        yield "cancelled"


@wool.routine
async def delegate_death(home: str) -> tuple[int, str]:
    """Have another worker die in a nested call, and tell how that went."""
    while (other := await pid()) == os.getpid():
        pass
    while True:
        if await pid() == os.getpid():  # the other's turn is next
            try:
                await die(home, "kill")
            except wool.WorkerDied as died:
                return other, f"WorkerDied {died.pid} {died.signal}"


@wool.routine
async def slow_clean_up(home: str) -> None:
    """Take some turns of the loop to clean up."""
    say(home, "started")
    try:
        await told(home, "never")
    finally:
        await asyncio.sleep(0.2)
        say(home, "cleaned up")


def _one_more(function: Any) -> Any:
    @functools.wraps(function)
    async def call(n: int) -> int:
        return int(await function(n)) + 1

    return call


@_one_more
@wool.routine
async def decorated(n: int) -> int:
    return 2 * n
