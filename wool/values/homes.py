"""Where a ContextVar lives, so that another process finds the same one there."""

from __future__ import annotations

__all__ = ["Home", "default_of", "is_in_main", "seek", "visit"]

import ast
import contextlib
import importlib
import inspect
import operator
import sys
from collections.abc import Iterator, Mapping
from contextvars import Context, ContextVar
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, cast

_MAIN = "__main__"
_OURS = "wool"


class Home(NamedTuple):
    """A global of a module, an attribute of one, or the item of a `key` in one that is a dict.

    `default` is empty, or has the default of the variable. Items are made while programs run, so
    that in another process one may not be there yet.
    """

    module: str
    qualname: str
    key: str | None = None
    default: tuple[Any, ...] = ()

    def __str__(self) -> str:
        item = "" if self.key is None else f"[{self.key!r}]"
        return f"{self.module}.{self.qualname}{item}"


def seek(var: ContextVar[Any]) -> Home | None:
    """Search all modules but `__main__` for a variable.

    Of several modules that have it as a global, or the global that holds it, it is that which
    makes that global, and does not import it from another.
    """
    found = [Home(module, name) for module, name, value in _globals() if value is var]
    found = found or list(_within_globals(var))
    if len(found) > 1:
        return next(filter(_is_made_there, found), found[0])
    return found[0] if found else None


def _within_globals(var: ContextVar[Any]) -> Iterator[Home]:
    for module, name, value in _globals():
        kind = cast("Any", type(value))
        if kind is dict:
            items = list(value.items())
            keys = [key for key, item in items if item is var and type(key) is str]
            yield from (Home(module, name, key, default_of(var)) for key in keys)
        elif kind not in (FunctionType, ModuleType):
            attributes = list(_attributes(value).items())
            names = [attribute for attribute, each in attributes if each is var]
            yield from (Home(module, f"{name}.{attribute}") for attribute in names)


def _is_made_there(home: Home) -> bool:
    name, _, _ = home.qualname.partition(".")
    try:
        tree = ast.parse(inspect.getsource(sys.modules[home.module]))
    except (OSError, TypeError, SyntaxError):  # it has no source here
        return False
    return any(_makes(node, name) for node in ast.walk(tree))


def _makes(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Store)
    return isinstance(node, ast.ClassDef) and node.name == name


def visit(home: Home, name: str) -> ContextVar[Any]:
    """Return the variable that lives there, importing its module; an item is made if need be.

    Raises TypeError if it is none, and whatever importing and looking raise.
    """
    found = operator.attrgetter(home.qualname)(importlib.import_module(home.module))
    if home.key is not None:
        options = {"default": home.default[0]} if home.default else {}
        found = found.setdefault(home.key, ContextVar(name, **options))
    if not isinstance(found, ContextVar) or found.name != name:
        raise TypeError(f"{home} is {found!r} there")
    return found  # pyright: ignore[reportUnknownVariableType]


def is_in_main(var: ContextVar[Any]) -> bool:
    """Tell whether a variable is a global of the program itself."""
    return any(value is var for value in vars(sys.modules[_MAIN]).values())


def default_of(var: ContextVar[Any]) -> tuple[Any, ...]:
    """Return the default of a variable, alone in a tuple that is empty without one."""
    with contextlib.suppress(LookupError):
        return (Context().run(var.get),)
    return ()


def _globals() -> Iterator[tuple[str, str, Any]]:
    main = vars(sys.modules[_MAIN])  # which may have other names, too
    for module, loaded in list(sys.modules.items()):
        if module.partition(".")[0] == _OURS:  # where all are kept that are propagated
            continue
        values = _attributes(loaded)
        if values is not main:
            for name, value in list(values.items()):
                yield module, name, value


def _attributes(value: Any) -> Mapping[str, Any]:
    with contextlib.suppress(Exception):  # proxies run user code
        return cast("Mapping[str, Any]", vars(value))
    return {}
