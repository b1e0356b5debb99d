"""The calls that a worker has not acknowledged yet, and what they say about it."""

from __future__ import annotations

__all__ = ["Unacknowledged"]

import asyncio
import time

from wool.protocol.load import Load

_QUICK = 0.01  # seconds; calls that take less may queue at the worker, to be there when it is free
_RUN = 8  # quick calls, after which the queue may be longer by one
_LONGEST = 4  # calls in it
_LONG = 0.02  # seconds; a worker whose loop runs acknowledges a call in well under one of them


class Unacknowledged:
    """Those on one link. The load's news are told as one is acknowledged, or ends before."""

    def __init__(self, load: Load) -> None:
        self._loop = asyncio.get_running_loop()
        self._load = load
        self._sent: dict[int, float] = {}
        self._looking: asyncio.Handle | None = None
        self._since: float | None = None
        self._quick = 0

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def waiting_for(self) -> float:
        """Seconds for which the oldest has been waiting, if that is 20 ms or more; else 0.

        It counts once this loop has looked at its sockets after the 20 ms: what is late because
        nobody listened says nothing about the worker.
        """
        return 0.0 if self._since is None else time.monotonic() - self._since

    @property
    def room(self) -> int:
        """How many more calls keep the worker busy without waiting there for long.

        One is enough where calls are not acknowledged within 10 ms; after each eight in a row that
        are, it is one more, up to four in all.
        """
        return min(1 + self._quick // _RUN, _LONGEST) - len(self._sent)

    def add(self, call_id: int) -> None:
        """Note that a call has been sent."""
        self._sent[call_id] = time.monotonic()
        self._load.unacknowledged += 1
        if self._looking is None and self._since is None:
            self._look_in(_LONG)

    def discard(self, call_id: int) -> None:
        """Note that a call was acknowledged, or has ended, if that is news."""
        sent = self._sent.pop(call_id, None)
        if sent is None:
            return
        self._load.unacknowledged -= 1
        self._quick = self._quick + 1 if time.monotonic() - sent < _QUICK else 0
        if sent == self._since:
            self._since = None
            if self._sent and self._looking is None:
                self._let_the_loop_turn()
        if self._load.news.listener is not None:
            self._load.news.listener()

    def clear(self) -> None:
        """Forget them all: the link is gone."""
        self._load.unacknowledged -= len(self._sent)
        self._sent.clear()
        self._since = None
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self._load.news.tell()

    def _look_in(self, seconds: float) -> None:
        self._looking = self._loop.call_later(seconds, self._let_the_loop_turn)

    def _let_the_loop_turn(self) -> None:
        # Whatever order a loop has, it reads what has come before it runs the second of two calls.
        self._looking = self._loop.call_soon(self._let_it_turn_again)

    def _let_it_turn_again(self) -> None:
        self._looking = self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._looking = None
        oldest = next(iter(self._sent.values()), None)
        if oldest is None:
            return
        left = oldest + _LONG - time.monotonic()
        if left > 0:
            self._look_in(left)
        else:
            self._since = oldest
