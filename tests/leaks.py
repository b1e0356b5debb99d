"""What a test leaves behind in this process: compared before and after, on Linux through /proc."""

import asyncio
import gc
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

__all__ = ["SHARED_MEMORY", "Traces", "left_since"]

_PROC = Path("/proc/self/fd")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - it is looked at, not written to
# Multiprocessing's, on the whole machine and mapped or not; its own tests look after them.
_SOMEBODY_ELSES = ("psm_", "sem.mp-", "sem.loky-", "joblib_")
_SHARED_THREADS = ("asyncio_", "uvloop_", "AnyIO", "pytest_timeout", "ThreadPoolExecutor")


@dataclass(frozen=True)
class Traces:
    """Everything that a call or a pool could leave, each thing under a readable name."""

    children: Counter[str]
    descriptors: Counter[str]
    threads: Counter[str]
    files: Counter[str]
    shared_memory: Counter[str]
    tasks: Counter[str]

    @classmethod
    def now(cls, shared_memory: Path = SHARED_MEMORY) -> "Traces":
        return cls(
            Counter(_children()),
            Counter(_descriptors()),
            Counter(_threads()),
            Counter(_files()),
            Counter(_in_shared_memory(shared_memory)),
            Counter(_tasks()),
        )

    def since(self, before: "Traces") -> dict[str, list[str]]:
        """Name what is there now and was not before."""
        new = {f.name: _new(getattr(before, f.name), getattr(self, f.name)) for f in fields(self)}
        return {kind: names for kind, names in new.items() if names}


def left_since(before: Traces, *, patience: float) -> Iterator[dict[str, list[str]]]:
    """Yield what is left, again and again, until it is nothing or `patience` seconds are over.

    The last look counts: another one might see what other processes do just then.
    """
    deadline = time.monotonic() + patience
    left = None
    while left is None or (left and time.monotonic() < deadline):
        gc.collect()
        left = Traces.now().since(before)
        yield left


def _new(before: Counter[str], after: Counter[str]) -> list[str]:
    # Totals are compared, since a worker or link that took another's place has another name.
    return sorted((after - before).elements()) if after.total() > before.total() else []


def _children() -> Iterator[str]:
    if sys.platform != "linux":
        return
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - glob() stumbles over ends
        try:
            rest = Path("/proc", pid, "stat").read_text()
        except OSError:  # it ended just now
            continue
        state, parent = rest.rpartition(")")[2].split()[:2]
        if int(parent) == os.getpid():
            yield f"{pid} ({state})"


def _descriptors() -> Iterator[str]:
    if not _PROC.is_dir():
        return
    for descriptor in _PROC.iterdir():
        try:
            yield f"{descriptor.name} -> {descriptor.readlink()}"
        except OSError:  # the listing's own
            continue


def _threads() -> Iterator[str]:
    for thread in threading.enumerate():
        if not thread.name.startswith(_SHARED_THREADS):
            yield thread.name


def _files() -> Iterator[str]:
    for place in {os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()} - {None}:
        yield from (str(path) for path in Path(str(place)).glob("wool-*"))


def _in_shared_memory(place: Path) -> Iterator[str]:
    if place.is_dir():
        for path in place.iterdir():
            if not path.name.startswith(_SOMEBODY_ELSES) and not _is_in_use_elsewhere(path):
                yield path.name


def _is_in_use_elsewhere(path: Path) -> bool:
    """Tell whether a process other than this one has a file mapped: then it is not left over."""
    try:
        inode = path.stat().st_ino
    except OSError:  # it went just now
        return True
    # By its inode: sem_open maps a file under one name, and then gives it another.
    mapped = re.compile(rf" {inode} +{re.escape(str(path.parent))}/")
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - as above
        try:
            if int(pid) != os.getpid() and mapped.search(Path("/proc", pid, "maps").read_text()):
                return True
        except OSError:  # it ended just now, or is another user's
            continue
    return False


def _tasks() -> Iterator[str]:
    # Not asyncio.all_tasks(): it wants a running loop, and there may be several.
    for thing in gc.get_objects():
        if isinstance(thing, asyncio.Task) and not thing.done():
            name = repr(cast("object", thing.get_coro()))
            if "TestRunner" not in name:  # the one that looks
                yield name
