"""What is called: the same functions as routines, and plain ones for ProcessPoolExecutor."""

from collections.abc import AsyncGenerator

import wool

__all__ = ["count", "noop", "plain_noop"]


@wool.routine
async def noop() -> None:
    """Do nothing."""


def plain_noop() -> None:
    """Do nothing."""


@wool.routine
async def count(n: int) -> AsyncGenerator[int]:
    """Yield the first `n` numbers."""
    for i in range(n):
        yield i
