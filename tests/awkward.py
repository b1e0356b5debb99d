"""Values and exceptions that do their worst when they are pickled, unpickled or printed."""

import os
import pickle
import threading
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = [
    "Buffered",
    "CarriesCode",
    "Chain",
    "DeepGroup",
    "ExplodesWhenPickled",
    "ExplodesWhenUnpickled",
    "Frozen",
    "HasLock",
    "HasState",
    "Multiple",
    "NeverPickles",
    "NoRepr",
    "NoStr",
    "OnlyThere",
    "Recursion",
    "Slotted",
    "Unprintable",
    "raise_",
]


class Multiple(Exception):
    """Takes more than it gives to Exception."""

    def __init__(self, name: str, *, code: int) -> None:
        super().__init__(f"{name} failed")
        self.name = name
        self.code = code


class HasState(Exception):
    def __init__(self) -> None:
        super().__init__("no argument of ours")
        self.tried = ["this", "that"]


class Slotted(Exception):
    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass(frozen=True)
class Frozen(Exception):
    code: int


class HasLock(Exception):
    """Has an attribute that can't be pickled."""

    def __init__(self, message: str) -> None:
        super().__init__(message, threading.Lock())
        self.lock = threading.Lock()
        self.code = 7


class NoStr(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no words")

    def __reduce__(self) -> NoReturn:
        raise RuntimeError("no way")


class NoRepr(Exception):
    """Holds what can be neither pickled nor printed."""

    def __init__(self) -> None:
        super().__init__("message", Unprintable())


class CarriesCode(BaseException):
    """No Exception at all."""


class OnlyThere(Exception):
    """Its arguments can be unpickled in the process that made it, and nowhere else."""

    def __init__(self) -> None:
        super().__init__("message", _Homely(os.getpid()))


class _Homely:
    def __init__(self, pid: int) -> None:
        self.pid = pid
        if pid != os.getpid():
            raise RuntimeError("far from home")

    def __reduce__(self) -> tuple[Any, ...]:
        return _Homely, (self.pid,)

    def __repr__(self) -> str:
        return "homely"


def Chain() -> Exception:  # noqa: N802 - stands for a class
    """Make an exception with 999 causes."""
    error = ValueError(0)
    for n in range(1, 1_000):
        error, cause = ValueError(n), error
        error.__cause__ = cause
    return error


def DeepGroup() -> Exception:  # noqa: N802
    """Make a group in a group, five thousand times."""
    error: Exception = ValueError("innermost")
    for _ in range(5_000):
        members = [error]
        error = ExceptionGroup("group", members)
    return error


def Recursion() -> Exception:  # noqa: N802
    return Recursion()


def raise_(error: BaseException) -> Any:
    raise error


class ExplodesWhenPickled:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> NoReturn:
        raise self.error


class ExplodesWhenUnpickled:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return raise_, (self.error,)


class NeverPickles:
    def __reduce__(self) -> NoReturn:
        raise TypeError("never")


class Buffered:
    """Gives its memory to pickle as numpy's arrays do."""

    def __init__(self, data: bytearray | memoryview) -> None:
        self.data = data

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:

        return Buffered, (pickle.PickleBuffer(self.data),)

    def __len__(self) -> int:
        return len(self.data)
