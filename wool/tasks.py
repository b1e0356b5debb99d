"""The record of one call."""

from __future__ import annotations

__all__ = ["ANYWHERE", "NO_OPTIONS", "Options", "Placement", "Task", "qualified_name"]

from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self
from uuid import UUID

from wool.support.checks import optional, positive_seconds, strings
from wool.support.keys import Keys

_new_key = Keys()


def qualified_name(function: object) -> str:
    """Return a function's module and qualified name, for messages."""
    module = getattr(function, "__module__", "?")
    return f"{module}.{getattr(function, '__qualname__', function)}"


_FURTHEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Options:
    """What a routine was decorated with."""

    timeout: float | None = None
    """Seconds that a call, or a step of a generator, may take; None for no limit of its own."""
    tags: frozenset[str] = frozenset()
    """What a worker has to be tagged with to get a call."""
    prefetch: int = 0
    """How many items a generator may run ahead of its consumer."""
    idempotent: bool = False
    """Whether a call may be made again when it is not known if it was started."""

    def changed(self, **changes: Any) -> Self:
        """Return these with some others, checked. Raises TypeError or ValueError."""
        known = [option.name for option in fields(self)]
        for name in changes.keys() - known:
            raise TypeError(f"routines have no option {name!r}; there are {', '.join(known)}")
        new = replace(self, **changes)
        optional(positive_seconds, "timeout", new.timeout)
        if type(new.prefetch) is not int:
            raise TypeError(f"prefetch is a whole number of items, not {new.prefetch!r}")
        if not 0 <= new.prefetch <= _FURTHEST:
            raise ValueError(f"prefetch is a number from 0 to {_FURTHEST:,}, not {new.prefetch:,}")
        return replace(new, tags=frozenset(strings("tags", new.tags)))


NO_OPTIONS = Options()
"""What `@routine` without parentheses means."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a pool asks for a call of its own."""

    worker: UUID | None = None
    """The uid of the worker that has to take it; None if the balancer chooses."""
    patient: bool = False
    """Whether it waits until a worker is ready for it, and for a place, where others are refused as
    Overloaded."""


ANYWHERE = Placement()
"""For the calls that users make."""


@dataclass(slots=True, eq=False)
class Task:
    """One call of a routine, from the moment it is made. Changed by its dispatcher alone."""

    callable: Callable[..., Any]
    """The routine's function, without its decorator."""
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    parent_key: bytes = b""
    """The `key` of the task in whose run the call was made; empty outside of any."""
    key: bytes = field(default_factory=_new_key)
    """16 bytes that no other task has."""
    options: Options = NO_OPTIONS
    """What its routine was decorated with; at the worker, the timeout is what was left of it, and
    `idempotent` is not known."""
    context: Context | None = None
    """A copy of the context in which it was made; None at the worker."""
    observed: bool = False
    """Whether somebody wants to hear of its events."""
    placement: Placement = ANYWHERE
    """Where it goes."""
    sent_to: int | None = None
    """The process id of the worker that has it, as far as its limit has to know; None there."""

    @property
    def id(self) -> UUID:
        """What tells this task from any other."""
        return UUID(bytes=self.key)

    @property
    def caller(self) -> UUID | None:
        """The id of the task in whose run the call was made; None outside of any."""
        return UUID(bytes=self.parent_key) if self.parent_key else None

    @property
    def timeout(self) -> float | None:
        """Seconds that it may take: by its options at the caller, what was left at the worker."""
        return self.options.timeout

    @property
    def tags(self) -> frozenset[str]:
        """What a worker has to be tagged with to get it."""
        return self.options.tags

    @property
    def tag(self) -> str | None:
        """Its tag, or several with commas between them; None if it has none."""
        return ",".join(sorted(self.tags)) or None

    @property
    def name(self) -> str:
        """The routine's module and qualified name, for messages."""
        return qualified_name(self.callable)

    def __str__(self) -> str:
        return f"{self.name} [{self.id}]"
