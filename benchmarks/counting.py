"""Counting what runs of wool: functions entered, and bytecodes. No clock is in it, and no noise."""

from __future__ import annotations

__all__ = ["Counter", "Counts"]

import inspect
import sys
from collections import Counter as Tally
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import wool

_PACKAGE = Path(wool.__file__).parent
_PREFIX = f"{_PACKAGE}/"


@dataclass
class Counts:
    """What one call takes, by room of the house: `dispatch`, `protocol` ... ."""

    functions: dict[str, int] = field(default_factory=dict[str, int])
    bytecodes: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def totals(self) -> dict[str, int]:
        """All rooms together."""
        return {
            "functions": sum(self.functions.values()),
            "bytecodes": sum(self.bytecodes.values()),
        }

    def of_room(self, room: str) -> dict[str, int]:
        """One room alone."""
        return {
            "functions": self.functions.get(room, 0),
            "bytecodes": self.bytecodes.get(room, 0),
        }


class Counter:
    """Counts in this thread, from `start` to `stop`; a coroutine that goes on counts as entered."""

    def __init__(self) -> None:
        self._entered: Tally[CodeType] = Tally()
        self._steps: Tally[CodeType] = Tally()

    def start(self) -> None:
        """Count what is entered from now on."""
        if frame := inspect.currentframe():
            frame.f_trace_opcodes = True  # Python 3.12 heeds the others' if one was set before
        sys.settrace(self._enter)

    def stop(self, calls: int) -> Counts:
        """Stop, and return what each of so many calls took.

        Each function's figures are rounded, and one that most calls don't enter is left out: what
        a timer does now and then is no part of a call.
        """
        sys.settrace(None)
        part = [code for code, count in self._entered.items() if count > calls / 2]
        return Counts(_by_room(self._entered, part, calls), _by_room(self._steps, part, calls))

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        del event, arg
        if not frame.f_code.co_filename.startswith(_PREFIX):
            return None
        self._entered[frame.f_code] += 1
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        del arg
        if event == "opcode":
            self._steps[frame.f_code] += 1
        return self._step


def _by_room(tally: Tally[CodeType], part: list[CodeType], calls: int) -> dict[str, int]:
    rooms: Tally[str] = Tally()
    for code in part:
        first = Path(code.co_filename).relative_to(_PACKAGE).parts[0]
        rooms[first.removesuffix(".py")] += round(tally[code] / calls)
    return dict(sorted(rooms.items()))
