"""How much memory a worker has had, on Linux."""

from pathlib import Path

import wool

__all__ = ["MIB", "peak_memory"]

MIB = 2**20


@wool.routine
async def peak_memory() -> int:
    """Give the most bytes that the worker's process has held at a time."""
    status = Path("/proc/self/status").read_text()  # noqa: ASYNC240 - it is in memory
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
