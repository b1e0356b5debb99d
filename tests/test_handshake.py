"""Who may speak to a worker: raw sockets against a live one."""

import asyncio
import pickle
import socket
from collections.abc import Generator
from contextlib import contextmanager

import pytest

import wool
from tests.awkward import raise_
from tests.routines import double
from tests.sockets import path_of
from wool.protocol import wire_pb2 as wire
from wool.protocol.frames import PROTOCOL_VERSION

pytestmark = [pytest.mark.anyio, pytest.mark.both_loops]


@contextmanager
def _line_to(pool: wool.WorkerPool) -> Generator[socket.socket]:
    worker = next(iter(pool.workers.values()))
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path_of(worker)))
        line.settimeout(2)
        yield line


def _framed(frame: wire.Frame) -> bytes:
    data = frame.SerializeToString()
    return len(data).to_bytes(4, "little") + data


def _answer(line: socket.socket) -> list[wire.Frame]:
    """Read until the worker hangs up."""
    data = b""
    try:
        while piece := line.recv(65_536):
            data += piece
    except ConnectionResetError:
        pass
    frames = list[wire.Frame]()
    while data:
        size = int.from_bytes(data[:4], "little")
        frames.append(wire.Frame.FromString(data[4 : 4 + size]))
        data = data[4 + size :]
    return frames


def _hello(token: bytes, version: int = PROTOCOL_VERSION) -> bytes:
    return _framed(wire.Frame(hello=wire.Hello(protocol=version, token=token)))


class Bomb:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, ...]:
        return raise_, (SystemExit(1),)


BOMB = _framed(
    wire.Frame(
        call=1,
        open=wire.Open(
            task=bytes(16),
            module="tests.routines",
            qualname="double",
            arguments=pickle.dumps(Bomb()),
        ),
    )
)


async def test_the_wrong_token_is_refused_and_nothing_is_unpickled(pool: wool.WorkerPool) -> None:
    for token in (b"", bytes(32), b"x" * 32, bytes(33)):
        with _line_to(pool) as line:
            line.sendall(_hello(token) + BOMB)
            frames = await asyncio.to_thread(_answer, line)
            assert {frame.WhichOneof("kind") for frame in frames} <= {"reject"}
    assert list(await asyncio.gather(double(1), double(2))) == [2, 4]


async def test_who_says_no_hello_is_refused(pool: wool.WorkerPool) -> None:
    with _line_to(pool) as line:
        line.sendall(BOMB)
        frames = await asyncio.to_thread(_answer, line)
        assert {frame.WhichOneof("kind") for frame in frames} <= {"reject"}
    assert list(await asyncio.gather(double(1), double(2))) == [2, 4]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x05\x00\x00\x00\xff\xff\xff\xff\xff",
        (257).to_bytes(4, "little") + bytes(257),
        _hello(b"t" * 300),
    ],
    ids=["http", "huge", "empty", "garbage", "oversize", "long token"],
)
async def test_garbage_is_hung_up_on(pool: wool.WorkerPool, data: bytes) -> None:
    with _line_to(pool) as line:
        line.sendall(data)
        frames = await asyncio.to_thread(_answer, line)
        assert {frame.WhichOneof("kind") for frame in frames} <= {"reject"}
    assert list(await asyncio.gather(double(1), double(2))) == [2, 4]


async def test_another_version_of_the_protocol_without_the_token_learns_nothing(
    pool: wool.WorkerPool,
) -> None:
    with _line_to(pool) as line:
        line.sendall(_hello(bytes(32), PROTOCOL_VERSION + 1))
        frames = await asyncio.to_thread(_answer, line)
    assert [frame.reject.reason for frame in frames] == ["the token is wrong"]


async def test_who_says_nothing_and_leaves_is_no_trouble(pool: wool.WorkerPool) -> None:
    for data in (b"", b"\x10", b"\x10\x00\x00\x00ab"):
        with _line_to(pool) as line:
            line.sendall(data)
    assert list(await asyncio.gather(double(1), double(2))) == [2, 4]
