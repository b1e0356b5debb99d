"""How each row that is taken in one process is measured, of wool and of what it is beside."""

from __future__ import annotations

__all__ = ["Trial", "trials"]

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from benchmarks import routines
from benchmarks.contestant import Contestant
from benchmarks.measure import Call, bytes_rate, in_flight, items_rate, one_by_one, some_bytes
from benchmarks.processes import cpu_time

_ALONE = 2000  # calls
_TOGETHER = 12_800  # calls
_ITEMS = 2000
_ITEMS_AHEAD = 20_000
_SIZES = {"echo-64k": (64_000, 400), "echo-1m": (1_000_000, 60), "echo-10m": (10_000_000, 8)}
"""Bytes, and calls."""

Measure = Callable[[float], Awaitable[float | None]]
"""Takes one figure, with so many times as many calls as in a full run."""


@dataclass(frozen=True)
class Trial:
    """The measures of one row."""

    row: str
    ours: Measure
    theirs: Measure


def trials(
    ours: Contestant, theirs: Contestant, *, of_main: tuple[Call, Call], floor: Call
) -> list[Trial]:
    """Return the trials, in the order of the table; `of_main` calls functions of `__main__`."""
    noop, executed = ours.noop, theirs.noop
    main, executed_main = of_main
    return [
        Trial("alone", _latency(noop), _latency(executed)),
        Trial("over-floor", _latency(noop), _latency(floor)),
        Trial("alone-main", _latency(main), _latency(executed_main)),
        Trial("flight-64", _rate(noop, 64), _rate(executed, 64)),
        Trial("flight-512", _rate(noop, 512), _rate(executed, 512)),
        Trial("flight-64-main", _rate(main, 64), _rate(executed_main, 64)),
        *(_echo(row, ours, theirs) for row in _SIZES),
        _echo_array(ours, theirs),
        Trial("stream", _items(routines.count, _ITEMS), _rate_alone(executed)),
        Trial("prefetch", _items(routines.count_ahead, _ITEMS_AHEAD), _rate_alone(executed)),
        Trial("cpu", _cpu(ours), _cpu(theirs)),
    ]


def _scaled(count: int, scale: float) -> int:
    return max(2, int(count * scale))


def _latency(call: Call) -> Measure:
    async def measure(scale: float) -> float:
        return (await one_by_one(call, _scaled(_ALONE, scale))).median

    return measure


def _rate_alone(call: Call) -> Measure:
    async def measure(scale: float) -> float:
        return (await one_by_one(call, _scaled(_ALONE, scale))).rate

    return measure


def _rate(call: Call, width: int) -> Measure:
    async def measure(scale: float) -> float:
        return (await in_flight(call, _scaled(_TOGETHER, scale), width)).rate

    return measure


def _echo(row: str, ours: Contestant, theirs: Contestant) -> Trial:
    size, calls = _SIZES[row]
    value = some_bytes(size)
    return Trial(row, _bytes(ours, value, size, calls), _bytes(theirs, value, size, calls))


def _echo_array(ours: Contestant, theirs: Contestant) -> Trial:
    size, calls = _SIZES["echo-10m"]
    array = np.random.default_rng(1).random(size // 8)
    return Trial("echo-array", _bytes(ours, array, size, calls), _bytes(theirs, array, size, calls))


def _bytes(contestant: Contestant, value: object, size: int, calls: int) -> Measure:
    async def measure(scale: float) -> float:
        await contestant.echo(value)  # its type is imported, its memory there
        return await bytes_rate(contestant.echo, value, size, _scaled(calls, scale))

    return measure


def _items(stream: Callable[[int], AsyncIterator[int]], items: int) -> Measure:
    async def measure(scale: float) -> float:
        return await items_rate(stream(_scaled(items, scale)))

    return measure


def _cpu(contestant: Contestant) -> Measure:
    """Measure the processor time of a call, in microseconds."""

    async def measure(scale: float) -> float | None:
        calls = _scaled(_TOGETHER, scale) // 64 * 64 or 64
        before = cpu_time(contestant.pids())
        await in_flight(contestant.noop, calls, 64)
        after = cpu_time(contestant.pids())
        return None if before is None or after is None else (after - before) / calls * 1e6

    return measure
