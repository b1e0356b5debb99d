"""What workers are told of each other, as it is on the wire."""

from __future__ import annotations

__all__ = ["peers_message", "read_peers"]

import os
from uuid import UUID

from wool.protocol import wire_pb2 as wire
from wool.types import Peer, Peers, WorkerMetadata


def peers_message(peers: Peers) -> wire.Peers:
    """Return the message that says it."""
    departed = [
        wire.Departed(uid=uid.bytes, returncode=code) for uid, code in peers.departed.items()
    ]
    retired = [uid.bytes for uid in peers.retired]
    return wire.Peers(peers=map(_message, peers.there), retired=retired, departed=departed)


def read_peers(message: wire.Peers) -> Peers:
    """Return what a message says."""
    departed = {UUID(bytes=gone.uid): gone.returncode for gone in message.departed}
    retired = [UUID(bytes=uid) for uid in message.retired]
    return Peers([_read(peer) for peer in message.peers], retired, departed)


def _message(peer: Peer) -> wire.Peer:
    metadata = peer.metadata
    return wire.Peer(
        uid=metadata.uid.bytes,
        address=os.fsencode(metadata.address),
        pid=metadata.pid,
        version=metadata.version,
        tags=metadata.tags,
        host=metadata.host,
        extra=metadata.extra,
        secure=metadata.secure,
        stopped=peer.stopped,
        tells_end=peer.tells_end,
    )


def _read(peer: wire.Peer) -> Peer:
    metadata = WorkerMetadata(
        UUID(bytes=peer.uid),
        os.fsdecode(peer.address),
        peer.pid,
        peer.version,
        frozenset(peer.tags),
        peer.host,
        dict(peer.extra),
        peer.secure,
    )
    return Peer(metadata, peer.stopped if peer.HasField("stopped") else None, peer.tells_end)
