"""Routines of the shapes that users give them."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import wool
from tests.routines import double, pid

__all__ = ["Dog", "Puppy", "apply", "collect", "descend", "gather_in_group", "in_pools"]


class Dog:
    """Its routines call each other."""

    sound = "woof"

    def __init__(self, name: str) -> None:
        self.name = name

    @wool.routine
    async def bark(self, times: int = 1, *, loud: bool = False) -> str:
        words = f"{self.name}: {' '.join([self.sound] * times)}"
        return words.upper() if loud else words

    @wool.routine
    async def barks(self, times: int) -> AsyncGenerator[str, None]:
        for n in range(times):
            yield await self.bark(n + 1)

    @classmethod
    @wool.routine
    async def kind(cls) -> str:
        return cls.__name__

    @staticmethod
    @wool.routine
    async def legs() -> int:
        return 4


class Puppy(Dog):
    sound = "yip"

    @wool.routine
    async def bark(self, times: int = 1, *, loud: bool = False) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return f"little {await super().bark(times, loud=loud)}"

    @wool.routine
    async def barks(self, times: int) -> AsyncGenerator[str, None]:  # pyright: ignore[reportIncompatibleVariableOverride]
        async for words in super().barks(times):
            yield f"{words}!"

    @classmethod
    @wool.routine
    async def kind(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        parent: Any = super()
        return f"{cls.__name__} of {await parent.kind()}"


@wool.routine
async def apply(function: Callable[..., Awaitable[Any]], *args: Any) -> tuple[int, Any]:
    """Call what was handed over; tell where the call was made."""
    return os.getpid(), await function(*args)


@wool.routine
async def collect(stream: Callable[..., AsyncGenerator[Any, None]], *args: Any) -> list[Any]:
    return [item async for item in stream(*args)]


@wool.routine
async def descend(depth: int) -> int:
    """Call itself."""
    return 1 + await descend(depth - 1) if depth else 0


@wool.routine
async def gather_in_group(numbers: list[int]) -> list[int]:
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(double(n)) for n in numbers]
    return [call.result() for call in calls]


@wool.routine
async def in_pools() -> dict[str, int]:
    """Open two pools in each other, in a worker, and tell who takes the calls where."""
    places = {"here": os.getpid(), "before": await pid()}
    async with wool.WorkerPool(size=1):
        places["outer"] = await pid()
        async with wool.WorkerPool(size=1):
            places["inner"] = await pid()
        places["outer again"] = await pid()
    places["after"] = await pid()
    return places
