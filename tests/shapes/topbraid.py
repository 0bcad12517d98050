"""Validate documents by TopBraid SHACL, in a process of its own: its jars and those of the OWL API do not mix.

Standard input holds {"shapes": Turtle, "documents": {name: Turtle}}; for each name [[focus, shape], ...] is printed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import jpype

from tests.owlapi.jvm import NO_NETWORK, QUIET, find_java
from tests.shapes.fetch_engines import TOPBRAID

_OLDEST_JAVA = 21


def _validate(shapes: str, documents: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    java = find_java(_OLDEST_JAVA)
    jars = [str(jar) for jar in sorted(TOPBRAID.folder().glob("*.jar"))]
    jpype.startJVM(*java.flags(), *NO_NETWORK, *QUIET, jvmpath=str(java.library), classpath=jars, convertStrings=True)
    sh = jpype.JClass("org.topbraid.shacl.vocabulary.SH")
    validation = jpype.JClass("org.topbraid.shacl.validation.ValidationUtil")
    asked = _graph(shapes)
    found: dict[str, list[tuple[str, str]]] = {}
    for name, text in documents.items():
        report = validation.validateModel(_graph(text), asked, False).getModel()
        results = report.listSubjectsWithProperty(sh.resultSeverity).toList()
        found[name] = [
            (str(each.getProperty(sh.focusNode).getObject()), str(each.getProperty(sh.sourceShape).getObject()))
            for each in results
        ]
    return found


def _graph(text: str) -> Any:
    model = jpype.JClass("org.apache.jena.rdf.model.ModelFactory").createDefaultModel()
    return model.read(jpype.JClass("java.io.StringReader")(text), None, "TURTLE")


if __name__ == "__main__":
    print(json.dumps(_validate(**json.load(sys.stdin))))
