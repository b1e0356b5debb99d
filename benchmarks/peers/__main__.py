"""`make bench-peers`: measure other libraries, each in an environment of its own, in turn.

The environments are made in build/peers, once; what a peer needs is installed there by name. One
that can't be had is left out, and the result says why. System packages are never installed.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.environments import Environment, LeftOutError, measured, provide
from benchmarks.peers.measuring import FIGURES
from benchmarks.peers.results import RESULTS, PeerResults, Taken, render, table
from benchmarks.results import about_this_machine, look_again


class Bench:
    """One run over these peers."""

    def __init__(self, peers: list[str], rounds: int) -> None:
        self._taken = {name: Taken() for name in peers}
        self._environments: dict[str, Environment] = {}
        self._rounds = rounds
        self._about = about_this_machine("make bench-peers") | {"rounds": str(rounds)}
        self._started = time.monotonic()

    def run(self) -> PeerResults:
        """Make what environments there are not, then measure, round by round."""
        for name, taken in self._taken.items():
            self._say(f"the environment of {name}")
            try:
                slug = name.lower().replace(" ", "-")
                self._environments[name] = provide(PEERS[name], slug=slug)
                taken.version = self._environments[name].version
            except LeftOutError as error:
                self._leave_out(name, error)
        for turn in range(self._rounds):
            for name in list(self._environments):
                self._say(f"round {turn + 1} of {self._rounds}: {name}")
                self._measure(name)
        look_again(self._about)
        self._say("done")
        return PeerResults(self._about, self._taken)

    def _measure(self, name: str) -> None:
        try:
            figures = measured(self._environments[name], PEERS[name])
        except LeftOutError as error:
            self._leave_out(name, error)
            return
        for figure in FIGURES:
            value = float(f"{figures[figure]:.5g}")
            self._taken[name].figures.setdefault(figure, []).append(value)

    def _leave_out(self, name: str, error: LeftOutError) -> None:
        self._taken[name].left_out = str(error)
        self._environments.pop(name, None)
        self._say(f"left out: {name}, since {error}")

    def _say(self, what: str) -> None:
        took = time.monotonic() - self._started
        print(f"{took:4.0f} s  {what}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print the table, and unless only some were asked for keep and show it."""
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=PEERS, help="these, and write nothing")
    parser.add_argument(
        "--render", action="store_true", help="measure nothing; write the page and the plot anew"
    )
    options = parser.parse_args()
    if options.render:
        results = PeerResults.read(RESULTS)
    else:
        results = Bench(options.only or list(PEERS), options.rounds).run()
        print(table(results))
    if options.only:
        return
    results.write(RESULTS)
    for path, text in render(results).items():
        path.write_text(text)


if __name__ == "__main__":
    main()
