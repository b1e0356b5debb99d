"""`python -m benchmarks.shares SECONDS`: whose code the processor time of calls goes to."""

from __future__ import annotations

import asyncio
import json
import sys

import wool
from benchmarks.measure import in_flight
from benchmarks.results import Shares
from benchmarks.routines import noop
from benchmarks.sampled import start_sampling, stop_sampling
from benchmarks.sampling import Sampler

_WIDTHS = {"one after the other": 1, "64 in flight": 64}
_MANY = 10**7  # calls: more than there is time for


async def measure(seconds: float) -> Shares:
    """Sample both ends, so long for each kind of load."""
    found: Shares = {}
    async with wool.WorkerPool(size=1):
        for name, width in _WIDTHS.items():
            await in_flight(noop, 500, width)
            await start_sampling()
            sampler = Sampler()
            sampler.start()
            await in_flight(noop, _MANY, width, seconds=seconds)
            found[f"caller, {name}"] = sampler.stop()
            found[f"worker, {name}"] = await stop_sampling()
    return dict(sorted(found.items()))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(float(sys.argv[1])))))
