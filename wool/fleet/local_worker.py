"""One worker, as its parent sees it: started, watched, stopped, and nothing left of it."""

from __future__ import annotations

__all__ = ["LocalWorker", "Place", "launched"]

import asyncio
import contextlib
import logging
import secrets
import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast
from uuid import UUID

from google.protobuf.message import DecodeError

from wool.exceptions import StartupError
from wool.fleet.exits import Exit
from wool.fleet.janitor import Janitor
from wool.fleet.spawn import spawn, start_message
from wool.logs.records import replay
from wool.protocol import wire_pb2 as wire
from wool.protocol.control import read_from_worker, write, write_start
from wool.settings import WorkerSettings
from wool.support.forks import close_in_forks
from wool.support.returncodes import in_words
from wool.support.waiting import settle
from wool.transport.carriers import unix_address
from wool.types import WorkerMetadata
from wool.version import __version__

_log = logging.getLogger(__name__)

_MARGIN = 0.25  # seconds that a worker may take to end beyond what it was given


@dataclass(frozen=True, slots=True)
class Place:
    """Where the processes of a pool's workers are, and who looks after what they leave."""

    directory: Path
    janitor: Janitor


class LocalWorker:
    """A worker's process and its control channel. Made by `launched`."""

    def __init__(self, settings: WorkerSettings, place: Place, stderr: IO[bytes]) -> None:
        self._settings = settings
        self._stderr = stderr
        loop = asyncio.get_running_loop()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        uid = UUID(bytes=secrets.token_bytes(16))
        self._socket = place.directory / f"{uid.hex[:8]}.sock"
        address = unix_address(self._socket)
        self._start = start_message(uid, address, settings)
        self.due: asyncio.Future[None] = loop.create_future()
        """Done when it has almost done its quota of calls."""
        self.extended: asyncio.Future[None] = loop.create_future()
        """Done when it has been asked to take more than its quota, and does."""
        self.drained: asyncio.Future[None] = loop.create_future()
        """Done when it has been retired, and its last call has ended."""
        with contextlib.ExitStack() as on_failure:
            self._control, theirs = socket.socketpair()
            on_failure.callback(self._control.close)
            with theirs:
                self._process = spawn(theirs, stderr, place.janitor.group)
            self._lifeline = cast("IO[bytes]", self._process.stdin)
            on_failure.callback(self._lifeline.close)
            on_failure.callback(self._process.wait)
            on_failure.callback(self._process.kill)
            self._exit = Exit(self._process)
            on_failure.pop_all()
        self.metadata = WorkerMetadata(uid, address, self._process.pid, __version__, settings.tags)
        self._keep_in_forks = contextlib.ExitStack()
        for descriptor in (self._control, self._lifeline):
            self._keep_in_forks.callback(close_in_forks(descriptor.fileno()))

    @property
    def exited(self) -> asyncio.Future[int]:
        """Its return code, as `subprocess` has it."""
        return self._exit.returncode

    async def until_ready(self) -> None:
        """Wait for the worker to take calls. Raises StartupError."""
        try:
            async with asyncio.timeout(self._settings.calls.start_timeout):
                self._reader, self._writer = await asyncio.open_connection(sock=self._control)
                write_start(self._writer, self._start, self._settings.calls.token)
                await self._hear(self._reader)
        except TimeoutError:
            self.kill()
            limit = f"{self._settings.calls.start_timeout:g} s"
            raise self._startup_error(f"was not ready within start_timeout, {limit}") from None
        except (EOFError, OSError):
            await self._end()
            returncode = self.exited.result()
            what = f"{in_words(returncode)} before it was ready"
            raise self._startup_error(what, returncode) from None

    async def listen(self) -> None:
        """Note what the worker says, until it hangs up."""
        told = {"due": self.due, "extended": self.extended, "drained": self.drained}
        while self._reader is not None:
            try:
                message = await self._hear(self._reader)
            except (EOFError, OSError):
                return
            except DecodeError:  # something in the worker wrote to what is not its own
                _log.error("worker %d is killed: its control channel is spoilt", self._process.pid)
                self.kill()
                return
            future = told[str(message.WhichOneof("kind"))]
            if not future.done():
                future.set_result(None)

    async def _hear(self, reader: asyncio.StreamReader) -> wire.FromWorker:
        """Wait for what the worker says, logging here what it logs. Raises EOFError or OSError."""
        while (message := await read_from_worker(reader)).HasField("log"):
            replay(message.log.record)
        return message

    def send(self, message: wire.ToWorker) -> None:
        """Tell the worker something."""
        if self._writer is not None:
            write(self._writer, message)

    async def stop(self) -> None:
        """End the worker: ask, wait for at most the grace, then kill. Cancelled, kill at once."""
        try:
            self.send(wire.ToWorker(stop=wire.Stop(grace=self._settings.calls.grace)))
            await asyncio.wait([self.exited], timeout=self._settings.calls.grace + _MARGIN)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the worker now. What is left of it is gone a moment later."""
        self._process.kill()  # does nothing to one that has ended

    async def clean_up(self) -> None:
        """Wait until the process is gone, and close and remove what was opened for it."""
        try:
            await settle([self.exited])
        finally:
            self._exit.close()
            self._keep_in_forks.close()
            self._lifeline.close()
            self._socket.unlink(missing_ok=True)
            if self._writer is None:
                self._control.close()
            else:
                self._writer.close()
        if self._writer is not None:
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _end(self) -> None:
        """Wait for a process whose control channel has ended, for a moment; then kill it."""
        await asyncio.wait([self.exited], timeout=_MARGIN)
        self.kill()
        await settle([self.exited])

    def _startup_error(self, what: str, returncode: int | None = None) -> StartupError:
        self._stderr.seek(0)
        text = self._stderr.read().decode(errors="replace").strip()
        wrote = f"; it wrote:\n{text}" if text else ", and wrote nothing to its standard error"
        message = f"worker {self._process.pid} {what}{wrote}"
        return StartupError(message, stderr=text, returncode=returncode)


@asynccontextmanager
async def launched(settings: WorkerSettings, place: Place) -> AsyncGenerator[LocalWorker]:
    """Run a worker for the time of the block. Nothing of it is left afterwards.

    Left without an error, the block's end gives the worker the grace to end its calls; left with
    one, or cancelled, it kills the worker. Raises StartupError.
    """
    with contextlib.ExitStack() as files:
        try:
            stderr = files.enter_context(tempfile.TemporaryFile(dir=place.directory))
            worker = LocalWorker(settings, place, stderr)
        except OSError as error:
            raise StartupError(f"a worker's process can't be started: {error}") from error
        try:
            await worker.until_ready()
            listening = asyncio.ensure_future(worker.listen())
            try:
                yield worker
                await worker.stop()
            finally:
                listening.cancel()
        finally:
            worker.kill()
            await worker.clean_up()
