"""What was measured, kept as JSON: tables and plots are made of it, on whatever machine."""

from __future__ import annotations

__all__ = [
    "FIGURES",
    "Figure",
    "Growth",
    "Point",
    "Results",
    "Shares",
    "about_this_machine",
    "look_again",
]

import datetime as dt
import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import busy_share

Shares = dict[str, dict[str, float]]
"""Of processor time: by end and kind of load, then by part."""

FIGURES = Path(__file__).parents[1] / "docs" / "figures"


@dataclass
class Figure:
    """A row's figures on one loop, of wool and of what it is compared with, round by round."""

    row: str
    loop: str
    ours: list[float]
    theirs: list[float]

    @property
    def is_whole(self) -> bool:
        """Tell whether both were measured as often; not where the system doesn't tell."""
        return bool(self.ours) and len(self.ours) == len(self.theirs)

    @property
    def ratios(self) -> list[float]:
        """Ours by theirs, round by round, sorted."""
        return sorted(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """The median of them."""
        return statistics.median(self.ratios)

    def as_json(self) -> dict[str, Any]:
        """Return it with as many digits as it has."""
        return asdict(self) | {"ours": _rounded(self.ours), "theirs": _rounded(self.theirs)}


@dataclass
class Point:
    """What there was at one place of an axis; None for what was not measured."""

    at: int
    latency: float
    rate: float | None
    memory: float | None


@dataclass
class Growth:
    """How one contestant's costs grow along an axis."""

    axis: str
    who: str
    loop: str
    points: list[Point]

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> Growth:
        """Return what was kept."""
        points = [Point(**point) for point in data["points"]]
        return cls(data["axis"], data["who"], data["loop"], points)


@dataclass
class Results:
    """All that `make bench` measures."""

    about: dict[str, str]
    figures: list[Figure] = field(default_factory=list[Figure])
    growth: list[Growth] = field(default_factory=list[Growth])
    shares: Shares = field(default_factory=dict[str, dict[str, float]])

    def write(self, path: Path) -> None:
        """Keep it."""
        data = {
            "about": self.about,
            "figures": [figure.as_json() for figure in self.figures],
            "growth": [asdict(growth) for growth in self.growth],
            "shares": self.shares,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Return what was kept."""
        data = json.loads(path.read_text())
        figures = [Figure(**figure) for figure in data["figures"]]
        growth = [Growth.of_json(growth) for growth in data["growth"]]
        return cls(data["about"], figures, growth, data["shares"])


def about_this_machine(command: str) -> dict[str, str]:
    """Return what figures are taken with and on: the class of machine, never its name.

    `busy` is the share of its processors that others use at this moment.
    """
    return {
        "command": command,
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        "busy": f"{busy_share():.2f}",
    }


def look_again(about: dict[str, str]) -> None:
    """Note it if others use more of the machine by now."""
    about["busy"] = f"{max(float(about['busy']), busy_share()):.2f}"


def _rounded(values: list[float]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
