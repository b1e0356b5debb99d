"""The caller's end of the handshake: from a worker's address to a link that its calls may use."""

from __future__ import annotations

__all__ = ["authenticate", "join"]

import contextlib
from uuid import UUID

from wool.protocol import wire_pb2 as wire
from wool.protocol.handshake import HELLO_LIMIT, CallerHandshake, hello
from wool.support.secret import Secret
from wool.transport.carriers import connect
from wool.transport.link import Link


async def join(address: str, uid: UUID, token: Secret, max_message_size: int) -> Link:
    """Open a link to the worker `uid`, which listens at `address`. Nothing is attached to it yet.

    If that fails, or is cancelled, nothing is left open, and nothing has been started there.

    Raises:
        OSError: nobody answers at the address, or another worker does.
        AuthenticationError: the worker does not take the token.
        ProtocolError: the other end speaks another version of the protocol, or none.
    """
    link = await connect(address, max_message_size)
    welcome = await authenticate(link, token)
    if welcome.uid != uid.bytes:
        link.abort()
        raise ConnectionRefusedError(f"another worker answered at {address}")
    return link


async def authenticate(link: Link, token: Secret) -> wire.Welcome:
    """Say hello on a link and wait for the answer.

    The link is closed if the answer is no, or if this is cancelled. Raises OSError,
    AuthenticationError or ProtocolError.
    """
    handshake = CallerHandshake()
    link.attach(handshake, limit=HELLO_LIMIT)
    link.send(hello(token))
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(link.abort)
        welcome = await handshake.answer()
        on_failure.pop_all()
    return welcome
