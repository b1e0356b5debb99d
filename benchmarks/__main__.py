"""`make bench`: measure wool beside ProcessPoolExecutor, and write README's table and the plots.

Both get two workers, in turn, in one process. Ratios are what to look at: they hold where the
machine's own speed does not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import starts, web
from benchmarks.figures import RESULTS, render
from benchmarks.loops import LOOPS, LoopName
from benchmarks.results import Figure, Growth, Results, about_this_machine, look_again
from benchmarks.rows import EXECUTOR
from benchmarks.tables import table

_GROWING: tuple[tuple[str, LoopName], ...] = (
    ("wool", "asyncio"),
    ("wool", "uvloop"),
    (EXECUTOR, "asyncio"),
)


class Bench:
    """One run: every row on every loop, and how costs grow."""

    def __init__(self, loops: Sequence[LoopName], *, rounds: int, quick: bool) -> None:
        about = about_this_machine("make bench")
        about |= {"rounds": str(rounds), "client": web.client_name()}
        self._results = Results(about)
        self._loops = loops
        self._rounds = rounds
        self._quick = quick
        self._started = time.monotonic()

    def run(self) -> Results:
        """Measure, and say on standard error what is being measured."""
        for loop in self._loops:
            self._measure(loop)
        for who, loop in _GROWING:
            if loop not in self._loops:
                continue
            self._say(f"how {who} grows on {loop}")
            places = ["--places=1", "--seconds=0.1"] if self._quick else []
            grown = _program("benchmarks.growth", loop, who, *places)
            self._results.growth += [Growth.of_json(growth) for growth in grown]
        self._say("where the time goes")
        self._results.shares = _program("benchmarks.shares", "0.2" if self._quick else "5")
        look_again(self._results.about)
        self._say("done")
        return self._results

    def _measure(self, loop: LoopName) -> None:
        self._say(f"calls on {loop}")
        scale = "0.02" if self._quick else "1"
        options = (f"--rounds={self._rounds}", f"--scale={scale}")
        taken = [Figure(**figure) for figure in _program("benchmarks.contest", loop, *options)]
        self._say(f"a web application on {loop}")
        taken.append(web.contest(loop, self._rounds, 0.2 if self._quick else 3.0))
        self._say(f"starts on {loop}")
        taken += starts.contest(loop, self._rounds)
        self._results.figures += taken

    def _say(self, what: str) -> None:
        took = time.monotonic() - self._started
        print(f"{took:4.0f} s  {what}", file=sys.stderr, flush=True)


def _forget_what_is_set_for_python() -> None:
    """Have programs start as a user's do: a machine may keep Python from caching bytecode."""
    for name in [name for name in os.environ if name.startswith("PYTHON")]:
        if name != "PYTHONPATH":
            del os.environ[name]


def _program(*command: str) -> Any:
    """Run a module as a program, and return the JSON that it prints."""
    done = subprocess.run([sys.executable, "-m", *command], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Measure, print the tables, and unless it was a quick run keep and show what was found."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--quick", action="store_true", help="see that it works, in seconds; nothing is written"
    )
    parser.add_argument(
        "--render", action="store_true", help="measure nothing; write pages and plots anew"
    )
    parser.add_argument("--loop", choices=LOOPS, help="with --quick: on this loop alone")
    options = parser.parse_args()
    if options.loop and not options.quick:
        parser.error("what is written has the figures of both loops: --loop is for --quick")
    if options.render:
        results = Results.read(RESULTS)
    else:
        _forget_what_is_set_for_python()
        loops = (options.loop,) if options.loop else LOOPS
        rounds = 1 if options.quick else options.rounds
        results = Bench(loops, rounds=rounds, quick=options.quick).run()
        for loop in loops:
            print(f"\n{loop}\n\n{table(results, loop)}")
    if options.quick:
        return
    results.write(RESULTS)
    for path, text in render(results).items():
        path.write_text(text)
        print(f"wrote {path.relative_to(RESULTS.parents[2])}", file=sys.stderr)


if __name__ == "__main__":
    main()
