"""The pickle of a routine that travels by value is kept until anything in it changes."""

import gc
import importlib
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wool.values import serializer

PROGRAM = """
import functools, logging, re
from dataclasses import dataclass
from enum import Enum
from typing import Optional
import json

number = 1
pattern = re.compile("a")
log = logging.getLogger(__name__)
pair = (1, ("two", None))
config = {"n": 1}
default = 5

class Colour(Enum):
    RED = 1

@dataclass
class Item:
    n: int = 0
    def doubled(self): return twice(self.n)

class Other:
    attribute = 1

def twice(n, *, by=2): return n * by
def alias(n: Optional[int]) -> "list[Item]": return [Item(n)]

@functools.cache
def cached(n: int) -> int: return twice(n)

@functools.cache
def optional(): return 1
optional.options = {"n": 1}

def simple(): return number
def of_module(): return json.dumps(pair)
def of_others(n: int = 3, *, k: int = default) -> int:
    log.info("%s", pattern)
    return twice(n) + cached(k) + len(alias(n)) + Item(n).doubled() + Colour.RED.value
def of_class(): return Other.attribute
def of_config(): return config["n"]
def of_options(): return optional.options["n"]
def unknown(): return nowhere
def recursive(n): return recursive(n - 1) if n else number

def make(n):
    def inner(): return n + twice(n)
    def empty():
        nonlocal n
        n += 1
    return inner
closure = make(3)
"""


@pytest.fixture
def program() -> dict[str, Any]:
    """The globals of a program whose functions can't be imported."""
    there: dict[str, Any] = {"__name__": "__main__"}
    exec(PROGRAM, there)  # noqa: S102
    return there


def _data(function: Callable[..., Any]) -> bytes:
    return serializer.dumps_function(function)[0]


def _is_kept(function: Callable[..., Any]) -> bool:
    """Tell whether a function's pickle is kept, once it was pickled twice."""
    for _ in range(2):
        serializer.dumps_function(function)
    return serializer.dumps_function(function)[1]


@pytest.mark.parametrize(
    "name", ["simple", "of_module", "of_others", "of_class", "unknown", "recursive", "closure"]
)
def test_what_can_not_change_unseen_is_pickled_once(program: dict[str, Any], name: str) -> None:
    assert _is_kept(program[name])
    assert _data(program[name]) is _data(program[name])


@pytest.mark.parametrize("name", ["of_config", "of_options"])
def test_what_can_change_in_place_is_pickled_anew(program: dict[str, Any], name: str) -> None:
    config = program["config"] if name == "of_config" else program["optional"].options
    assert not _is_kept(program[name])
    config["n"] = 2
    before = _data(program[name])
    config["n"] = 3
    assert _data(program[name]) != before


def _global(program: dict[str, Any]) -> None:
    program["number"] = True  # which is equal to 1


def _new_global(program: dict[str, Any]) -> None:
    program["nowhere"] = 1


def _gone_global(program: dict[str, Any]) -> None:
    del program["number"]


def _global_of_a_callee(program: dict[str, Any]) -> None:
    program["twice"] = program["simple"]


def _default(program: dict[str, Any]) -> None:
    program["of_others"].__defaults__ = (4,)


def _keyword_default(program: dict[str, Any]) -> None:
    program["of_others"].__kwdefaults__["k"] = 6


def _keyword_default_of_a_callee(program: dict[str, Any]) -> None:
    program["twice"].__kwdefaults__["by"] = 3


def _code(program: dict[str, Any]) -> None:
    program["simple"].__code__ = program["of_config"].__code__


def _code_of_a_callee(program: dict[str, Any]) -> None:
    def other(n: int, *, by: int) -> int:
        return n + by

    program["twice"].__code__ = other.__code__


def _attribute(program: dict[str, Any]) -> None:
    program["simple"].hint = 1


def _annotation(program: dict[str, Any]) -> None:
    program["of_others"].__annotations__["n"] = str


def _name(program: dict[str, Any]) -> None:
    program["simple"].__name__ = "other"


def _cell(program: dict[str, Any]) -> None:
    program["closure"].__closure__[0].cell_contents = 4


def _attribute_of_a_class(program: dict[str, Any]) -> None:
    program["Other"].attribute = 2


def _method(program: dict[str, Any]) -> None:
    program["Item"].doubled = program["simple"]


def _builtin(program: dict[str, Any]) -> None:
    program["len"] = program["simple"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("simple", _global),
        ("simple", _gone_global),
        ("simple", _code),
        ("simple", _attribute),
        ("simple", _name),
        ("recursive", _global),
        ("unknown", _new_global),
        ("of_others", _global_of_a_callee),
        ("of_others", _default),
        ("of_others", _keyword_default),
        ("of_others", _keyword_default_of_a_callee),
        ("of_others", _code_of_a_callee),
        ("of_others", _annotation),
        ("of_others", _method),
        ("of_others", _builtin),
        ("of_class", _attribute_of_a_class),
        ("closure", _cell),
        ("closure", _code_of_a_callee),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_what_changes_is_seen(
    program: dict[str, Any], name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    assert _is_kept(program[name])
    before = _data(program[name])
    change(program)
    assert _data(program[name]) != before


def test_a_change_back_and_forth_is_seen_each_time(program: dict[str, Any]) -> None:
    for number in (1, 2, 1, 3):
        program["number"] = number
        data = _data(program["simple"])
        assert serializer.loads(data)() == number


def test_a_change_while_it_is_pickled_is_seen(program: dict[str, Any]) -> None:
    meddled = """
class Meddling(Enum):
    ONE = 1
    def __reduce_ex__(self, protocol):
        global number
        number += 1
        return str, ("",)
def meddled(): return Meddling.ONE, one, number
one = Meddling.ONE
"""
    exec(meddled, program)  # noqa: S102
    assert not _is_kept(program["meddled"])
    assert _is_kept(program["simple"])


def test_a_submodule_that_is_imported_later_goes_along(
    program: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of_a_kept_pickle").mkdir()
    (tmp_path / "of_a_kept_pickle/part.py").write_text("VALUE = 1")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    exec("import of_a_kept_pickle as whole\ndef uses(): return whole.part.VALUE", program)  # noqa: S102
    assert _is_kept(program["uses"])
    before = _data(program["uses"])
    importlib.import_module("of_a_kept_pickle.part")
    assert _data(program["uses"]) != before


def test_no_function_is_kept_alive(program: dict[str, Any]) -> None:
    made = program["make"](7)
    assert _is_kept(made)
    there = weakref.ref(made)
    del made
    gc.collect()
    assert there() is None


def test_a_function_at_the_place_of_another_is_another(program: dict[str, Any]) -> None:
    for n in range(500):
        made = program["make"](n)
        _is_kept(made)
        assert serializer.loads(_data(made))() == 3 * n
        del made
