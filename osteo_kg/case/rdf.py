"""Cases in RDF: any number of patients in one input, each cut out with what hangs on her and nothing else."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.bilingual import BilingualText
from osteo_kg.case.fields import FIELDS, LISTS
from osteo_kg.case.model import Case, normalised, patient_iri, reserved, violation
from osteo_kg.case.record import Repeated
from osteo_kg.case.record_text import parse_json
from osteo_kg.case.report import Finding
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.rdf import CONTEXT, GUIDELINE, LIFTED, MOST_NESTING, OSTEO, RDF, XSD, Subject, read_triples

_NS = OSTEO.iri
_OWL = "http://www.w3.org/2002/07/owl#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_HARMLESS_TYPES = {_OWL + "NamedIndividual", _OWL + "Thing"}
_HEADER = {RDF.type.value, *(_OWL + name for name in ("imports", "versionIRI", "versionInfo", "priorVersion"))}
ANNOTATIONS = {_RDFS + name for name in ("label", "comment", "seeAlso", "isDefinedBy")} | {_OWL + "versionInfo"}
_LIFTED = LIFTED.iri
#: What a JSON-LD context may have a key mean, beside IRIs: with the others statements are left out, or none is made.
_KEYWORDS = ("@graph", "@id", "@list", "@none", "@set", "@type", "@value", "@vocab")
#: What a case may not speak of but in the properties of its vocabulary; other vocabularies are passed over.
OWN_VOCABULARIES = (_NS, _OWL, _RDFS, _LIFTED)


def read_rdf(text: str, format_name: str, name: str) -> tuple[Case, ...]:
    """Read every patient of an RDF document.

    Args:
        text: the whole document.
        format_name: a key of `FORMATS`.
        name: what to call it in messages.

    Raises:
        UnreadableCaseError: a syntax error, a JSON-LD context that would be fetched or would lose statements, an XML
            entity that is not plain text, or no patient.
    """
    if format_name == "jsonld":
        text = _own_context(parse_json(text, name), name)
    return tuple(_patients(read_triples(text, format_name, name), name))


def _own_context(document: Any, name: str) -> str:
    """Put our packaged context below those that stand in the document, and fetch none that it names."""
    try:
        body = _node(document, name, 0)
    except RecursionError as error:
        raise UnreadableCaseError(f"{name} is nested too deeply to be a case.", advice="Send plain cases.") from error
    contexts = [package_data.json_ld_context()]
    if isinstance(body, dict):
        contexts += body.pop("@context", [])
    if isinstance(body, dict) and "@graph" in body:
        beside = {key: value for key, value in body.items() if key != "@graph"}
        within = body["@graph"] if isinstance(body["@graph"], list) else [body["@graph"]]
        body = [*within, beside] if beside else within
    graph = body if isinstance(body, list) else [body]
    if not isinstance(body, list | dict):
        raise UnreadableCaseError(f"{name} is not a JSON-LD document.", advice="Send an object or an array of objects.")
    return json.dumps({"@context": contexts, "@graph": graph})


def _context(stated: Any, name: str) -> list[Any]:
    """Give the contexts that stand in a document, but for ours, which counts everywhere.

    Raises:
        UnreadableCaseError: one is named, and would have to be fetched; or one has a key mean nothing, which would
            leave out what it states.
    """
    contexts = stated if isinstance(stated, list) else [stated]
    inline = [each for each in contexts if each != CONTEXT]
    if any(isinstance(each, str) for each in inline):
        raise UnreadableCaseError(
            f"{name} names a JSON-LD context that is not ours, and none is fetched.",
            advice=f"Write that context into the document, or name {CONTEXT}.",
        )
    return [_defined(each, name) for each in inline]


def _defined(definition: Any, name: str) -> Any:
    """Give what a context says, its numbers as JSON has them."""
    if isinstance(definition, dict):
        if "@import" in definition:
            raise UnreadableCaseError(
                f"{name} has a JSON-LD context that imports another, and none is fetched.",
                advice="Write the context into the document.",
            )
        return {key: _defined(value, name) for key, value in definition.items()}
    if isinstance(definition, list):
        return [_defined(each, name) for each in definition]
    if definition is None or (isinstance(definition, str) and definition[:1] == "@" and definition not in _KEYWORDS):
        meant = "nothing" if definition is None else definition
        raise UnreadableCaseError(
            f"{name} has a JSON-LD context by which a key means {meant}: what it states would be lost.",
            advice="Leave the key out of the context, or out of the case.",
        )
    return float(definition) if isinstance(definition, Decimal) else definition


def _node(node: Any, name: str, depth: int) -> Any:
    if depth > MOST_NESTING:
        raise RecursionError
    if isinstance(node, list):
        return [_node(each, name, depth + 1) for each in node]
    if isinstance(node, Decimal):
        whole = node == node.to_integral_value()
        return {
            "@value": f"{node:f}",
            "@type": (XSD.integer if whole and "." not in f"{node:f}" else XSD.decimal).value,
        }
    if not isinstance(node, dict):
        return node
    if isinstance(node, Repeated) and node.repeated:
        raise UnreadableCaseError(f"{name} has the key {node.repeated[0]!r} twice in one object.", advice="Keep one.")
    own = _context(node["@context"], name) if "@context" in node else []
    if "@value" in node and isinstance(node["@value"], Decimal):
        written = _node(node["@value"], name, depth + 1)
        return {**written, **{key: value for key, value in node.items() if key not in ("@value", "@context")}}
    read = {key: _node(value, name, depth + 1) for key, value in node.items() if key != "@context"}
    return {"@context": own, **read} if own else read


def _patients(triples: list[ox.Triple], name: str) -> Iterator[Case]:
    by_subject: dict[Subject, list[ox.Triple]] = defaultdict(list)
    for triple in triples:
        by_subject[triple.subject].append(triple)
    patient_class = OSTEO.Patient
    patients = list(dict.fromkeys(t.subject for t in triples if t.predicate == RDF.type and t.object == patient_class))
    if not patients:
        raise UnreadableCaseError(f"{name} holds no patient.", advice="Type one node at least as osteo:Patient.")
    known = set(patients)
    cut = [_Cut(patient, by_subject, known) for patient in patients]
    reached = {subject for each in cut for subject in each.reached}
    stray = [t for t in triples if t.subject not in reached and not _is_header(t, by_subject)]
    for number, each in enumerate(cut, 1):
        yield each.case(f"{name}#{number}", _strays(stray))


class _Cut:
    """What is reached from one patient through our own properties."""

    def __init__(self, patient: Subject, by_subject: Mapping[Subject, list[ox.Triple]], patients: set[Subject]) -> None:
        self.patient = patient
        self.kept: list[ox.Triple] = []
        self.ignored: set[str] = set()
        self.refused: list[Finding] = []
        self.reached: set[Subject] = set()
        waiting = [patient]
        while waiting:
            subject = waiting.pop()
            if subject in self.reached:
                continue
            self.reached.add(subject)
            for triple in by_subject.get(subject, ()):
                term = triple.object
                if (
                    self._keeps(triple)
                    and not isinstance(term, ox.Literal)
                    and self._may_follow(term, by_subject, patients)
                ):
                    waiting.append(term)

    def _keeps(self, triple: ox.Triple) -> bool:
        predicate, term = triple.predicate.value, triple.object
        if isinstance(term, ox.Triple):
            self.refused.append(_axiom(predicate, str(term)))
            return False
        if predicate == RDF.type.value:
            return self._keeps_type(triple, term)
        if predicate.startswith(_NS):
            self.kept.append(triple)
            return True
        if predicate.startswith((_OWL, _RDFS, _LIFTED)) and predicate not in ANNOTATIONS:
            self.refused.append(_axiom(predicate, term.value))
        else:
            self.ignored.add(predicate)
        return False

    def _keeps_type(self, triple: ox.Triple, term: Any) -> bool:
        if term.value.startswith(_NS):
            self.kept.append(triple)
        elif term.value.startswith((_OWL, _RDFS, _LIFTED, GUIDELINE)):  # a class of a guideline is concluded
            if term.value not in _HARMLESS_TYPES:
                self.refused.append(_axiom(RDF.type.value, term.value))
        else:
            self.ignored.add(term.value)
        return False

    @staticmethod
    def _may_follow(term: Subject, by_subject: Mapping[Subject, list[ox.Triple]], patients: set[Subject]) -> bool:
        """Whether what is said of a node belongs to the patient: not where it is another patient, or a term of ours."""
        return (
            term in by_subject
            and term not in patients
            and not (isinstance(term, ox.NamedNode) and term.value.startswith(_NS))
        )

    def case(self, fallback: str, strays: list[Finding]) -> Case:
        name = self.patient.value if isinstance(self.patient, ox.NamedNode) else fallback
        node = ox.NamedNode(patient_iri(name))
        triples = [
            ox.Triple(node if t.subject == self.patient else t.subject, t.predicate, t.object) for t in self.kept
        ]
        refused = [*self.refused, *strays, *_no_entries(self.kept), *([reserved(name)] if _is_ours(node) else [])]
        return Case(name, node.value, normalised(triples), tuple(sorted(self.ignored)), tuple(refused))


#: The properties of a patient that list entries of which something is to be said.
_OF_ENTRIES = {
    *(each.property for each in LISTS if each.entry and each.property),
    *(each.measurement.property for each in FIELDS.values() if each.measurement),
}


def _no_entries(triples: list[ox.Triple]) -> Iterator[Finding]:
    """Refuse as entries terms of ours, and what nothing is said of (docs/reference/reading.md R10)."""
    told = {triple.subject for triple in triples}
    for triple in triples:
        if triple.predicate in _OF_ENTRIES and (_is_ours(triple.object) or triple.object not in told):
            yield violation(
                "the case",
                triple.predicate.value,
                getattr(triple.object, "value", None),
                BilingualText(
                    "This is no entry: it is a term of the vocabulary, or nothing is said of it.",
                    "Ce n’est pas une entrée : c’est un terme du vocabulaire, ou rien n’en est dit.",
                ),
                BilingualText(
                    "Write a node of its own, such as [ a osteo:VertebralFracture ].",
                    "Écrire un nœud distinct, par exemple [ a osteo:VertebralFracture ].",
                ),
            )


def _is_header(triple: ox.Triple, by_subject: Mapping[Subject, list[ox.Triple]]) -> bool:
    """Whether a triple belongs to the header by which an ontology editor finds our ontology."""
    ontology = ox.NamedNode(_OWL + "Ontology")
    declared = any(t.predicate == RDF.type and t.object == ontology for t in by_subject[triple.subject])
    return declared and triple.predicate.value in _HEADER and not _is_ours(triple.subject)


def _is_ours(node: object) -> bool:
    return isinstance(node, ox.NamedNode) and node.value.startswith((_NS, _LIFTED))


def _strays(triples: Iterable[ox.Triple]) -> list[Finding]:
    """Statements in our terms, or axioms, that no patient reaches: they would change the knowledge, or lose data."""
    found: dict[str, Finding] = {}
    for triple in triples:
        words = tuple(getattr(term, "value", "") for term in (triple.predicate, triple.object, triple.subject))
        if triple.predicate == RDF.type and words[1] in _HARMLESS_TYPES:
            continue
        if any(word.startswith(OWN_VOCABULARIES) for word in words) and words[0] not in ANNOTATIONS:
            found.setdefault(words[0], _axiom(words[0], words[1]))
    return list(found.values())


def _axiom(predicate: str, value: str) -> Finding:
    return violation(
        "the case",
        predicate,
        value,
        BilingualText(
            "A case may not hold axioms, derived facts, or statements of this vocabulary that hang on no patient.",
            "Un cas ne peut contenir ni axiome, ni fait dérivé, ni énoncé de ce vocabulaire rattaché à "
            "aucune patiente.",
        ),
        BilingualText(
            "Remove the statement, or attach it to the patient as the vocabulary of cases says.",
            "Retirer l’énoncé, ou le rattacher à la patiente comme le veut le vocabulaire des cas.",
        ),
    )
