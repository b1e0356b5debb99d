"""Tables for the pages, and the places in them where they stand."""

from __future__ import annotations

__all__ = ["PERFORMANCE", "README", "caption", "plain", "replaced", "shares_table", "table"]

import re
import statistics
from collections.abc import Callable
from pathlib import Path

from benchmarks.results import Figure, Results, Shares
from benchmarks.rows import EXECUTOR, ROWS

_ROOT = Path(__file__).parents[1]
README = _ROOT / "README.md"
PERFORMANCE = _ROOT / "docs" / "explanation" / "performance.md"

_QUIET = 0.1
"""Others may use such a share of a machine that is said to do nothing else."""

_LEAST = 0.005
"""A part with a smaller share is left out."""


def table(results: Results, loop: str, other: str | None = None) -> str:
    """Return the figures of one loop as a table, with the ratios of another loop if asked."""
    figures = {figure.row: figure for figure in results.figures if figure.loop == loop}
    others = {figure.row: figure for figure in results.figures if figure.loop == other}
    heads = ["", "wool", EXECUTOR, "ratio", "least - greatest"]
    heads += [f"ratio on {other}"] if other else []
    lines = [_line(heads), _line(["---"] * len(heads))]
    for key, figure in ((key, figures[key]) for key in ROWS if key in figures):
        if figure.is_whole:
            lines.append(_line([*_cells(figure), *([_ratio(others.get(key))] if other else [])]))
    return "\n".join(lines)


def shares_table(shares: Shares) -> str:
    """Return the shares in percent, greatest first."""
    heads = list(shares)
    parts = {part for found in shares.values() for part in found}
    weights = {part: sum(found.get(part, 0.0) for found in shares.values()) for part in parts}
    lines = [f"| | {' | '.join(heads)} |", f"|{'---|' * (len(heads) + 1)}"]
    for part in sorted(parts, key=lambda part: (-weights[part], part)):
        if weights[part] > _LEAST * len(heads):
            cells = [f"{shares[head].get(part, 0.0):.0%}" for head in heads]
            lines.append(f"| {_marked(part)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _marked(part: str) -> str:
    return f"`{part}`" if part.startswith("wool/") else part


def caption(about: dict[str, str], *more: str) -> str:
    """Return how, when and on what the figures were taken, and whether others were at work."""
    said = [f"`{about['command']}`", about["date"], f"Python {about['python']}", about["machine"]]
    busy = float(about["busy"])
    if busy > _QUIET:
        more += (f"**others used {busy:.0%} of the machine: not to be relied on**",)
    return "; ".join([*said, *more]) + "."


def plain(text: str) -> str:
    """Return the text without Markdown's marks."""
    return text.replace("`", "").replace("**", "")


def replaced(page: str, name: str, text: str) -> str:
    """Return the page with the text between its markers of this name.

    Raises:
        ValueError: The page has no such markers.
    """
    begin, end = f"<!-- {name}: written by make -->", f"<!-- {name}: end -->"
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    write: Callable[[re.Match[str]], str] = lambda _: f"{begin}\n\n{text}\n\n{end}"  # noqa: E731
    done, count = between.subn(write, page)
    if count != 1:
        raise ValueError(f"the page has to have {begin} and {end}, once")
    return done


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _cells(figure: Figure) -> list[str]:
    row = ROWS[figure.row]
    ours, theirs = (
        f"{statistics.median(taken):,.{row.digits}f} {row.unit}"
        for taken in (figure.ours, figure.theirs)
    )
    if row.against != EXECUTOR:
        theirs += f" ({row.against})"
    ratios = figure.ratios
    return [row.title, ours, theirs, _ratio(figure), f"{ratios[0]:.2f} - {ratios[-1]:.2f}"]


def _ratio(figure: Figure | None) -> str:
    return f"{figure.ratio:.2f}" if figure is not None and figure.is_whole else "-"
