"""Workers are killed at random for as long as it takes, while calls and streams go on."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

import wool
from tests.faults.journal import Journal, note
from tests.faults.soak import long_or_short, may_take

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops, may_take(900)]

KILLS = long_or_short(600, 6)  # a second apart, or more where no worker takes calls just then
PATIENCE = long_or_short(880.0, 50.0)  # seconds, for all of it
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


async def _call(journal: str, seconds: float) -> str:
    return await call(journal, seconds)


async def _stream(journal: str, seconds: float) -> str:
    (key,) = {key async for key in stream(journal, seconds)}
    return key


@dataclass
class Chaos:
    """What became of all calls, and who was killed."""

    journal: Journal
    killed: set[int] = field(default_factory=set[int])
    succeeded: list[str] = field(default_factory=list[str])
    died: list[wool.WorkerDied] = field(default_factory=list[wool.WorkerDied])
    refused: list[wool.WoolError] = field(default_factory=list[wool.WoolError])
    """Those of which it is certain that they were not started."""

    over: bool = False
    """Whether the last worker that is to be killed was."""

    async def kill_one_every_second(self, pool: wool.WorkerPool) -> None:
        while len(self.killed) < KILLS:
            await asyncio.sleep(1)
            serving = [worker.pid for worker in pool.workers.values()]
            if serving:
                victim = random.choice(serving)
                self.killed.add(victim)
                with suppress(ProcessLookupError):  # it was killed last time, and is still listed
                    os.kill(victim, signal.SIGKILL)
        self.over = True

    async def call_again_and_again(self) -> None:
        """Make calls and streams until, with nobody killed any more, one of each succeeds."""
        owed = {_call, _stream}
        while owed:
            over, kind = self.over, random.choice([_call, _stream])
            try:
                self.succeeded.append(await kind(self.journal.path, random.random() * 0.05))
            except wool.WorkerDied as error:
                self.died.append(error)
            except wool.NoWorkersAvailable as error:
                self.refused.append(error)
            else:
                owed -= {kind} if over else set()

    def assert_promises(self) -> None:
        figures = (
            f"{len(self.succeeded)} succeeded, {len(self.died)} died with {len(self.killed)} "
            f"workers, {len(self.refused)} were not started"
        )
        print(figures)  # noqa: T201 - `make soak` shows it
        assert {(error.pid in self.killed, error.signal) for error in self.died} <= {(True, 9)}
        assert len(self.succeeded) >= 0.95 * (len(self.succeeded) + len(self.refused)), figures
        started = self.journal.ids
        assert len(started) == len(set(started))
        assert set(self.succeeded) <= set(started)
        assert len(started) <= len(self.succeeded) + len(self.died)


async def test_every_call_ends_and_none_runs_twice_while_workers_are_killed(
    journal: Journal,
) -> None:
    chaos = Chaos(journal)
    async with (
        wool.WorkerPool(size=2, start_timeout=10.0) as pool,
        asyncio.timeout(PATIENCE),
        asyncio.TaskGroup() as everybody,
    ):
        everybody.create_task(chaos.kill_one_every_second(pool))
        for _ in range(CALLERS):
            everybody.create_task(chaos.call_again_and_again())
    chaos.assert_promises()
