import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import wool


@wool.routine
async def double(number: int) -> int:
    return 2 * number


@wool.routine
async def worker_pid() -> int:
    return os.getpid()


@wool.routine
async def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@wool.routine
async def count_to(number: int) -> AsyncGenerator[int]:
    for value in range(1, number + 1):
        yield value


@wool.routine
async def fail() -> AsyncGenerator[str]:
    raise LookupError("no such picture")
    yield ""


@wool.routine
async def linger(diary: Path, items: int) -> AsyncGenerator[str]:
    """Yield so many items, then wait for ever; the diary tells what happened on the worker."""
    try:
        _write(diary, f"started in {os.getpid()}")
        for number in range(items):
            yield f"item {number}"
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)
        _write(diary, "cleaned up")


def _write(diary: Path, line: str) -> None:
    with diary.open("w") as file:
        print(line, file=file)
