"""Routines of test modules under `pytest --import-mode=importlib`, as the guide to testing says."""

import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT, blocks_of, environment_of_examples
from tests.loops import on_chosen_loop

CONFIGURATION = '[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n'
TEST = """
import asyncio
import wool

@wool.routine
async def double(number): return 2 * number

def test_a_routine_of_the_module():
    async def main():
        async with wool.WorkerPool(size=1):
            return await double(21)
    assert asyncio.run(main()) == 42

def test_a_routine_of_the_test():
    @wool.routine
    async def triple(number): return 3 * number
    async def main():
        async with wool.WorkerPool(size=1):
            return await triple(7)
    assert asyncio.run(main()) == 21
"""


def _configuration_of_the_guide() -> str:
    guide = ROOT / "docs/how-to/test-an-application.md"
    [configuration] = [block.code for block in blocks_of(guide) if block.language == "toml"]
    return configuration


def _outcomes(project: Path, configuration: str) -> str:
    """Run the tests of a project and return what pytest says."""
    (project / "pyproject.toml").write_text(configuration)
    tests = project / "tests"
    tests.mkdir(exist_ok=True)
    (tests / "test_shop.py").write_text(on_chosen_loop(TEST))
    done = subprocess.run(
        # Like `pytest`, and unlike `python -m pytest`, -P puts no directory in front of the path.
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-rA"],
        capture_output=True,
        cwd=project,
        env=environment_of_examples(),
        text=True,
        timeout=50,
        check=False,
    )
    return done.stdout


def test_a_module_that_only_pytest_can_import_is_named_with_its_cure(tmp_path: Path) -> None:
    said = _outcomes(tmp_path, CONFIGURATION)
    assert "1 failed, 1 passed" in said
    assert "PASSED tests/test_shop.py::test_a_routine_of_the_test" in said
    assert "No module named 'tests.test_shop'" in said
    for cure in ("pythonpath", "__init__.py", "importlib"):
        assert cure in said.partition("E   ModuleNotFoundError")[2]


def test_with_the_configuration_of_the_guide_workers_import_test_modules(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    assert "2 passed" in _outcomes(tmp_path, _configuration_of_the_guide())
