"""An environment for each peer, in build/peers, made once."""

from __future__ import annotations

__all__ = ["LeftOutError", "measured", "provide"]

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.catalogue import PeerKind

_ROOT = Path(__file__).parents[2]
_PEERS = _ROOT / "build" / "peers"
_LIMIT = 120  # seconds that one run may take
_INSTALLING = 600  # seconds


class LeftOutError(Exception):
    """A peer can't be had; the message says why."""


@dataclass(frozen=True)
class Environment:
    """Where a peer runs, and its version."""

    python: Path
    version: str


def provide(kind: PeerKind, *, slug: str) -> Environment:
    """Return the peer's environment, which is made if it isn't there.

    Raises:
        LeftOutError: It can't be made, or a program that the peer needs is not installed.
    """
    if kind.program and shutil.which(kind.program) is None:
        raise LeftOutError(f"{kind.program} is not installed ({kind.cure})")
    python = Path(sys.executable) if not kind.requires else _made(kind, _PEERS / slug)
    return Environment(python, _version(python, kind.distribution))


def measured(environment: Environment, kind: PeerKind) -> dict[str, float]:
    """Return the peer's figures, of one run.

    Raises:
        LeftOutError: It failed, or took too long.
    """
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "figures.json"
        module = ("-P", "-m", "benchmarks.peers.measuring", kind.adapter, str(out))
        _run([str(environment.python), *module], _LIMIT)
        figures: dict[str, float] = json.loads(out.read_text())
    return figures


def _made(kind: PeerKind, path: Path) -> Path:
    """Make the environment, afresh if it wasn't finished."""
    python, stamp = path / "bin" / "python", path / "made"
    if not stamp.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(path)], _LIMIT)
        install = [uv, "pip", "install", "--quiet", f"--python={python}"]
        _run([*install, *kind.requires], _INSTALLING)
        stamp.touch()
    return python


def _version(python: Path, distribution: str | None) -> str:
    if distribution is None:
        return "Python's own"
    ask = f"from importlib.metadata import version; print(version({distribution!r}))"
    return _run([str(python), "-c", ask], _LIMIT).strip()


def _run(command: list[str], limit: float) -> str:
    """Run a program that sees `benchmarks`, and nothing else of ours: not our wool."""
    seen = _PEERS / "path"
    seen.mkdir(parents=True, exist_ok=True)
    link = seen / "benchmarks"
    if not link.is_symlink():
        link.symlink_to(_ROOT / "benchmarks")
    kept = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(
            command,
            cwd=_PEERS,
            env=kept | {"PYTHONPATH": str(seen)},
            capture_output=True,
            timeout=limit,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LeftOutError(f"it took more than {limit} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise LeftOutError(f"it failed: {said[-1]}")
    return done.stdout
