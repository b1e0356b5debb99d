"""`python -m benchmarks.starts WHO LOOP`: one start, and a worker's memory, in a fresh process.

It prints the seconds from opening two workers to a first result, and the megabytes of the larger
of them after 300 calls.
"""

from __future__ import annotations

__all__ = ["contest"]

import argparse
import json
import subprocess
import sys
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass

from benchmarks.contestant import Contestant
from benchmarks.loops import LOOPS, LoopName, run
from benchmarks.measure import in_flight
from benchmarks.processes import proportional_memory
from benchmarks.results import Figure

_WORKERS = 2
_CALLS = 300
_ROWS = ("start", "start-spawn", "memory", "memory-spawn")
_CONTESTANTS = ("wool", "executor", "spawned")


@dataclass(frozen=True)
class Start:
    """What one start took: seconds, and megabytes of a worker where the system tells."""

    seconds: float
    memory: float | None


def contest(loop: LoopName, rounds: int) -> list[Figure]:
    """Start each in turn, in processes of their own."""
    figures = {row: Figure(row, loop, [], []) for row in _ROWS}
    for _ in range(rounds):
        ours, forked, spawned = (_start(who, loop) for who in _CONTESTANTS)
        for row, theirs in (("", forked), ("-spawn", spawned)):
            figures[f"start{row}"].ours.append(ours.seconds)
            figures[f"start{row}"].theirs.append(theirs.seconds)
            if ours.memory is not None and theirs.memory is not None:
                figures[f"memory{row}"].ours.append(ours.memory)
                figures[f"memory{row}"].theirs.append(theirs.memory)
    return list(figures.values())


def _start(who: str, loop: LoopName) -> Start:
    command = [sys.executable, "-m", "benchmarks.starts", who, loop]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return Start(**json.loads(done.stdout))


async def _measure(who: str) -> Start:
    started = time.perf_counter()
    async with _opened(who) as contestant:
        await contestant.noop()
        seconds = time.perf_counter() - started
        await in_flight(contestant.noop, _CALLS, 16)
        sizes = [proportional_memory(pid) for pid in contestant.pids()]
    known = [size for size in sizes if size is not None]
    return Start(seconds, max(known, default=None))


def _opened(who: str) -> AbstractAsyncContextManager[Contestant]:
    """Open one; the others are not even imported."""
    if who == "wool":
        from benchmarks.wool_pool import open_wool

        return open_wool(_WORKERS)
    from benchmarks.executor import open_executor

    return open_executor(_WORKERS, "spawn" if who == "spawned" else None)


def main() -> None:
    """Start one, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starts")
    parser.add_argument("who", choices=_CONTESTANTS)
    parser.add_argument("loop", choices=LOOPS)
    options = parser.parse_args()
    print(json.dumps(asdict(run(_measure(options.who), options.loop))))


if __name__ == "__main__":
    main()
