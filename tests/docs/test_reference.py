"""The reference knows every public name."""

import importlib
import re

import pytest

from tests.docs.pages import ROOT

REFERENCE = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))


@pytest.mark.parametrize(
    "module",
    [
        "wool",
        "wool_integrations.fastapi",
        "wool_integrations.starlette",
        "wool_integrations.sse",
    ],
)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    names: list[str] = importlib.import_module(module).__all__
    assert [name for name in names if not re.search(rf"\b{name}\b", REFERENCE)] == []


def test_the_files_that_the_reference_includes_are_there() -> None:
    tree = (ROOT / "wool" / "exceptions.py").read_text().split("What a routine raises is none")
    assert len(tree) == 2
    assert "    WoolError\n" in tree[0]
