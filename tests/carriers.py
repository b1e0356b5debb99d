"""The carriers, and pools over each: a test that takes `open_pool` or `pool` runs over one.

With the marker `every_carrier` it runs over all, so that what it shows holds on any. What only a
process can do (to be killed, to have a pid, to exit) is marked `needs_processes`, with the reason.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args

import wool
from wool.pools.in_process import InProcessWorkers

__all__ = ["CARRIERS", "Carrier", "OpenPool", "opener"]

Carrier = Literal["unix", "memory"]
CARRIERS: tuple[Carrier, ...] = get_args(Carrier)

OpenPool = Callable[..., wool.WorkerPool]
"""Makes a pool, which takes what WorkerPool does. It is entered as any."""


def opener(carrier: Carrier) -> OpenPool:
    """Return what makes pools whose workers are reached over a carrier."""

    def open_pool(*tags: str, size: int = 1, **options: Any) -> wool.WorkerPool:
        if carrier == "memory":
            options["worker"] = InProcessWorkers
        return wool.WorkerPool(*tags, size=size, **options)

    return open_pool
