"""Waiting for several things, and for what must not be left half done."""

from __future__ import annotations

__all__ = ["first_of", "settle", "shielded"]

import asyncio
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any


async def first_of(*futures: asyncio.Future[Any], timeout: float | None = None) -> bool:
    """Wait until one of `futures` is done; tell whether one is within `timeout` seconds."""
    done, _ = await asyncio.wait(futures, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)


async def settle(futures: Collection[asyncio.Future[Any]]) -> None:
    """Wait until all `futures` are done, with whatever result.

    Cancelling this does not shorten the wait, and is not lost either: CancelledError is raised once
    they are done.
    """
    cancelled: asyncio.CancelledError | None = None
    with shielded():
        while pending := [future for future in futures if not future.done()]:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled


def shielded() -> AbstractContextManager[object]:
    """Return a context manager that keeps the cancel scopes of anyio out; `Task.cancel` gets in.

    A cancelled scope cancels its tasks again at every turn of the loop, until they leave it.
    """
    anyio = sys.modules.get("anyio")  # if it was not imported, there is no scope
    return nullcontext() if anyio is None else anyio.CancelScope(shield=True)
