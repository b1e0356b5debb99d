"""A copy of the checkout, with an environment in which it, and not the checkout, is imported."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import threading
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Ran", "Tree", "Trees"]

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = (".git", ".venv*", "build", "dist", "__pycache__", ".*_cache", ".coverage*", "htmlcov")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+\.py(?:::.+?)?)(?: - .*)?$", re.MULTILINE)
_IMPORTS = "import wool.worker.main, wool_integrations.fastapi"


@dataclass(frozen=True)
class Ran:
    """How a run of tests ended."""

    passed: bool
    failed: str
    """The test that failed; empty if there is none, or it ended otherwise."""
    seconds: float
    output: str


class Trees:
    """What runs at a moment; all of it can be ended from another thread."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def plant(self, number: int) -> "Tree":
        return Tree(self._place / str(number), self)

    def run(
        self, command: Sequence[str | Path], limit: float, cwd: Path, variables: Mapping[str, str]
    ) -> Ran:
        """Run a program in a session of its own, for at most so many seconds."""
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            with self._lock:
                if self._ended:
                    raise KeyboardInterrupt
                process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env={**os.environ, **variables},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                self._running.add(process)
            try:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(limit)
            finally:
                self._end(process)
            output.seek(0)
            text = output.read().decode(errors="replace")
        failed = _FAILED.search(text)
        seconds = time.monotonic() - began
        return Ran(process.returncode == 0, failed[1] if failed else "", seconds, text)

    def end(self) -> None:
        """End what runs, and start nothing more."""
        with self._lock:
            self._ended = True
            running = list(self._running)
        for process in running:
            self._kill(process)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        self._kill(process)
        process.wait()
        with self._lock:
            self._running.discard(process)

    def _kill(self, process: "subprocess.Popen[bytes]") -> None:
        # The group, too, of one that has ended: it may have left programs that it started.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


class Tree:
    """One copy, in which one run of tests goes on at a time."""

    def __init__(self, place: Path, trees: Trees) -> None:
        self._trees = trees
        self.root = place / "tree"
        self._temporary = place / "t"  # short, like the next: sockets lie in both
        self._options = ("-q", "-p", "no:cacheprovider", f"--basetemp={place / 'b'}")
        self._python = place / "env" / "bin" / "python"
        self._temporary.mkdir(parents=True)
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
        venv.create(place / "env", symlinks=True, with_pip=False)
        self._furnish(place / "env")
        found = self._run(["-c", "import wool; print(wool.__file__)"], limit=60, cwd=place).output
        if not found.startswith(str(self.root)):
            raise RuntimeError(f"the copy is not what is imported, but {found}")

    def _furnish(self, environment: Path) -> None:
        """Lend it the packages of the environment that this runs in, behind the copy of wool."""
        [packages] = environment.glob("lib/python*/site-packages")
        lent = Path(sysconfig.get_path("purelib"))
        paths = [self.root, self.root / "integrations", lent]
        (packages / "mutants.pth").write_text("".join(f"{path}\n" for path in paths))
        for starter in lent.glob("*coverage*.pth"):  # what has programs measured
            shutil.copy(starter, packages)

    def imports(self) -> bool:
        """Tell whether wool can be imported at all."""
        return self._run(["-c", _IMPORTS], limit=60).passed

    def test(self, arguments: Sequence[str], limit: float) -> Ran:
        """Run tests until one fails."""
        return self._run(["-m", "pytest", "-x", *self._options, *arguments], limit)

    def measure(self, file: str, into: Path, limit: float) -> Ran:
        """Run a file of tests, its workers, too, under coverage."""
        command = ["-m", "coverage", "run", "-m", "pytest", *self._options, file]
        return self._run(command, limit, COVERAGE_FILE=str(into))

    def coverage(self, *arguments: str, data: Path) -> None:
        """Run a command of coverage."""
        self._run(["-m", "coverage", *arguments], limit=300, COVERAGE_FILE=str(data))

    def write(self, path: str, source: str) -> None:
        """Change a source. Two versions of one second and size would share their bytecode."""
        (self.root / path).write_text(source)
        for compiled in (self.root / path).parent.glob(f"__pycache__/{Path(path).stem}.*"):
            compiled.unlink(missing_ok=True)

    def _run(
        self, arguments: Sequence[str], limit: float, cwd: Path | None = None, **variables: str
    ) -> Ran:
        variables["TMPDIR"] = str(self._temporary)
        return self._trees.run([self._python, *arguments], limit, cwd or self.root, variables)
