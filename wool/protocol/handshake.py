"""The first frames on a link: who may come in, and who answered."""

from __future__ import annotations

__all__ = ["HELLO_LIMIT", "CallerHandshake", "WorkerHandshake", "hello"]

import asyncio
import os
from collections.abc import Callable, Sequence
from uuid import UUID

from wool.exceptions import AuthenticationError, ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import PROTOCOL_VERSION
from wool.support.secret import Secret
from wool.values.serializer import Buffer

HELLO_LIMIT = 256
"""Bytes: nobody who is not known may make the other end hold more."""


def hello(token: Secret) -> wire.Frame:
    """Return what a caller says first."""
    return wire.Frame(hello=wire.Hello(protocol=PROTOCOL_VERSION, token=bytes(token)))


class WorkerHandshake:
    """The worker's side: lets in whoever holds the token, and reads nothing else before."""

    def __init__(
        self,
        uid: UUID,
        token: Secret,
        admit: Callable[[wire.Frame], None],
        refuse: Callable[[wire.Frame], None],
        left: Callable[[], None],
    ) -> None:
        self._uid = uid
        self._token = token
        self._admit = admit
        self._refuse = refuse
        self._left = left

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        del buffers
        if not self._token.matches(frame.hello.token):
            self._refuse(wire.Frame(reject=wire.Reject(reason="the token is wrong")))
        elif frame.hello.protocol != PROTOCOL_VERSION:
            self._refuse(wire.Frame(reject=_other_version(frame.hello.protocol)))
        else:
            welcome = wire.Welcome(uid=self._uid.bytes, pid=os.getpid(), protocol=PROTOCOL_VERSION)
            self._admit(wire.Frame(welcome=welcome))

    def lost(self, error: Exception | None) -> None:
        """Nobody came in."""
        del error
        self._left()


def _other_version(theirs: int) -> wire.Reject:
    reason = (
        f"the caller speaks version {theirs} of the protocol and the worker version "
        f"{PROTOCOL_VERSION}: install the same wool at both ends"
    )
    return wire.Reject(reason=reason, protocol=PROTOCOL_VERSION)


class CallerHandshake:
    """The caller's side: waits for the answer."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[wire.Welcome] = asyncio.get_running_loop().create_future()

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        del buffers
        if self._answer.done():
            raise ProtocolError("a worker went on before it was told to")
        if frame.HasField("welcome"):
            self._answer.set_result(frame.welcome)
        elif frame.HasField("reject"):
            kind = ProtocolError if frame.reject.protocol else AuthenticationError
            self._answer.set_exception(kind(f"the worker refused the link: {frame.reject.reason}"))
        else:
            raise ProtocolError("a worker did not begin with a welcome")

    def lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("the worker hung up"))

    async def answer(self) -> wire.Welcome:
        """Wait for the worker. Raises AuthenticationError, ProtocolError or OSError."""
        return await self._answer
