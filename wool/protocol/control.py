"""The control channel between a parent and a worker that it started: a socket pair.

Secrets travel here, never in arguments or the environment. That the channel ends tells either that
the other died.
"""

from __future__ import annotations

__all__ = ["read_from_worker", "read_to_worker", "receive_start", "write", "write_start"]

import asyncio
import socket

from wool.protocol import wire_pb2 as wire
from wool.protocol.framing import LENGTH_SIZE, length_of, prefixed
from wool.support.secret import Secret


def write_start(writer: asyncio.StreamWriter, start: wire.Start, token: Secret) -> None:
    """Send the first message, in the background: `start` with the token, which it does not keep."""
    message = wire.ToWorker(start=start)
    message.start.token = bytes(token)
    write(writer, message)


def receive_start(sock: socket.socket) -> tuple[wire.Start, Secret]:
    """Wait for the first message, without a loop; return it, and the token, which is not in it.

    Raises EOFError if the parent is gone.
    """
    length = length_of(_receive(sock, LENGTH_SIZE))
    start = wire.ToWorker.FromString(_receive(sock, length)).start
    token = Secret(start.token)
    start.ClearField("token")
    return start, token


def _receive(sock: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = sock.recv(size - len(received))
        if not piece:
            raise EOFError("the parent hung up")
        received += piece
    return received


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Wait for the next message. Raises EOFError or OSError if the other end is gone."""
    head = await reader.readexactly(LENGTH_SIZE)
    return await reader.readexactly(length_of(head))


async def read_to_worker(reader: asyncio.StreamReader) -> wire.ToWorker:
    """Wait for the parent's next message. Raises EOFError or OSError if it is gone."""
    return wire.ToWorker.FromString(await _read(reader))


async def read_from_worker(reader: asyncio.StreamReader) -> wire.FromWorker:
    """Wait for the worker's next message. Raises EOFError or OSError if it is gone."""
    return wire.FromWorker.FromString(await _read(reader))


def write(writer: asyncio.StreamWriter, message: wire.ToWorker | wire.FromWorker) -> None:
    """Send a message, in the background. If the other end is gone, it is lost."""
    if not writer.is_closing():  # uvloop raises where asyncio drops what is written
        writer.write(prefixed(message.SerializeToString()))
