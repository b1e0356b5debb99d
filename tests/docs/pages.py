"""The examples of README.md and docs/: every fenced block, in the order of its page.

What the pages may count on:

- A python block that begins with a comment such as `# app.py` is a file of that name.
- The other python blocks of a page run one after the other in one session, in which `await`
  works at the top level. They find the page's files.
- A text block is what the python block before it prints; `...` stands for anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.environment import on_a_new_machine
from tests.loops import on_chosen_loop

__all__ = [
    "PAGES",
    "ROOT",
    "WARNINGS",
    "Block",
    "Example",
    "blocks_of",
    "environment_of_examples",
    "examples_of",
    "files_of",
    "write",
    "write_files",
]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What examples do wrong is an error; what other packages deprecate is their business.
WARNINGS = ["-W", "error::ResourceWarning", "-W", "error::RuntimeWarning"]

_NAME = re.compile(r"# ([\w/]+\.py)\n")
_APP = re.compile(r"^app = ", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: Path
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Example:
    """A python block, and what it prints; None if the page doesn't say."""

    block: Block
    output: str | None

    @property
    def file(self) -> str | None:
        """The name of the file that it is; None for a part of the page's session."""
        named = _NAME.match(self.block.code)
        return named[1] if named else None

    @property
    def is_app(self) -> bool:
        """Tell whether it is an application, to be served."""
        return self.file is not None and _APP.search(self.block.code) is not None

    def __str__(self) -> str:
        return f"{self.block} {self.file or ''}".strip()


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page; the language of one that is only indented is "indented"."""
    return [
        Block(
            page,
            (token.map or [0])[0] + 1,
            "indented" if token.type == "code_block" else token.info.strip(),
            token.content,
        )
        for token in MarkdownIt().parse(page.read_text())
        if token.type in ("fence", "code_block")
    ]


def examples_of(page: Path) -> list[Example]:
    """Return the python blocks of a page, each with its output."""
    blocks = blocks_of(page)
    following = [*blocks, None][1:]
    return [
        Example(block, after.code if after is not None and after.language == "text" else None)
        for block, after in zip(blocks, following, strict=True)
        if block.language == "python"
    ]


def files_of(page: Path) -> list[Example]:
    """Return the examples of a page that are files."""
    return [example for example in examples_of(page) if example.file]


def write_files(page: Path, directory: Path) -> None:
    """Write a page's files, as they are at its end."""
    for example in files_of(page):
        write(example, directory)


def write(example: Example, directory: Path) -> str:
    """Write a file of a page and return its name."""
    name = str(example.file)
    (directory / name).write_text(on_chosen_loop(example.block.code))
    return name


def environment_of_examples() -> dict[str, str]:
    """Return an environment in which programs find wool and its integrations, installed or not."""
    places = f"{ROOT}:{ROOT / 'integrations'}"
    return on_a_new_machine(PYTHONPATH=places, TERM="dumb")
