"""Tells which small changes of the code no test notices: `make mutants ARGS="--seed 1"`.

Mutants (see `making`) are made of wool and its adapters; of a sample each is put in a copy of the
checkout, where the tests that can see it run until one fails. A test that fails has to fail twice.
One that hangs has noticed. The score and the survivors are written to build/mutants.txt, too.
"""

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import FrameType

from tools.mutants.making import Mutant, mutants_of
from tools.mutants.reach import Reach, reaches, sources, who_can_see
from tools.mutants.tree import ROOT, Tree, Trees

_REPORT = ROOT / "build" / "mutants.txt"
_FLAKES = 3  # tests that failed once, of one mutant, after which that is believed
_SLOWER = 3  # times as long as without a mutant, and with coverage, tests may take
_START = 60.0  # seconds more


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    word: str
    """`noticed`, `survived`, or `broken`: then wool can't be imported, and it does not count."""
    by: str
    seconds: float


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--count", type=int, default=200, help="how many mutants")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--only", default="", help="mutants of paths that begin so")
    return parser.parse_args()


class Trial:
    """Puts mutants to the tests."""

    def __init__(self, trees: "SimpleQueue[Tree]", known: dict[str, Reach]) -> None:
        self._trees = trees
        self._known = known
        self._sources = sources()

    def judge(self, mutant: Mutant) -> Verdict:
        tree, source = self._trees.get(), self._sources[mutant.path]
        try:
            tree.write(mutant.path, mutant.applied(source))
            return self._judge(tree, mutant)
        finally:
            tree.write(mutant.path, source)
            self._trees.put(tree)

    def _judge(self, tree: Tree, mutant: Mutant) -> Verdict:
        if not tree.imports():
            return Verdict(mutant, "broken", "", 0.0)
        files = who_can_see(mutant, self._known)
        limit = _START + _SLOWER * sum(self._known[file].seconds for file in files)
        spent, flaky = 0.0, list[str]()
        while files:
            passed_over = [f"--deselect={test}" for test in flaky]
            ran = tree.test([*files, *passed_over], limit)
            spent += ran.seconds
            if ran.passed:
                break
            sure = not ran.failed or len(flaky) == _FLAKES
            if sure or not tree.test([ran.failed], limit).passed:
                return Verdict(mutant, "noticed", ran.failed or "one that hangs", spent)
            flaky.append(ran.failed)
        return Verdict(mutant, "survived", f"{len(files)} files of tests", spent)


def _report(verdicts: list[Verdict], headline: str) -> Iterator[str]:
    counted = [verdict for verdict in verdicts if verdict.word != "broken"]
    survivors = [verdict for verdict in counted if verdict.word == "survived"]
    noticed = len(counted) - len(survivors)
    share = 100 * noticed / len(counted) if counted else 0.0
    yield headline
    broken = len(verdicts) - len(counted)
    yield f"{noticed} of {len(counted)} noticed, {share:.0f} %; {broken} more can't be imported"
    texts = sources()
    for verdict in sorted(survivors, key=lambda each: (each.mutant.path, each.mutant.line)):
        mutant = verdict.mutant
        yield f"\n{mutant.path}:{mutant.line} survived {verdict.by}"
        yield from (f"    {line}" for line in mutant.diff(texts[mutant.path]))


def _run(options: argparse.Namespace, pool: ThreadPoolExecutor, grown: Trees) -> None:
    trees = SimpleQueue[Tree]()
    for number in range(options.jobs):
        trees.put(grown.plant(number))
    known = reaches(pool, trees)
    every = [m for path, text in sources().items() for m in mutants_of(path, text)]
    every = [mutant for mutant in every if mutant.path.startswith(options.only)]
    sample = random.Random(options.seed).sample(every, min(options.count, len(every)))  # noqa: S311
    trial, verdicts = Trial(trees, known), list[Verdict]()
    try:
        for trying in as_completed([pool.submit(trial.judge, mutant) for mutant in sample]):
            verdict = trying.result()
            verdicts.append(verdict)
            where = f"{verdict.mutant.path}:{verdict.mutant.line}"
            said = f"{verdict.word:8} {where} ({verdict.by}, {verdict.seconds:.1f} s)"
            print(f"[{len(verdicts):3}/{len(sample)}] {said}", flush=True)
    finally:  # what was found before an interruption counts, too
        tried = f"{len(verdicts)} of a sample of {len(sample)} out of {len(every)} mutants"
        lines = "\n".join(_report(verdicts, f"seed {options.seed}: {tried}"))
        _REPORT.write_text(f"{lines}\n")
        print(f"\n{lines}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="m-", ignore_cleanup_errors=True) as place:
        grown = Trees(Path(place))
        with ThreadPoolExecutor(options.jobs) as pool:
            try:
                _run(options, pool, grown)
            except KeyboardInterrupt:
                print("\ninterrupted", flush=True)
                return 130
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                grown.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
