"""Bytes to frames: the receiving half of the unix carrier, without the socket.

Small frames are cut from a buffer that is used again and again. What is larger, and every buffer
that follows a frame, is read straight into memory of its own, which the frame's receiver keeps.
"""

from __future__ import annotations

__all__ = ["FrameReader"]

from collections.abc import Sequence
from typing import cast

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.framing import LENGTH_SIZE, length_of
from wool.values.serializer import Buffer

_CAPACITY = 64 * 1024  # bytes
_LEAST = 4 * 1024  # bytes, for one that may never hear more than a hello


class FrameReader:
    """Offers memory to read into, and yields the frames that became whole.

    Raises ProtocolError for a frame, with its buffers, of more than `limit` bytes.
    """

    def __init__(self, limit: int) -> None:
        self._view = memoryview(bytearray())
        self._start = 0
        self._end = 0
        self.limit = limit
        self._target: memoryview | None = None
        self._filled = 0
        self._length: int | None = None
        self._frame: wire.Frame | None = None
        self._buffers: list[Buffer] = []

    @property
    def limit(self) -> int:
        """Bytes that a frame may take. It may be raised; a reader with a low one is small, too."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        capacity = min(max(limit + LENGTH_SIZE, _LEAST), _CAPACITY)
        if capacity > len(self._view):
            view = memoryview(bytearray(capacity))
            view[self._start : self._end] = self._view[self._start : self._end]
            self._view = view

    def get_buffer(self) -> memoryview:
        """Return where to read to; never empty."""
        if self._target is not None:
            return self._target[self._filled :]
        return self._view[self._end :]

    def read(self, nbytes: int) -> list[tuple[wire.Frame, Sequence[Buffer]]]:
        """Take note of `nbytes` more bytes and return what they complete."""
        if self._target is not None:
            self._filled += nbytes
            if self._filled < len(self._target):
                return []
        else:
            self._end += nbytes
        frames: list[tuple[wire.Frame, Sequence[Buffer]]] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        self._compact()
        return frames

    def _next(self) -> tuple[wire.Frame, Sequence[Buffer]] | None:
        if self._length is None:
            if self._end - self._start < LENGTH_SIZE:
                return None
            head = self._view[self._start : self._start + LENGTH_SIZE]
            self._start += LENGTH_SIZE
            self._length = self._checked(length_of(head))
        if self._frame is None:
            body = self._take(self._length)
            if body is None:
                return None
            self._frame = wire.Frame.FromString(bytes(body))
            if not self._frame.buffers:
                frame, self._length, self._frame = self._frame, None, None
                return frame, ()
            self._checked(self._length + sum(self._frame.buffers))
        while len(self._buffers) < len(self._frame.buffers):
            buffer = self._take(self._frame.buffers[len(self._buffers)], own=True)
            if buffer is None:
                return None
            self._buffers.append(buffer)
        whole = self._frame, self._buffers
        self._length, self._frame, self._buffers = None, None, []
        return whole

    def _checked(self, size: int) -> int:
        if size > self._limit:
            raise ProtocolError(f"a frame of {size:,} bytes came, and {self._limit:,} are allowed")
        return size

    def _take(self, size: int, *, own: bool = False) -> bytes | bytearray | None:
        """Cut `size` bytes off, or prepare to read them; with `own` into memory of their own."""
        if self._target is not None:
            if self._filled < size:
                return None
            whole = cast("bytearray", self._target.obj)
            self._target = None
            return whole
        available = self._end - self._start
        if available >= size:
            piece = self._view[self._start : self._start + size]
            self._start += size
            return bytearray(piece) if own else bytes(piece)
        if own or size > len(self._view) - LENGTH_SIZE:
            target = bytearray(size)
            target[:available] = self._view[self._start : self._end]
            self._start = self._end
            self._target, self._filled = memoryview(target), available
        return None

    def _compact(self) -> None:
        rest = self._end - self._start
        if rest and self._start:
            self._view[:rest] = bytes(self._view[self._start : self._end])
        self._start, self._end = 0, rest
