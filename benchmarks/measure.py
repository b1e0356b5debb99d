"""Measuring: what takes how long, in microseconds, and how two of them compare."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Comparison", "latency", "proportional_memory", "rate"]

Call = Callable[[], Awaitable[object]]


@dataclass
class Comparison:
    """Figures of two contestants, taken in turn, so that both see the same machine."""

    name: str
    unit: str
    ours: list[float] = field(default_factory=list[float])
    theirs: list[float] = field(default_factory=list[float])

    @property
    def ratios(self) -> list[float]:
        """Ours by theirs, round by round."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    def row(self) -> str:
        """Return the medians, and the least and the greatest ratio, as a row of a table."""
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        ratios = sorted(self.ratios)
        return (
            f"| {self.name} | {ours:,.0f} {self.unit} | {theirs:,.0f} {self.unit} "
            f"| {statistics.median(ratios):.2f} | {ratios[0]:.2f} - {ratios[-1]:.2f} |"
        )


async def latency(call: Call, calls: int) -> float:
    """Return the median time of a call in microseconds, one after the other."""
    times: list[float] = []
    for _ in range(calls):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


async def rate(call: Call, calls: int, in_flight: int) -> float:
    """Return calls per second with `in_flight` of them at any time."""

    async def caller() -> None:
        for _ in range(calls // in_flight):
            await call()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as callers:
        for _ in range(in_flight):
            callers.create_task(caller())
    return calls // in_flight * in_flight / (time.perf_counter() - started)


def proportional_memory(pid: int) -> float | None:
    """Return a process's proportional set size in megabytes; None where /proc doesn't tell."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024
