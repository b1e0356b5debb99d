"""Counting calls at the cost of one addition for each that returns."""

from __future__ import annotations

__all__ = ["Tally"]

from collections.abc import Callable, Sized

from wool.protocol.outcome import Lost, Outcome


class Tally:
    """What became of the calls that one event loop sent to one worker, on whichever link.

    Written on that loop alone, and so without a lock; read from anywhere. Each call that ends adds
    to one number, so that no reading is ever too high.
    """

    def __init__(self, freed: Callable[[Outcome | Lost | None], None] | None = None) -> None:
        self.completed = 0
        self.failed = 0
        self.table: Sized = ()
        """The calls that are open now."""
        self.freed = freed
        """Is to be called as each call ends, with its outcome."""

    @property
    def in_flight(self) -> int:
        return len(self.table)

    def note(self, outcome: Outcome | Lost | None) -> None:
        """Count a call that ended without returning; None stands for one that was abandoned."""
        if isinstance(outcome, Outcome) and outcome.is_closing:
            self.completed += 1
        elif outcome is None or not outcome.not_started:
            self.failed += 1
