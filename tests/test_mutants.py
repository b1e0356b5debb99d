"""What `make mutants` changes in a source, and what it leaves alone."""

import pytest

from tools.mutants.making import mutants_of


def _changes(source: str) -> list[str]:
    """Return every source that mutants make of one."""
    return [mutant.applied(source) for mutant in mutants_of("source.py", source)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("call()", "pass"),
        ("await call()", "pass"),
        ("thing.name = other", "pass"),
        ("raise", "pass"),
        ("return thing", "return None"),
        ("return a < b", "return (a <= b)"),
        ("return a is b", "return (a is not b)"),
        ("return a and b", "return (a or b)"),
        ("return a - b", "return (a + b)"),
        ("return 1", "return 2"),
        ("return True", "return False"),
        ("return max(a, b)", "return min(a, b)"),
        ("return [a for a in b if a]", "return [a for a in b if (not a)]"),
        ("with suppress(KeyError): a = b", "with (suppress()): a = b"),
        ("while a: break", "while (not a): break"),
        ("while a: break", "while a: continue"),
        ("if not a: b = a", "if (a): b = a"),
        ("ä = 'ä' if a < b else 'ü'", "ä = 'ä' if (a <= b) else 'ü'"),
    ],
)
def test_one_thing_is_dropped_or_turned_round(before: str, after: str) -> None:
    assert f"async def f():\n    {after}\n" in _changes(f"async def f():\n    {before}\n")


@pytest.mark.parametrize(
    "source",
    [
        "LIMIT = 3\n",
        "__all__ = ['f']\n",
        "class Shape(Protocol):\n    async def f(self) -> int:\n        return 1\n",
        "def f(a: Literal[1]) -> None:\n    'Says 1.'\n    a = f'{1 + 1}'\n",
        "def f():\n    _log.debug('%d', 1)\n",
        "def f():\n    del unused\n",
        "def __repr__(self):\n    return 1\n",
        "def f():\n    if sys.version_info >= (3, 12):\n        return 1\n",
    ],
)
def test_what_no_promise_is_about_is_left_alone(source: str) -> None:
    assert _changes(source) == []


def test_a_mutant_knows_the_line_that_a_test_has_to_reach() -> None:
    [_, mutant] = mutants_of("source.py", "def f():\n    call(\n        1,\n    )\n")
    assert mutant.line == 2
    assert mutant.diff("def f():\n    call(\n        1,\n    )\n") == ["-        1,", "+        2,"]
