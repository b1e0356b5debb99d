"""What twins note in the process that they run in, and what errors are noted with."""

import re
from collections import defaultdict
from typing import Any, cast

import wool

__all__ = ["attributes", "described", "note", "noted", "noted_so_far"]

_notes = defaultdict[str, list[Any]](list)


def note(key: str, *what: Any) -> None:
    """Keep `what`, to be told by the `noted` of this process."""
    _notes[key].append(what)


@wool.routine
async def noted(key: str) -> list[Any]:
    """Tell what was noted under `key` in this process, once."""
    return _notes.pop(key, [])


@wool.routine
async def noted_so_far(key: str) -> list[Any]:
    return _notes[key]


def attributes(error: BaseException) -> dict[str, Any]:
    """Return those that are to be equal here and there: without what wool says of the worker."""
    own = {n: value for n, value in vars(error).items() if n not in ("__wool__", "__notes__")}
    notes = getattr(error, "__notes__", None) or ()
    notes = [each for each in notes if not re.fullmatch(r"raised on worker \d+", each)]
    return own | ({"__notes__": notes} if notes else {})


def described(error: BaseException | None) -> Any:
    """Return what is to be equal here and there: type, arguments and members, causes and so on."""
    if error is None:
        return None
    is_group = isinstance(error, BaseExceptionGroup)
    members = cast("BaseExceptionGroup[Any]", error).exceptions if is_group else ()
    return (
        type(error).__qualname__,
        error.args[:1] if members else error.args,
        attributes(error),
        [described(member) for member in members],
        described(error.__cause__),
        described(error.__context__),
    )
