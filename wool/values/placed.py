"""What a message put in the place of a global."""

from __future__ import annotations

__all__ = ["Held", "Placed"]

from collections.abc import Mapping
from hashlib import blake2b
from itertools import count
from typing import NamedTuple

from wool.values.in_place import keeps_identity
from wool.values.parts import GONE, Key, Part

_REMEMBERED = 64 * 1024  # bytes of a global; a larger one carries data, and is known by its digest
_numbers = count(1)

Held = Mapping[Key, int]
"""The globals that a value refers to, and the numbers that they had when it was read."""


class Placed(NamedTuple):
    """An object that is a global, and how it came."""

    value: object
    number: int
    """Another one for each object that takes a place."""
    held: Held
    part: Part | None = None
    """What came; None if it was large, or is being read."""
    digest: bytes | None = None
    token: bytes = b""

    @classmethod
    def now(cls, value: object) -> Placed:
        """Note what is in the place from now on, though it may not be whole."""
        return cls(value, next(_numbers), {})

    @classmethod
    def gone(cls) -> Placed:
        """Note that nothing is in the place since home has nothing there."""
        return cls(GONE, next(_numbers), {}, GONE, GONE.data)

    def having_come(self, part: Part, held: Held) -> Placed:
        """Note what it came as."""
        kept = part if len(part.data) <= _REMEMBERED else None
        return Placed(self.value, self.number, held, kept, _digest(part), part.token)

    def came_as(self, part: Part) -> bool:
        """Tell whether these are the bytes that came."""
        return self.digest == _digest(part)

    def can_become(self, value: object, part: Part) -> bool:
        """Tell whether a part brings this very object, and it can take in the new value."""
        same = part.token == self.token and type(value) is type(self.value)
        return same and bool(part.token) and keeps_identity(type(value))


def _digest(part: Part) -> bytes:
    """Return what tells a part from others: if it is small, its bytes."""
    return part.data if len(part.data) <= _REMEMBERED else blake2b(part.data).digest()
