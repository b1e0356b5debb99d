"""ProcessPoolExecutor, awaited as asyncio documents it."""

from __future__ import annotations

__all__ = ["Executor", "open_executor"]

import asyncio
import multiprocessing
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks import plain
from benchmarks.contestant import Contestant
from benchmarks.measure import Call


@dataclass(frozen=True)
class Executor(Contestant):
    """An executor that runs; `executing` makes a call of another function."""

    executing: Callable[[Callable[[], None]], Call]


@asynccontextmanager
async def open_executor(workers: int, method: str | None = None) -> AsyncGenerator[Executor]:
    """Open one; its processes start with the first call, by the system's usual method."""
    loop = asyncio.get_running_loop()
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(workers, mp_context=context) as executor:
        before = {child.pid for child in multiprocessing.active_children()}
        run = partial(loop.run_in_executor, executor)

        def pids() -> list[int]:
            children = {child.pid for child in multiprocessing.active_children()} - before
            return [pid for pid in children if pid is not None]

        yield Executor(
            partial(run, plain.noop),
            partial(run, plain.echo),
            pids,
            lambda function: partial(run, function),
        )
