"""Terms that are not what they should be: not declared, of another module, ill-typed, or used for something else."""

from __future__ import annotations

import difflib
import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import pyoxigraph as ox
import rdflib.namespace
from rdflib import URIRef

from osteo_kg.bilingual import BilingualText
from osteo_kg.checking.documents import Document
from osteo_kg.checking.findings import KnowledgeFinding
from osteo_kg.checking.knowledge import CheckedKnowledge
from osteo_kg.rdf import GUIDELINE, KNOWN_PREFIXES, NUMBER, ONTOLOGY, OSTEO, OWL, RDF, RDFS, SITUATION, XSD, day_literal

#: The code of findings about terms that nobody declares.
UNDECLARED = "undeclared-term"
_OURS = (OSTEO.iri, GUIDELINE, ONTOLOGY)
_VERSIONS = (OWL.versionIRI, OWL.priorVersion)
_OF_A_SCHEMA = (RDF.iri, RDFS.iri, OWL.iri, XSD.iri)
_LIKE = 0.6  # share of letters from which a name is told as the nearest
_DECLARATIONS = (
    *(OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.NamedIndividual),
    *(OWL.AnnotationProperty, RDFS.Datatype),
)


def term_findings(knowledge: CheckedKnowledge) -> Iterator[KnowledgeFinding]:
    """Check every term of every document."""
    terms = _Terms(knowledge)
    for document in knowledge.changed:
        yield from terms.of_prefixes(document)
        yield from terms.undeclared(document)
    yield from terms.declared_twice()
    yield from terms.misused()
    yield from terms.ill_typed()


class _Terms:
    """The terms of all documents.

    Args:
        knowledge: the documents.
    """

    def __init__(self, knowledge: CheckedKnowledge) -> None:
        self._knowledge = knowledge
        self._declared = frozenset(knowledge.kinds)
        self._is_unknown = functools.cache(self._is_unknown_anywhere)

    def of_prefixes(self, document: Document) -> Iterator[KnowledgeFinding]:
        """Find prefixes that stand for something else than they do everywhere."""
        usual = self._usual
        for prefix, iri in document.prefixes.items():
            if prefix in usual and usual[prefix] != iri and document.given:
                line = next((n for n, each in enumerate(document.text.splitlines(), 1) if f"<{iri}>" in each), 1)
                told = _ANOTHER_PREFIX.filled({"prefix": prefix, "usual": usual[prefix]})
                place, advice = (document.path, line), _WRITE.filled({"text": f"@prefix {prefix}: <{usual[prefix]}> ."})
                yield self._knowledge.finding("error", "prefix", f"{prefix}:", told, advice, shown=iri, place=place)

    @functools.cached_property
    def _usual(self) -> dict[str, str]:
        packaged = (each for each in self._knowledge.documents if not each.given)
        return {prefix: iri for each in packaged for prefix, iri in each.prefixes.items()} | KNOWN_PREFIXES

    def undeclared(self, document: Document) -> Iterator[KnowledgeFinding]:
        """Find terms that nobody declares: of ours and of known vocabularies, and properties and classes of any."""
        own = {_namespace(each) for each in _declared_in(document.triples)}
        found: dict[tuple[str, str | None], tuple[ox.Triple, ox.NamedNode]] = {}
        for triple in document.triples:
            for term in self._unknown(triple, own):
                subject = triple.subject.value if isinstance(triple.subject, ox.NamedNode) else None
                found.setdefault((term.value, subject), (triple, term))
        for triple, term in found.values():
            yield self._undeclared(document, triple, term)

    def _unknown(self, triple: ox.Triple, own: set[str]) -> Iterator[ox.NamedNode]:
        if self._is_unknown(triple.predicate.value, True):
            yield triple.predicate
        value = triple.object
        if isinstance(value, ox.NamedNode) and triple.predicate not in _VERSIONS:
            always = triple.predicate in (RDF.type, OWL.imports)
            if self._is_unknown(value.value, always) or self._lacks(value.value, own):
                yield value
        elif isinstance(value, ox.Literal) and self._is_unknown(value.datatype.value, True):
            yield value.datatype
        subject = triple.subject
        if isinstance(subject, ox.NamedNode) and subject.value not in self._declared and _is_ours(subject.value):
            yield subject

    def _lacks(self, iri: str, own: set[str]) -> bool:
        """Whether a term of a namespace in which its own document declares others is not among them."""
        return iri not in self._declared and _namespace(iri) in own

    def _is_unknown_anywhere(self, iri: str, always: bool) -> bool:
        if iri in self._declared or iri.startswith(SITUATION):
            return False
        if (known := _vocabulary(iri)) is not None:
            return iri not in known if iri.startswith(_OF_A_SCHEMA) or not always else iri not in self._declared
        return always or _is_ours(iri)

    def _undeclared(self, document: Document, triple: ox.Triple, term: ox.NamedNode) -> KnowledgeFinding:
        subject = triple.subject.value if isinstance(triple.subject, ox.NamedNode) else None
        name = self._knowledge.name(term.value)
        near = self._nearest(term.value)
        advice = _DID_YOU_MEAN.filled({"name": self._knowledge.name(near)}) if near else _DECLARE
        positions = document.positions
        line = positions.line(subject) if term == triple.subject else positions.line(subject, None, term.value)
        line = line or positions.line(subject, term.value) or positions.line(None, term.value)
        if isinstance(triple.object, ox.Literal):
            line = line or positions.line(subject, triple.predicate.value, triple.object.value)
        line = line or positions.line(None, None, term.value) or (positions.line(subject) if subject else None) or 1
        told = _NOT_DECLARED.filled({"name": name})
        place = (document.path, line)
        about = subject or term.value
        return self._knowledge.finding("error", UNDECLARED, about, told, advice, value=term, place=place)

    def _nearest(self, iri: str) -> str | None:
        """Give the known term whose name is nearest, of the same namespace if there is one."""
        namespace = _namespace(iri)
        known = _vocabulary(iri)
        same = list(known or (each for each in self._declared if _namespace(each) == namespace))
        near = difflib.get_close_matches(iri, [each for each in same if each != iri], 1, 0)
        if near and difflib.SequenceMatcher(None, _local(iri), _local(near[0])).ratio() >= _LIKE:
            return near[0]
        names = {_local(each): each for each in sorted(self._declared)}
        found = difflib.get_close_matches(_local(iri), names, 1, _LIKE)
        return names[found[0]] if found else None

    def _stated(self) -> Iterator[tuple[str, Sequence[tuple[Document, ox.Triple]]]]:
        """Give the subjects of which something can have to be told, with all that is stated of each."""
        changed = {triple.subject for each in self._knowledge.changed for triple in each.triples}
        for iri, stated in self._knowledge.by_subject.items():
            if ox.NamedNode(iri) in changed:
                yield iri, stated

    def declared_twice(self) -> Iterator[KnowledgeFinding]:
        """Find terms of ours that two modules declare: one of them is likely a copy under another name."""
        for iri, stated in self._stated():
            homes = list(dict.fromkeys(each.path for each, triple in stated if _declares(triple)))
            if len(homes) > 1 and _is_ours(iri):
                told = _TWICE.filled({"file": homes[1]})
                place = (homes[0], next(each for each, _ in stated if each.path == homes[0]).positions.line(iri))
                yield self._knowledge.finding("error", "declared-twice", iri, told, _ONCE, place=place)

    def misused(self) -> Iterator[KnowledgeFinding]:
        """Find subjects that a property is not for, texts where something is named, and names where a text stands."""
        domains = dict(self._knowledge.lookup.pairs(RDFS.domain))
        for subject, stated in self._stated():
            for _, triple in stated:
                if fault := self._fault_of_value(triple):
                    yield self._misused(subject, triple, *fault)
                domain = domains.get(triple.predicate.value)
                if domain and _is_ours(domain) and not self._belongs(subject, domain):
                    told = _OUT_OF_DOMAIN.filled({"kind": self._knowledge.name(domain)})
                    yield self._misused(subject, triple, told, _MOVE)

    def _fault_of_value(self, triple: ox.Triple) -> tuple[BilingualText, BilingualText] | None:
        """Say what is wrong with a value for its property, and what to do."""
        kinds = self._knowledge.kinds.get(triple.predicate.value, frozenset())
        if not isinstance(triple.object, ox.Literal):
            return (_TERM_FOR_A_TEXT, _WRITE_A_VALUE) if OWL.DatatypeProperty.value in kinds else None
        if OWL.ObjectProperty.value in kinds:
            return _TEXT_FOR_A_TERM, _NAME_IT
        property_, found = triple.predicate.value, triple.object.datatype.value
        wanted = self._ranges.get(property_) or self._usual_types.get(property_, found)
        if not wanted.startswith(XSD.iri) or wanted == found:
            return None
        filled = {"wanted": self._knowledge.name(wanted), "found": self._knowledge.name(found)}
        return _OTHER_DATATYPE.filled(filled), _of_type(wanted)

    @functools.cached_property
    def _ranges(self) -> dict[str, str]:
        return dict(self._knowledge.lookup.pairs(RDFS.range))

    @functools.cached_property
    def _usual_types(self) -> dict[str, str]:
        """The datatype that the packaged modules always use, of each property of ours that has one."""
        found: dict[str, set[str]] = defaultdict(set)
        for document in self._knowledge.documents:
            for triple in (document.before or document).triples if document.before or not document.given else ():
                if isinstance(triple.object, ox.Literal) and _is_ours(triple.predicate.value):
                    found[triple.predicate.value].add(triple.object.datatype.value)
        return {property_: next(iter(types)) for property_, types in found.items() if len(types) == 1}

    def _belongs(self, subject: str, domain: str) -> bool:
        kinds = self._knowledge.kinds.get(subject)
        return not kinds or self._knowledge.is_a(subject, domain)

    def _misused(self, subject: str, triple: ox.Triple, told: BilingualText, advice: BilingualText) -> KnowledgeFinding:
        told = told.filled({"property": self._knowledge.name(triple.predicate.value)})
        property_, value = triple.predicate.value, triple.object
        return self._knowledge.finding(
            "error", "misused-property", subject, told, advice, property_=property_, value=value
        )

    def ill_typed(self) -> Iterator[KnowledgeFinding]:
        """Find literals that are not of the type that they claim."""
        for subject, stated in self._stated():
            for _, triple in stated:
                value = triple.object
                if isinstance(value, ox.Literal) and not _is_well_typed(value):
                    told = _ILL_TYPED.filled({"type": self._knowledge.name(value.datatype.value)})
                    advice = _of_type(value.datatype.value)
                    yield self._knowledge.finding(
                        "error", "ill-typed", subject, told, advice, property_=triple.predicate.value, value=value
                    )


def _is_well_typed(value: ox.Literal) -> bool:
    text = value.value
    kind = value.datatype
    if kind == XSD.decimal:
        return NUMBER.fullmatch(text) is not None and "e" not in text.lower()
    if kind == XSD.integer:
        return NUMBER.fullmatch(text) is not None and text.lstrip("+-").isdigit()
    if kind == XSD.boolean:
        return text in ("true", "false", "1", "0")
    if kind in (XSD.date, XSD.dateTime):
        return day_literal(text) is not None and ("T" in text) == (kind == XSD.dateTime)
    return True


def _of_type(kind: str) -> BilingualText:
    example = _EXAMPLES.get(kind)
    return _WRITE.filled({"text": example}) if example else _CORRECT


@functools.cache
def _vocabularies() -> dict[str, frozenset[str]]:
    """Give the terms of the vocabularies whose terms are all known, by namespace."""
    found = {}
    for name in ("DCTERMS", "OWL", "PROV", "RDF", "RDFS", "SH", "SKOS", "VANN", "XSD"):
        vocabulary = getattr(rdflib.namespace, name)
        found[str(vocabulary)] = frozenset(str(each) for each in dir(vocabulary) if isinstance(each, URIRef))
    return found


def _vocabulary(iri: str) -> frozenset[str] | None:
    return next((terms for namespace, terms in _vocabularies().items() if iri.startswith(namespace)), None)


def _declares(triple: ox.Triple) -> bool:
    return triple.predicate == RDF.type and isinstance(triple.subject, ox.NamedNode) and triple.object in _DECLARATIONS


def _declared_in(triples: Iterable[ox.Triple]) -> Iterator[str]:
    for triple in triples:
        if isinstance(triple.subject, ox.NamedNode) and _declares(triple):
            yield triple.subject.value


def _is_ours(iri: str) -> bool:
    return iri.startswith(_OURS)


def _namespace(iri: str) -> str:
    return iri[: max(iri.rfind("/"), iri.rfind("#")) + 1]


def _local(iri: str) -> str:
    return iri[len(_namespace(iri)) :]


_ANOTHER_PREFIX = BilingualText(
    "The prefix {prefix}: stands for something else than in the other modules, where it stands for {usual}.",
    "Le préfixe {prefix}: ne désigne pas la même chose que dans les autres modules, où il désigne {usual}.",
)
_NOT_DECLARED = BilingualText("No module declares {name}.", "Aucun module ne déclare {name}.")
_DID_YOU_MEAN = BilingualText("Did you mean {name}?", "Vouliez-vous dire {name} ?")
_DECLARE = BilingualText("Correct the name, or declare it.", "Corriger le nom, ou le déclarer.")
_TWICE = BilingualText("{file} declares this too.", "{file} le déclare aussi.")
_ONCE = BilingualText(
    "Declare it in one module; a copy that is to stand in for a module keeps the IRI of its header.",
    "Le déclarer dans un seul module ; une copie qui remplace un module garde l’IRI de son en-tête.",
)
_TEXT_FOR_A_TERM = BilingualText(
    "{property} names something, and a text or a number stands here.",
    "{property} désigne un terme, et c’est un texte ou un nombre qui se trouve ici.",
)
_NAME_IT = BilingualText("Name it by its IRI, without quotes.", "Le désigner par son IRI, sans guillemets.")
_TERM_FOR_A_TEXT = BilingualText(
    "{property} has a text or a number as its value, and a term is named here.",
    "{property} a pour valeur un texte ou un nombre, et c’est un terme qui est nommé ici.",
)
_WRITE_A_VALUE = BilingualText("Write the value.", "Écrire la valeur.")
_OTHER_DATATYPE = BilingualText(
    "{property} has values of type {wanted}, and this one is of type {found}.",
    "{property} a des valeurs de type {wanted}, et celle-ci est de type {found}.",
)
_OUT_OF_DOMAIN = BilingualText(
    "{property} is said of {kind}, and this is none.", "{property} se dit de {kind}, ce que ceci n’est pas."
)
_MOVE = BilingualText("Use another property, or type the subject.", "Employer une autre propriété, ou typer le sujet.")
_ILL_TYPED = BilingualText("This is no {type}.", "Ceci n’est pas un {type}.")
_WRITE = BilingualText("Write {text}", "Écrire {text}")
_CORRECT = BilingualText("Correct the value.", "Corriger la valeur.")
_EXAMPLES = {
    XSD.decimal.value: "-2.5, with a point and without quotes.",
    XSD.integer.value: "3, without a point and without quotes.",
    XSD.boolean.value: "true or false, without quotes.",
    XSD.date.value: '"2026-11-22"^^xsd:date.',
    XSD.dateTime.value: '"2026-11-22T00:00:00"^^xsd:dateTime.',
}
