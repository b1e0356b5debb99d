"""How routines and tests talk past wool: a socket that a routine calls home on.

A test awaits what a routine says and tells it when to go on, so that nothing has to sleep.
"""

import asyncio
import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["Home", "open_home", "say", "told"]

_PATIENCE = 10.0  # seconds


class Home:
    """The test's end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self._told: dict[str, asyncio.Event] = {}

    async def hear(self) -> str:
        """Wait for the next word that a routine says."""
        async with asyncio.timeout(_PATIENCE):
            return await self._heard.get()

    def heard(self) -> list[str]:
        """Return the words that came and that nobody awaited."""
        return [self._heard.get_nowait() for _ in range(self._heard.qsize())]

    def tell(self, word: str) -> None:
        """Let everybody go on who waits for `word`, now or later."""
        self._event(word).set()

    def hold(self, word: str) -> None:
        """Have everybody wait for `word` who does so from now on."""
        self._event(word).clear()

    def _event(self, word: str) -> asyncio.Event:
        return self._told.setdefault(word, asyncio.Event())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, _, word = (await reader.readline()).decode().strip().partition(" ")
        if verb == "say":
            self._heard.put_nowait(word)
        elif verb == "wait":
            hung_up = asyncio.ensure_future(reader.read())
            told = asyncio.ensure_future(self._event(word).wait())
            await asyncio.wait([hung_up, told], return_when=asyncio.FIRST_COMPLETED)
            for waiting in (hung_up, told):
                waiting.cancel()
        writer.write(b"ok\n")
        writer.close()


@asynccontextmanager
async def open_home() -> AsyncGenerator[Home]:
    with tempfile.TemporaryDirectory(prefix="home-") as directory:
        home = Home(str(Path(directory) / "s"))
        async with await asyncio.start_unix_server(home.serve, home.path):
            yield home


def say(path: str, word: object) -> None:
    """Tell the test something; it has it when this returns. To be called in a worker."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        line.sendall(f"say {word}\n".encode())
        line.recv(16)


async def told(path: str, word: str) -> None:
    """Wait until the test says `word`."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(f"wait {word}\n".encode())
        await reader.readline()
    finally:
        writer.close()
