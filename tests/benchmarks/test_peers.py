"""`make bench-peers` measures its peers, says who was left out, and shows what was measured.

The peers that are installed from the package index are measured by it alone.
"""

from pathlib import Path

import pytest

from benchmarks.peers import results
from benchmarks.peers.catalogue import PEERS, PeerKind
from benchmarks.peers.environments import LeftOutError, provide
from benchmarks.peers.measuring import FIGURES
from benchmarks.peers.results import PeerResults, Taken
from tests.scripts import ROOT, run

SHOWN = results.render(PeerResults.read(results.RESULTS))


def test_the_peers_that_need_nothing_are_measured() -> None:
    peers = ["ProcessPoolExecutor", "wool"]
    command = ["-m", "benchmarks.peers", "--rounds=1", "--only", *peers]
    bench = run(command, flags=(), directory=ROOT)
    assert bench.code == 0, bench.err
    rows = [line.strip("|").split("|") for line in bench.out.splitlines()[2:]]
    assert [row[0].strip() for row in rows] == peers
    assert all(len(row) == len(FIGURES) + 2 for row in rows)


def test_a_peer_whose_program_is_not_installed_is_left_out_with_the_cure() -> None:
    kind = PeerKind("with_taskiq", "taskiq", program="no-such-server", cure="install it")
    with pytest.raises(LeftOutError, match=r"no-such-server is not installed \(install it\)"):
        provide(kind, slug="none")


def test_the_table_says_who_was_left_out_and_why() -> None:
    figures = {figure: [1.0] for figure in FIGURES}
    peers = {"ProcessPoolExecutor": Taken("", "", figures), "Ray": Taken("", "it failed")}
    shown = results.table(PeerResults({}, peers))
    assert shown.endswith("Left out: Ray, since it failed.")


def test_every_peer_is_in_the_results() -> None:
    assert list(PeerResults.read(results.RESULTS).peers) == list(PEERS)


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_a_page_shows_what_was_measured(page: Path) -> None:
    assert page.read_text() == SHOWN[page], "make bench-peers ARGS=--render writes it"


def test_results_are_kept_as_they_are(tmp_path: Path) -> None:
    kept = PeerResults.read(results.RESULTS)
    kept.write(tmp_path / "peers.json")
    assert PeerResults.read(tmp_path / "peers.json") == kept
