"""Sampling: whose code this process is in, a few hundred times a second of its processor time."""

from __future__ import annotations

__all__ = ["Sampler"]

import signal
from collections import Counter
from pathlib import Path
from types import FrameType

import wool

_PACKAGE = f"{Path(wool.__file__).parent}/"
_ASYNCIO = ("/asyncio/", "/selectors.py", "/uvloop/")
_INTERVAL = 0.001  # seconds of processor time; the system makes up to 0.004 of it


class Sampler:
    """Samples the main thread from `start` to `stop`, while it computes and not while it waits.

    What C code does, pickling and system calls included, counts for the Python that called it.
    """

    def __init__(self) -> None:
        self._samples: Counter[str] = Counter()

    def start(self) -> None:
        """Begin."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)

    def stop(self) -> dict[str, float]:
        """Stop, and return the share of each part."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        total = max(1, self._samples.total())
        return {part: round(count / total, 3) for part, count in sorted(self._samples.items())}

    def _sample(self, number: int, frame: FrameType | None) -> None:
        del number
        self._samples[_part_of(frame.f_code.co_filename if frame else "")] += 1


def _part_of(path: str) -> str:
    if path.startswith(_PACKAGE):
        room = path.removeprefix(_PACKAGE).partition("/")[0]
        return f"wool/{room.removesuffix('.py')}"
    return "asyncio" if any(place in path for place in _ASYNCIO) else "others"
