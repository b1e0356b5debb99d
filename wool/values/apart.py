"""Pickles whose large parts lie apart: bytes, text, bytearrays and buffers of 64 KiB and more.

The pickler of CPython hands what is large to its file by a call of its own, without copying it.
There it is taken out of the pickle, and an opcode stands in its place that takes the next buffer.
"""

from __future__ import annotations

__all__ = ["LARGE", "PROTOCOL", "Apart", "Buffer", "Writable", "dumps"]

import pickle
from collections.abc import Callable
from typing import Any, Final, Protocol

Buffer = bytes | bytearray | memoryview

PROTOCOL: Final = 5
LARGE: Final = 64 * 1024
"""Bytes; what is smaller is copied, which is cheaper than a buffer of its own."""

_SMALL = 4 * 1024  # bytes; a pickler that wrote more keeps more, and is not used again
_PROTO_SIZE = 2  # bytes of the opcode that begins a pickle
_FRAME_HEADER = 9  # bytes: the opcode, and the length of the frame
_SHORT, _LONG = 5, 9  # bytes of an opcode with a length of 4 or 8 bytes
_UNFRAMED = 4  # bytes; a frame of fewer has no header

_AS_IT_COMES = pickle.NEXT_BUFFER
_AS_TEXT = b"cbuiltins\nstr\n" + pickle.NEXT_BUFFER + b"\x8c\x05utf-8\x8c\x0dsurrogatepass\x87R"
_IN_PLACE_OF = {
    pickle.BINBYTES: _AS_IT_COMES,
    pickle.BINBYTES8: _AS_IT_COMES,
    pickle.BYTEARRAY8: _AS_IT_COMES,
    pickle.BINUNICODE: _AS_TEXT,
    pickle.BINUNICODE8: _AS_TEXT,
}


class Writable(Protocol):
    """What picklers write to."""

    @property
    def write(self) -> Callable[[bytes], Any]: ...


class Apart:
    """What a pickler writes to: keeps the pickle, and what is large beside it."""

    __slots__ = ("_buffers", "_pieces", "write")

    def __init__(self) -> None:
        self._pieces: list[bytes | bytearray] = []
        self._buffers: list[tuple[int, memoryview]] = []  # and how many pieces there were before
        self.write = self._pieces.append

    def keep_in_band(self, buffer: pickle.PickleBuffer) -> bool:
        """Tell whether a buffer is so small that it had better lie in the pickle."""
        raw = buffer.raw()
        if raw.nbytes < LARGE:
            return True
        self._buffers.append((len(self._pieces), raw))
        return False

    def take_small(self) -> bytes | None:
        """Return what was written, and be as new, if it is so small that the pickler is, too."""
        pieces = self._pieces
        if len(pieces) != 1 or self._buffers or len(pieces[0]) > _SMALL:
            return None
        return bytes(pieces.pop())

    def take(self) -> tuple[bytes, list[Buffer]]:
        """Return the pickle, and what the unpickler is to be given beside it.

        Raises PicklingError if a bytearray has changed its size since it was written.
        """
        beside = self._buffers[::-1]
        pickled: list[bytes | bytearray] = []
        buffers: list[Buffer] = []
        header = b""
        for at, piece in enumerate(self._pieces):
            while beside and beside[-1][0] <= at:
                buffers.append(beside.pop()[1])
            if header:
                pickled[-1] = pickled[-1][: -len(header)]
                pickled.append(_instead_of(header, piece))
                buffers.append(piece[:])  # a copy of a bytearray, which may change
                header = b""
            else:
                pickled.append(piece)
                header = _header(bytes(piece), begin=0 if at else _PROTO_SIZE)
        return b"".join(pickled), buffers


def _header(piece: bytes, begin: int) -> bytes:
    """Return the opcode and length at the end of a piece, if what comes next comes by itself.

    Before these the pickler has closed its frame. Nothing else lies outside of frames.
    """
    if piece[begin : begin + 1] == pickle.FRAME:
        length = int.from_bytes(piece[begin + 1 : begin + _FRAME_HEADER], "little")
        begin += _FRAME_HEADER + length
    rest = len(piece) - begin
    for size in (_SHORT, _LONG):
        if size <= rest < size + _UNFRAMED:
            return piece[-size:]
    return b""


def _instead_of(header: bytes, payload: bytes | bytearray) -> bytes:
    if int.from_bytes(header[1:], "little") != len(payload):
        raise pickle.PicklingError("a bytearray changed its size while it was pickled")
    return _IN_PLACE_OF[header[:1]]


_Kit = tuple[pickle.Pickler, Apart]
_spare: list[_Kit] = []


def dumps(value: object) -> tuple[bytes, list[Buffer]]:
    """Return the pickle of a value, and the buffers that go beside it.

    Picklers are used again: to make one takes longer than to pickle what is small.
    """
    try:
        kit = _spare.pop()
    except IndexError:
        kit = _new_kit()
    pickler, apart = kit
    pickler.dump(value)
    data = apart.take_small()
    if data is None:
        return apart.take()
    pickler.clear_memo()
    _spare.append(kit)
    return data, []


def _new_kit() -> _Kit:
    apart = Apart()
    return pickle.Pickler(apart, PROTOCOL, buffer_callback=apart.keep_in_band), apart
