"""Which lines each file of tests reaches, here and in the workers: so which can see a mutant."""

import hashlib
import json
import tempfile
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tools.mutants.making import Mutant
from tools.mutants.tree import ROOT, Tree

__all__ = ["Reach", "reaches", "sources", "who_can_see"]

_KEPT = ROOT / "build" / "mutants-reach.json"
_LIMIT = 600.0  # seconds for one file
_NEARBY = 10  # files that are run where none is known to reach a line


@dataclass(frozen=True)
class Reach:
    """One file of tests."""

    key: str
    """Changes with what it runs."""
    seconds: float
    passes: bool
    lines: dict[str, list[int]]


def sources() -> dict[str, str]:
    """Return what there may be mutants of, by path."""
    files = [*(ROOT / "wool").rglob("*.py"), *(ROOT / "integrations").rglob("*.py")]
    paths = sorted(file.relative_to(ROOT) for file in files if not file.name.endswith("_pb2.py"))
    return {str(path): (ROOT / path).read_text() for path in paths}


def _test_files() -> list[str]:
    """Return those that may see a mutant: not the pages of the documentation, nor the browser."""
    found = sorted((ROOT / "tests").rglob("test_*.py"))
    names = (str(file.relative_to(ROOT)) for file in found)
    return [name for name in names if not name.startswith(("tests/docs/", "tests/examples/"))]


def _keys(files: Iterable[str]) -> dict[str, str]:
    """Return for each file what tells whether it runs the same as before."""
    shared = hashlib.sha256("".join(sources().values()).encode())
    for helper in sorted((ROOT / "tests").rglob("*.py")):
        if not helper.name.startswith("test_"):
            shared.update(helper.read_bytes())
    keys = dict[str, str]()
    for file in files:
        whole = shared.copy()
        whole.update((ROOT / file).read_bytes())
        keys[file] = whole.hexdigest()
    return keys


def reaches(pool: Executor, trees: "SimpleQueue[Tree]") -> dict[str, Reach]:
    """Measure every file of tests that has changed since it was measured, or that failed then."""
    keys = _keys(_test_files())
    kept = {file: reach for file, reach in _kept().items() if reach.key == keys.get(file)}
    new = [file for file in keys if file not in kept or not kept[file].passes]

    def measured(file: str) -> Reach:
        tree = trees.get()
        try:
            return _measure(tree, file, keys[file])
        finally:
            trees.put(tree)

    if new:
        print(f"Measuring what {len(new)} files of tests reach", flush=True)
    for file, reach in zip(new, pool.map(measured, new), strict=True):
        fails = "" if reach.passes else ", and is left out, since it fails"
        print(f"{file}: {reach.seconds:.1f} s{fails}", flush=True)
        kept[file] = reach
        _KEPT.parent.mkdir(exist_ok=True)
        _KEPT.write_text(json.dumps({file: asdict(reach) for file, reach in kept.items()}))
    return kept


def _kept() -> dict[str, Reach]:
    kept: dict[str, Any] = json.loads(_KEPT.read_text()) if _KEPT.exists() else {}
    return {file: Reach(**reach) for file, reach in kept.items()}


def _measure(tree: Tree, file: str, key: str) -> Reach:
    with tempfile.TemporaryDirectory() as directory:
        data, report = Path(directory, "coverage"), Path(directory, "report.json")
        ran = tree.measure(file, data, _LIMIT)
        tree.coverage("combine", "--quiet", data=data)
        tree.coverage("json", "--quiet", "-o", str(report), data=data)
        files: dict[str, Any] = {}
        if report.exists():
            files = json.loads(report.read_text())["files"]
    if not ran.passed:  # it may be that it was too slow
        ran = tree.test([file], _LIMIT)
    lines = {path: found["executed_lines"] for path, found in files.items()}
    return Reach(key, ran.seconds, ran.passed, lines)


def who_can_see(mutant: Mutant, known: dict[str, Reach]) -> list[str]:
    """Return the files of tests that reach a mutant, the quickest first.

    Where none is known to, since processes that are killed measure nothing, those that reach its
    module.
    """
    quickest = sorted(known, key=lambda file: known[file].seconds)
    passing = [file for file in quickest if known[file].passes]
    reaching = [f for f in passing if mutant.line in known[f].lines.get(mutant.path, ())]
    nearby = [f for f in passing if _runs(known[f], mutant.path)]
    return reaching or nearby[:_NEARBY]


def _runs(reach: Reach, path: str) -> bool:
    return bool(reach.lines.get(path))
