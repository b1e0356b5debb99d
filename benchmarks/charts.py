"""Charts on a canvas: lines over a logarithmic axis, and bars of ratios."""

from __future__ import annotations

__all__ = ["Bar", "Box", "Series", "bars", "legend", "lines"]

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.svg import Canvas

_LARGE = 100  # a ratio without digits after the point
_TICK = 44  # pixels that a label of the vertical axis takes


@dataclass(frozen=True)
class Box:
    """Where a chart is drawn, its title and labels included."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Series:
    """One line: a value at each place of the axis, or None."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Bar:
    """One bar; None and a reason, where there is no value."""

    name: str
    value: float | None


def lines(
    canvas: Canvas,
    box: Box,
    title: str,
    *,
    places: Sequence[str],
    series: Sequence[Series],
    label: Callable[[float], str],
    least: float,
) -> None:
    """Draw series over places that are equally far apart; what is below `least` is drawn there."""
    canvas.text(box.x, box.y + 12, title, style="title")
    plot = Box(box.x + _TICK, box.y + 24, box.width - _TICK - 18, box.height - 44)
    known = [max(value, least) for one in series for value in one.values if value is not None]
    if not known:
        return
    low = math.floor(math.log10(min(known)))
    high = max(low + 1, math.ceil(math.log10(max(known))))

    def y_of(value: float) -> float:
        share = (math.log10(max(value, least)) - low) / (high - low)
        return plot.y + plot.height * (1 - share)

    for tick in (10.0**power for power in range(low, high + 1)):
        canvas.line([(plot.x, y_of(tick)), (plot.x + plot.width, y_of(tick))], "grid")
        canvas.text(plot.x - 6, y_of(tick) + 4, label(tick), style="small", anchor="end")
    xs = [plot.x + index * plot.width / max(1, len(places) - 1) for index in range(len(places))]
    for x, place in zip(xs, places, strict=True):
        canvas.text(x, plot.y + plot.height + 16, place, style="small", anchor="middle")
    for number, one in enumerate(series):
        known_at = [(x, y) for x, y in zip(xs, one.values, strict=True) if y is not None]
        points = [(x, y_of(value)) for x, value in known_at]
        canvas.line(points, f"line s{number}")
        for x, y in points:
            canvas.dot(x, y, f"f{number}")


def bars(canvas: Canvas, box: Box, title: str, values: Sequence[Bar], *, names: float) -> None:
    """Draw ratios as bars over a logarithmic axis on which 1 is marked."""
    canvas.text(box.x, box.y + 12, title, style="title")
    known = [bar.value for bar in values if bar.value is not None]
    low, high = min([0.5, *known]) / 1.3, max([2.0, *known]) * 2.5  # room for the figures
    left, width = box.x + names, box.width - names
    row = (box.height - 24) / len(values)

    def place_of(value: float) -> float:
        return left + width * math.log(value / low) / math.log(high / low)

    one = place_of(1.0)
    canvas.line([(one, box.y + 22), (one, box.y + box.height)], "grid")
    for index, bar in enumerate(values):
        y = box.y + 24 + index * row
        if names:
            canvas.text(left - 8, y + row / 2 + 4, bar.name, anchor="end")
        if bar.value is None:
            canvas.text(one + 6, y + row / 2 + 4, "left out", style="small")
            continue
        end = place_of(bar.value)
        style = "f0" if bar.name == "wool" else "f2"
        canvas.bar(min(one, end), y + row * 0.2, max(1.0, abs(end - one)), row * 0.6, style)
        canvas.text(max(one, end) + 6, y + row / 2 + 4, _ratio(bar.value), style="small")


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= _LARGE else f"{value:.2f}"


def legend(canvas: Canvas, x: float, y: float, names: Sequence[str]) -> None:
    """Say which line is whose."""
    for number, name in enumerate(names):
        canvas.line([(x, y - 4), (x + 28, y - 4)], f"line s{number}")
        canvas.dot(x + 14, y - 4, f"f{number}")
        canvas.text(x + 36, y, name)
        x += 56 + 7.2 * len(name)
