"""A client that leaves as it likes, and generators that tell what became of them."""

import asyncio
import os
import re
import select
import socket
import struct
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

PATIENCE = 10.0


class RawClient:
    """An HTTP client without manners, over a bare socket."""

    def __init__(self, port: int, request: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.sendall(f"{request} HTTP/1.1\r\nhost: test\r\n\r\n".encode())
        self._seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def leave(self) -> None:
        """Cut the connection at once."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def shut(self) -> None:
        """Cut the connection under a thread that reads from it."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def read_until_left(self) -> None:
        """Take whatever comes, as fast as it comes."""
        with suppress(ConnectionResetError):
            while self._socket.recv(2**20):
                pass

    def read_until(self, text: str) -> str:
        """What came since the last call, up to and including `text`."""
        wanted = text.encode()
        while wanted not in self._seen:
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionError(
                    f"the connection ended before {text!r}; last came {self._seen[-200:]!r}"
                )
            self._seen += received
        found, _, self._seen = self._seen.partition(wanted)
        return (found + wanted).decode()

    def read_head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers."""
        lines = self.read_until("\r\n\r\n").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), headers

    def read_body(self) -> str:
        """What the chunks of the rest hold; ConnectionError when the last chunk does not come."""
        body = self.read_until("0\r\n\r\n")
        return re.sub(r"(?:\r\n)?[0-9a-f]+\r\n", "", body, flags=re.ASCII).removesuffix("\r\n")


class Exchange:
    """One request seen from the server: the two callables that ASGI hands to an application."""

    def __init__(self, method: str = "GET") -> None:
        self.scope: dict[str, Any] = {"type": "http", "method": method}
        self.sent: list[dict[str, Any]] = []
        self.begun = asyncio.Event()
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self.begun.set()

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()


class Tap:
    """Tells another thread what became of a generator that works inside `with tap.open():`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.opened = self.closed = False
        self.items = 0

    @contextmanager
    def open(self) -> Generator[None]:
        self._change(opened=True)
        try:
            yield
        finally:
            self._change(closed=True)

    async def stream(self, *items: Any, then: Exception | None = None) -> AsyncGenerator[Any]:
        """Yield `items`; then raise `then`, or wait for ever."""
        with self.open():
            for item in items:
                self._change(items=self.items + 1)
                yield item
            if then is not None:
                raise then
            await asyncio.Event().wait()

    def wait_opened(self) -> bool:
        return self._wait(lambda: self.opened)

    def wait_closed(self) -> bool:
        return self._wait(lambda: self.closed)

    def wait_items(self, count: int) -> bool:
        return self._wait(lambda: self.items >= count)

    def _change(self, **state: Any) -> None:
        with self._changed:
            vars(self).update(state)
            self._changed.notify_all()

    def _wait(self, condition: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, PATIENCE)


class Diary:
    """A named pipe in which code in other processes writes lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._file = os.fdopen(os.open(path, os.O_RDWR), "rb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read_line(self, *, within: float = PATIENCE) -> str:
        """Wait for the next line, for so many seconds."""
        ready, _, _ = select.select([self._file], [], [], within)
        assert ready, f"nobody wrote anything in {within} s"
        return self._file.readline().decode().rstrip("\n")
