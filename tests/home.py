"""How routines and tests talk past wool: a socket that a routine calls home on.

A test awaits what a routine says and tells it when to go on, so that nothing has to sleep. It is
served by a thread, so that a routine may wait for it on the very loop of the test.
"""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections import deque
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

__all__ = ["Home", "open_home", "say", "told"]

_PATIENCE = 10.0  # seconds
_TURNS = 4  # of a loop, in which a connection that waits is accepted, and its handler called


class Home:
    """The test's end. To be used on the loop on which it was made."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._loop = asyncio.get_running_loop()
        self._words: deque[str] = deque()
        self._news = asyncio.Event()
        self._serving = asyncio.new_event_loop()
        self._told: dict[str, asyncio.Event] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._hearing: set[asyncio.Task[None]] = set()

    async def hear(self) -> str:
        """Wait for the next word that a routine says."""
        async with asyncio.timeout(_PATIENCE):
            while not self._words:
                self._news.clear()
                await self._news.wait()
            return self._words.popleft()

    def heard(self) -> list[str]:
        """Return the words that came and that nobody awaited."""
        return [self._words.popleft() for _ in range(len(self._words))]

    def tell(self, word: str) -> None:
        """Let everybody go on who waits for `word`, now or later."""
        self._serving.call_soon_threadsafe(lambda: self._event(word).set())

    def hold(self, word: str) -> None:
        """Have everybody wait for `word` who does so from now on."""
        self._serving.call_soon_threadsafe(lambda: self._event(word).clear())

    def run(self, opened: Future[None]) -> None:
        """Serve until `close`. To be called in a thread."""
        with asyncio.Runner(loop_factory=lambda: self._serving) as runner:
            runner.run(self._serve(opened))

    def close(self) -> None:
        self.tell(_CLOSE)

    async def _serve(self, opened: Future[None]) -> None:
        async with await asyncio.start_unix_server(self._connected, self.path):
            opened.set_result(None)
            await self._event(_CLOSE).wait()
            os.unlink(self.path)  # noqa: PTH108 - nobody comes any more; not worth a thread
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        for each in self._hearing:
            each.cancel()
        await asyncio.gather(*self._answering)

    def _event(self, word: str) -> asyncio.Event:
        return self._told.setdefault(word, asyncio.Event())

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering = asyncio.ensure_future(self._answer(reader, writer))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hearing = asyncio.ensure_future(self._hear_out(reader))
        self._hearing.add(hearing)
        hearing.add_done_callback(self._hearing.discard)
        await asyncio.wait([hearing])
        if not hearing.cancelled():
            hearing.result()
            writer.write(b"ok\n")
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _hear_out(self, reader: asyncio.StreamReader) -> None:
        verb, _, word = (await reader.readline()).decode().strip().partition(" ")
        if verb == "say":
            self._words.append(word)
            self._loop.call_soon_threadsafe(self._news.set)
        elif verb == "wait":
            hung_up = asyncio.ensure_future(reader.read())
            told = asyncio.ensure_future(self._event(word).wait())
            await asyncio.wait([hung_up, told], return_when=asyncio.FIRST_COMPLETED)
            for waiting in (hung_up, told):
                waiting.cancel()


_CLOSE = " close"


@asynccontextmanager
async def open_home() -> AsyncGenerator[Home]:
    with tempfile.TemporaryDirectory(prefix="home-") as directory:
        home, opened = Home(str(Path(directory) / "s")), Future[None]()
        thread = Thread(target=home.run, args=(opened,), name="home")
        thread.start()
        await asyncio.wrap_future(opened)
        try:
            yield home
        finally:
            home.close()
            thread.join()


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
