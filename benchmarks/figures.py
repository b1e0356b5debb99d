"""Which tables and plots are made of the results, and where they stand."""

from __future__ import annotations

__all__ = ["RESULTS", "growth_plot", "render"]

from pathlib import Path

from benchmarks.charts import Box, Series, legend, lines
from benchmarks.growth import AXES
from benchmarks.results import FIGURES, Growth, Results
from benchmarks.svg import Canvas
from benchmarks.tables import PERFORMANCE, README, caption, plain, replaced, shares_table, table

RESULTS = FIGURES / "bench.json"

_GIGA = 1000  # megabytes
_MEMORY = {
    "workers": "memory of all workers (PSS)",
    "in-flight": "memory taken, caller and workers",
    "payload": "memory taken, caller and workers",
}


def render(results: Results) -> dict[Path, str]:
    """Return what each page and plot that shows the results has to be."""
    shown: dict[Path, str] = {}
    how = caption(results.about, *_details(results))
    readme = f"{table(results, 'asyncio', 'uvloop')}\n\n{how}"
    shown[README] = _page(README, {"bench": readme})
    tables = {f"bench-{loop}": table(results, loop) for loop in ("asyncio", "uvloop")}
    more = {"bench-how": how, "bench-shares": shares_table(results.shares)}
    shown[PERFORMANCE] = _page(PERFORMANCE, tables | more)
    if results.growth:
        for axis in AXES:
            shown[FIGURES / f"growth-{axis}.svg"] = growth_plot(results, axis)
    return shown


def growth_plot(results: Results, axis: str) -> str:
    """Draw how latency, rate and memory grow along an axis."""
    found = [growth for growth in results.growth if growth.axis == axis]
    places = [point.at for point in found[0].points]
    title = f"By {AXES[axis].title}"
    canvas = Canvas(960, 330, f"{title}: latency, rate and memory of wool and ProcessPoolExecutor")
    canvas.text(16, 24, title, style="title")
    legend(canvas, 230, 24, [_name(growth) for growth in found])
    panels = [
        ("time of one, p50", "latency", _duration, 1.0),
        ("MB/s" if axis == "payload" else "calls a second", "rate", _count, 1.0),
        (_MEMORY[axis], "memory", _megabytes, 0.1),
    ]
    for number, (name, key, label, least) in enumerate(panels):
        box = Box(16 + number * 316, 44, 304, 250)
        series = [Series(_name(one), [getattr(p, key) for p in one.points]) for one in found]
        labels = [_count(at) for at in places]
        lines(canvas, box, name, places=labels, series=series, label=label, least=least)
    canvas.text(16, 318, plain(caption(results.about)), style="small")
    return canvas.drawn()


def _details(results: Results) -> list[str]:
    about = results.about
    return [
        "two workers",
        f"medians of {about['rounds']} rounds",
        f"web requests by {about['client']}, uvicorn with h11",
    ]


def _page(path: Path, parts: dict[str, str]) -> str:
    page = path.read_text()
    for name, text in parts.items():
        page = replaced(page, name, text)
    return page


def _name(growth: Growth) -> str:
    return f"{growth.who}, {growth.loop}"


def _count(value: float) -> str:
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if value >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"


def _duration(microseconds: float) -> str:
    for size, unit in ((1_000_000, "s"), (1000, "ms")):
        if microseconds >= size:
            return f"{microseconds / size:g} {unit}"
    return f"{microseconds:g} µs"


def _megabytes(value: float) -> str:
    return f"{value / _GIGA:g} GB" if value >= _GIGA else f"{value:g} MB"
