"""The carrier within one process: both ends of a link are there, and what it carries are bytes.

It is for tests, wool's own and users': what goes through it is pickled, framed, limited and parsed
as on any carrier, and is nobody's but the receiver's. The two ends may be on two event loops.
"""

from __future__ import annotations

__all__ = ["MemoryLink", "Turns"]

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from types import TracebackType

from google.protobuf.message import DecodeError

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.buffers import cut, describe, kinds_of
from wool.protocol.handshake import HELLO_LIMIT
from wool.transport.congestion import Congestion
from wool.transport.link import FRAME_OVERHEAD, FrameHandler, Link
from wool.transport.pipe import Message, Pipe
from wool.values.serializer import Buffer


class Turns:
    """The turns of the running loop, in a copy of the context in which this is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()

    def add(self, callback: Callable[[], None]) -> bool:
        """Have `callback` called in a later turn; False if the loop is closed. From any thread."""
        try:
            self._loop.call_soon_threadsafe(callback, context=self._context)
        except RuntimeError:
            return False
        return True


class MemoryLink(Link):
    """One end of a link within this process.

    A frame is made bytes, and its buffers are copied, as it is sent; it arrives in a later turn of
    the other end's loop, in the context in which that end was made, 64 KiB of frames a turn. From
    1 MiB on that the other end has not taken yet, the link is congested. What was sent before
    `abort` arrives.

    An end whose loop was closed while the link was open is found to be lost as soon as something
    is sent to it.
    """

    def __init__(self, turns: Turns, max_message_size: int, incoming: Pipe, outgoing: Pipe) -> None:
        self._turns = turns
        self._max_message_size = max_message_size
        self._incoming = incoming
        self._outgoing = outgoing
        incoming.wake_reader = partial(turns.add, self._read)
        outgoing.relieve_writer = partial(turns.add, self._relieve)
        self._handler: FrameHandler | None = None
        self._limit = HELLO_LIMIT
        self._congestion = Congestion()
        self._finished = False
        self._lost = False
        self._error: Exception | None = None
        self._gone = asyncio.Event()
        self._when_gone: list[Callable[[], None]] = []

    @property
    def max_message_size(self) -> int:
        return self._max_message_size

    @property
    def is_congested(self) -> bool:
        return self._congestion.lasts

    def attach(self, handler: FrameHandler, *, limit: int | None = None) -> None:
        self._handler = handler
        self._limit = self._max_message_size + FRAME_OVERHEAD if limit is None else limit
        if self._lost:
            handler.lost(self._error)

    def send(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        if self._lost or self._finished:
            return
        describe(frame, buffers)
        copies = [
            cut(memoryview(b), kind) for b, kind in zip(buffers, kinds_of(frame), strict=True)
        ]
        message = Message(frame.SerializeToString(), copies)
        self.queued += 1
        self.written += 1
        if not self._outgoing.put(message):
            gone = ConnectionResetError("the event loop of the link's other end is closed")
            self._turns.add(partial(self._lose, gone))
        if self._outgoing.is_full:
            self._congestion.begin()

    def flush(self) -> None:
        """Do nothing: what is sent is where the other end takes it from."""

    def when_writable(self, callback: Callable[[], None], /) -> None:
        self._congestion.when_over(callback)

    async def until_writable(self) -> None:
        await self._congestion.until_over()

    def finish(self) -> None:
        if not self._finished:
            self._finished = True
            self._outgoing.end()
            self._turns.add(self._lose)

    def abort(self, error: Exception | None = None) -> None:
        self._lose(error)

    async def wait_closed(self) -> None:
        await self._gone.wait()

    def when_closed(self, callback: Callable[[], None], /) -> None:
        if self._gone.is_set():
            callback()
        else:
            self._when_gone.append(callback)

    def _read(self) -> None:
        if self._lost or self._finished:
            return
        taken = self._incoming.take()
        self.batches += 1
        with contextlib.ExitStack() as on_failure:
            on_failure.push(self._break)
            for message in taken.messages:
                self._hand_on(message)
        if taken.ended:
            self._lose()
        elif taken.more:
            self._turns.add(self._read)

    def _relieve(self) -> None:
        if not self._outgoing.is_full:
            self._congestion.end()

    def _hand_on(self, message: Message) -> None:
        if self._handler is None or self._lost or self._finished:
            return
        for size in (len(message.frame), message.size):
            if size > self._limit:
                limit = f"{self._limit:,} are allowed"
                raise ProtocolError(f"a frame of {size:,} bytes came, and {limit}")
        self._handler.received(wire.Frame.FromString(message.frame), message.buffers)

    def _break(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Close a link whose frames can't be handed on; tell whether all is said with that."""
        del kind, traceback
        if isinstance(error, ProtocolError | DecodeError):
            self.abort(ProtocolError(f"the link was closed: {error}"))
            return True
        if error is not None:  # a bug of the handler's; the loop reports it
            self.abort(error if isinstance(error, Exception) else None)
        return False

    def _lose(self, error: Exception | None = None) -> None:
        if self._lost:
            return
        self._lost = True
        self._error = error
        self._outgoing.end()
        self._congestion.lose()
        self._turns.add(self._close)
        if self._handler is not None:
            self._handler.lost(error)

    def _close(self) -> None:
        self._gone.set()
        for callback in self._when_gone:
            callback()
