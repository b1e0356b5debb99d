"""Requests a second of a FastAPI application under uvicorn: its noop through each contestant."""

from __future__ import annotations

__all__ = ["client_name", "contest"]

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from benchmarks.loops import LoopName
from benchmarks.results import Figure

_ROOT = Path(__file__).parents[1]
_SERVER = ("-m", "uvicorn", "benchmarks.web_app:app", "--port=0", "--no-access-log", "--http=h11")
_CONNECTIONS = 64
_LEAST_OF_WRK = 1.0  # seconds


def client_name() -> str:
    """Return what asks: wrk where it is installed, else our own client, which is slower."""
    return "wrk" if shutil.which("wrk") else "our own client (`apt-get install wrk` for a faster)"


def contest(loop: LoopName, rounds: int, seconds: float) -> Figure:
    """Ask for both in turn, so many seconds each."""
    figure = Figure("web", loop, [], [])
    with _served(loop) as port:
        both = [("/wool", figure.ours), ("/executor", figure.theirs)]
        for path, _ in both:
            _requests(port, path, min(1.0, seconds))
        for turn in range(rounds):
            for path, taken in both if turn % 2 == 0 else reversed(both):
                taken.append(_requests(port, path, seconds))
    return figure


@contextmanager
def _served(loop: LoopName) -> Generator[int]:
    command = [sys.executable, *_SERVER, f"--loop={loop}"]
    with subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield _port_of(cast("IO[str]", server.stderr))
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate()


def _port_of(log: IO[str]) -> int:
    """Wait until the server has written where it listens."""
    said = ""
    for line in log:
        said += line
        if running := re.search(r"running on http://127.0.0.1:(\d+)", line):
            return int(running[1])
    raise RuntimeError(f"uvicorn did not start:\n{said}")


def _requests(port: int, path: str, seconds: float) -> float:
    """Return how many requests a second are answered."""
    if shutil.which("wrk") is None or seconds < _LEAST_OF_WRK:
        ours = [sys.executable, "-m", "benchmarks.http_load", str(port), path, str(seconds)]
        return float(subprocess.run(ours, stdout=subprocess.PIPE, check=True).stdout)
    url = f"http://127.0.0.1:{port}{path}"
    wrk = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{round(seconds)}s", "--timeout=30s", url]
    report = subprocess.run(wrk, stdout=subprocess.PIPE, check=True, text=True).stdout
    if "Non-2xx" in report or "Socket errors" in report:  # late answers are answers
        raise RuntimeError(report)
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", report)[0])
