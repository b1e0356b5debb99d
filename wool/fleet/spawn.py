"""A worker's process, and what it takes over from its parent's."""

from __future__ import annotations

__all__ = ["spawn", "start_message"]

import asyncio
import fcntl
import logging
import os
import re
import site
import socket
import subprocess
import sys
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import UUID

from wool.logs.records import levels
from wool.protocol import wire_pb2 as wire
from wool.settings import WorkerSettings

_ROOT = str(Path(__file__).parents[2])


def start_message(uid: UUID, address: str, settings: WorkerSettings) -> wire.Start:
    """Return what a worker has to know, so that it is like this process. Raises OSError.

    The token is not in it, since it is kept: `write_start` adds it.
    """
    loop = asyncio.get_running_loop()
    calls = settings.calls
    return wire.Start(
        uid=uid.bytes,
        address=os.fsencode(address),
        sys_path=[os.fsencode(Path(entry).absolute()) for entry in sys.path],
        directory=os.fsencode(Path.cwd()),
        warning_filters=_warning_filters(),
        max_message_size=calls.max_message_size,
        grace=calls.grace,
        start_timeout=calls.start_timeout,
        stall_timeout=calls.stall_timeout,
        uvloop=type(loop).__module__.partition(".")[0] == "uvloop",
        modules=settings.modules,
        lifespan=settings.lifespan,
        max_tasks=settings.max_tasks_per_worker or 0,
        pythonpath=os.environb.get(b"PYTHONPATH"),
        logging=_logging() if settings.forward_logs else None,
    )


def spawn(control: socket.socket, stderr: IO[bytes], group: int) -> subprocess.Popen[bytes]:
    """Start a worker's process with its end of the control channel. Raises OSError.

    Until it is ready it writes its standard error to `stderr`. It joins the process group `group`.
    It ends when what is its standard input here is closed.
    """
    with _duplicate(control.fileno()) as ours, _duplicate_stderr() as real_stderr:
        descriptors = (ours, real_stderr)
        arguments = [str(descriptor) for descriptor in descriptors]
        # Not the parent's group: a terminal's Ctrl-C is for the parent, which stops workers.
        return subprocess.Popen(
            [sys.executable, *_interpreter_flags(), "-P", "-m", "wool.worker", *arguments],
            stdin=subprocess.PIPE,
            bufsize=0,
            stderr=stderr,
            pass_fds=descriptors,
            process_group=group,
            env=_environment(),
        )


@contextmanager
def _duplicate(descriptor: int) -> Generator[int]:
    """Duplicate a descriptor to a number that is not one of the three standard ones."""
    duplicate = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    try:
        yield duplicate
    finally:
        os.close(duplicate)


@contextmanager
def _duplicate_stderr() -> Generator[int]:
    # Where standard error is closed, as a daemon's may be, descriptor 2 is anything.
    with open(os.devnull, "wb") as null:  # noqa: PTH123 - a descriptor is wanted, not a path
        number = null.fileno() if sys.__stderr__ is None else 2
        with _duplicate(number) as duplicate:
            yield duplicate


def _interpreter_flags() -> Iterator[str]:
    yield from ["-O"] * sys.flags.optimize
    yield from ["-s"] * sys.flags.no_user_site
    yield from ["-E"] * sys.flags.ignore_environment
    if sys.flags.dev_mode:
        yield from ("-X", "dev")


def _environment() -> dict[str, str] | None:
    """Return an environment in which a new interpreter finds this very wool."""
    if _ROOT in (*site.getsitepackages(), site.getusersitepackages()):
        return None
    places = [_ROOT, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}


def _logging() -> wire.Logging:
    """Describe which records this process's loggers take."""
    return wire.Logging(disabled=logging.root.manager.disable, levels=levels())


def _warning_filters() -> Iterator[wire.WarningFilter]:
    """Describe the filters for builtin categories; others would import their modules there."""
    for action, message, category, module, line in warnings.filters:
        if isinstance(category, type) and category.__module__ == "builtins":
            yield wire.WarningFilter(
                action=action,
                message=_pattern(message),
                category=category.__name__,
                module=_pattern(module),
                line=line,
            )


def _pattern(pattern: re.Pattern[str] | str | None) -> str:
    if pattern is None:
        return ""
    return pattern if isinstance(pattern, str) else pattern.pattern
