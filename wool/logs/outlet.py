"""The way of log records out of a worker: what finds no room is dropped, counted, and said."""

from __future__ import annotations

__all__ = ["Channel", "Flow", "Outlet"]

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from wool.logs.crossing import ROOM
from wool.logs.records import notice_of_dropped


class Channel(Protocol):
    """What records go out on, beside other things."""

    @property
    def is_congested(self) -> bool:
        """Whether what was queued waits for the other end to read."""
        ...

    def when_writable(self, callback: Callable[[], None], /) -> None:
        """Call `callback` once, as soon as more may follow: now, if it may.

        Never, if the other end is lost before.
        """
        ...


class Flow:
    """The room that one channel has for log records: `ROOM` bytes while it is congested.

    Once a record has been dropped, all are, until the other end has caught up; then the outlets
    say how many.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._queued = 0
        self._silenced: dict[Outlet, None] = {}

    def admits(self, size: int) -> bool:
        """Take up `size` bytes of the room; tell whether there are as many."""
        if not self._channel.is_congested:
            self._queued = 0
        if self._silenced or self._queued + size > ROOM:
            return False
        self._queued += size
        return True

    def tell_later(self, outlet: Outlet) -> None:
        """Have an outlet say what it dropped, once there is room."""
        is_first = not self._silenced
        self._silenced[outlet] = None
        if is_first:
            self._channel.when_writable(self._tell)

    def _tell(self) -> None:
        self._queued = 0
        silenced, self._silenced = self._silenced, {}
        for outlet in silenced:
            outlet.tell()


class Outlet:
    """A LogSink that sends records on a channel, as its flow allows. Not for several threads."""

    __slots__ = ("_flow", "_lost", "_send")

    def __init__(self, flow: Flow, send: Callable[[bytes], None]) -> None:
        self._flow = flow
        self._send = send
        self._lost: Counter[str] | None = None

    def take(self, record: bytes, counts: Mapping[str, int]) -> None:
        if self._flow.admits(len(record)):
            self._send(record)
        else:
            self.lose(counts)

    def lose(self, counts: Mapping[str, int]) -> None:
        if self._lost is None:
            self._lost = Counter()
        self._lost.update(counts)
        self._flow.tell_later(self)

    def tell(self) -> None:
        """Say now what was dropped since this was said last, room or not."""
        lost, self._lost = self._lost, None
        if lost is not None:
            self._send(notice_of_dropped(lost))
