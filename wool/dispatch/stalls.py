"""Giving up on workers that were stopped and do not go on."""

from __future__ import annotations

__all__ = ["Stalls"]

import asyncio
import time
from collections.abc import Callable, Mapping
from uuid import UUID


class Stalls:
    """Tells `give_up` of each worker that has been stopped for `timeout` seconds; None: never."""

    def __init__(self, timeout: float | None, give_up: Callable[[UUID], None]) -> None:
        self._timeout = timeout
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._timers: dict[tuple[UUID, float], asyncio.TimerHandle] = {}

    def update(self, stopped: Mapping[UUID, float]) -> None:
        """Take note of who is stopped, and since when, as `time.monotonic` has it."""
        if self._timeout is None:
            return
        stops = stopped.items()
        for over in self._timers.keys() - stops:
            self._timers.pop(over).cancel()
        for uid, since in stops - self._timers.keys():
            left = since + self._timeout - time.monotonic()
            self._timers[uid, since] = self._loop.call_later(left, self._give_up, uid)
