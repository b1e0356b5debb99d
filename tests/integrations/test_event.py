import math
from typing import Any

import pytest

from wool_integrations.event import ServerSentEvent, encode_event


@pytest.mark.parametrize(
    ("item", "wire"),
    [
        ("hello", "data: hello\n\n"),
        ("", "data: \n\n"),
        (" indented", "data:  indented\n\n"),
        ("one\ntwo\r\nthree\rfour\n", "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n"),
        ("no line ends: \u2028 \x0b \x85", "data: no line ends: \u2028 \x0b \x85\n\n"),
        ({"a": ["ü", None]}, 'data: {"a":["ü",null]}\n\n'),
        (None, "data: null\n\n"),
        (
            ServerSentEvent(data="x", event="tick", id="7", retry=1.5),
            "event: tick\ndata: x\nid: 7\nretry: 1500\n\n",
        ),
        (ServerSentEvent(data=[1]), "data: [1]\n\n"),
        (ServerSentEvent(id=""), "id: \n\n"),
        (ServerSentEvent(comment="a\nb"), ": a\n: b\n\n"),
    ],
)
def test_an_item_becomes_an_event(item: Any, wire: str) -> None:
    assert encode_event(item) == wire.encode()


def test_a_name_is_given_to_events_that_have_none() -> None:
    assert encode_event("x", event="tick") == b"event: tick\ndata: x\n\n"
    assert (
        encode_event(ServerSentEvent(data="x", event="own"), event="tick")
        == b"event: own\ndata: x\n\n"
    )


def test_encode_gets_what_is_neither_text_nor_an_event() -> None:
    assert encode_event(b"\x01\xff", encode=bytes.hex) == b"data: 01ff\n\n"
    assert (
        encode_event(ServerSentEvent(data=b"\x01", id="1"), encode=bytes.hex)
        == b"data: 01\nid: 1\n\n"
    )
    assert encode_event(3, encode=lambda item: ServerSentEvent(data="x" * item)) == b"data: xxx\n\n"
    assert encode_event("x", encode=bytes.hex) == b"data: x\n\n"


def test_bytes_are_no_text() -> None:
    with pytest.raises(
        TypeError, match="bytes is not JSON serializable; give EventStream an encode="
    ):
        encode_event(b"x")


@pytest.mark.parametrize("item", [3, ServerSentEvent(data=3)])
def test_encode_has_to_return_text(item: Any) -> None:
    def encode(item: Any) -> Any:
        return item

    with pytest.raises(TypeError, match="encode= returned int"):
        encode_event(item, encode=encode)


def test_nan_is_refused_because_browsers_do_not_read_it() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_event([math.nan])


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "a\nb"},
        {"event": "a\rb"},
        {"id": "a\r\nb"},
        {"id": "a\0b"},
        {"retry": -1},
        {"retry": math.inf},
    ],
)
def test_a_field_that_would_break_the_stream_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        ServerSentEvent(**fields)
