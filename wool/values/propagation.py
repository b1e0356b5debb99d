"""ContextVars whose values travel with calls, and come back."""

from __future__ import annotations

__all__ = [
    "UNSET",
    "Carried",
    "described",
    "homes_to_tell",
    "is_found",
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
import os
import threading
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar, Token
from dataclasses import dataclass
from typing import Any, Final

from wool.exceptions import SerializationError
from wool.values import homes, serializer
from wool.values.homes import Home

UNSET: Final = object()
"""Stands for a variable that is not set."""

_MAIN = "__main__"

_log = logging.getLogger(__name__)

_lock = threading.Lock()
_propagated: dict[str, ContextVar[Any]] = {}
_modules: dict[str, str] = {}  # who propagates them; none for those that only travelled here
_declared: set[tuple[str, str]] = set()  # names, and modules that propagate them when imported
_homes: dict[str, Home | None] = {}  # of those that were looked for
_unsettled: set[str] = set()  # of which it is not known yet whether others have to be told the home
_told: dict[str, bytes] = {}  # homes that others have to be told, pickled
_brought: set[str] = set()  # those that routines bring that travel by value
_not_found: set[str] = set()


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

    Variables are known by their names at both ends. This may be called anywhere, before the calls:
    a worker that does not know a variable imports the module in which it is a global, or an
    attribute or item of one. A routine that travels by value brings the variables that it uses
    with it. To repeat this for a variable is harmless.

    Args:
        *context_vars: Variables of one's own, or of a library. One that is in no module's globals
            has a meaning for routines that travel by value alone; a warning is logged.

    Raises:
        TypeError: For anything but a ContextVar.
        ValueError: For a second variable of a name.

    Calls raise SerializationError if a value can't be pickled, and MessageTooLarge if all of them
    take more than 512 KiB.
    """
    for var in context_vars:
        if not isinstance(var, ContextVar):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"wool.propagate takes ContextVars, not {var!r}")
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    module: str = caller.f_globals.get("__name__", _MAIN) if caller is not None else _MAIN
    on_import = caller is not None and caller.f_code.co_name == "<module>"
    with _lock:
        for var in context_vars:
            _note(var, module, on_import=on_import)
    for var in context_vars:
        _adopt(var)


def _note(var: ContextVar[Any], module: str, *, on_import: bool) -> None:
    known = _propagated.get(var.name, var)
    if known is not var and var.name in _modules:
        raise ValueError(
            f"another ContextVar with the name {var.name!r} is propagated already, by "
            f"{_modules[var.name]!r}; workers know them by their names: give one another"
        )
    _propagated[var.name] = var
    _modules[var.name] = module
    _unsettled.add(var.name)
    if on_import:
        _declared.add((var.name, module))


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


def named(name: str, module: str, home: Home | None, *default: Any) -> ContextVar[Any]:
    """Return the variable of a name, which lives at `home` or `module` propagates, or make it."""
    if home is not None:
        _take(name, home, _pickled(home))
    elif name not in _propagated and module != _MAIN:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    with _lock:
        if name not in _propagated:
            options = {"default": default[0]} if default else {}
            _propagated[name] = ContextVar(name, **options)
        return _propagated[name]


def described(var: ContextVar[Any]) -> tuple[Any, ...]:
    """Return the arguments with which `named` finds a propagated variable in another process."""
    _brought.add(var.name)
    return var.name, _modules.get(var.name, _MAIN), _home(var), *homes.default_of(var)


def homes_to_tell() -> Mapping[str, bytes]:
    """Return where those variables live that other processes may not know of themselves, by name.

    It is what `is_found` takes there.
    """
    while _unsettled:
        with contextlib.suppress(KeyError):  # another thread took the last
            _settle(_unsettled.pop())
    return _told


def _settle(name: str) -> None:
    home = _home(_propagated[name])
    if home is not None:
        if (name, home.module) not in _declared:
            _told[name] = _pickled(home)
    elif name not in _brought and not homes.is_in_main(_propagated[name]):
        _log.warning(
            "the ContextVar %r, which %r propagates, is in no module's globals: only routines that "
            "travel by value see its value; make it a global of a module",
            name,
            _modules[name],
        )


def _home(var: ContextVar[Any]) -> Home | None:
    if var.name not in _homes:
        _homes[var.name] = homes.seek(var)
    return _homes[var.name]


def _pickled(home: Home) -> bytes:
    what = "where a ContextVar lives"
    try:
        return serializer.dumps_in_band(tuple(home), what)
    except SerializationError:  # the default
        return serializer.dumps_in_band((home.module, home.qualname, home.key), what)


def is_known(name: str) -> bool:
    """Tell whether a variable of this name is propagated here."""
    return name in _propagated


def is_found(name: str, home: bytes) -> bool:
    """Look for a variable at its home, and propagate it from now on if it is there."""
    if not home or name in _not_found:
        return False
    return _take(name, Home(*serializer.loads(home)), home)


def _take(name: str, home: Home, pickled: bytes) -> bool:
    _told[name] = pickled
    try:
        found = homes.visit(home, name)
    except Exception as error:  # noqa: BLE001 - importing runs user code
        _not_found.add(name)
        _log.warning(
            "the ContextVar %r, which callers propagate, is not found in worker %d (%s: %s): "
            "routines that travel by reference do not see its value there",
            name,
            os.getpid(),
            type(error).__qualname__,
            error,
        )
        return False
    with _lock:
        if _propagated.setdefault(name, found) is found:
            _modules[name], _homes[name] = home.module, home
    return True


def is_propagated(var: ContextVar[Any]) -> bool:
    """Tell whether the values of a variable travel."""
    return _propagated.get(var.name) is var


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
