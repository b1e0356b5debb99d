"""`make test-all`: the whole suite on each Python that is installed, and each event loop.

Prints a line for each combination, and then what was skipped, and why. The log of one that failed
is kept in build/. Whatever is given as arguments goes to pytest.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("python3.11", "python3.12", "python3.13", "python3.14")
LOOPS = ("asyncio", "uvloop")

_LIMIT = 1800  # seconds; what hangs behind the last test escapes pytest's own limit
_SUMMARY = re.compile(r"^=+ (.* in [\d.]+s)\b.*=+$", re.MULTILINE)
_SKIPPED = re.compile(r"^SKIPPED \[\d+\] (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    passed: bool
    words: str
    skipped: list[str]


def find(python: str) -> str | None:
    """Return the path of an interpreter that make would take for this name."""
    command = ["sh", "tools/python.sh", "-c", "import sys; print(sys.executable)"]
    environment = os.environ | {"PYTHON": python}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.stdout.strip() or None


def test(python: str, path: str, loop: str, arguments: list[str]) -> Outcome:
    """Run `make test` and keep its log if it fails."""
    log = ROOT / "build" / f"test-{python}-{loop}.log"
    command = ["make", "test", f"PYTHON={path}", f"VENV=.venv-{python}", f"LOOP={loop}"]
    if arguments:
        command.append(f"ARGS={shlex.join(arguments)}")
    log.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    with log.open("wb") as output:
        status = _run(command, output.fileno())
    text = log.read_text(errors="replace")
    ends = _SUMMARY.findall(text)
    if status == 0 and ends:
        log.unlink()
        return Outcome(passed=True, words=ends[-1], skipped=_SKIPPED.findall(text))
    took = f"exit status {status} after {time.monotonic() - began:.0f} s"
    words = f"FAILED, {ends[-1] if ends else took}; see {log.relative_to(ROOT)}"
    return Outcome(passed=False, words=words, skipped=_SKIPPED.findall(text))


def _run(command: list[str], output: int) -> int:
    """Run a command in a process group of its own; end the whole group if it takes too long."""
    # What the make that runs this one was given is not for the other environments.
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("MAKE", "MFLAGS"))}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LIMIT)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def main() -> int:
    passed = True
    skipped: defaultdict[str, list[str]] = defaultdict(list)
    for python, loop in product(PYTHONS, LOOPS):
        path = find(python)
        if path is None:
            print(f"{python} {loop}: not tested, {python} not found", flush=True)
            continue
        outcome = test(python, path, loop, sys.argv[1:])
        passed = passed and outcome.passed
        print(f"{python} {loop}: {outcome.words}", flush=True)
        for what in outcome.skipped:
            skipped[what].append(f"{python} {loop}")
    for what, where in skipped.items():
        print(f"skipped on {', '.join(where)}: {what}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
