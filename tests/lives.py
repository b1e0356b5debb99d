"""Lifespans that tests share, and routines that use them; workers import this module."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import wool
from tests.home import say, told

__all__ = [
    "Box",
    "Lifespan",
    "Loaded",
    "breaking",
    "delayed",
    "loaded",
    "raising",
    "raising_at_the_end",
    "state_here",
    "state_is_one",
    "state_of",
    "telling",
    "waiting",
    "what_is_raised",
]

Lifespan = Callable[[], Any]


class Box:
    """What a lifespan yields: where it was made."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.task = asyncio.current_task()


@asynccontextmanager
async def loaded() -> AsyncGenerator[Box]:
    box = Box()
    yield box
    assert asyncio.current_task() is box.task


class Loaded:
    """A lifespan that is a class."""

    async def __aenter__(self) -> Box:
        return Box()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


def telling(home: str) -> Lifespan:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[str]:
        say(home, "entered")
        yield "the state"
        say(home, "left")

    return lifespan


def raising(error: BaseException) -> Lifespan:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        raise error
        yield

    return lifespan


def raising_at_the_end(error: BaseException) -> Lifespan:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        yield
        raise error

    return lifespan


def breaking(broken: Path) -> Lifespan:
    """Raise once there is a file at `broken`."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        if broken.exists():  # noqa: ASYNC240
            raise ValueError("no model any more")
        yield

    return lifespan


def delayed(late: Path, seconds: float) -> Lifespan:
    """Take so long to enter once there is a file at `late`."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        if late.exists():  # noqa: ASYNC240
            await asyncio.sleep(seconds)
        yield

    return lifespan


def waiting(home: str, *, leaving: bool = False) -> Lifespan:
    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        if leaving:
            yield
        say(home, f"waiting {os.getpid()}")
        await told(home, "go")
        if not leaving:
            yield

    return lifespan


@wool.routine
async def state_here() -> Any:
    return wool.worker_state()


@wool.routine
async def state_of(name: str) -> tuple[int, Any]:
    """Give the worker's pid, and an attribute of its state."""
    return os.getpid(), getattr(wool.worker_state(), name)


@wool.routine
async def state_is_one() -> bool:
    """Tell whether a thread, and a call of the loop, see the same state as the routine."""
    here = wool.worker_state()
    seen: list[Any] = [await asyncio.to_thread(wool.worker_state)]
    thread = threading.Thread(target=lambda: seen.append(wool.worker_state()))
    thread.start()
    thread.join()
    return all(state is here for state in seen)


@wool.routine
async def what_is_raised() -> str:
    try:
        return str(wool.worker_state())
    except RuntimeError as error:
        return str(error)
