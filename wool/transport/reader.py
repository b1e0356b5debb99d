"""Bytes to frames: the receiving half of the unix carrier, without the socket.

Small frames are cut from a buffer that is used again and again. What is larger is read straight
into its place, which the receiver keeps, but for its end: that comes with what follows it, and when
nobody reads to that place any more.
"""

from __future__ import annotations

__all__ = ["FrameReader"]

from collections.abc import Callable, Sequence
from typing import Any, cast

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.buffers import Arriving, cut, kinds_of
from wool.protocol.framing import LENGTH_SIZE, length_of
from wool.values.serializer import Buffer

_CAPACITY = 64 * 1024  # bytes
_LEAST = 4 * 1024  # bytes; the least capacity, however low the limit
_TAIL = 4 * 1024  # bytes of what is large that are not read straight into its place

# It takes any memory, and copies what it keeps; its stubs say less.
_parsed: Callable[[memoryview], wire.Frame] = cast("Any", wire.Frame.FromString)


class FrameReader:
    """Offers memory to read into, and yields the frames that became whole.

    Raises ProtocolError for a frame, with its buffers, of more than `limit` bytes.
    """

    def __init__(self, limit: int) -> None:
        self._view = memoryview(bytearray())
        self._start = 0
        self._end = 0
        self.limit = limit
        self._arriving: Arriving | None = None
        self._filled = 0
        self._length: int | None = None
        self._frame: wire.Frame | None = None
        self._kinds = b""
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

    def close(self) -> None:
        """Let go of what will not arrive any more. Nothing is to be read after that."""
        if self._arriving is not None:
            self._arriving.memory.release()

    def get_buffer(self) -> memoryview:
        """Return where to read to; never empty."""
        if self._arriving is not None and self._lacking > _TAIL:
            return self._arriving.memory[self._filled : -_TAIL]
        return self._view[self._end :]

    def read(self, nbytes: int) -> list[tuple[wire.Frame, Sequence[Buffer]]]:
        """Take note of `nbytes` more bytes and return what they complete."""
        if self._arriving is not None and self._lacking > _TAIL:
            self._filled += nbytes
            return []
        self._end += nbytes
        frames = self._small() if self._length is None else []
        if self._start < self._end or self._arriving is not None:
            while (frame := self._next()) is not None:
                frames.append(frame)
        self._compact()
        return frames

    def _small(self) -> list[tuple[wire.Frame, Sequence[Buffer]]]:
        """Return the frames that are there whole, up to one that buffers follow."""
        frames: list[tuple[wire.Frame, Sequence[Buffer]]] = []
        view, end, limit = self._view, self._end, self._limit
        begin = self._start + LENGTH_SIZE
        while begin <= end:
            length = length_of(view[begin - LENGTH_SIZE : begin])
            stop = begin + length
            if length > limit or stop > end:
                break
            frame = _parsed(view[begin:stop])
            if frame.buffers:
                break
            frames.append((frame, ()))
            self._start, begin = stop, stop + LENGTH_SIZE
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
            self._kinds = kinds_of(self._frame)
        while len(self._buffers) < len(self._kinds):
            place = len(self._buffers)
            buffer = self._take(self._frame.buffers[place], self._kinds[place])
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

    @property
    def _lacking(self) -> int:
        return 0 if self._arriving is None else len(self._arriving.memory) - self._filled

    def _take(self, size: int, kind: int | None = None) -> Buffer | None:
        """Return `size` bytes once they are there: those of a frame, or a buffer of some kind."""
        available = self._end - self._start
        if self._arriving is None:
            if available >= size:
                piece = self._view[self._start : self._start + size]
                self._start += size
                return bytes(piece) if kind is None else cut(piece, kind)
            if kind is None and size <= len(self._view) - LENGTH_SIZE:
                return None
            self._arriving = Arriving(wire.BYTES if kind is None else kind, size)
            self._filled = 0
        begin, count = self._filled, min(available, self._lacking)
        self._arriving.memory[begin : begin + count] = self._view[self._start : self._start + count]
        self._start += count
        self._filled += count
        if self._lacking:
            return None
        arrived, self._arriving = self._arriving, None
        return arrived.whole()

    def _compact(self) -> None:
        rest = self._end - self._start
        if rest and self._start:
            self._view[:rest] = bytes(self._view[self._start : self._end])
        self._start, self._end = 0, rest
