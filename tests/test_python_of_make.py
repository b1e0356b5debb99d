"""`make test PYTHON=...` finds that Python, or says why not."""

import os
import subprocess
import sys
from pathlib import Path

from tests.environment import on_a_new_machine
from tests.scripts import ROOT


def run(python: str, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Ask the Python that make takes for its version, with the programs in `path` before others."""
    path = Path(f"{path}{os.pathsep}{os.environ['PATH']}")
    return subprocess.run(
        ["sh", "tools/python.sh", "-c", "import sys; print(sys.version)"],
        cwd=ROOT,
        env=on_a_new_machine(PYTHON=python, **environment) | {"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_one_is_taken_by_its_path_or_from_the_path(tmp_path: Path) -> None:
    program(tmp_path / "python3.98", f'exec {sys.executable} "$@"')
    assert run(sys.executable, tmp_path).stdout.strip() == sys.version
    assert run("python3.98", tmp_path).stdout.strip() == sys.version


def test_one_of_pyenv_is_taken_though_another_is_chosen(tmp_path: Path) -> None:
    program(tmp_path / "shims" / "python3.98", "exit 127")
    program(tmp_path / "versions/3.98.1/bin/python3.98", f'exec {sys.executable} "$@"')
    done = run("python3.98", tmp_path / "shims", PYENV_ROOT=str(tmp_path))
    assert done.stdout.strip() == sys.version


def test_one_that_is_nowhere_is_named(tmp_path: Path) -> None:
    done = run("python3.98", tmp_path, PYENV_ROOT=str(tmp_path))
    assert done.returncode == 1
    assert "There is no python3.98" in done.stderr


def test_one_that_does_not_run_is_named(tmp_path: Path) -> None:
    broken = program(tmp_path / "python3.98", "exit 127")
    done = run("python3.98", tmp_path, PYENV_ROOT=str(tmp_path))
    assert f"{broken} does not run" in done.stderr


def test_one_that_is_too_old_is_told_its_version(tmp_path: Path) -> None:
    old = program(tmp_path / "old", '[ "$1" = --version ] && echo Python 3.9.18')
    done = run(str(old), tmp_path)
    assert f"PYTHON={old} is Python 3.9.18, and wool needs 3.11 or newer" in done.stderr
