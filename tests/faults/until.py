"""Waiting for what is no event."""

import asyncio
from collections.abc import Callable

__all__ = ["until"]


async def until(true: Callable[[], object], *, within: float = 10.0) -> None:
    """Wait until something is so; TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.002)
