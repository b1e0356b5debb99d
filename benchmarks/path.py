"""`make bench-path`: how much Python of ours runs for a call, counted, at either end.

Nothing is timed, so that no noise moves the figures: they grow if, and only if, the way of a call
gets longer. `benchmarks/path.json` has those of the code as it is; a test compares.
"""

from __future__ import annotations

__all__ = ["COMMITTED", "MARGIN", "grown", "measure", "read", "tables", "write"]

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

import wool
from benchmarks.counted import start_counting, stop_counting
from benchmarks.counting import Counter, Counts
from benchmarks.routines import count, noop
from benchmarks.tables import PERFORMANCE, replaced

COMMITTED = Path(__file__).with_name("path.json")
MARGIN = 0.05
"""Such a share may be added without anyone having to say so."""

_CALLS = 200  # counts are rounded for each: more of them change nothing
_WARM_UP = 50
_ENDS = ("caller", "worker")
_PYTHON = (3, 11)  # newer ones compile the same code into fewer bytecodes

Kinds = dict[str, dict[str, Counts]]
"""By kind of call, and by end: `caller` or `worker`."""


@wool.routine
async def noop_of_main() -> None:
    """Do nothing."""


async def measure() -> Kinds:
    """Count each kind of call, one after the other."""
    async with wool.WorkerPool(size=1):
        found = {
            "noop": await _both_ends(lambda: _call(noop)),
            "noop of `__main__`": await _both_ends(lambda: _call(noop_of_main)),
        }
        stream = count(sys.maxsize)
        found["step of a stream"] = await _both_ends(lambda: anext(stream))
        await stream.aclose()
    return found


async def _call(routine: Callable[[], Awaitable[None]]) -> None:
    await routine()


async def _both_ends(call: Callable[[], Awaitable[object]]) -> dict[str, Counts]:
    for _ in range(_WARM_UP):
        await call()
    await start_counting()
    counter = Counter()
    counter.start()
    for _ in range(_CALLS):
        await call()
    caller = counter.stop(_CALLS)
    return {"caller": caller, "worker": await stop_counting(_CALLS)}


def read(path: Path = COMMITTED) -> Kinds:
    """Return the figures that were kept."""
    data = json.loads(path.read_text())
    return {kind: {end: Counts(**ends[end]) for end in ends} for kind, ends in data.items()}


def write(kinds: Kinds, path: Path = COMMITTED) -> None:
    """Keep the figures."""
    data = {kind: {end: asdict(ends[end]) for end in ends} for kind, ends in kinds.items()}
    path.write_text(json.dumps(data, indent=1) + "\n")


def grown(now: Kinds, before: Kinds) -> list[str]:
    """Return a sentence for each total that is above the earlier one by more than the margin."""
    return [
        f"a {kind} takes {total} {what} at the {end}, and took {old}"
        for kind, ends in now.items()
        for end, counts in ends.items()
        for what, total in counts.totals.items()
        if total > (1 + MARGIN) * (old := before[kind][end].totals[what])
    ]


def tables(kinds: Kinds) -> str:
    """Return the totals of each kind of call, and the rooms that a noop goes through."""
    heads = ("caller: functions", "bytecodes", "worker: functions", "bytecodes")
    totals = [(kind, [ends[end].totals for end in _ENDS]) for kind, ends in kinds.items()]
    noop = [kinds["noop"][end] for end in _ENDS]
    rooms = sorted({room for counts in noop for room in counts.functions})
    found = [(f"`wool/{room}`", [counts.of_room(room) for counts in noop]) for room in rooms]
    return "\n\n".join(
        "\n".join(
            [
                f"| {title} | {' | '.join(heads)} |",
                f"|{'---|' * 5}",
                *(f"| {name} | {' | '.join(_cells(counts))} |" for name, counts in lines),
            ]
        )
        for title, lines in (("call", totals), ("a noop's way", found))
    )


def _cells(counts: list[dict[str, int]]) -> list[str]:
    return [f"{of_end[what]:,}" for of_end in counts for what in ("functions", "bytecodes")]


def main() -> int:
    """Count and print; with --check compare, with --write keep and show."""
    parser = argparse.ArgumentParser(prog="make bench-path", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a call's way got longer")
    parser.add_argument("--write", action="store_true", help="make these the committed figures")
    options = parser.parse_args()
    if options.write and sys.version_info[:2] != _PYTHON:
        parser.error("the committed figures are those of the oldest Python, 3.11")
    found = asyncio.run(measure())
    print(tables(found))
    if options.write:
        write(found)
        PERFORMANCE.write_text(replaced(PERFORMANCE.read_text(), "path", tables(found)))
    longer = grown(found, read()) if options.check else []
    for sentence in longer:
        print(sentence)
    return len(longer) > 0


if __name__ == "__main__":
    sys.exit(main())
