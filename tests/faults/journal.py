"""Who ran, for good: routines write their call's id down where nothing is ever erased."""

import os
import time
from collections import Counter
from pathlib import Path

import wool

__all__ = ["Journal", "note", "note_death"]


class Journal:
    """The test's view of one such file, and of another with the times of deaths."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "journal")

    @property
    def ids(self) -> list[str]:
        """The ids of the calls that were started, in that order."""
        return _lines(self.path)

    @property
    def deaths(self) -> list[float]:
        """When workers ended themselves, in the seconds of `time.monotonic`."""
        return [float(line) for line in _lines(_deaths(self.path))]

    def assert_nothing_ran_twice(self) -> None:
        twice = {key: times for key, times in Counter(self.ids).items() if times > 1}
        assert not twice


def note(path: str) -> None:
    """Write down that the running call was started. To be called in a routine, first of all."""
    task = wool.current_task()
    assert task is not None
    _append(path, str(task.id))


def note_death(path: str) -> None:
    """Write down that a process dies now."""
    _append(_deaths(path), str(time.monotonic()))


def _append(path: str, line: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    os.write(descriptor, f"{line}\n".encode())  # in one write, which no other can split
    os.close(descriptor)


def _deaths(path: str) -> str:
    return f"{path}.deaths"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except FileNotFoundError:
        return []
