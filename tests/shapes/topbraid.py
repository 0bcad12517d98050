"""Validate documents by TopBraid SHACL, in a process of its own: its jars and those of the OWL API do not mix.

Standard input holds [{"shapes": Turtle, "documents": {name: Turtle}}, ...]. For each of them, the results in each
of its documents are printed: [focus, path, value, component, shape], with "" for what is nameless, and null for what
is missing.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import jpype

from tests.owlapi.jvm import NO_NETWORK, QUIET, find_java
from tests.shapes.fetch_engines import TOPBRAID

_OLDEST_JAVA = 21


# one short run: what a JVM compiles for long ones takes longer than it saves
_SHORT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def _start() -> None:
    java = find_java(_OLDEST_JAVA)
    jars = [str(jar) for jar in sorted(TOPBRAID.folder().glob("*.jar"))]
    flags = (*java.flags(), *NO_NETWORK, *QUIET, *_SHORT)
    jpype.startJVM(*flags, jvmpath=str(java.library), classpath=jars, convertStrings=True)


def _validate(shapes: str, documents: dict[str, str]) -> dict[str, list[list[str | None]]]:
    sh = jpype.JClass("org.topbraid.shacl.vocabulary.SH")
    validation = jpype.JClass("org.topbraid.shacl.validation.ValidationUtil")
    said = (sh.focusNode, sh.resultPath, sh.value, sh.sourceConstraintComponent, sh.sourceShape)
    asked = _graph(shapes)
    found = {}
    for name, text in documents.items():
        report = validation.validateModel(_graph(text), asked, False).getModel()
        results = report.listSubjectsWithProperty(sh.resultSeverity).toList()
        found[name] = [[_term(each.getProperty(property_)) for property_ in said] for each in results]
    return found


def _term(statement: Any) -> str | None:
    if statement is None:
        return None
    node = statement.getObject()
    if node.isAnon():
        return ""
    return str(node.asLiteral().getLexicalForm() if node.isLiteral() else node)


def _graph(text: str) -> Any:
    model = jpype.JClass("org.apache.jena.rdf.model.ModelFactory").createDefaultModel()
    return model.read(jpype.JClass("java.io.StringReader")(text), None, "TURTLE")


if __name__ == "__main__":
    _start()
    print(json.dumps([_validate(**each) for each in json.load(sys.stdin)]))
