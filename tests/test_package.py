import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import wool
from tests.scripts import ROOT, run

NOT_PUBLIC = re.compile(r".*(_pb2|__main__)$")


def _modules() -> list[str]:
    names = [info.name for info in pkgutil.walk_packages(wool.__path__, "wool.")]
    return ["wool", *(name for name in names if not NOT_PUBLIC.match(name))]


def test_import_wool_loads_no_heavy_module() -> None:
    text = "import sys, wool; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(run(["-c", text]).out.split())
    assert not loaded & {"anyio", "cloudpickle", "fastapi", "grpc", "starlette", "zeroconf"}


def test_a_worker_loads_no_cloudpickle_unless_it_has_to() -> None:
    text = """
import asyncio, wool
from tests.routines import evaluate
async def main():
    async with wool.WorkerPool(size=1):
        print(await evaluate("'cloudpickle' in __import__('sys').modules"))
asyncio.run(main())
"""
    assert run(["-c", text]).out == "False\n"


@pytest.mark.parametrize("name", _modules())
def test_all_is_what_a_module_exports(name: str) -> None:
    module = importlib.import_module(name)
    exported: list[str] = getattr(module, "__all__", [])
    assert all(hasattr(module, public) for public in exported)
    own = {key for key, value in vars(module).items() if _is_own(module, key, value)}
    assert own <= set(exported) or name == "wool"


def _is_own(module: ModuleType, key: str, value: object) -> bool:
    if key.startswith("_") or not (inspect.isclass(value) or inspect.isfunction(value)):
        return False
    return value.__module__ == module.__name__


def test_every_public_name_has_a_docstring() -> None:
    missing = [
        name
        for name in wool.__all__
        if not name.startswith("__") and not inspect.getdoc(getattr(wool, name))
    ]
    assert not missing


_SECTION = re.compile(r"^[A-Z][\w, ]*:$", re.MULTILINE)


def _long_docstrings(source: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            if len(text.splitlines()) > 15:
                yield f"{source.relative_to(ROOT)}: {node.name}", text


@pytest.mark.parametrize("directory", ["wool", "integrations", "tests", "tools", "benchmarks"])
def test_a_docstring_of_more_than_fifteen_lines_has_sections(directory: str) -> None:
    found = [each for path in (ROOT / directory).rglob("*.py") for each in _long_docstrings(path)]
    assert not [where for where, text in found if not _SECTION.search(text)]


def _errors(base: type[wool.WoolError] = wool.WoolError) -> Iterator[type[wool.WoolError]]:
    for cls in base.__subclasses__():
        yield cls
        yield from _errors(cls)


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    import wool.exceptions

    drawn = set(re.findall(r"[├└]── (\w+)", str(wool.exceptions.__doc__)))
    real = {cls.__name__ for cls in _errors()}
    assert drawn == real
    assert real <= set(wool.exceptions.__all__)
    assert real <= set(wool.__all__)


def test_every_error_can_be_made_with_a_message_alone() -> None:
    for cls in set(_errors()) - {wool.BroadcastError}:  # a group has members
        assert str(cls("words")) == "words"


def test_the_version_is_that_of_the_distribution() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", wool.__version__)
