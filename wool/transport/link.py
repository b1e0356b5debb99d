"""The seam between what travels and how: a link joins one caller to one worker.

A carrier implements `Link`. It hands what it receives to a `FrameHandler`, in order, and reports
its loss once. Everything above is the same on every carrier.
"""

from __future__ import annotations

__all__ = ["FRAME_OVERHEAD", "Link"]

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from wool.protocol import wire_pb2 as wire
from wool.values.serializer import Buffer

FRAME_OVERHEAD = 1024 * 1024
"""Bytes that a frame may take beside the value in it, before a receiver refuses it."""


class Link(ABC):
    """One connection that carries every call between a caller and a worker."""

    @property
    @abstractmethod
    def max_message_size(self) -> int:
        """Bytes that one pickled value may take; whoever makes a frame sees to it."""

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
    def abort(self, error: Exception | None = None) -> None:
        """Close at once. The handler's `lost` is called with `error` before this returns."""
