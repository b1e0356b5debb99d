"""`python -m benchmarks.growth LOOP`: how costs grow along three axes, printed as JSON."""

from __future__ import annotations

__all__ = ["AXES", "Axis"]

import argparse
import gc
import json
import sys
from dataclasses import asdict, dataclass

from benchmarks.contestant import Contestant, Opener, warm_up
from benchmarks.executor import open_executor
from benchmarks.loops import LOOPS, LoopName, run
from benchmarks.measure import in_flight, one_by_one, some_bytes
from benchmarks.processes import Peak, proportional_memory
from benchmarks.results import Growth, Point
from benchmarks.wool_pool import open_wool

_OPENERS: dict[str, Opener] = {"ProcessPoolExecutor": open_executor, "wool": open_wool}
_WORKERS = 2


@dataclass(frozen=True)
class Axis:
    """What grows, and the places at which it is looked at."""

    title: str
    places: tuple[int, ...]


AXES = {
    "workers": Axis("workers", (1, 2, 4, 8, 16, 32, 64)),
    "in-flight": Axis("calls in flight", (1, 4, 16, 64, 256, 1000, 4000, 10_000)),
    "payload": Axis("bytes there and back", (0, *(10**n for n in range(2, 9)))),
}


async def by_workers(opener: Opener, places: tuple[int, ...], seconds: float) -> list[Point]:
    """Measure pools of so many workers: a call alone, 64 in flight, and all workers' memory."""
    points: list[Point] = []
    for workers in places:
        async with opener(workers) as contestant:
            await contestant.noop()
            await warm_up(contestant, workers)
            alone = await one_by_one(contestant.noop, 1000, seconds=seconds)
            together = await in_flight(contestant.noop, 12_800, 64, seconds=seconds)
            sizes = [proportional_memory(pid) for pid in contestant.pids()]
        memory = None if None in sizes else sum(size or 0.0 for size in sizes)
        points.append(Point(workers, alone.median, together.rate, memory))
    return points


async def by_calls(contestant: Contestant, places: tuple[int, ...], seconds: float) -> list[Point]:
    """Measure so many calls in flight: one of them, all, and the memory that they take."""
    points: list[Point] = []
    for width in places:
        gc.collect()
        peak = Peak(contestant.pids())
        timing = await in_flight(contestant.noop, max(2 * width, 4000), width, seconds=seconds)
        points.append(Point(width, timing.median, timing.rate, peak.grown()))
    return points


async def by_payload(
    contestant: Contestant, places: tuple[int, ...], seconds: float
) -> list[Point]:
    """Measure an echo of so many bytes: how long, how many megabytes a second, and memory."""
    points: list[Point] = []
    for size in places:
        value = some_bytes(size)
        gc.collect()
        peak = Peak(contestant.pids())
        calls = min(1000, max(2, 30_000_000 // max(1, size)))
        timing = await one_by_one(lambda: contestant.echo(value), calls, seconds=seconds)  # noqa: B023 - awaited here
        rate = size / timing.median if size else None
        points.append(Point(size, timing.median, rate, peak.grown()))
    return points


async def grow(loop: LoopName, who: str, *, places: int | None, seconds: float) -> list[Growth]:
    """Measure one contestant along every axis, at the first places of each."""
    opener = _OPENERS[who]
    chosen = {name: axis.places[:places] for name, axis in AXES.items()}
    _say(f"{who} by workers")
    found = {"workers": await by_workers(opener, chosen["workers"], seconds)}
    async with opener(_WORKERS) as contestant:
        await contestant.noop()
        await warm_up(contestant, _WORKERS)
        _say(f"{who} by calls in flight")
        found["in-flight"] = await by_calls(contestant, chosen["in-flight"], seconds)
        _say(f"{who} by payload")
        found["payload"] = await by_payload(contestant, chosen["payload"], seconds)
    return [Growth(axis, who, loop, points) for axis, points in found.items()]


def _say(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("loop", choices=LOOPS)
    parser.add_argument("who", choices=_OPENERS)
    parser.add_argument("--places", type=int, default=None, help="the first N of each axis")
    parser.add_argument("--seconds", type=float, default=1.5, help="most that a measure takes")
    options = parser.parse_args()
    found = run(
        grow(options.loop, options.who, places=options.places, seconds=options.seconds),
        options.loop,
    )
    json.dump([asdict(growth) for growth in found], sys.stdout)


if __name__ == "__main__":
    main()
