"""What one server-sent event looks like on the wire."""

__all__ = ["Encode", "ServerSentEvent", "encode_event", "encode_json"]

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from wool.support.checks import optional, seconds

# The stream's only line ends; str.splitlines would also split at U+2028 and others.
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    """One event of a stream, with every field that the HTML standard gives it.

    `data` is sent as it is when it is a `str`, left out when it is None, and encoded like any other
    item of the stream otherwise. `retry` is the time in seconds after which a browser that lost the
    stream comes back. `comment` is for people who read the wire: browsers ignore it.

    Raises ValueError when `event` or `id` holds a line end, when `id` holds NUL (browsers would
    ignore it), and when `retry` is negative or not finite.
    """

    data: Any = None
    event: str | None = None
    id: str | None = None
    retry: float | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        for name, text in (("event", self.event), ("id", self.id)):
            if text is not None and _LINE_END.search(text):
                raise ValueError(f"{name} has to be a single line, not {text!r}")
        if self.id is not None and "\0" in self.id:
            raise ValueError(f"id must not hold NUL: {self.id!r}")
        optional(seconds, "retry", self.retry)
        if self.retry == float("inf"):
            raise ValueError("retry is a finite number of seconds")


Encode = Callable[[Any], str | ServerSentEvent]


def encode_json(item: object) -> str:
    """Return `item` as JSON.

    Raises TypeError, naming the cure, for what JSON does not know (bytes are such), and ValueError
    for NaN and infinity, which JavaScript does not read.
    """
    try:
        return json.dumps(item, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except TypeError as error:
        raise TypeError(f"{error}; give EventStream an encode= for such items") from error


def encode_event(item: object, *, encode: Encode = encode_json, event: str | None = None) -> bytes:
    """Return `item` as it goes over the wire; `event` names it if it has no name of its own.

    A `str` is the data, a `ServerSentEvent` everything, and whatever else goes through `encode`
    first. Raises TypeError if `encode` returns something else.
    """
    if not isinstance(item, str | ServerSentEvent):
        item = encode(item)
    if not isinstance(item, ServerSentEvent):
        item = ServerSentEvent(data=_text(item))
    elif item.data is not None and not isinstance(item.data, str):
        item = replace(item, data=_text(encode(item.data)))
    if item.event is None:
        item = replace(item, event=event)
    return "".join(f"{line}\n" for line in _lines(item)).encode() + b"\n"


def _text(encoded: object) -> str:
    if isinstance(encoded, str):
        return encoded
    raise TypeError(f"encode= returned {type(encoded).__name__}; it has to return a str")


def _lines(event: ServerSentEvent) -> Iterator[str]:
    if event.comment is not None:
        yield from (f": {line}" for line in _LINE_END.split(event.comment))
    if event.event is not None:
        yield f"event: {event.event}"
    if event.data is not None:
        yield from (f"data: {line}" for line in _LINE_END.split(event.data))
    if event.id is not None:
        yield f"id: {event.id}"
    if event.retry is not None:
        yield f"retry: {round(event.retry * 1000)}"
