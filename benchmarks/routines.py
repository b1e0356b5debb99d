"""What wool calls: the functions of `benchmarks.plain` as routines, and a stream of each kind."""

from collections.abc import AsyncGenerator
from typing import Any

import wool

__all__ = ["count", "count_ahead", "echo", "noop"]

AHEAD = 32
"""So many items a stream that runs ahead is ahead of its consumer."""


@wool.routine
async def noop() -> None:
    """Do nothing."""


@wool.routine
async def echo(value: Any) -> Any:
    """Give the value back."""
    return value


@wool.routine
async def count(n: int) -> AsyncGenerator[int]:
    """Yield the first `n` numbers."""
    for i in range(n):
        yield i


@wool.routine(prefetch=AHEAD)
async def count_ahead(n: int) -> AsyncGenerator[int]:
    """Yield the first `n` numbers, running ahead."""
    for i in range(n):
        yield i
