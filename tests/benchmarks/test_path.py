"""The way of a call through wool does not get longer unless someone says so."""

import copy
from pathlib import Path

from benchmarks.path import grown, read, write
from tests.scripts import ROOT, run


def test_a_call_takes_no_more_of_our_code_than_was_committed() -> None:
    counted = run(["-m", "benchmarks.path", "--check"], flags=(), directory=ROOT)
    assert counted.code == 0, (
        f"{counted.out}{counted.err}\nIf that has to be, commit to it: "
        "make bench-path PYTHON=python3.11 ARGS=--write"
    )


def test_a_longer_way_is_told_from_the_committed_one() -> None:
    committed = read()
    longer = copy.deepcopy(committed)
    longer["noop"]["worker"].functions["protocol"] += 10
    [sentence] = grown(longer, committed)
    assert sentence.startswith("a noop takes ")
    assert "functions at the worker" in sentence


def test_a_shorter_way_is_no_reason_to_complain() -> None:
    committed = read()
    shorter = copy.deepcopy(committed)
    shorter["noop"]["caller"].bytecodes["dispatch"] -= 100
    assert grown(shorter, committed) == []


def test_counts_are_kept_as_they_are(tmp_path: Path) -> None:
    write(read(), tmp_path / "path.json")
    assert read(tmp_path / "path.json") == read()
