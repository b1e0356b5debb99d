"""Sphinx's configuration. Nothing here needs the network."""

import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "integrations")]

from wool import __version__  # noqa: E402 - found through the lines above

project = "wool"
author = "the wool authors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# Docstrings are prose in which `name` is code.
default_role = "literal"
highlight_language = "none"
napoleon_numpy_docstring = False
napoleon_custom_sections = [
    ("Types of a call", "params_style"),
    ("Types of a step of a generator", "params_style"),
]
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 78

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"wool {release}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def setup(app: Sphinx) -> None:
    # What `routine` takes, its docstring says; its overloads are for type checkers.
    del app
    analyzer = ModuleAnalyzer.for_module("wool.routine")
    analyzer.analyze()
    analyzer.overloads.clear()
