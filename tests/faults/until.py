"""What there is no event for."""

import asyncio
import os
from collections.abc import Callable

__all__ = ["is_running", "until"]


async def until(true: Callable[[], object], *, within: float = 10.0) -> None:
    """Wait until something is so; TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.002)


def is_running(pid: int) -> bool:
    """Tell whether there is such a process, if only as a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
