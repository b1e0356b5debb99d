"""What was measured of the peers, kept as JSON, and how it is shown."""

from __future__ import annotations

__all__ = ["RESULTS", "PeerResults", "Taken", "render"]

import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.charts import Bar, Box, bars
from benchmarks.peers.catalogue import BASE
from benchmarks.peers.measuring import FIGURES
from benchmarks.results import FIGURES as PLACE
from benchmarks.svg import Canvas
from benchmarks.tables import PERFORMANCE, caption, plain, replaced

RESULTS = PLACE / "peers.json"

_ROW = 26  # pixels
_NAMES = 130  # pixels that the names of the peers take
_FORMATS: dict[str, Callable[[float], str]] = {
    "alone": lambda value: f"{value:,.0f} µs",
    "flight": lambda value: f"{value:,.0f}",
    "echo": lambda value: f"{value:,.0f}",
    "start": lambda value: f"{value:.2f} s",
}


@dataclass
class Taken:
    """One peer's figures, run by run, or why it was left out."""

    version: str = ""
    left_out: str = ""
    figures: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def median(self, figure: str) -> float | None:
        """Return the median of a figure; None if the peer was left out."""
        return None if self.left_out else statistics.median(self.figures[figure])


@dataclass
class PeerResults:
    """All that `make bench-peers` measures."""

    about: dict[str, str]
    peers: dict[str, Taken]

    def write(self, path: Path) -> None:
        """Keep it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> PeerResults:
        """Return what was kept."""
        data = json.loads(path.read_text())
        return cls(data["about"], {name: Taken(**taken) for name, taken in data["peers"].items()})

    def ratio(self, peer: str, figure: str) -> float | None:
        """Return a peer's median by that of ProcessPoolExecutor."""
        value, base = self.peers[peer].median(figure), self.peers[BASE].median(figure)
        return None if value is None or base is None else value / base


def render(results: PeerResults) -> dict[Path, str]:
    """Return what the page and the plot have to be."""
    how = caption(results.about, "two workers", f"medians of {results.about['rounds']} runs")
    text = f"{table(results)}\n\n{how}"
    page = replaced(PERFORMANCE.read_text(), "peers", text)
    return {PERFORMANCE: page, PLACE / "peers.svg": plot(results)}


def table(results: PeerResults) -> str:
    """Return the medians as a table, and who was left out, and why."""
    lines = [f"| | version | {' | '.join(FIGURES.values())} |", f"|{'---|' * (len(FIGURES) + 2)}"]
    for name, taken in results.peers.items():
        medians = {figure: taken.median(figure) for figure in FIGURES}
        cells = [_FORMATS[figure](value) for figure, value in medians.items() if value is not None]
        if cells:
            lines.append(f"| {name} | {taken.version} | {' | '.join(cells)} |")
    left = [(name, taken.left_out) for name, taken in results.peers.items() if taken.left_out]
    return "\n".join([*lines, *(f"\nLeft out: {name}, since {reason}." for name, reason in left)])


def plot(results: PeerResults) -> str:
    """Draw the peers' ratios, a panel for each figure."""
    peers = [name for name in results.peers if name != BASE]
    height = 24 + _ROW * len(peers)
    canvas = Canvas(960, 2 * height + 90, "Ratios of peers to ProcessPoolExecutor")
    canvas.text(16, 24, "Ratios to ProcessPoolExecutor (1 is marked)", style="title")
    for number, (figure, title) in enumerate(FIGURES.items()):
        box = Box(16 + number % 2 * 480, 44 + number // 2 * (height + 16), 450, height)
        better = "less" if figure in ("alone", "start") else "more"
        values = [Bar(name, results.ratio(name, figure)) for name in peers]
        bars(canvas, box, f"{title} ({better} is better)", values, names=_NAMES)
    said = plain(caption(results.about))
    canvas.text(16, 2 * height + 78, said, style="small")
    return canvas.drawn()
