"""What the commands print of the guideline itself: the table in every format, and the ontology as one document."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from rdflib import OWL, RDF, Graph

from osteo_kg.knowledge.loading import ONTOLOGY_FORMATS
from tests.support.commands import run

pytestmark = pytest.mark.slow


class _Page(HTMLParser):
    """The cells of the rows of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_table_is_the_same_in_every_format(language: str) -> None:
    text, table, html = (
        run("table", "--format", form, "--language", language).stdout for form in ("text", "csv", "html")
    )
    rows = list(csv.reader(io.StringIO(table)))
    page = _Page()
    page.feed(html)
    assert page.rows == rows
    assert len(rows) > 10
    words = {word for row in rows for cell in row for word in re.findall(r"\w+", cell)}
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("form", ["turtle", "rdfxml"])
def test_the_ontology_is_the_same_text_at_every_run(form: str) -> None:
    """Whatever order sets have in a process, which the seed of its hashes decides."""
    command = [sys.executable, "-m", "osteo_kg", "ontology", "--format", form]
    runs = [
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in "12"
    ]
    assert runs[0].stdout == runs[1].stdout


@pytest.mark.parametrize("form", ONTOLOGY_FORMATS)
def test_the_ontology_is_one_document_without_imports(form: str) -> None:
    result = run("ontology", "--format", form)
    reader = {"rdfxml": "xml", "ntriples": "nt", "jsonld": "json-ld"}.get(form, form)
    graph = Graph().parse(data=result.stdout, format=reader)
    assert result.exit_code == 0
    assert [str(header) for header in graph.subjects(RDF.type, OWL.Ontology)] == [
        "https://w3id.org/osteo-kg/ontology/osteo-kg"
    ]
    assert list(graph.objects(None, OWL.imports)) == []
