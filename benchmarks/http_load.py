"""`python -m benchmarks.http_load PORT PATH SECONDS`: requests a second, where there is no wrk."""

from __future__ import annotations

__all__ = ["load"]

import asyncio
import sys
import time
from functools import partial
from typing import cast

_CONNECTIONS = 64


class _Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, path: str) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._unread = b""
        self.answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        head, ended, body = self._unread.partition(b"\r\n\r\n")
        if not ended or len(body) < _length_of(head):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        self._unread = b""
        self.answers += 1
        self._transport.write(self._request)


def _length_of(head: bytes) -> int:
    fields = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next(int(value) for name, _, value in fields if name == b"content-length")


async def load(port: int, path: str, seconds: float) -> float:
    """Return how many requests a second are answered, with 64 connections."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    connections = [
        await loop.create_connection(partial(_Client, path), "127.0.0.1", port)
        for _ in range(_CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    answered = sum(client.answers for _, client in connections)
    took = time.perf_counter() - started
    for transport, _ in connections:
        transport.close()
    return answered / took


if __name__ == "__main__":
    print(asyncio.run(load(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))))
