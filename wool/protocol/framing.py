"""Messages on a byte stream: four bytes that give the length (little-endian), then the message."""

from __future__ import annotations

__all__ = ["LENGTH_SIZE", "length_of", "prefixed"]

LENGTH_SIZE = 4


def prefixed(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(message).to_bytes(LENGTH_SIZE, "little") + message


def length_of(head: bytes | memoryview) -> int:
    """Return the length that the first four bytes of a message give."""
    return int.from_bytes(head, "little")
