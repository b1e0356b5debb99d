"""Counting calls: two additions for each, on the loop that makes it."""

from __future__ import annotations

__all__ = ["Tally"]

from collections.abc import Callable

from wool.protocol.outcome import Lost, Outcome


class Tally:
    """What became of the calls that one event loop sent to one worker.

    Written on that loop alone, and so without a lock; read from anywhere.
    """

    __slots__ = ("_freed", "completed", "failed", "in_flight")

    def __init__(self, freed: Callable[[], None] | None = None) -> None:
        self.in_flight = 0
        self.completed = 0
        self.failed = 0
        self._freed = freed

    def began(self) -> None:
        self.in_flight += 1

    def ended(self, outcome: Outcome | Lost | None) -> None:
        """Count a call that ended so; None stands for one that was abandoned."""
        self.in_flight -= 1
        if not isinstance(outcome, Outcome):
            self.failed += 1
        elif outcome.is_completion:
            self.completed += 1
        elif outcome.kind == "raised":
            self.failed += 1
        if self._freed is not None:
            self._freed()
