"""Two workers: one is killed again and again, beside the other a call and a stream go on."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pytest

import wool
from tests.faults.aim import Aim
from tests.faults.journal import Journal
from tests.faults.lethal import WAYS, ticks
from tests.faults.promises import promised
from tests.home import Home
from tests.routines import pid, wait

__all__ = ["Fault", "Ward", "open_ward"]

Fault = Callable[["Ward", str], Awaitable[Any]]
"""Have the victim die in the way that is named; raise what the caller is told."""


@dataclass
class Ward:
    pool: wool.WorkerPool
    journal: Journal
    bystander: AsyncGenerator[int, None]
    spared: int
    told_after: list[float] = field(default_factory=list[float])
    """Seconds from each death until its caller was told."""
    served_after: list[float] = field(default_factory=list[float])
    """Seconds from each death until another worker served in the dead one's place."""

    @property
    def victim(self) -> int:
        """The pid of the worker to be killed."""
        (victim,) = (w.pid for w in self.pool.workers.values() if w.pid != self.spared)
        return victim

    async def kill(self, fault: Fault, how: str, *, acknowledged: bool) -> None:
        """Have the victim die, and see what its caller is told and who takes its place."""
        victim = self.victim
        with pytest.raises(wool.WorkerDied) as caught:
            await fault(self, how)
        told = time.monotonic()
        died = caught.value
        assert (died.pid, died.exitcode, died.signal) == (victim, *WAYS[how])
        assert died.acknowledged == acknowledged
        assert await anext(self.bystander) == self.spared
        while await pid() in (victim, self.spared):
            pass
        served = time.monotonic()
        death = self.journal.deaths[-1]
        self.told_after.append(told - death)
        self.served_after.append(served - death)

    def assert_promises(self) -> None:
        figures = f"told {_described(self.told_after)}, served {_described(self.served_after)}"
        print(figures)  # noqa: T201 - `make soak` shows it
        assert median(self.told_after) < promised(0.1), figures
        assert median(self.served_after) < promised(1), figures


def _described(seconds: list[float]) -> str:
    middle, most = (f"{1000 * second:.1f}" for second in (median(seconds), max(seconds)))
    return f"after {middle} ms in the median of {len(seconds)}, {most} at most"


@asynccontextmanager
async def open_ward(journal: Journal, home: Home) -> AsyncGenerator[Ward]:
    aim = Aim()
    async with (
        wool.WorkerPool(size=2, loadbalancer=aim, grace=2) as pool,
        aclosing(ticks(journal.path)) as bystander,
    ):
        other = await anext(bystander)
        aim.spared = next(w.pid for w in pool.workers.values() if w.pid != other)
        call = asyncio.create_task(wait(home.path))
        await home.hear()
        aim.spared = other
        yield Ward(pool, journal, bystander, other)
        home.tell("go")
        assert await call == "went on"
