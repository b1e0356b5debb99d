"""`make bench` measures every row of both contestants, and what it writes is what pages show."""

import sys
from pathlib import Path

import pytest

from benchmarks import figures, path
from benchmarks.results import Results
from benchmarks.rows import ROWS
from benchmarks.tables import PERFORMANCE, replaced
from tests.loops import chosen
from tests.scripts import ROOT, run

ON_LINUX = sys.platform == "linux"
TOLD_BY_LINUX = {"cpu", "memory", "memory-spawn"}  # in /proc
_PATIENCE = 120  # seconds: a dozen programs, one after the other
SHOWN = figures.render(Results.read(figures.RESULTS))


@pytest.mark.timeout(2 * _PATIENCE)
def test_a_quick_run_measures_every_row_and_writes_nothing() -> None:
    before = [page.read_text() for page in [*SHOWN, figures.RESULTS]]
    command = ["-m", "benchmarks", "--quick", "--loop", chosen()]
    bench = run(command, flags=(), directory=ROOT, patience=_PATIENCE)
    assert bench.code == 0, bench.err
    rows = [line.split(" | ") for line in bench.out.splitlines() if line.startswith("| ")]
    titles = [row.title for key, row in ROWS.items() if key not in TOLD_BY_LINUX or ON_LINUX]
    assert [row[0].removeprefix("| ") for row in rows[2:]] == titles
    assert [page.read_text() for page in [*SHOWN, figures.RESULTS]] == before


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_a_page_shows_what_was_measured(page: Path) -> None:
    assert page.read_text() == SHOWN[page], "make bench ARGS=--render writes it"


def test_the_page_shows_what_was_counted() -> None:
    page = PERFORMANCE.read_text()
    assert replaced(page, "path", path.tables(path.read())) == page


def test_results_are_kept_as_they_are(tmp_path: Path) -> None:
    results = Results.read(figures.RESULTS)
    results.write(tmp_path / "bench.json")
    assert Results.read(tmp_path / "bench.json") == results


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="bench: written by make"):
        replaced("# A page", "bench", "a table")
