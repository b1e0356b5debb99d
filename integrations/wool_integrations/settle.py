"""Waiting for what must not be left half done."""

__all__ = ["settle"]

import asyncio
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any


async def settle(tasks: Collection["asyncio.Future[Any]"]) -> None:
    """Wait until all `tasks` have ended, with whatever result.

    Cancelling this does not shorten the wait, and is not lost either: CancelledError is raised once
    they ended.
    """
    cancelled: asyncio.CancelledError | None = None
    with _shield():
        while pending := [task for task in tasks if not task.done()]:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled


def _shield() -> AbstractContextManager[object]:
    # A cancelled scope of anyio's cancels again at every turn of the loop. Nobody has one without
    # importing anyio.
    anyio = sys.modules.get("anyio")
    return nullcontext() if anyio is None else anyio.CancelScope(shield=True)
