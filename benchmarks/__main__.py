"""Measure wool against concurrent.futures.ProcessPoolExecutor, awaited from asyncio.

Both get two workers (or --workers), in one process, in turn, --rounds times. Ratios are what to
look at: they hold where the machine's own speed does not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import wool
from benchmarks.measure import Comparison, latency, proportional_memory, rate
from benchmarks.routines import count, noop, plain_noop

WARM_UP = 300  # calls
SEQUENTIAL = 2000  # calls
PARALLEL = 12_800  # calls
IN_FLIGHT = 64
ITEMS = 2000


async def compare(workers: int, rounds: int) -> None:
    """Measure and print the comparisons."""
    loop = asyncio.get_running_loop()
    alone = Comparison("noop, one after the other", "µs")
    together = Comparison(f"noop, {IN_FLIGHT} in flight", "calls/s")
    with ProcessPoolExecutor(workers) as executor:

        def executed() -> asyncio.Future[None]:
            return loop.run_in_executor(executor, plain_noop)

        async with wool.WorkerPool(size=workers) as pool:
            for call in (noop, executed):
                await rate(call, WARM_UP, IN_FLIGHT)
            idle = [proportional_memory(worker.pid) for worker in pool.workers.values()]
            for _ in range(rounds):
                alone.ours.append(await latency(noop, SEQUENTIAL))
                alone.theirs.append(await latency(executed, SEQUENTIAL))
                together.ours.append(await rate(noop, PARALLEL, IN_FLIGHT))
                together.theirs.append(await rate(executed, PARALLEL, IN_FLIGHT))
            streamed = [await time_per_item() for _ in range(rounds)]
    print("| | wool | ProcessPoolExecutor | ratio | least - greatest |")
    print("|---|---|---|---|---|")
    print(alone.row())
    print(together.row())
    print()
    print(f"An item of a stream, step by step: {statistics.median(streamed):,.0f} µs")
    if known := [figure for figure in idle if figure is not None]:
        print(f"A worker after {WARM_UP} calls: {max(known):.1f} MB (proportional set size)")


async def time_per_item() -> float:
    """Return what a step of a stream takes, in microseconds."""
    started = time.perf_counter()
    async for _ in count(ITEMS):
        pass
    return (time.perf_counter() - started) / ITEMS * 1e6


START = """
import asyncio, time, wool
from benchmarks.routines import noop
async def main():
    started = time.perf_counter()
    async with wool.WorkerPool(size={workers}):
        await noop()
        print(time.perf_counter() - started)
asyncio.run(main())
"""


def start_to_first_result(workers: int) -> float:
    """Return the seconds from opening a pool to its first result, in a process of its own."""
    script = START.format(workers=workers)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--uvloop", action="store_true", help="run caller and workers on uvloop")
    options = parser.parse_args()
    print(
        f"wool {wool.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{options.workers} workers, {'uvloop' if options.uvloop else 'asyncio'}, "
        f"{options.rounds} rounds\n"
    )
    if options.uvloop:
        import uvloop

        uvloop.run(compare(options.workers, options.rounds))
    else:
        asyncio.run(compare(options.workers, options.rounds))
    starts = [start_to_first_result(options.workers) for _ in range(options.rounds)]
    print(
        f"Pool start to first result: {statistics.median(starts):.3f} s "
        f"({min(starts):.3f} - {max(starts):.3f})"
    )


if __name__ == "__main__":
    main()
