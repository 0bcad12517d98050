"""The pages of `docs/reference/`, written from the knowledge and the code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2

from docs.generate import diagram, interfaces, knowledge
from osteo_kg import KnowledgeBase

#: Where the pages stand.
REFERENCE = Path(__file__).parents[1] / "reference"
_HOME = Path(__file__).parent
_SOURCES = {
    "vocabulary": knowledge.vocabulary,
    "rules": knowledge.rules,
    "decision-table": knowledge.decision_table,
    "command-line": interfaces.command_line,
    "http": interfaces.http,
    "configuration": interfaces.configuration,
}


def pages() -> Iterator[tuple[Path, str]]:
    """Give each page, and what has to stand on it."""
    found = templates()
    knowledge_base = KnowledgeBase()
    for name, source in _SOURCES.items():
        text = found.get_template(f"{name}.md.jinja").render(source(knowledge_base))
        yield REFERENCE / f"{name}.md", text
    yield REFERENCE / "model.svg", found.get_template("model.svg.jinja").render(diagram.model(knowledge_base))


def templates() -> jinja2.Environment:
    """Give the templates of the pages."""
    loader = jinja2.FileSystemLoader(_HOME / "templates")
    templates = jinja2.Environment(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown is no HTML
    )
    templates.filters |= {"cell": _cell, "codes": _codes}
    return templates


def _cell(text: str) -> str:
    """Write a text so that it stays in its cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def _codes(names: list[str]) -> str:
    """Write names as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)
