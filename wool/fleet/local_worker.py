"""One worker process of this machine, as its parent sees it: watched, told, stopped."""

from __future__ import annotations

__all__ = ["LocalWorker"]

import asyncio
import contextlib
import logging
import secrets
import socket
from pathlib import Path
from typing import IO, cast
from uuid import UUID

from google.protobuf.message import DecodeError

from wool.exceptions import StartupError
from wool.fleet.exits import Exit
from wool.fleet.spawn import spawn, start_message
from wool.logs.records import replay
from wool.protocol import wire_pb2 as wire
from wool.protocol.control import read_from_worker, write, write_start
from wool.protocol.peers import peers_message
from wool.settings import WorkerSettings
from wool.support.forks import close_in_forks
from wool.support.host import this_host
from wool.support.processes import is_stopped
from wool.support.returncodes import in_words
from wool.support.waiting import settle
from wool.transport.carriers import unix_address
from wool.types import Peers, WorkerMetadata
from wool.version import __version__

_log = logging.getLogger(__name__)

_MARGIN = 0.25  # seconds that a worker may take to end beyond what it was given


class LocalWorker:
    """A worker's process and its control channel: a StartedWorker once `until_ready` returns.

    To make it starts the process, in the process group `group`. Raises OSError.
    """

    def __init__(
        self, settings: WorkerSettings, directory: Path, stderr: IO[bytes], group: int
    ) -> None:
        self._settings = settings
        loop = asyncio.get_running_loop()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        uid = UUID(bytes=secrets.token_bytes(16))
        self._socket = directory / f"{uid.hex[:8]}.sock"
        address = unix_address(self._socket)
        self._start = start_message(uid, address, settings)
        self.due: asyncio.Future[None] = loop.create_future()
        self.extended: asyncio.Future[None] = loop.create_future()
        self.drained: asyncio.Future[None] = loop.create_future()
        with contextlib.ExitStack() as on_failure:
            self._control, theirs = socket.socketpair()
            on_failure.callback(self._control.close)
            with theirs:
                self._process = spawn(theirs, stderr, group)
            self._lifeline = cast("IO[bytes]", self._process.stdin)
            on_failure.callback(self._lifeline.close)
            on_failure.callback(self._process.wait)
            on_failure.callback(self._process.kill)
            self._exit = Exit(self._process)
            on_failure.pop_all()
        self.metadata = WorkerMetadata(
            uid, address, self._process.pid, __version__, settings.tags, this_host()
        )
        self._keep_in_forks = contextlib.ExitStack()
        for descriptor in (self._control, self._lifeline):
            self._keep_in_forks.callback(close_in_forks(descriptor.fileno()))

    @property
    def exited(self) -> asyncio.Future[int | None]:
        return self._exit.returncode

    def is_stopped(self) -> bool | None:
        return is_stopped(self._process.pid)

    async def until_ready(self, stderr: IO[bytes]) -> None:
        """Wait for the worker to take calls. Raises StartupError, with what it wrote to `stderr`.

        If it does not, or if this is cancelled, nothing is left of it.
        """
        try:
            await self._until_ready(stderr)
        except BaseException:
            await self.kill()
            raise
        self._listening = asyncio.ensure_future(self._listen())

    async def _until_ready(self, stderr: IO[bytes]) -> None:
        start_timeout = self._settings.calls.start_timeout
        try:
            async with asyncio.timeout(start_timeout):
                self._reader, self._writer = await asyncio.open_connection(sock=self._control)
                write_start(self._writer, self._start, self._settings.calls.token)
                await self._hear(self._reader)
        except TimeoutError:
            self._process.kill()
            what = f"was not ready within start_timeout, {start_timeout:g} s"
            raise self._startup_error(stderr, what) from None
        except (EOFError, OSError):
            await self._end()
            returncode = self._exit.returncode.result()
            what = f"{in_words(returncode)} before it was ready"
            raise self._startup_error(stderr, what, returncode) from None

    async def _listen(self) -> None:
        """Note what the worker says, until it hangs up."""
        told = {"due": self.due, "extended": self.extended, "drained": self.drained}
        while self._reader is not None:
            try:
                message = await self._hear(self._reader)
            except (EOFError, OSError):
                return
            except DecodeError:  # something in the worker wrote to what is not its own
                _log.error("worker %d is killed: its control channel is spoilt", self._process.pid)
                self._process.kill()
                return
            future = told[str(message.WhichOneof("kind"))]
            if not future.done():
                future.set_result(None)

    async def _hear(self, reader: asyncio.StreamReader) -> wire.FromWorker:
        """Wait for what the worker says, logging here what it logs. Raises EOFError or OSError."""
        while (message := await read_from_worker(reader)).HasField("log"):
            replay(message.log.record)
        return message

    def tell(self, peers: Peers, /) -> None:
        self._send(wire.ToWorker(peers=peers_message(peers)))

    def extend(self) -> None:
        self._send(wire.ToWorker(extend=wire.Extend()))

    def retire(self) -> None:
        self._send(wire.ToWorker(retire=wire.Retire()))

    def _send(self, message: wire.ToWorker) -> None:
        if self._writer is not None:
            write(self._writer, message)

    async def stop(self, grace: float, /) -> None:
        try:
            self._send(wire.ToWorker(stop=wire.Stop(grace=grace)))
            await asyncio.wait([self.exited], timeout=grace + _MARGIN)
        finally:
            await self.kill()

    async def kill(self) -> None:
        self._process.kill()  # does nothing to one that has ended
        if self._listening is not None:
            self._listening.cancel()
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
        self._process.kill()
        await settle([self.exited])

    def _startup_error(
        self, stderr: IO[bytes], what: str, returncode: int | None = None
    ) -> StartupError:
        stderr.seek(0)
        text = stderr.read().decode(errors="replace").strip()
        wrote = f"; it wrote:\n{text}" if text else ", and wrote nothing to its standard error"
        message = f"worker {self._process.pid} {what}{wrote}"
        return StartupError(message, stderr=text, returncode=returncode)
