"""The way of log records from other threads to the loop's."""

from __future__ import annotations

__all__ = ["ROOM", "Crossing"]

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping

from wool.types import LogSink

ROOM = 8 * 2**20
"""Bytes of records that may wait anywhere for being sent: some ten thousand."""


class Crossing:
    """Has sinks take records on their loop, whichever thread logs.

    A thread may log faster than the loop turns: records that find no room are counted, and the sink
    hears how many it lost before it gets the next one that found room.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.RLock()  # a collected object may log, in the midst of it
        self._under_way = 0
        self._lost: dict[LogSink, Counter[str]] = {}

    def take(self, sink: LogSink, record: bytes, counts: Mapping[str, int]) -> None:
        """Hand a record to `sink`, soon. Raises RuntimeError if the loop is closed."""
        with self._lock:
            if self._under_way + len(record) > ROOM:
                self._lost.setdefault(sink, Counter()).update(counts)
                return
            lost, self._lost = self._lost, {}
            self._loop.call_soon_threadsafe(self._arrive, sink, record, counts, lost)
            self._under_way += len(record)

    def _arrive(
        self,
        sink: LogSink,
        record: bytes,
        counts: Mapping[str, int],
        lost_before: Mapping[LogSink, Mapping[str, int]],
    ) -> None:
        _tell(lost_before)
        sink.take(record, counts)
        with self._lock:
            self._under_way -= len(record)
            if self._under_way:
                return
            lost, self._lost = self._lost, {}
        _tell(lost)


def _tell(lost: Mapping[LogSink, Mapping[str, int]]) -> None:
    for sink, counts in lost.items():
        sink.lose(counts)
