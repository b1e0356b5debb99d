"""How busy one event loop keeps one worker, as plain numbers that cost nothing to read."""

from __future__ import annotations

__all__ = ["Load", "News"]

from collections.abc import Callable


class News:
    """Who wants to know at once that a worker has acknowledged a call; most often nobody does."""

    __slots__ = ("listener",)

    def __init__(self) -> None:
        self.listener: Callable[[], None] | None = None

    def tell(self) -> None:
        """Tell the listener, if there is one."""
        if self.listener is not None:
            self.listener()


class Load:
    """Kept true by the table of calls; whoever chooses a worker reads it."""

    in_flight = 0
    """Calls that are open there, generators between two steps included."""
    unacknowledged = 0
    """Those that the worker has not confirmed, whether or not anybody still waits for them."""

    def __init__(self, news: News | None = None) -> None:
        self.news = news or News()
