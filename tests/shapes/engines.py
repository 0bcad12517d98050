"""Engines of SHACL, asked for the verdicts on many documents in one go."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

import rdflib
from pyshacl.constraints.constraint_component import ConstraintComponent
from pyshacl.graph_abstraction import DataGraph
from pyshacl.validator import Validator
from rdflib import SH, BNode, Graph
from rdflib.term import Node

from osteo_kg.rdf.settled_graph import SettledGraph
from tests.shapes import fetch_engines
from tests.support import npm

#: For each document, each result: focus, path, value, component and shape; "" is a nameless node.
Results = Mapping[str, Sequence[Sequence[str | None]]]
_SAID = (SH.focusNode, SH.resultPath, SH.value, SH.sourceConstraintComponent, SH.sourceShape)


def pyshacl(shapes: str, documents: Mapping[str, str]) -> Results:
    """Validate documents in Turtle by pySHACL."""
    settled = SettledGraph(Graph().parse(data=shapes, format="turtle"))
    options = {"inplace": True}
    validator: Any = Validator(DataGraph.from_rdflib(Graph()), shacl_graph=settled, options=options)
    found = {}
    for name, text in documents.items():
        validator.data_graph = DataGraph.from_rdflib(_as_written(text))
        validator._target_graph = None
        # half of the time goes into sentences about what is nested, which no report of ours is read for
        with mock.patch.object(ConstraintComponent, "make_v_result_description", return_value=""):
            _, report, _ = validator.run()
        results = report.objects(None, SH.result)  # and not their details
        found[name] = [[_term(report.value(each, property_)) for property_ in _SAID] for each in results]
    return found


def _as_written(text: str) -> Graph:
    """Read Turtle; rdflib would write numbers in its own way, and some documents hold them written so."""
    with mock.patch.object(rdflib, "NORMALIZE_LITERALS", False):
        return Graph().parse(data=text, format="turtle")


def _term(node: Node | None) -> str | None:
    return "" if isinstance(node, BNode) else None if node is None else str(node)


def rdf_validate_shacl(shapes: str, documents: Mapping[str, str]) -> Results:
    """Validate documents in Turtle by rdf-validate-shacl, which knows SHACL Core alone."""
    script = fetch_engines.HERE / "validate.mjs"
    given = {"shapes": shapes, "documents": documents}
    found: Results = npm.run(script, [str(fetch_engines.modules())], given=given)
    return found


def topbraid(*asked: tuple[str, Mapping[str, str]]) -> list[Results]:
    """Validate documents in Turtle by TopBraid SHACL: shapes and documents, several times in one process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.shapes.topbraid"],
        input=json.dumps([{"shapes": shapes, "documents": documents} for shapes, documents in asked]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[Results] = json.loads(done.stdout)
    return found
