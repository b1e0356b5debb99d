"""What an adapter gives: a peer that runs, ready to be called."""

from __future__ import annotations

__all__ = ["Peer", "imported"]

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.measure import Call, Echo


@dataclass(frozen=True)
class Peer:
    """A peer while it runs, with two workers."""

    noop: Call
    echo: Echo


def imported(name: str) -> Any:
    """Import what is installed in the peer's environment alone, unknown to type checkers here."""
    return import_module(name)
