"""A guideline to start from: a small one, invented, in which everything is to be changed."""

from __future__ import annotations

import re

from osteo_kg import package_data
from osteo_kg.errors import UsageError
from osteo_kg.knowledge.loading import packaged_knowledge
from osteo_kg.rdf import GUIDELINE, ONTOLOGY, OSTEO, RDF, local_name

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLACES = (GUIDELINE + "{}", ONTOLOGY + "{}", 'skos:notation "{}"', '"{}.txt')


def guideline_template(identifier: str | None = None) -> str:
    """Write a small guideline in Turtle, to be changed.

    Args:
        identifier: what it is to be called; `example` when None.

    Raises:
        UsageError: no guideline can be called that, or one is already.
    """
    text = (package_data.root() / "ontology" / "templates" / "guideline.turtle").read_text(encoding="utf-8")
    if identifier is None:
        return text
    if not _ID.fullmatch(identifier):
        raise UsageError(
            f"{identifier!r} is no id of a guideline.", advice="Write small letters, digits and hyphens, as hip-2026."
        )
    triples = packaged_knowledge().triples
    taken = {local_name(each) for each in triples.subjects(RDF.type, OSTEO.Guideline)}
    modules = {local_name(each) for each, _ in triples.pairs(RDF.type) if each.startswith(ONTOLOGY)}
    if identifier in taken | modules:
        raise UsageError(f"There is a module {identifier} already.", advice="Choose another id.")
    for place in _PLACES:
        text = text.replace(place.format("example"), place.format(identifier))
    return text
