"""Tables say what was measured, and how far that can be relied on."""

from benchmarks.results import Figure, Results
from benchmarks.tables import caption, shares_table, table

ABOUT = {
    "command": "make bench",
    "date": "2026-11-21",
    "python": "3.11.7",
    "machine": "Linux",
    "busy": "0.02",
}


def test_a_row_has_the_medians_and_the_spread_of_the_ratios() -> None:
    figures = [Figure("alone", "asyncio", [100.0, 150.0, 90.0], [200.0, 200.0, 300.0])]
    row = table(Results(ABOUT, figures), "asyncio").splitlines()[-1]
    assert row == "| noop, one after the other, p50 | 100 µs | 200 µs | 0.50 | 0.30 - 0.75 |"


def test_a_row_names_what_else_it_is_compared_with() -> None:
    figures = [Figure("over-floor", "asyncio", [60.0], [40.0])]
    assert "40 µs (a bare echo)" in table(Results(ABOUT, figures), "asyncio")


def test_the_ratio_on_the_other_loop_stands_beside() -> None:
    figures = [Figure("alone", loop, [100.0], [200.0]) for loop in ("asyncio", "uvloop")]
    both = table(Results(ABOUT, figures), "asyncio", "uvloop").splitlines()
    assert both[0].endswith("| ratio on uvloop |")
    assert both[-1].endswith("| 0.50 - 0.50 | 0.50 |")


def test_what_the_system_does_not_tell_has_no_row() -> None:
    figures = [Figure("memory", "asyncio", [], [])]
    assert "memory" not in table(Results(ABOUT, figures), "asyncio")


def test_a_caption_says_when_others_kept_the_machine_busy() -> None:
    assert "busy" not in caption(ABOUT)
    assert "others used 60% of the machine: not to" in caption(ABOUT | {"busy": "0.60"})


def test_shares_are_sorted_and_small_ones_left_out() -> None:
    shares = {"caller": {"wool/values": 0.2, "asyncio": 0.7, "wool/tasks": 0.001}}
    assert shares_table(shares).splitlines()[2:] == ["| asyncio | 70% |", "| `wool/values` | 20% |"]
