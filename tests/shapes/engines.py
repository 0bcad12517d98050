"""Engines of SHACL, asked for the verdicts on many documents in one go."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyshacl.graph_abstraction import DataGraph
from pyshacl.validator import Validator
from rdflib import SH, Graph

from osteo_kg.rdf.settled_graph import SettledGraph
from tests.shapes import fetch_engines
from tests.support import npm

#: For each document, each result: the node that it is about, and the shape.
Results = Mapping[str, Sequence[tuple[str, str]]]
Engine = Callable[[str, Mapping[str, str]], Results]


def pyshacl(shapes: str, documents: Mapping[str, str]) -> Results:
    """Validate documents in Turtle by pySHACL."""
    settled = SettledGraph(Graph().parse(data=shapes, format="turtle"))
    options = {"inplace": True}
    validator: Any = Validator(DataGraph.from_rdflib(Graph()), shacl_graph=settled, options=options)
    found = {}
    for name, text in documents.items():
        validator.data_graph = DataGraph.from_rdflib(Graph().parse(data=text, format="turtle"))
        validator._target_graph = None
        _, report, _ = validator.run()
        results = report.objects(None, SH.result)  # and not their details
        found[name] = [
            (str(report.value(each, SH.focusNode)), str(report.value(each, SH.sourceShape))) for each in results
        ]
    return found


def rdf_validate_shacl(shapes: str, documents: Mapping[str, str]) -> Results:
    """Validate documents in Turtle by rdf-validate-shacl, which knows SHACL Core alone."""
    script = fetch_engines.HERE / "validate.mjs"
    given = {"shapes": shapes, "documents": documents}
    found: Results = npm.run(script, [str(fetch_engines.modules())], given=given)
    return found


def topbraid(shapes: str, documents: Mapping[str, str]) -> Results:
    """Validate documents in Turtle by TopBraid SHACL."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.shapes.topbraid"],
        input=json.dumps({"shapes": shapes, "documents": documents}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Results = json.loads(done.stdout)
    return found
