"""What must not be seen: error trackers print the repr of local variables and attributes."""

from __future__ import annotations

__all__ = ["Secret"]

import hmac


class Secret:
    """Bytes that no repr shows; `bytes(secret)` are what goes into a message, and nowhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def matches(self, shown: bytes) -> bool:
        """Tell whether `shown` is the secret, in a time that does not depend on it."""
        return hmac.compare_digest(shown, self._value)

    def __bytes__(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return "<Secret>"
