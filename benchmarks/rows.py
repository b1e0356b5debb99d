"""The rows of the table: what is measured, in which unit, and against what."""

from __future__ import annotations

__all__ = ["EXECUTOR", "ROWS", "Row"]

from dataclasses import dataclass

EXECUTOR = "ProcessPoolExecutor"
BARE_ECHO = "a bare echo"
SPAWNED = "spawned"


@dataclass(frozen=True)
class Row:
    """A row of the table; `digits` follow the decimal point of its figures."""

    title: str
    unit: str
    digits: int = 0
    less_is_better: bool = False
    against: str = EXECUTOR


ROWS: dict[str, Row] = {
    "alone": Row("noop, one after the other, p50", "µs", less_is_better=True),
    "over-floor": Row(
        "the same, over a bare echo on a socket pair",
        "µs",
        less_is_better=True,
        against=BARE_ECHO,
    ),
    "alone-main": Row("the same, a routine of `__main__`", "µs", less_is_better=True),
    "flight-64": Row("noop, 64 in flight", "calls/s"),
    "flight-512": Row("noop, 512 in flight", "calls/s"),
    "flight-64-main": Row("64 in flight, a routine of `__main__`", "calls/s"),
    "echo-64k": Row("echo of 64 kB of `bytes`", "MB/s"),
    "echo-1m": Row("echo of 1 MB of `bytes`", "MB/s"),
    "echo-10m": Row("echo of 10 MB of `bytes`", "MB/s"),
    "echo-array": Row("echo of a 10 MB array", "MB/s"),
    "stream": Row("items of a generator, step by step, over calls one after another", "/s"),
    "prefetch": Row("the same, with `prefetch=32`", "/s"),
    "cpu": Row("CPU per noop at 64 in flight, caller and workers", "µs", less_is_better=True),
    "web": Row("FastAPI under uvicorn, noop, 64 connections", "requests/s"),
    "start": Row("start of two workers to the first result", "s", 3, less_is_better=True),
    "start-spawn": Row(
        "the same, both starting new interpreters",
        "s",
        3,
        less_is_better=True,
        against=SPAWNED,
    ),
    "memory": Row("memory of one worker (PSS) after 300 calls", "MB", 1, less_is_better=True),
    "memory-spawn": Row(
        "the same, both starting new interpreters",
        "MB",
        1,
        less_is_better=True,
        against=SPAWNED,
    ),
}
