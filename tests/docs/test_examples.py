"""Every example of README.md and docs/ runs, and prints what its page says."""

import doctest
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import (
    PAGES,
    ROOT,
    WARNINGS,
    Example,
    blocks_of,
    environment_of_examples,
    examples_of,
    files_of,
    write,
    write_files,
)
from tests.docs.session import MARK
from tests.loops import on_chosen_loop
from tests.terminal import open_terminal

# What is not run, and why. Pages hold no other blocks.
NOT_RUN = {
    "": "what goes over the wire, or a drawing",
    "console": "commands for a person, or for the machine in production",
    "toml": "configuration; test_importlib_mode.py uses it",
    "html": "for a browser; the browser tests open the demo's page",
    "{eval-rst}": "an instruction to Sphinx",
    "{literalinclude}": "an instruction to Sphinx",
    "{toctree}": "an instruction to Sphinx",
}

SESSIONS = [page for page in PAGES if any(not e.file for e in examples_of(page))]
# Applications are served: see test_applications.py.
FILES = [e for page in PAGES for e in files_of(page) if not e.is_app]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_block_is_run_or_there_is_a_reason(page: Path) -> None:
    blocks = blocks_of(page)
    for block in blocks:
        language = block.language.partition(" ")[0]
        assert language in {"python", "text", *NOT_RUN}, block
    for before, block in zip([None, *blocks], blocks, strict=False):
        if block.language == "text":
            assert before is not None, f"{block} is the output of nothing"
            assert before.language == "python", f"{block} is not behind what prints it"


@pytest.mark.parametrize("page", SESSIONS, ids=name_of)
def test_the_examples_of_a_page_run_one_after_the_other(page: Path, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    session = [example for example in examples_of(page) if not example.file]
    blocks = [[f"{example.block}", example.block.code] for example in session]
    printed = run(["-m", "tests.docs.session"], tmp_path, json.dumps(blocks))
    for example, output in zip(session, printed.split(MARK), strict=False):
        compare(example, output)


@pytest.mark.parametrize("example", FILES, ids=str)
def test_a_file_runs(example: Example, tmp_path: Path) -> None:
    write_files(example.block.page, tmp_path)
    name = write(example, tmp_path)
    is_test = name.startswith("test_")
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", name] if is_test else [name]
    compare(example, run(command, tmp_path))


def test_the_quick_start_runs_from_standard_input_too(tmp_path: Path) -> None:
    [quick_start] = [e for e in examples_of(ROOT / "README.md") if "def fib" in e.block.code]
    assert "__name__" not in quick_start.block.code
    assert run(["-"], tmp_path, on_chosen_loop(quick_start.block.code)) == quick_start.output
    (tmp_path / "quick.py").write_text(on_chosen_loop(quick_start.block.code))
    assert run(["quick.py"], tmp_path) == quick_start.output


def test_the_links_of_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def run(arguments: list[str], directory: Path, text: str = "") -> str:
    """Run Python in `directory` and return what its reader's terminal shows."""
    with open_terminal() as terminal:
        done = subprocess.run(
            [sys.executable, *WARNINGS, *arguments],
            input=text,
            stdout=terminal.descriptor,
            stderr=subprocess.PIPE,
            cwd=directory,
            env=environment_of_examples(),
            text=True,
            timeout=50,
            check=False,
        )
    assert done.returncode == 0, f"{terminal.shown}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return terminal.shown


def compare(example: Example, output: str) -> None:
    """See that an example printed what its page says."""
    wanted = example.output
    if wanted is None or doctest.OutputChecker().check_output(wanted, output, doctest.ELLIPSIS):
        return
    pytest.fail(f"{example} prints\n{output}and its page says\n{wanted}")
