"""What runs for as long as a pool is open, whatever goes wrong in it."""

from __future__ import annotations

__all__ = ["kept_running"]

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from wool.support.waiting import first_of, settle

_log = logging.getLogger(__name__)

_PAUSE = 1.0  # seconds before what has failed is begun again


async def kept_running(
    work: Callable[[], Coroutine[Any, Any, None]], stopping: asyncio.Future[None]
) -> None:
    """Run `work` until it returns; if it raises, log that and begin again, until `stopping`.

    Cancelled, it cancels the work, and waits for its clean-up.
    """
    while True:
        running = asyncio.ensure_future(work())
        running.add_done_callback(_report)
        try:
            await asyncio.wait([running])
        finally:
            running.cancel()
            await settle([running])
        if running.cancelled() or running.exception() is None:
            return
        if await first_of(stopping, timeout=_PAUSE):
            return


def _report(running: asyncio.Future[None]) -> None:
    """Log an error. A logging handler of the user's that raises harms nobody in a callback."""
    error = None if running.cancelled() else running.exception()
    if error is not None:
        _log.error("a pool's supervision failed, and begins again", exc_info=error)
