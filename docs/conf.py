"""How Sphinx builds the documentation: `make docs`.

The pages stay plain Markdown that a forge shows as well: they hold no directive, and link to files by their paths.
"""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

project = "osteo-kg"
author = "The osteo-kg contributors"
copyright = author
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md"]
exclude_patterns = [".*", "build", "dist", "tests"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = project
html_copy_source = False
html_extra_path = ["site"]

_SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n)*)", re.MULTILINE)
_PAGE = re.compile(r"^- \[.*?\]\((.+?)\.md\)", re.MULTILINE)


def with_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Let the index be the table of contents: each of its sections names its pages once, as links."""
    if name == root_doc:
        sections = [(title, _PAGE.findall(text)) for title, text in _SECTION.findall(source[0])]
        source[0] += "".join(_toctree(title, pages) for title, pages in sections)


def _toctree(title: str, pages: list[str]) -> str:
    return "\n".join(["", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""])


def without_folders(app: Sphinx, page: nodes.document) -> None:
    """Leave of a link to a folder of the checkout its text; a forge opens it, and the built pages do not hold it."""
    for link in list(page.findall(pending_xref)):
        target = Path(app.env.doc2path(link["refdoc"])).parent / link["reftarget"]
        if target.is_dir():
            link.replace_self(link.children)


def setup(app: Sphinx) -> None:
    """Connect what is above."""
    app.connect("source-read", with_contents)
    app.connect("doctree-read", without_folders)
