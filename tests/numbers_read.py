"""An endless iterable that knows how far it was read."""

from collections.abc import Iterator

__all__ = ["Counter"]


class Counter:
    """All numbers from 1."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[int]:
        while True:
            self.read += 1
            yield self.read
