"""`python -m benchmarks.contest LOOP`: takes the rows of the table, and prints them as JSON.

A program, so that its own routine, one of `__main__`, travels by value. Each figure is taken of
wool and of ProcessPoolExecutor in turn, in this one process: both see the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time

import wool
from benchmarks.contestant import warm_up
from benchmarks.executor import open_executor
from benchmarks.floor import open_floor
from benchmarks.loops import LOOPS, LoopName, run
from benchmarks.results import Figure
from benchmarks.trials import Trial, trials
from benchmarks.wool_pool import open_wool

_WORKERS = 2


@wool.routine
async def noop_of_main() -> None:
    """Do nothing."""


def plain_noop_of_main() -> None:
    """Do nothing."""


async def contest(loop: LoopName, rounds: int, scale: float) -> list[Figure]:
    """Take every figure `rounds` times."""
    async with open_executor(_WORKERS) as theirs:
        await warm_up(theirs, _WORKERS)  # its processes are forked now, and inherit nothing else
        async with open_floor(loop) as floor, open_wool(_WORKERS) as ours:
            await warm_up(ours, _WORKERS)
            of_main = (noop_of_main, theirs.executing(plain_noop_of_main))
            chosen = trials(ours, theirs, of_main=of_main, floor=floor)
            return await _figures(chosen, loop, rounds, scale)


async def _figures(chosen: list[Trial], loop: LoopName, rounds: int, scale: float) -> list[Figure]:
    figures = {trial.row: Figure(trial.row, loop, [], []) for trial in chosen}
    for turn in range(rounds):
        started = time.monotonic()
        for trial in chosen:  # who goes first alternates
            await _take(trial, figures[trial.row], scale, ours_first=turn % 2 == 0)
        took = time.monotonic() - started
        print(f"  round {turn + 1} of {rounds}: {took:.1f} s", file=sys.stderr, flush=True)
    return list(figures.values())


async def _take(trial: Trial, figure: Figure, scale: float, *, ours_first: bool) -> None:
    both = [(trial.ours, figure.ours), (trial.theirs, figure.theirs)]
    for measure, taken in both if ours_first else reversed(both):
        value = await measure(scale)
        if value is not None:
            taken.append(value)
        await asyncio.sleep(0.01)  # so that what one left to do isn't done in the other's time


def main() -> None:
    """Take the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contest")
    parser.add_argument("loop", choices=LOOPS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="times as many calls")
    options = parser.parse_args()
    figures = run(contest(options.loop, options.rounds, options.scale), options.loop)
    json.dump([figure.as_json() for figure in figures], sys.stdout)


if __name__ == "__main__":
    main()
