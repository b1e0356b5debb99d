"""Workers are killed at random for as long as it takes, while calls and streams go on."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

import wool
from tests.faults.journal import Journal, note
from tests.faults.soak import long_or_short, may_take

pytestmark = [pytest.mark.anyio, may_take(900)]

DURATION = long_or_short(600.0, 6.0)  # seconds
CALLERS = 16


@wool.routine
async def call(journal: str, seconds: float) -> str:
    note(journal)
    await asyncio.sleep(seconds)
    return _id()


@wool.routine
async def stream(journal: str, seconds: float) -> AsyncGenerator[str, None]:
    note(journal)
    for _ in range(5):
        await asyncio.sleep(seconds / 5)
        yield _id()


def _id() -> str:
    task = wool.current_task()
    assert task is not None
    return str(task.id)


@dataclass
class Chaos:
    """What became of all calls, and who was killed."""

    journal: Journal
    killed: set[int] = field(default_factory=set[int])
    succeeded: list[str] = field(default_factory=list[str])
    died: list[wool.WorkerDied] = field(default_factory=list[wool.WorkerDied])
    refused: list[wool.WoolError] = field(default_factory=list[wool.WoolError])
    """Those of which it is certain that they were not started."""

    async def kill_one_every_second(self, pool: wool.WorkerPool, end: float) -> None:
        while time.monotonic() < end:
            await asyncio.sleep(1)
            victim = random.choice([worker.pid for worker in pool.workers.values()] or [0])
            if victim:
                self.killed.add(victim)
                with suppress(ProcessLookupError):  # of the last kill, and not yet off the list
                    os.kill(victim, signal.SIGKILL)

    async def call_again_and_again(self, end: float) -> None:
        while time.monotonic() < end:
            try:
                self.succeeded.append(await self._one(random.choice([self._call, self._stream])))
            except wool.WorkerDied as error:
                self.died.append(error)
            except wool.NoWorkersAvailable as error:
                self.refused.append(error)

    async def _one(self, kind: Callable[[float], Coroutine[Any, Any, str]]) -> str:
        return await kind(random.random() * 0.05)

    async def _call(self, seconds: float) -> str:
        return await call(self.journal.path, seconds)

    async def _stream(self, seconds: float) -> str:
        (key,) = {key async for key in stream(self.journal.path, seconds)}
        return key

    def assert_promises(self) -> None:
        figures = (
            f"{len(self.succeeded)} succeeded, {len(self.died)} died with {len(self.killed)} "
            f"workers, {len(self.refused)} were not started"
        )
        print(figures)  # noqa: T201 - `make soak` shows it
        assert {(error.pid in self.killed, error.signal) for error in self.died} <= {(True, 9)}
        assert len(self.succeeded) >= 0.95 * (len(self.succeeded) + len(self.refused)), figures
        assert len(self.succeeded) >= 20 * DURATION, figures
        started = self.journal.ids
        assert len(started) == len(set(started))
        assert set(self.succeeded) <= set(started)
        assert len(started) <= len(self.succeeded) + len(self.died)


async def test_every_call_ends_and_none_runs_twice_while_workers_are_killed(
    journal: Journal,
) -> None:
    chaos = Chaos(journal)
    async with wool.WorkerPool(size=2) as pool:
        end = time.monotonic() + DURATION
        async with asyncio.timeout(DURATION + 10), asyncio.TaskGroup() as everybody:
            everybody.create_task(chaos.kill_one_every_second(pool, end))
            for _ in range(CALLERS):
                everybody.create_task(chaos.call_again_and_again(end))
    chaos.assert_promises()
