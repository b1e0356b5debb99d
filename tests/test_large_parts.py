"""What is large lies beside the pickle, and comes back as it was: its type, its place, itself."""

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.awkward import Buffered
from wool.values import serializer

LARGE = 64 * 1024


def _there(value: Any) -> Any:
    """Return what the other end reads."""
    pickled = serializer.dumps(value, lambda: "it", 10**9)
    return serializer.loads(pickled.data, pickled.buffers)


def _sizes(value: Any) -> tuple[int, list[int]]:
    pickled = serializer.dumps(value, lambda: "it", 10**9)
    return len(pickled.data), [len(buffer) for buffer in pickled.buffers]


sizes = st.sampled_from([0, 1, 255, 256, LARGE - 1, LARGE, LARGE + 1, 70_000])
parts = st.one_of(
    sizes.map(lambda n: b"\x95" * n),
    sizes.map(lambda n: bytearray(b"\x8e" * n)),
    sizes.map(lambda n: "_" * n),
    sizes.map(lambda n: "\u00e9" * n),
    sizes.map(lambda n: "\ud800" * (n // 2)),
    st.integers(),
    st.just("__main__"),
    st.just(list(range(40_000))),
)
values = st.recursive(parts, lambda inner: st.lists(inner, max_size=5), max_leaves=12)


@settings(deadline=None, max_examples=200)
@given(values)
def test_every_mixture_of_large_and_small_comes_back(value: Any) -> None:
    assert _there(value) == value
    assert pickle.dumps(_there(value)) == pickle.dumps(pickle.loads(pickle.dumps(value)))


def _ascii(size: int) -> str:
    return "x" * size


def _euros(size: int) -> str:
    return "\u20ac" * size


@pytest.mark.parametrize("kind", [bytes, bytearray, _ascii, _euros])
@pytest.mark.parametrize("size", [LARGE - 1, LARGE, LARGE + 1, 10**6])
def test_a_large_value_comes_back_with_its_type(kind: Any, size: int) -> None:
    value = kind(size)
    there = _there(value)
    assert (type(there), there) == (type(value), value)


def test_large_bytes_are_not_copied_at_either_end() -> None:
    value = bytes(10**6)
    pickled = serializer.dumps([value], lambda: "it", 10**9)
    assert pickled.buffers[0] is value
    assert serializer.loads(pickled.data, pickled.buffers)[0] is value


def test_what_is_large_lies_beside_the_pickle_however_deep() -> None:
    small, beside = _sizes({"a": [(bytes(LARGE), {"b": "x" * LARGE})]})
    assert small < 200
    assert beside == [LARGE, LARGE]


def test_a_large_pickle_of_what_is_small_lies_beside_the_message() -> None:
    small, beside = _sizes(list(range(10**5)))
    assert small == 0
    assert len(beside) == 1


def test_one_large_object_in_two_places_is_one_there() -> None:
    for large in (bytes(LARGE), bytearray(LARGE), "x" * LARGE):
        one, two = _there([large, {"again": large}])
        assert one is two["again"]


def test_a_bytearray_can_grow_there_and_does_not_change_any_more_here() -> None:
    value = bytearray(LARGE)
    pickled = serializer.dumps(value, lambda: "it", 10**9)
    value[0] = 1
    value.append(1)
    there = serializer.loads(pickled.data, pickled.buffers)
    there += b"more"
    assert there == bytes(LARGE) + b"more"


def test_large_bytes_can_be_keys_and_members() -> None:
    value = {bytes(LARGE): {"x" * LARGE}}
    assert _there(value) == value


def test_subclasses_keep_their_class() -> None:
    there = _there([_Name("x" * LARGE), _Data(bytes(LARGE))])
    assert [type(each) for each in there] == [_Name, _Data]
    assert there == ["x" * LARGE, bytes(LARGE)]


def test_buffers_and_large_parts_stay_in_order() -> None:
    sent = [
        bytes([1]) * LARGE,
        Buffered(bytearray([2]) * LARGE),
        "3" * LARGE,
        bytearray(b"4" * LARGE),
    ]
    one, two, three, four = _there(sent)
    assert (one[:1], bytes(two.data[:1]), three[:1], four[:1]) == (b"\1", b"\2", "3", b"4")


@pytest.mark.parametrize("text", ["__main__", "\x08__main__", "__main__" * 9_000])
def test_data_that_speaks_of_main_is_data(text: str) -> None:
    data = [text, text.encode(), {text: b"\x8c\x08__main__\x94" * 9_000}]
    assert _there(data) == data


def test_what_is_of_main_is_found_beside_large_data() -> None:
    there: dict[str, Any] = {"__name__": "__main__"}
    exec("class Thing: pass", there)  # noqa: S102
    for filler in ("x" * 2_000, [b"x" * 40_000] * 2, {"a": bytes(LARGE)}):
        _, thing = _there((filler, there["Thing"]()))
        assert type(thing) is there["Thing"]


def test_a_value_that_holds_itself_comes_back() -> None:
    value: list[Any] = ["x" * 2_000]
    value.append(value)
    there = _there(value)
    assert there[1] is there


def test_a_bytearray_that_shrinks_while_it_is_pickled_comes_whole_or_empty() -> None:
    value = bytearray(LARGE)
    there, last = _there([value, [_Shrinking(value), "last"]])
    assert there in (bytes(LARGE), b"")
    assert last[1] == "last"


class _Name(str):
    __slots__ = ()


class _Data(bytes):
    __slots__ = ()


class _Shrinking:
    def __init__(self, data: bytearray) -> None:
        self._data = data

    def __reduce__(self) -> tuple[type, tuple[()]]:
        self._data.clear()
        return object, ()
