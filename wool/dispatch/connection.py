"""A worker as one event loop of a caller sees it: its link, made at first use and made again."""

from __future__ import annotations

__all__ = ["Connection", "Gate"]

import asyncio
from collections.abc import Sequence
from uuid import UUID

from wool.exceptions import WoolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.calls import Calls
from wool.protocol.load import Load, News
from wool.protocol.tally import Tally
from wool.settings import CallSettings
from wool.transport.joining import join
from wool.transport.link import Link
from wool.types import WorkerMetadata
from wool.values.serializer import Buffer


class Gate:
    """Whether what comes on the links of one loop still counts. Any thread may shut it.

    A pool may be left on another loop than its calls are made on. Then its workers' answers to that
    must not look like results, though they may come before this loop hears of it.
    """

    shut_with: Exception | None = None


class _Join:
    """An attempt to join a worker, for which calls wait. Cancelled, it has no error."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.error: OSError | WoolError | None = None


class Connection(Load):
    """The way to one worker. A load balancer sees it as a WorkerLike.

    `news` are told as it acknowledges a call, or one ends before that.
    """

    def __init__(
        self,
        metadata: WorkerMetadata,
        settings: CallSettings,
        tally: Tally,
        gate: Gate,
        news: News,
    ) -> None:
        super().__init__(news)
        self.uid: UUID = metadata.uid
        self.metadata = metadata
        self.tally = tally
        """What became of the calls that were made here, on whichever link."""
        self._gate = gate
        self._settings = settings
        self._under_way: _Join | None = None
        self._link: Link | None = None
        self._calls: Calls | None = None
        self._closed_with: Exception | None = None
        self._retired = False
        self._joining: set[asyncio.Timeout] = set()
        self.stopped = False
        """Whether the worker's process is stopped, so that it had better get no calls."""
        self.watched = False
        """Whether anybody can tell that."""
        self.unreached: OSError | None = None
        """Why it could not be joined, the last time."""

    @property
    def unacknowledged_for(self) -> float:
        return self._calls.unacknowledged.waiting_for if self._calls is not None else 0.0

    @property
    def room(self) -> int:
        """How many more calls keep the worker busy without waiting there for long."""
        return self._calls.unacknowledged.room if self._calls is not None else 1

    @property
    def calls(self) -> Calls | None:
        """The calls on the link, while there is one and it takes more."""
        if self._calls is None or self._link is None or self._link.is_congested:
            return None
        return self._calls

    async def connect(self, deadline: float) -> Calls:
        """Return the calls of a link that takes more, joining the worker if need be.

        Raises OSError, AuthenticationError or ProtocolError; then nothing has been started there.
        TimeoutError, which is an OSError, comes at `deadline`, in the loop's time, or when it turns
        out before that the worker was stopped.
        """
        try:
            async with asyncio.timeout_at(deadline) as patience:
                self._joining.add(patience)
                try:
                    return await self._connect()
                finally:
                    self._joining.discard(patience)
        except TimeoutError:
            self._raise_if_closed()
            raise

    async def _connect(self) -> Calls:
        while not self._has_joined:
            self._raise_if_closed()
            await self._join_together()
        if self._link is not None:
            await self._link.until_writable()
        self._raise_if_closed()
        if self._calls is None:
            raise ConnectionResetError(f"worker {self.metadata.pid} hung up")
        return self._calls

    @property
    def _has_joined(self) -> bool:
        return self._calls is not None

    async def _join_together(self) -> None:
        """Join the worker, or wait for the call that does. Both raise why it fails."""
        joining = self._under_way
        if joining is not None:
            await joining.over.wait()
            if joining.error is not None:
                raise type(joining.error)(*joining.error.args) from joining.error
            return
        joining = self._under_way = _Join()
        try:
            await self._join()
            self.unreached = None
        except (OSError, WoolError) as error:
            joining.error = error
            self.unreached = error if isinstance(error, OSError) else None
            raise
        finally:
            self._under_way = None
            joining.over.set()

    async def _join(self) -> None:
        address, settings = self.metadata.address, self._settings
        link = await join(address, self.uid, settings.token, settings.max_message_size)
        self._link = link
        self._raise_if_closed()
        self._calls = Calls(link, self._settings.grace, self.tally, self)
        link.attach(self)

    def _raise_if_closed(self) -> None:
        error = self._closed_with
        if error is not None:
            if self._link is not None:
                self._link.abort(error)
            raise type(error)(*error.args) from error

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame from the worker."""
        if self._calls is not None and self._gate.shut_with is None:
            self._calls.received(frame, buffers)
            if self._retired:
                self._hang_up_if_idle()

    def lost(self, error: Exception | None) -> None:
        """The link is gone; a later call makes a new one, if the worker still is there."""
        calls, self._calls, self._link = self._calls, None, None
        if calls is not None:
            calls.lost(self._gate.shut_with or error)

    def update(self, metadata: WorkerMetadata) -> None:
        """Know what is new of the worker. Its link stays; a new one leads to the new address."""
        moved = metadata.address != self.metadata.address
        self.metadata = metadata
        if moved:
            self.stop_joining()

    def retire(self) -> None:
        """Hang up as soon as the last call has ended. Those still to come end with OSError."""
        self._retired = True
        self._hang_up_if_idle()

    def _hang_up_if_idle(self) -> None:
        if not self._calls:
            self.close(ConnectionResetError("the worker has been replaced"))

    def stop_joining(self) -> None:
        """End every `connect` that still waits."""
        for patience in self._joining:
            if not patience.expired():
                patience.reschedule(0.0)

    def hang_up(self, error: Exception) -> None:
        """End the calls that run with `error`; the worker ends them, too, once it hears of it."""
        if self._link is not None:
            self._link.abort(error)

    def close(self, error: Exception) -> None:
        """Hang up. Calls that run, and those still to come, end with `error`."""
        self._closed_with = error
        self.stop_joining()
        self.hang_up(error)
