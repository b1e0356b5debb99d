"""The record of one call."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

__all__ = ["Task"]

_COUNTER_BITS = 64


class _Ids:
    """Unique ids, six times as fast as uuid4: 64 random bits of this process, and a counter."""

    def __init__(self) -> None:
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self._prefix = int.from_bytes(os.urandom(8)) << _COUNTER_BITS
        self._count = itertools.count(1)

    def __call__(self) -> UUID:
        return UUID(int=self._prefix | next(self._count))


_new_id = _Ids()


@dataclass(frozen=True, slots=True)
class Task:
    """One call of a routine, from the moment it is made."""

    callable: Callable[..., Any]
    """The routine, as it was decorated."""
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    caller: UUID | None = None
    """The id of the task in whose run the call was made; None outside of any."""
    id: UUID = field(default_factory=_new_id)

    @property
    def name(self) -> str:
        """The routine's module and qualified name, for messages."""
        return f"{self.callable.__module__}.{self.callable.__qualname__}"
