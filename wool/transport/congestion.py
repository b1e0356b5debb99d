"""Whether more may be sent: a state that a link's users wait on."""

from __future__ import annotations

__all__ = ["Congestion"]

import asyncio
from collections.abc import Callable


class Congestion:
    """Begins when much is queued, and ends when enough of it has gone out, or the link is lost."""

    def __init__(self) -> None:
        self.lasts = False
        self._over = asyncio.Event()
        self._over.set()
        self._callbacks: list[Callable[[], None]] = []

    def begin(self) -> None:
        self.lasts = True
        self._over.clear()

    def end(self) -> None:
        """Let everybody go on who waits."""
        self.lasts = False
        self._over.set()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def lose(self) -> None:
        """End it, since the link is lost: who waits goes on, and no callback is called."""
        self._callbacks.clear()
        self.end()

    def when_over(self, callback: Callable[[], None]) -> None:
        """Call `callback` once it is over: now, if it does not last."""
        if self.lasts:
            self._callbacks.append(callback)
        else:
            callback()

    async def until_over(self) -> None:
        await self._over.wait()
