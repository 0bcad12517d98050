"""Other ways to decide a cohort: another engine closes what OWL says, the rest is SPARQL over all patients at once.

Every peer lifts by the queries of `osteo_kg/queries/lift`, all patients in one Oxigraph store; closes what is coded by
its own means; and matches by the queries of `osteo_kg/queries/assume` and `match`, with all rules of the guideline.
None of them validates, tries out what is unknown, explains or writes. A patient is decided where exactly one
disposition follows; what follows has to be what the cohort says.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pyoxigraph as ox
import reasonable
from rdflib import BNode, URIRef

from osteo_kg import package_data
from osteo_kg.case.facts import Atom, day_of
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import sparql
from osteo_kg.rdf.terms import LIFTED, OSTEO, RDF
from osteo_kg.reasoning.closure import Reasoner

Closing = Callable[[ox.Store, KnowledgeBase], None]
_RULES = Path(__file__).with_name("rules")
_NS = OSTEO.iri
_CODED = [ox.NamedNode(_NS + name) for name in ("hasSex", "hasMenopausalStatus")]
_COUNTED = OSTEO.hasLowEnergyFracture
#: What a record that states a fact settles; a fracture history of which each fracture is told apart is complete.
_SETTLED = """
PREFIX osteo: <https://w3id.org/osteo-kg/ns/>
CONSTRUCT { ?patient osteo:isCompleteFor ?fact }
WHERE {
  { ?patient osteo:hasSex ?sex . BIND (osteo:RecordedSex AS ?fact) }
  UNION { ?patient osteo:hasMenopausalStatus ?status . BIND (osteo:RecordedMenopausalStatus AS ?fact) }
  UNION { ?patient osteo:lowestTScore ?score . BIND (osteo:AxialTScore AS ?fact) }
  UNION {
    { SELECT DISTINCT ?patient WHERE { ?patient osteo:hasFracture ?any } }
    FILTER NOT EXISTS { ?patient osteo:hasLowEnergyFracture/a osteo:UnspecifiedSiteFracture }
    BIND (osteo:FractureHistory AS ?fact)
  }
}
"""


def dispositions(knowledge_base: KnowledgeBase, triples: Path, on: datetime.date, close: Closing) -> dict[str, str]:
    """Give the disposition of each patient for whom just one follows."""
    store = ox.Store()
    store.bulk_load(path=str(triples), format=ox.RdfFormat.N_TRIPLES)
    store.extend(knowledge_base.knowledge.background)
    store.add(ox.Quad(LIFTED.Assessment, LIFTED.day, day_of(on)))
    for name in package_data.query_names("lift"):
        sparql.extend(store, name)
    _construct(store, _SETTLED)
    close(store, knowledge_base)
    store.extend(knowledge_base.knowledge.store)
    for name in (name for folder in ("assume", "match") for name in package_data.query_names(folder)):
        sparql.extend(store, name)
    return _decided(store, knowledge_base)


def _decided(store: ox.Store, knowledge_base: KnowledgeBase) -> dict[str, str]:
    found: dict[str, set[str]] = defaultdict(set)
    for quad in store.quads_for_pattern(None, OSTEO.hasDisposition, None):
        found[cast(ox.NamedNode, quad.subject).value].add(cast(ox.NamedNode, quad.object).value)
    key = knowledge_base.knowledge.terms.key
    return {patient: key(min(each)) for patient, each in found.items() if len(each) == 1}


def by_owlrl(store: ox.Store, knowledge_base: KnowledgeBase) -> None:
    """Close each patient in a graph of her own, with the axioms that lead to her classes and nothing else."""
    reasoner = Reasoner(knowledge_base.knowledge)
    for patient, atoms in _atoms(store).items():
        [closure] = reasoner.close([frozenset(atoms)]).values()
        store.extend(ox.Quad(ox.NamedNode(patient), RDF.type, ox.NamedNode(kind)) for kind in closure.classes)


def _atoms(store: ox.Store) -> Mapping[str, set[Atom]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for quad in store.quads_for_pattern(None, RDF.type, None):
        kinds[str(quad.subject)].append(cast(ox.NamedNode, quad.object).value)
    patients = store.quads_for_pattern(None, RDF.type, OSTEO.Patient)
    found: dict[str, set[Atom]] = {cast(ox.NamedNode, quad.subject).value: set() for quad in patients}
    for predicate in (*_CODED, _COUNTED):
        for quad in store.quads_for_pattern(None, predicate, None):
            values = kinds[str(quad.object)] if predicate == _COUNTED else [cast(ox.NamedNode, quad.object).value]
            atoms = (Atom(predicate.value, value) for value in values)
            found[cast(ox.NamedNode, quad.subject).value].update(atoms)
    return found


def by_reasonable(store: ox.Store, knowledge_base: KnowledgeBase) -> None:
    """Close all patients in one batch of `reasonable`, with the same axioms."""
    reasoner = reasonable.PyReasoner()
    facts = [
        (_node(quad.subject), URIRef(quad.predicate.value), _node(quad.object))
        for quad in store
        if not isinstance(quad.object, ox.Literal) and quad.predicate.value.startswith((_NS, RDF.type.value))
    ]
    reasoner.from_graph([*_axioms(knowledge_base), *facts])
    store.extend(
        ox.Quad(ox.NamedNode(str(subject)), RDF.type, ox.NamedNode(str(kind)))
        for subject, predicate, kind in reasoner.reason()
        if str(predicate) == RDF.type.value and isinstance(subject, URIRef) and str(kind).startswith(_NS)
    )


def by_rules(store: ox.Store, knowledge_base: KnowledgeBase) -> None:
    """Run the OWL 2 RL rules that the axioms need as SPARQL, until nothing new follows."""
    store.extend(ox.Quad(_term(s), ox.NamedNode(str(p)), _term(o)) for s, p, o in _axioms(knowledge_base))
    rules = [path.read_text(encoding="utf-8") for path in sorted(_RULES.glob("*.rq"))]
    before = -1
    while len(store) > before:
        before = len(store)
        for rule in rules:
            _construct(store, rule)


def _construct(store: ox.Store, query: str) -> None:
    found = cast(Iterable[ox.Triple], store.query(query))
    store.extend([ox.Quad(each.subject, each.predicate, each.object) for each in found])


def _axioms(knowledge_base: KnowledgeBase) -> Iterator[tuple[Any, Any, Any]]:
    """Give the axioms that the library's own reasoner works with."""
    yield from Reasoner(knowledge_base.knowledge)._axioms


def _node(term: Any) -> Any:
    return URIRef(term.value) if isinstance(term, ox.NamedNode) else BNode(term.value)


def _term(node: Any) -> Any:
    return ox.BlankNode(str(node)) if isinstance(node, BNode) else ox.NamedNode(str(node))


#: How each peer closes, and of how many patients it is asked at most.
PEERS: Mapping[str, tuple[Closing, int]] = {
    "owlrl, a graph for each patient": (by_owlrl, 60),
    "reasonable, one batch": (by_reasonable, 10_000),
    "OWL 2 RL rules as SPARQL in Oxigraph": (by_rules, 2_000),
}
