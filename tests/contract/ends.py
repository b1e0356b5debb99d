"""Both ends of a link, on whichever carrier, and what is heard at each."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

from tests.carriers import Carrier
from tests.faults.until import until
from wool.protocol import wire_pb2 as wire
from wool.transport.carriers import connect, listener, memory_address, unix_address
from wool.transport.link import Link
from wool.values.serializer import Buffer

__all__ = [
    "LIMIT",
    "Ear",
    "Ears",
    "address_on",
    "ends",
    "item",
    "value_of",
]

LIMIT = 10 * 2**20
"""Bytes that a value may take on the links of these tests."""


@contextmanager
def address_on(carrier: Carrier) -> Generator[str]:
    """Give an address at which nobody listens yet."""
    with ExitStack() as stack:
        if carrier == "memory":
            yield memory_address(str(uuid4()))
        else:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="wl-"))
            yield unix_address(Path(directory) / "s")


class Ear:
    """A handler that keeps what it hears, and answers by `reply`, if there is one."""

    def __init__(self, reply: Callable[[wire.Frame], None] | None = None) -> None:
        self._reply = reply
        self.frames: list[wire.Frame] = []
        self.buffers: list[Sequence[Buffer]] = []
        self.losses: list[Exception | None] = []

    def received(self, frame: wire.Frame, buffers: Sequence[Buffer]) -> None:
        assert not self.losses
        self.frames.append(frame)
        self.buffers.append(buffers)
        if self._reply is not None:
            self._reply(frame)

    def lost(self, error: Exception | None) -> None:
        self.losses.append(error)

    @property
    def values(self) -> list[bytes]:
        """What the frames that came hold."""
        return [value_of(frame) for frame in self.frames]

    @property
    def kinds(self) -> list[str | None]:
        return [frame.WhichOneof("kind") for frame in self.frames]

    async def hear(self, count: int) -> None:
        """Wait until so many frames have come."""
        await until(lambda: len(self.frames) >= count)

    async def hear_loss(self) -> Exception | None:
        """Wait until the link is lost; return with what."""
        await until(lambda: self.losses)
        return self.losses[0]


Ears = tuple[Ear, Ear]
"""That of the end that connected, and that of the one that was handed on."""


def item(value: bytes | int) -> wire.Frame:
    """Return a frame that holds something."""
    data = value if isinstance(value, bytes) else str(value).encode()
    return wire.Frame(call=7, send=wire.Send(value=data))


def value_of(frame: wire.Frame) -> bytes:
    return frame.send.value


@asynccontextmanager
async def ends(
    carrier: Carrier, near_ear: Ear, far_ear: Ear, *, limit: int | None = None
) -> AsyncGenerator[tuple[Link, Link]]:
    """Open a link; give the end that connected, and the one that was handed on."""
    accepted: asyncio.Future[Link] = asyncio.get_running_loop().create_future()

    def accept(link: Link) -> None:
        link.attach(far_ear, limit=limit)
        accepted.set_result(link)

    with address_on(carrier) as address:
        listening = listener(address, LIMIT)
        await listening.open(accept)
        near = await connect(address, LIMIT)
        near.attach(near_ear, limit=limit)
        far = await accepted
        listening.close()
        yield near, far
        for link in (near, far):
            link.abort()
            await link.wait_closed()
