"""A value whose module propagates a variable of its own."""

from contextvars import ContextVar

import wool

__all__ = ["Value"]

wool.propagate(ContextVar("tests_of_a_late_value"))


class Value:
    """To unpickle one imports this module, which propagates in its turn."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value)

    __hash__ = None  # type: ignore[assignment]
