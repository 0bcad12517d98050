"""Cases in RDF: any number of patients in one input, each cut out with what hangs on her and nothing else."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from xml.parsers import expat

import pyoxigraph as ox

from osteo_kg import resources
from osteo_kg.cases import DECIMAL, INTEGER, Case, Subject, normalised, patient_iri, reserved, violation
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.flat_formats import parse_json
from osteo_kg.records import Repeated
from osteo_kg.report import Finding
from osteo_kg.sparql_text import depth
from osteo_kg.texts import Text
from osteo_kg.triples import RDF_TYPE
from osteo_kg.vocabulary import CONTEXT, LIFTED, OSTEO

FORMATS = {
    "turtle": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "nquads": ox.RdfFormat.N_QUADS,
    "rdfxml": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
}
_NS = str(OSTEO._NS)
_OWL = "http://www.w3.org/2002/07/owl#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_BASE = "https://w3id.org/osteo-kg/input"
_HARMLESS_TYPES = {_OWL + "NamedIndividual", _OWL + "Thing"}
_HEADER = {RDF_TYPE.value, *(_OWL + name for name in ("imports", "versionIRI", "versionInfo", "priorVersion"))}
ANNOTATIONS = {_RDFS + name for name in ("label", "comment", "seeAlso", "isDefinedBy")} | {_OWL + "versionInfo"}
_DECLARED_ENTITY = re.compile(r"<!ENTITY\s+([\w.-]+)\s+(\"[^\"&%]*\"|'[^'&%]*')\s*>")
_TRIPLE_IN_XML = re.compile(r"parseType\s*=\s*[\"']Triple")
_MOST_NESTING = 100
_MOST_EXPANDED = 1_000_000  # characters
_LIFTED = str(LIFTED._NS)
#: What a case may not speak of but in the properties of its vocabulary; other vocabularies are passed over.
OWN_VOCABULARIES = (_NS, _OWL, _RDFS, _LIFTED)


def read_rdf(text: str, form: str, name: str) -> tuple[Case, ...]:
    """Read every patient of an RDF document.

    Args:
        text: the whole document.
        form: a key of `FORMATS`.
        name: what to call it in messages.

    Raises:
        UnreadableCaseError: a syntax error, a foreign JSON-LD context, an XML entity that is not plain text, or no
            patient.
    """
    if form == "jsonld":
        text = _own_context(parse_json(text, name), name)
    return tuple(_patients(read_triples(text, form, name), name))


def read_triples(text: str, form: str, name: str, base: str = _BASE) -> list[ox.Triple]:
    """Read triples that anybody may have sent, literals as written; nothing in them opens a file or an address.

    Args:
        text: the whole document.
        form: a key of `FORMATS`.
        name: what to call it in messages.
        base: the IRI that relative IRIs are resolved against.

    Raises:
        UnreadableCaseError: a syntax error, a remote JSON-LD context, XML entities that are not a little plain text,
            or statements about statements.
    """
    if form == "rdfxml":
        _check_entities(text, name)
        _check_elements(text, name)
    if text.count("<<") > _MOST_NESTING or _TRIPLE_IN_XML.search(text):
        raise UnreadableCaseError(f"{name} holds statements about statements.", advice="Send plain triples.")
    if form == "turtle" and depth(text) > _MOST_NESTING:  # the time that Oxigraph takes grows with the square of it
        raise UnreadableCaseError(f"{name} is nested too deeply.", advice="Name the nodes that are nested.")
    try:
        return [
            ox.Triple(quad.subject, quad.predicate, quad.object)
            for quad in ox.parse(text, format=FORMATS[form], base_iri=base, rename_blank_nodes=base != _BASE)
        ]
    except (SyntaxError, ValueError) as error:
        raise UnreadableCaseError(f"{name} cannot be read as {form}: {error}.", advice="Correct it there.") from error
    except MemoryError as error:  # Oxigraph says so of a statement of 16 MiB or more
        raise UnreadableCaseError(f"{name} holds a statement that is too long.", advice="Shorten its text.") from error


def _check_elements(text: str, name: str) -> None:
    """The time that Oxigraph takes grows with the square of how deep elements stand in one another."""
    now = 0

    def begin(element: str, attributes: object) -> None:
        nonlocal now
        now += 1
        if now > _MOST_NESTING:
            raise UnreadableCaseError(f"{name} is nested too deeply.", advice="Name the nodes that are nested.")

    def end(element: str) -> None:
        nonlocal now
        now -= 1

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise UnreadableCaseError(f"{name} cannot be read as rdfxml: {error}.", advice="Correct it there.") from error


def _check_entities(text: str, name: str) -> None:
    """Entities may stand for a little plain text: never for a file, for another entity, or for a flood."""
    declared = _DECLARED_ENTITY.findall(text)
    if text.count("<!ENTITY") != len(declared):
        raise UnreadableCaseError(
            f"{name} declares an XML entity that is not plain text.", advice="Write the value where it is used."
        )
    if sum(len(value) * text.count(f"&{entity};") for entity, value in declared) > _MOST_EXPANDED:
        raise UnreadableCaseError(f"{name} grows too large by its XML entities.", advice="Write fewer of them.")


def _own_context(document: Any, name: str) -> str:
    """Put our packaged context in the place of the one named.

    And refuse any other (it could make us open files or URLs).
    """
    try:
        body = _without_context(document, name, 0)
    except RecursionError as error:
        raise UnreadableCaseError(f"{name} is nested too deeply to be a case.", advice="Send plain cases.") from error
    if isinstance(body, dict) and "@graph" in body:
        beside = {key: value for key, value in body.items() if key != "@graph"}
        within = body["@graph"] if isinstance(body["@graph"], list) else [body["@graph"]]
        body = [*within, beside] if beside else within
    graph = body if isinstance(body, list) else [body]
    if not isinstance(body, list | dict):
        raise UnreadableCaseError(f"{name} is not a JSON-LD document.", advice="Send an object or an array of objects.")
    return json.dumps({"@context": resources.json_ld_context(), "@graph": graph})


def _without_context(node: Any, name: str, depth: int) -> Any:
    if depth > _MOST_NESTING:
        raise RecursionError
    if isinstance(node, list):
        return [_without_context(each, name, depth + 1) for each in node]
    if isinstance(node, Decimal):
        whole = node == node.to_integral_value()
        return {
            "@value": f"{node:f}",
            "@type": (INTEGER if whole and "." not in f"{node:f}" else DECIMAL).value,
        }
    if not isinstance(node, dict):
        return node
    if isinstance(node, Repeated) and node.repeated:
        raise UnreadableCaseError(f"{name} has the key {node.repeated[0]!r} twice in one object.", advice="Keep one.")
    if "@context" in node and node["@context"] not in (CONTEXT, [CONTEXT]):
        raise UnreadableCaseError(
            f"{name} brings a JSON-LD context of its own.", advice=f"Leave @context out, or write {CONTEXT}."
        )
    if "@value" in node and isinstance(node["@value"], Decimal):
        written = _without_context(node["@value"], name, depth + 1)
        return {**written, **{key: value for key, value in node.items() if key not in ("@value", "@context")}}
    return {key: _without_context(value, name, depth + 1) for key, value in node.items() if key != "@context"}


def _patients(triples: list[ox.Triple], name: str) -> Iterator[Case]:
    by_subject: dict[Subject, list[ox.Triple]] = defaultdict(list)
    for triple in triples:
        by_subject[triple.subject].append(triple)
    patient_class = ox.NamedNode(str(OSTEO.Patient))
    patients = list(dict.fromkeys(t.subject for t in triples if t.predicate == RDF_TYPE and t.object == patient_class))
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
        if predicate == RDF_TYPE.value:
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
        elif term.value.startswith((_OWL, _RDFS, _LIFTED)):
            if term.value not in _HARMLESS_TYPES:
                self.refused.append(_axiom(RDF_TYPE.value, term.value))
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
        refused = [*self.refused, *strays, *([reserved(name)] if _is_ours(node) else [])]
        return Case(name, node.value, normalised(triples), tuple(sorted(self.ignored)), tuple(refused))


def _is_header(triple: ox.Triple, by_subject: Mapping[Subject, list[ox.Triple]]) -> bool:
    """Whether a triple belongs to the header by which an ontology editor finds our ontology."""
    ontology = ox.NamedNode(_OWL + "Ontology")
    declared = any(t.predicate == RDF_TYPE and t.object == ontology for t in by_subject[triple.subject])
    return declared and triple.predicate.value in _HEADER and not _is_ours(triple.subject)


def _is_ours(node: object) -> bool:
    return isinstance(node, ox.NamedNode) and node.value.startswith((_NS, _LIFTED))


def _strays(triples: Iterable[ox.Triple]) -> list[Finding]:
    """Statements in our terms, or axioms, that no patient reaches: they would change the knowledge, or lose data."""
    found: dict[str, Finding] = {}
    for triple in triples:
        words = tuple(getattr(term, "value", "") for term in (triple.predicate, triple.object, triple.subject))
        if triple.predicate == RDF_TYPE and words[1] in _HARMLESS_TYPES:
            continue
        if any(word.startswith(OWN_VOCABULARIES) for word in words) and words[0] not in ANNOTATIONS:
            found.setdefault(words[0], _axiom(words[0], words[1]))
    return list(found.values())


def _axiom(predicate: str, value: str) -> Finding:
    return violation(
        "the case",
        predicate,
        value,
        Text(
            "A case may not hold axioms, derived facts, or statements of this vocabulary that hang on no patient.",
            "Un cas ne peut contenir ni axiome, ni fait dérivé, ni énoncé de ce vocabulaire rattaché à "
            "aucune patiente.",
        ),
        Text(
            "Remove the statement, or attach it to the patient as the vocabulary of cases says.",
            "Retirer l’énoncé, ou le rattacher à la patiente comme le veut le vocabulaire des cas.",
        ),
    )
