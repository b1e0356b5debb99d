"""Forks of a worker that come back to its event loop, which they share with it."""

from __future__ import annotations

__all__ = ["end_forks_that_return_to"]

import asyncio
import os
import threading

from wool.support.forks import end_fork

_STRAYED = (
    "this process was forked from a worker, whose event loop it can't run; run one of its own, as "
    "with asyncio.run(), and end with os._exit()"
)


def end_forks_that_return_to(loop: asyncio.AbstractEventLoop) -> None:
    """End each fork of this process when it would run `loop`, and take its parent's events."""
    thread = threading.get_ident()

    def end_soon() -> None:
        if threading.get_ident() == thread and loop.is_running():
            loop.call_soon(end_fork, RuntimeError(_STRAYED))

    os.register_at_fork(after_in_child=end_soon)
