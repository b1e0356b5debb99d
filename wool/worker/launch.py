"""One worker, as its parent sees it: started, watched, stopped, and nothing left of it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import secrets
import site
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from wool.exceptions import StartupError
from wool.forks import close_in_forks
from wool.protocol import wire_pb2 as wire
from wool.types import WorkerMetadata
from wool.version import __version__
from wool.worker.control import read_from_worker, write
from wool.worker.janitor import Janitor

__all__ = ["LocalWorker", "WorkerSettings", "launched", "until_done"]

_ROOT = str(Path(__file__).parents[2])
_LAST_WORDS = 0.25  # seconds between the end of a worker's grace and the end of our patience


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What every worker of a pool is started with. Times are seconds, sizes bytes."""

    directory: Path
    janitor: Janitor
    token: bytes
    max_message_size: int
    grace: float
    start_timeout: float


class LocalWorker:
    """A worker's process and its control channel. Made by `launched`."""

    def __init__(self, settings: WorkerSettings, stderr: IO[bytes]) -> None:
        self._settings = settings
        self._stderr = stderr
        self._loop = asyncio.get_running_loop()
        self._writer: asyncio.StreamWriter | None = None
        uid = UUID(bytes=secrets.token_bytes(16))
        self._socket = settings.directory / f"{uid.hex[:8]}.sock"
        self.exited: asyncio.Future[int] = self._loop.create_future()
        """Its return code, as `subprocess` has it."""
        with contextlib.ExitStack() as on_failure:
            self._control, theirs = socket.socketpair()
            on_failure.callback(self._control.close)
            with theirs:
                self._process = _spawn(theirs, stderr, settings.janitor.group)
            on_failure.pop_all()
        self.metadata = WorkerMetadata(uid, str(self._socket), self._process.pid, __version__)
        self._keep_in_forks = close_in_forks(self._control.fileno())
        self._watcher = threading.Thread(target=self._watch, name=f"wool-{uid}", daemon=True)
        self._watcher.start()

    async def until_ready(self) -> None:
        """Wait for the worker to take calls. Raises StartupError."""
        try:
            async with asyncio.timeout(self._settings.start_timeout):
                reader, self._writer = await asyncio.open_connection(sock=self._control)
                self.send(wire.ToWorker(start=self._start_message()))
                await read_from_worker(reader)
        except TimeoutError:
            raise self._startup_error(
                f"was not ready within {self._settings.start_timeout:g} s"
            ) from None
        except (EOFError, OSError):
            returncode = await self.exited
            raise self._startup_error(
                f"ended with status {returncode} before it was ready"
            ) from None

    def send(self, message: wire.ToWorker) -> None:
        """Tell the worker something."""
        if self._writer is not None:
            write(self._writer, message)

    async def stop(self) -> None:
        """End the worker: ask, wait for at most the grace, then kill. Cancelled, kill at once."""
        try:
            self.send(wire.ToWorker(stop=wire.Stop(grace=self._settings.grace)))
            await asyncio.wait([self.exited], timeout=self._settings.grace + _LAST_WORDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the worker now. What is left of it is gone a moment later."""
        if not self.exited.done():
            self._process.kill()

    async def clean_up(self) -> None:
        """Wait until the process is gone, and close and remove what was opened for it."""
        try:
            await until_done(self.exited)
        finally:
            self._watcher.join()
            self._keep_in_forks()
            self._socket.unlink(missing_ok=True)
            if self._writer is None:
                self._control.close()
            else:
                self._writer.close()
        if self._writer is not None:
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def _watch(self) -> None:
        returncode = self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._note_exit, returncode)

    def _note_exit(self, returncode: int) -> None:
        if not self.exited.done():
            self.exited.set_result(returncode)

    def _startup_error(self, what: str) -> StartupError:
        self._stderr.seek(0)
        text = self._stderr.read().decode(errors="replace").strip()
        wrote = f"; it wrote:\n{text}" if text else ", and wrote nothing to its standard error"
        return StartupError(f"worker {self._process.pid} {what}{wrote}", stderr=text)

    def _start_message(self) -> wire.Start:
        settings = self._settings
        return wire.Start(
            uid=self.metadata.uid.bytes,
            token=settings.token,
            socket=os.fsencode(self._socket),
            sys_path=[os.fsencode(Path(place).absolute()) for place in sys.path],
            directory=os.fsencode(Path.cwd()),
            warning_filters=_warning_filters(),
            max_message_size=settings.max_message_size,
            grace=settings.grace,
            start_timeout=settings.start_timeout,
            uvloop=type(self._loop).__module__.partition(".")[0] == "uvloop",
            pythonpath=os.environb.get(b"PYTHONPATH"),
        )


@asynccontextmanager
async def launched(settings: WorkerSettings) -> AsyncGenerator[LocalWorker]:
    """Run a worker for the time of the block. Nothing of it is left afterwards.

    Left without an error, the block's end gives the worker the grace to end its calls; left with
    one, or cancelled, it kills the worker. Raises StartupError.
    """
    with contextlib.ExitStack() as files:
        try:
            stderr = files.enter_context(tempfile.TemporaryFile(dir=settings.directory))
            worker = LocalWorker(settings, stderr)
        except OSError as error:
            raise StartupError(f"a worker's process can't be started: {error}") from error
        try:
            await worker.until_ready()
            yield worker
            await worker.stop()
        finally:
            worker.kill()
            await worker.clean_up()


async def until_done(future: asyncio.Future[Any]) -> None:
    """Wait for `future`, whatever comes; a cancellation is raised afterwards."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _spawn(control: socket.socket, stderr: IO[bytes], group: int) -> subprocess.Popen[bytes]:
    with _duplicate(control.fileno()) as ours, _duplicate_stderr() as real_stderr:
        descriptors = (ours, real_stderr)
        arguments = [str(descriptor) for descriptor in descriptors]
        # Not the parent's group: a terminal's Ctrl-C is for the parent, which stops workers.
        return subprocess.Popen(
            [sys.executable, *_interpreter_flags(), "-P", "-m", "wool.worker", *arguments],
            stdin=subprocess.DEVNULL,
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
