"""The worker's entry: becomes like its parent, then runs until it is told to stop.

Arguments are the numbers of two descriptors: the control channel's, and the standard error that
the worker is to have once it is ready. Until then it writes to a file that its parent reads if the
worker does not come up. Its standard input is the lifeline that it hangs on.
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
import builtins
import contextlib
import functools
import importlib
import io
import os
import shutil
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Literal, cast
from uuid import UUID

from wool.protocol import wire_pb2 as wire
from wool.protocol.control import receive_start
from wool.settings import CallSettings
from wool.support.forks import close_in_forks
from wool.support.secret import Secret
from wool.types import Lifespan
from wool.values import serializer
from wool.worker import lifeline
from wool.worker.control_leash import ControlLeash
from wool.worker.ending import FAILED, ORPHANED, end_at_once
from wool.worker.forked import end_forks_that_return_to
from wool.worker.heap import keep_freed_memory
from wool.worker.imports import once_imported
from wool.worker.lifespan import WorkerState, expect_lifespan
from wool.worker.logs import LogsToParent
from wool.worker.runtime import Configuration, Runtime
from wool.worker.signals import leave_to_the_parent
from wool.worker.tracker import start_tracker_apart

_STDIN = 0
_STDERR = 2  # modules may have put something else in sys.stderr


def main() -> None:
    """Run a worker until its parent stops it or dies."""
    control = socket.socket(fileno=int(sys.argv[1]))
    stderr = int(sys.argv[2])
    for descriptor in (control.fileno(), stderr):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - its only form
    if sys.stdout:  # it is None where standard output is closed
        cast("io.TextIOWrapper", sys.stdout).reconfigure(line_buffering=True)  # for pipes, files
    keep_in_forks = close_in_forks(control.fileno())
    leave_to_the_parent()
    keep_freed_memory()
    lifeline.hold(_taken_from_stdin())
    try:
        start, token = receive_start(control)
    except (EOFError, OSError):
        sys.exit(ORPHANED)
    _become_like_the_parent(start)
    once_imported("multiprocessing.reduction", _teach_multiprocessing)
    once_imported("multiprocessing.resource_tracker", start_tracker_apart)
    with asyncio.Runner(loop_factory=_loop_factory(start)) as runner:
        end_forks_that_return_to(runner.get_loop())
        try:
            state, lifespan = expect_lifespan(), _load(start)
            runner.run(_live(start, _configuration(start, token, lifespan), state, control, stderr))
        except BaseException:  # noqa: BLE001 - user code: modules and the lifespan
            traceback.print_exc()
            end_at_once(FAILED)  # a thread of the user's could keep the process from ending
    keep_in_forks()  # the number may be another file's by now


def _taken_from_stdin() -> int:
    """Return the descriptor that standard input was, and leave nothing to be read there."""
    taken = os.dup(_STDIN)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is wanted, not a path
        os.dup2(nothing.fileno(), _STDIN)
    return taken


def _become_like_the_parent(start: wire.Start) -> None:
    main = sys.modules["__main__"]
    main.__spec__ = main.__file__ = None  # nothing for children to import as theirs
    sys.argv = [""]
    sys.path[:] = [os.fsdecode(entry) for entry in start.sys_path]
    os.chdir(start.directory)
    if start.HasField("pythonpath"):
        os.environb[b"PYTHONPATH"] = start.pythonpath
    else:
        os.environ.pop("PYTHONPATH", None)
    warnings.resetwarnings()
    for line in start.warning_filters:
        category: type[Warning] = getattr(builtins, line.category)
        action = cast("Literal['default']", line.action)
        warnings.filterwarnings(action, line.message, category, line.module, line.line, append=True)


def _teach_multiprocessing() -> None:
    from wool.worker.children import teach_multiprocessing  # which imports it

    teach_multiprocessing()


def _load(start: wire.Start) -> Lifespan | None:
    """Import the pool's modules, in order, and then what its lifespan needs."""
    for name in start.modules:
        importlib.import_module(name)
    return serializer.loads(start.lifespan) if start.lifespan else None


def _configuration(start: wire.Start, token: Secret, lifespan: Lifespan | None) -> Configuration:
    calls = CallSettings(
        token,
        start.max_message_size,
        start.grace,
        start.start_timeout,
        stall_timeout=start.stall_timeout if start.HasField("stall_timeout") else None,
    )
    uid, address = UUID(bytes=start.uid), os.fsdecode(start.address)
    return Configuration(uid, address, calls, start.max_tasks or None, lifespan)


async def _live(
    start: wire.Start,
    configuration: Configuration,
    state: WorkerState,
    control: socket.socket,
    stderr: int,
) -> None:
    """Be a worker until the parent says stop. Raises what the lifespan does."""
    leash = await ControlLeash.open(control, functools.partial(_open_stderr, stderr))
    logs = LogsToParent(start.logging, leash.writer) if start.HasField("logging") else None
    runtime = Runtime(configuration, leash, state)
    async with runtime.alive():
        if not await runtime.serve():
            end_at_once(0)  # a routine ignores its cancellation
    if logs is not None:
        logs.close()
    await leash.aclose()


def _loop_factory(start: wire.Start) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the kind of loop that the parent runs on."""
    if not start.uvloop:
        return None
    import uvloop

    return uvloop.new_event_loop


def _open_stderr(descriptor: int) -> None:
    """Write to the parent's standard error from now on, beginning with what was kept back."""
    with open(os.dup(_STDERR), "rb") as kept:  # noqa: PTH123 - a descriptor is at hand
        os.dup2(descriptor, _STDERR)
        os.close(descriptor)
        kept.seek(0)
        with contextlib.suppress(OSError), open(_STDERR, "wb", closefd=False) as theirs:
            shutil.copyfileobj(kept, theirs)
