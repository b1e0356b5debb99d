"""ContextVars whose values travel with calls, and come back."""

from __future__ import annotations

__all__ = [
    "UNSET",
    "Carried",
    "described",
    "is_known",
    "is_propagated",
    "named",
    "propagate",
    "snapshot",
    "update",
]

import contextlib
import importlib
import inspect
import logging
import threading
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar, Token
from dataclasses import dataclass
from typing import Any, Final

UNSET: Final = object()
"""Stands for a variable that is not set."""

_MAIN = "__main__"

_log = logging.getLogger(__name__)

_lock = threading.Lock()
_propagated: dict[str, ContextVar[Any]] = {}
_modules: dict[str, str] = {}  # who propagates them; none for those that only travelled here


@dataclass(frozen=True, slots=True)
class Carried:
    """A value of a variable that this process does not know yet, for those that do."""

    data: bytes
    load: Callable[[], object]


_carried: ContextVar[Mapping[str, object]] = ContextVar("wool_carried", default={})  # noqa: B039
_tokens: ContextVar[Mapping[str, Token[Any]]] = ContextVar("wool_tokens", default={})  # noqa: B039


def propagate(*context_vars: ContextVar[Any]) -> None:
    """Have the values of `context_vars` travel with every call, and come back.

    A routine sees the values that its caller had at the call, a generator those that its consumer
    has at each step. What it sets itself is set in the caller once the call, or the step, has
    ended, however it ended. Calls that run at the same time see nothing of each other. It is as if
    the function ran here, but that values are pickled: one that is changed in place, not set anew,
    does not come back.

    Variables are known by their names at both ends. To call this where a module defines them is
    enough, if the worker imports the module, too; a routine that travels by value brings the
    variables that it uses with it. To repeat it for a variable is harmless.

    Raises TypeError for anything but a ContextVar, and ValueError for a second variable of a name.
    Calls raise SerializationError if a value can't be pickled, and MessageTooLarge if all of them
    take more than 512 KiB.
    """
    for var in context_vars:
        if not isinstance(var, ContextVar):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"wool.propagate takes ContextVars, not {var!r}")
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    module: str = caller.f_globals.get("__name__", _MAIN) if caller is not None else _MAIN
    with _lock:
        for var in context_vars:
            known = _propagated.get(var.name, var)
            if known is not var and var.name in _modules:
                raise ValueError(
                    f"another ContextVar with the name {var.name!r} is propagated already, by "
                    f"{_modules[var.name]!r}; workers know them by their names: give one another"
                )
            _propagated[var.name] = var
            _modules[var.name] = module
    for var in context_vars:
        _adopt(var)


def _adopt(var: ContextVar[Any]) -> None:
    """Give a variable of a module that a routine imports the value that came with the call."""
    carried = dict(_carried.get())
    value = carried.pop(var.name, UNSET)
    if not isinstance(value, Carried):
        return
    try:
        loaded = value.load()
    except Exception:  # noqa: BLE001 - unpickling runs user code
        _log.warning("the value of the ContextVar %r can't be read yet", var.name, exc_info=True)
        return
    _set(var, loaded)
    _carried.set(carried)


def named(name: str, module: str, *default: Any) -> ContextVar[Any]:
    """Return the variable of a name, which `module` propagates, or make it."""
    if name not in _propagated and module != _MAIN:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    with _lock:
        if name not in _propagated:
            options = {"default": default[0]} if default else {}
            _propagated[name] = ContextVar(name, **options)
        return _propagated[name]


def described(var: ContextVar[Any]) -> tuple[Any, ...]:
    """Return the arguments with which `named` finds a propagated variable in another process."""
    default: list[Any] = []
    with contextlib.suppress(LookupError):
        default.append(Context().run(var.get))
    return var.name, _modules.get(var.name, _MAIN), *default


def is_propagated(var: ContextVar[Any]) -> bool:
    """Tell whether the values of a variable travel."""
    return _propagated.get(var.name) is var


def is_known(name: str) -> bool:
    """Tell whether a variable of this name is propagated here."""
    return name in _propagated


def snapshot() -> Mapping[str, object]:
    """Return what the variables hold here, UNSET included, by name."""
    carried = _carried.get()
    if not _propagated:
        return carried
    values = dict(carried)
    for name, var in list(_propagated.items()):
        values[name] = var.get(UNSET)
    return values


def update(values: Mapping[str, object]) -> None:
    """Have the variables hold `values` here."""
    for name, value in values.items():
        var = _propagated.get(name)
        if var is None:
            _carried.set({**_carried.get(), name: value})
        elif value is UNSET:
            _unset(var)
        else:
            _set(var, value)


def _set(var: ContextVar[Any], value: object) -> None:
    token = var.set(value)
    if token.old_value is Token.MISSING:
        _tokens.set({**_tokens.get(), var.name: token})


def _unset(var: ContextVar[Any]) -> None:
    token = _tokens.get().get(var.name)
    # Set in another context, or by the user's code: Python can't unset it here, so neither can we.
    with contextlib.suppress(ValueError, RuntimeError):
        if token is not None:
            var.reset(token)
            _tokens.set({name: t for name, t in _tokens.get().items() if name != var.name})
    if var.get(UNSET) is not UNSET:
        with contextlib.suppress(LookupError):
            var.set(Context().run(var.get))  # the default
