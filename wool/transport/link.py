"""The seam between what travels and how: a link joins one caller to one worker.

A carrier implements `Link` and `Listener`. Everything above is the same on every carrier, and tests
of the two (`tests/contract`) run over all of them.
"""

from __future__ import annotations

__all__ = ["FRAME_OVERHEAD", "Accepted", "FrameHandler", "Link", "Listener"]

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from wool.protocol import wire_pb2 as wire
from wool.values.serializer import Buffer

FRAME_OVERHEAD = 1024 * 1024
"""Bytes that a frame may take beside the value in it, before a receiver refuses it."""


class FrameHandler(Protocol):
    """What a link tells the end that it belongs to. Both are called on the link's loop."""

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        """Take a frame; its buffers are memory of the receiver's own.

        Raises ProtocolError for one that is not allowed: the link is aborted with it.
        """
        ...

    def lost(self, error: Exception | None) -> None:
        """The link is gone; nothing comes any more. `error` is None if it was closed."""
        ...


class Link(ABC):
    """One connection that carries every call between a caller and a worker.

    It belongs to the event loop on which it was made, and is used on no other. Frames arrive whole
    and in order, each in a later turn of the receiver's loop than the one that sent it.
    """

    batches: int = 0
    """How often frames have come: those that one of these counts came together."""
    queued: int = 0
    """How many frames were sent."""
    written: int = 0
    """How many of them may have left. On a link that is lost, the others certainly have not."""

    @property
    @abstractmethod
    def max_message_size(self) -> int:
        """Bytes that one pickled value may take; whoever makes a frame sees to it."""

    @abstractmethod
    def attach(self, handler: FrameHandler, *, limit: int | None = None) -> None:
        """Hand every frame to `handler` from now on, and take frames of up to `limit` bytes.

        A frame with its buffers that takes more aborts the link with ProtocolError; None allows
        what the largest value needs. What has come already may be held to the limit before. Until
        a handler is attached, frames are dropped. If the link is gone already, the handler is told
        at once.
        """

    @abstractmethod
    def send(self, frame: wire.Frame, buffers: Sequence[Buffer] = ()) -> None:
        """Queue a frame; what is queued goes out in one write as soon as the link is writable.

        Never waits. On a link that is gone it does nothing: its loss is reported by itself.
        """

    @abstractmethod
    def flush(self) -> None:
        """Write what is queued now, and not at the end of the loop's turn."""

    @property
    @abstractmethod
    def is_congested(self) -> bool:
        """Whether so much is queued that more had better wait."""

    @abstractmethod
    def when_writable(self, callback: Callable[[], None], /) -> None:
        """Call `callback` once, as soon as more may follow: now, if it may.

        Never, if the link is lost before.
        """

    @abstractmethod
    async def until_writable(self) -> None:
        """Wait until so much of what was queued has gone out that more may follow.

        Returns at once on a link that is gone.
        """

    @abstractmethod
    def finish(self) -> None:
        """Send what is queued, then close; nothing is received or sent any more.

        The handler's `lost` is called, with None, in a later turn.
        """

    @abstractmethod
    def abort(self, error: Exception | None = None) -> None:
        """Close at once. The handler's `lost` is called with `error` before this returns.

        Whether the other end gets what was sent shortly before is left open.
        """

    @abstractmethod
    async def wait_closed(self) -> None:
        """Wait until nothing is left of the connection, whichever end closed it."""

    @abstractmethod
    def when_closed(self, callback: Callable[[], None], /) -> None:
        """Call `callback` once nothing is left of the connection: now, if that is so."""


Accepted = Callable[[Link], None]
"""What a listener hands links on to, and what attaches a handler to each, before it returns."""


class Listener(ABC):
    """Where callers connect. It takes in whoever comes; who may stay is not its matter."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it listens, as callers are told."""

    @abstractmethod
    async def open(self, accepted: Accepted) -> None:
        """Hand each link that a caller opens on to `accepted`, from now on. Raises OSError."""

    @abstractmethod
    def close(self) -> None:
        """Hand nobody on any more: who comes finds nobody, or is hung up on. Links stay.

        To repeat it is harmless.
        """
