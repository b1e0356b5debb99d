"""Bytes become frames, however they are cut."""

import contextlib
import gc
import itertools
from array import array
from collections.abc import Sequence

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from wool.exceptions import ProtocolError
from wool.protocol import wire_pb2 as wire
from wool.protocol.buffers import describe
from wool.protocol.framing import LENGTH_SIZE, prefixed
from wool.transport.reader import FrameReader
from wool.values.serializer import Buffer

LIMIT = 10 * 2**20
Message = tuple[bytes, list[bytes]]


def _encoded(value: bytes, buffers: list[bytes]) -> bytes:
    frame = wire.Frame(call=7, send=wire.Send(value=value), buffers=[len(b) for b in buffers])
    data = frame.SerializeToString()
    return prefixed(data) + b"".join(buffers)


def _read(data: bytes, sizes: list[int]) -> list[Message]:
    found = _frames(data, sizes)
    return [(frame.send.value, [bytes(b) for b in buffers]) for frame, buffers in found]


def _frames(data: bytes, sizes: list[int]) -> list[tuple[wire.Frame, Sequence[Buffer]]]:
    """Feed `data` in pieces of `sizes`, over and over."""
    reader, place, turn = FrameReader(LIMIT), 0, 0
    found = list[tuple[wire.Frame, Sequence[Buffer]]]()
    while place < len(data):
        target = reader.get_buffer()
        assert len(target) > 0
        n = min(sizes[turn % len(sizes)], len(target), len(data) - place)
        target[:n] = data[place : place + n]
        found += reader.read(n)
        place, turn = place + n, turn + 1
    return found


# Sizes rather than bytes: around the reader's capacity, and far from it.
sizes = st.integers(0, 40) | st.sampled_from(
    [65_520, 65_525, 65_531, 65_532, 65_533, 65_536, 65_537, 200_000]
)
messages = st.lists(st.tuples(sizes, st.lists(sizes, max_size=3)), max_size=6)
pieces = st.lists(
    st.integers(1, 50) | st.sampled_from([1_000, 65_535, 65_536, 10**6]), min_size=1, max_size=5
)


@settings(deadline=None)
@given(messages, pieces)
def test_frames_and_buffers_arrive_whole_and_in_order(
    described: list[tuple[int, list[int]]], cuts: list[int]
) -> None:
    filler = itertools.cycle(range(1, 256))
    sent: list[Message] = [
        (bytes([next(filler)]) * size, [bytes([next(filler)]) * n for n in others])
        for size, others in described
    ]
    data = b"".join(_encoded(value, buffers) for value, buffers in sent)
    assert _read(data, cuts if len(data) < 10_000 else [max(cut, 997) for cut in cuts]) == sent


def test_one_byte_at_a_time_is_enough() -> None:
    sent: list[Message] = [(b"a" * 50, [b"b" * 70]), (b"", []), (b"c", [b"", b"d"])]
    data = b"".join(_encoded(value, buffers) for value, buffers in sent)
    assert _read(data, [1]) == sent


def test_a_frame_over_the_limit_is_refused_at_its_length() -> None:
    reader = FrameReader(100)
    with pytest.raises(ProtocolError, match="101 bytes"):
        list(_feed(reader, (101).to_bytes(LENGTH_SIZE, "little")))


def test_buffers_count_towards_the_limit() -> None:
    reader = FrameReader(1_000)
    with pytest.raises(ProtocolError):
        list(_feed(reader, _encoded(b"x", [bytes(999)])))


def test_a_buffer_of_any_announced_size_takes_no_memory_before_it_is_checked() -> None:
    frame = wire.Frame(call=1, send=wire.Send(), buffers=[2**63])
    data = frame.SerializeToString()
    with pytest.raises(ProtocolError):
        list(_feed(FrameReader(1_000), len(data).to_bytes(LENGTH_SIZE, "little") + data))


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises((ProtocolError, DecodeError)):
        list(_feed(FrameReader(1_000), b"\x05\x00\x00\x00\xff\xff\xff\xff\xff"))


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_waits_for_more(data: bytes) -> None:
    with contextlib.suppress(ProtocolError, DecodeError):
        list(_feed(FrameReader(1_000), data))


@pytest.mark.parametrize("size", [1, 4_000, 4_096, 5_000, 65_536, 300_000])
def test_buffers_arrive_as_the_types_that_they_were_sent_as(size: int) -> None:
    sent: list[Buffer] = [bytes(size), bytearray(size), memoryview(array("B", bytes(size)))]
    frame = wire.Frame(call=1, send=wire.Send())
    describe(frame, sent)
    data = prefixed(frame.SerializeToString()) + b"".join(sent)
    for pieces in ([1_000], [65_536], [10**6]):
        ((_, buffers),) = _frames(data, pieces)
        assert [type(each) for each in buffers] == [bytes, bytearray, memoryview]
        assert not memoryview(buffers[2]).readonly
        assert list(buffers) == sent


def test_memory_that_ends_in_a_cycle_of_garbage_is_collected_without_a_word() -> None:
    frame, whole = wire.Frame(call=1, send=wire.Send()), memoryview(array("B", bytes(300_000)))
    describe(frame, [whole])
    data = prefixed(frame.SerializeToString()) + bytes(whole)
    ((_, buffers),) = _frames(data, [65_536])
    cycle: list[object] = [*buffers]
    cycle.append(cycle)
    del buffers, cycle
    gc.collect()  # what is said of it would fail the test


def _feed(reader: FrameReader, data: bytes) -> list[object]:
    reader.get_buffer()[: len(data)] = data
    return list(reader.read(len(data)))
