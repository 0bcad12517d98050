"""What the templates ask of the ontology: names, labels, values and codes."""

from __future__ import annotations

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.knowledge.loading import Knowledge
from osteo_kg.rdf.terms import DCTERMS, OSTEO, OWL, RDF, RDFS, SKOS, XSD, local_name

_PREFIXES = {
    "dcterms": DCTERMS.iri,
    "osteo": OSTEO.iri,
    "owl": OWL.iri,
    "rdf": RDF.iri,
    "rdfs": RDFS.iri,
    "skos": SKOS.iri,
    "xsd": XSD.iri,
}


class Terms:
    """Look-ups by short names, such as `osteo:requires`."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._triples = knowledge.triples

    def iri(self, name: str) -> str:
        """Give the IRI of a short name."""
        prefix, _, local = name.partition(":")
        return _PREFIXES[prefix] + local

    def name(self, iri: str) -> str:
        """Give the short name of an IRI; its end where it has no prefix."""
        for prefix, namespace in _PREFIXES.items():
            if iri.startswith(namespace):
                return f"{prefix}:{iri.removeprefix(namespace)}"
        return local_name(iri)

    def label(self, iri: str) -> BilingualText:
        """Give the label of a term."""
        return self._knowledge.terms.label(iri)

    def text(self, iri: str, name: str) -> BilingualText | None:
        """Give a sentence about a term in both languages."""
        return self._triples.text(iri, ox.NamedNode(self.iri(name)))

    def values(self, iri: str, name: str) -> list[str]:
        """Give the values of one property; of what has no name, nothing."""
        quads = self._triples.store.quads_for_pattern(ox.NamedNode(iri), ox.NamedNode(self.iri(name)), None)
        return sorted(quad.object.value for quad in quads if isinstance(quad.object, ox.NamedNode | ox.Literal))

    def subjects(self, name: str, value: str) -> list[str]:
        """Give what has this value for one property."""
        return self._triples.subjects(ox.NamedNode(self.iri(name)), value)

    def defined_in(self, module: str, *kinds: str) -> list[str]:
        """Give the terms of these kinds that a module defines."""
        own = set(self.subjects("rdfs:isDefinedBy", module))
        return sorted(
            own.intersection(*[{each for kind in kinds for each in self.subjects("rdf:type", self.iri(kind))}])
        )

    def codes(self, iri: str) -> list[str]:
        """Give the codes of a term, each with its coding system."""
        codes = {*self.values(iri, "osteo:hasCode"), *self.values(iri, "osteo:hasClassCode")}
        return sorted(self._code(each) for each in codes)

    def _code(self, iri: str) -> str:
        [system], [value] = self.values(iri, "osteo:inCodingSystem"), self.values(iri, "osteo:codeValue")
        return f"{self.label(system).en} {value}"
