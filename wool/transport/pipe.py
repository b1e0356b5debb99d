"""One direction of a link within a process: bytes that one thread queues and another takes."""

from __future__ import annotations

__all__ = ["Message", "Pipe", "Taken"]

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from wool.values.serializer import Buffer

_BATCH = 64 * 1024  # bytes that are taken at once, as one read from a socket gives
_FULL = 1024 * 1024  # bytes from which on a writer had better wait
_ROOMY = _FULL // 4


@dataclass(frozen=True, slots=True)
class Message:
    """A frame as bytes, and its buffers, which are nobody's but the receiver's."""

    frame: bytes
    buffers: list[Buffer]

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.frame) + sum(map(len, self.buffers))


@dataclass(slots=True)
class Taken:
    """What a reader gets at once."""

    messages: list[Message] = field(default_factory=list[Message])
    ended: bool = False
    """Whether nothing comes behind them any more."""
    more: bool = False
    """Whether there is more to take. If not, the reader is woken as soon as there is."""


class Pipe:
    """A queue with an end. Made for one writer and one reader, each on a thread of its own."""

    wake_reader: Callable[[], bool]
    """Is called when there is something to take, in the writer's thread; False: nobody reads."""
    relieve_writer: Callable[[], object]
    """Is called when it was full and has room again, in the reader's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: deque[Message] = deque()
        self._size = 0
        self._ended = False
        self._full = False
        self._reader_knows = False

    @property
    def is_full(self) -> bool:
        """Whether the writer had better wait. Nothing keeps it from going on."""
        return self._full

    def put(self, message: Message) -> bool:
        """Queue a message, which is lost behind the end. Tell whether there is a reader."""
        with self._lock:
            if self._ended:
                return True
            self._messages.append(message)
            self._size += message.size
            self._full = self._full or self._size > _FULL
            knew, self._reader_knows = self._reader_knows, True
        return knew or self.wake_reader()

    def end(self) -> None:
        """Have nothing follow what is queued."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            knew, self._reader_knows = self._reader_knows, True
        if not knew:
            self.wake_reader()

    def take(self) -> Taken:
        """Take what is queued, 64 KiB of it or one message that is larger."""
        taken, size = Taken(), 0
        with self._lock:
            while self._messages and size < _BATCH:
                message = self._messages.popleft()
                size += message.size
                taken.messages.append(message)
            self._size -= size
            relieved = self._full and self._size <= _ROOMY
            self._full = self._full and not relieved
            taken.more = self._reader_knows = bool(self._messages)
            taken.ended = self._ended and not self._messages
        if relieved:
            self.relieve_writer()
        return taken
