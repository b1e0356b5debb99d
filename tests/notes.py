"""What twins note in the process that they run in: one on a worker, the other here."""

from collections import defaultdict
from typing import Any, cast

import wool

__all__ = ["described", "note", "noted", "noted_so_far"]

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


def described(error: BaseException | None) -> Any:
    """Return what is to be equal here and there: type, arguments and members, causes and so on."""
    if error is None:
        return None
    is_group = isinstance(error, BaseExceptionGroup)
    members = cast("BaseExceptionGroup[Any]", error).exceptions if is_group else ()
    return (
        type(error).__qualname__,
        error.args[:1] if members else error.args,
        {name: value for name, value in vars(error).items() if name != "__wool__"},
        [described(member) for member in members],
        described(error.__cause__),
        described(error.__context__),
    )
