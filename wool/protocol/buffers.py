"""Buffers that follow a frame: each arrives as what it was sent as.

`bytes` arrive as `bytes`, a `bytearray` as a `bytearray`, and other memory as a memoryview that can
be written to. They are read straight into their places, without being copied.
"""

from __future__ import annotations

__all__ = ["Arriving", "cut", "describe", "kinds_of"]

import io
from collections.abc import Sequence

from wool.protocol import wire_pb2 as wire
from wool.values.serializer import Buffer


def describe(frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
    """Note in a frame which buffers follow it."""
    del frame.buffers[:]  # it may have gone to another worker before
    frame.buffers.extend(map(len, buffers))
    kinds = bytes(map(_kind, buffers))
    if any(kinds):
        frame.kinds = kinds


def kinds_of(frame: wire.Frame) -> bytes:
    """Return the kind of each buffer that follows a frame."""
    return frame.kinds.ljust(len(frame.buffers), bytes([wire.MEMORY]))


def _kind(buffer: Buffer) -> int:
    whose: object = buffer.obj if isinstance(buffer, memoryview) else buffer
    if isinstance(whose, bytearray):
        return wire.BYTEARRAY
    return wire.BYTES if isinstance(buffer, bytes) else wire.MEMORY


def cut(memory: memoryview, kind: int) -> Buffer:
    """Return a buffer of a kind that is a copy of this memory."""
    if kind == wire.BYTES:
        return bytes(memory)
    copy = bytearray(memory)
    return copy if kind == wire.BYTEARRAY else memoryview(copy)


class Arriving:
    """The place of a buffer that is still to be read.

    Python has no way to fill `bytes` in; BytesIO gives away those that it works on.
    """

    def __init__(self, kind: int, size: int) -> None:
        self._kind = kind
        self._array = bytearray(0 if kind == wire.BYTES else size)
        self._file = io.BytesIO(bytes(size if kind == wire.BYTES else 0))
        memory = self._file.getbuffer() if kind == wire.BYTES else memoryview(self._array)
        self.memory = memory
        """Where to read to. Python 3.13 complains of a BytesIO that is collected before it."""

    def whole(self) -> Buffer:
        """Return the buffer, which is filled now. `memory` is of no more use."""
        if self._kind == wire.MEMORY:
            return self.memory
        self.memory.release()  # BytesIO copies what somebody may still write to
        return self._file.getvalue() if self._kind == wire.BYTES else self._array
