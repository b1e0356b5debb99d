"""What processes use, as Linux tells it in /proc: processor time and memory."""

from __future__ import annotations

__all__ = ["Peak", "busy_share", "cpu_time", "proportional_memory"]

import os
import resource
import time
from collections.abc import Iterable
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"  # proc(5), /proc/PID/clear_refs


def cpu_time(workers: Iterable[int]) -> float | None:
    """Return the seconds of processor time that this process and the workers have used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    total = usage.ru_utime + usage.ru_stime
    for pid in workers:
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        user, system = text.rpartition(")")[2].split()[11:13]
        total += (int(user) + int(system)) / _TICK
    return total


def proportional_memory(pid: int) -> float | None:
    """Return a process's proportional set size, in megabytes."""
    return _megabytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss")


def busy_share(seconds: float = 1.0) -> float:
    """Return the share of the processors that was in use for so long from now; 0 if not told."""
    idle, total = _idle_and_total()
    time.sleep(seconds)
    idle_then, total_then = _idle_and_total()
    return 1 - (idle_then - idle) / (total_then - total) if total_then > total else 0.0


def _idle_and_total() -> tuple[int, int]:
    try:
        first = Path("/proc/stat").read_text().splitlines()[0]
    except OSError:
        return 0, 0
    ticks = [int(count) for count in first.split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


class Peak:
    """The most memory that this process and its workers hold above what they held before."""

    def __init__(self, workers: Iterable[int]) -> None:
        self._pids = [os.getpid(), *workers]
        self._before = [_status(pid, "VmRSS") for pid in self._pids]
        for pid in self._pids:
            try:
                Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)
            except OSError:
                self._before = [None]

    def grown(self) -> float | None:
        """Return it, in megabytes, of all processes together; None where it isn't told."""
        total = 0.0
        for pid, before in zip(self._pids, self._before, strict=False):
            peak = _status(pid, "VmHWM")
            if before is None or peak is None:
                return None
            total += max(0.0, peak - before)
        return total


def _status(pid: int, key: str) -> float | None:
    return _megabytes(Path(f"/proc/{pid}/status"), key)


def _megabytes(path: Path, key: str) -> float | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    values = [int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:")]
    return values[0] if values else None
