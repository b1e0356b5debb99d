"""What a message brings beside its value: the classes and globals that the value needs."""

from __future__ import annotations

__all__ = ["CURE", "GONE", "Key", "Part", "Table"]

from collections.abc import Mapping
from typing import NamedTuple

CURE = "define it in a module that workers can import"
"""What helps with whatever can't travel by value."""

Key = tuple[bytes, str]
"""A class, by its identity and ""; or a global, by its namespace's identity and its name."""


class Part(NamedTuple):
    """The definition of a class, or the value of a global."""

    data: bytes
    """Pickled. Other classes and globals stand in it as their keys."""
    needs: tuple[Key, ...]
    """Those, and the globals that functions in it use."""
    token: bytes = b""
    """The object that a global is, if it can change in place: another object has another."""


GONE = Part(b"gone", ())
"""What comes for a global that home does not have. It is no pickle."""

Table = Mapping[Key, Part]
"""The parts of a message: all that its value needs, directly or by way of others."""
