"""What keeps guidelines apart: each has classes of its own, and says itself which fractures count."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.checking.findings import KnowledgeFinding
from osteo_kg.checking.knowledge import CheckedKnowledge, reached
from osteo_kg.knowledge import owners
from osteo_kg.rdf import OSTEO, OWL, RDF, RDFS, SKOS

_NAME = re.compile(r"(?!none$|unknown$|at-least|perhaps-|possible-)[a-z0-9]+(-[a-z0-9]+)*")
_OF_CLASSES = frozenset(
    {
        *(RDFS.subClassOf, RDFS.domain, RDFS.range, RDF.first, RDF.type),
        *(OWL.equivalentClass, OWL.disjointWith, OWL.allValuesFrom),
        *(OSTEO.testsClass, OSTEO.testsAbsenceOf, OSTEO.couldBe, OSTEO.countsInstancesOf, OSTEO.isRaisedByFracture),
    }
)


def separation_findings(knowledge: CheckedKnowledge) -> Iterator[KnowledgeFinding]:
    """Check that no guideline uses the classes of another, and that each says of every fracture what it counts for."""
    modules = _Modules(knowledge)
    yield from modules.foreign_classes()
    for guideline in knowledge.members(OSTEO.Guideline):
        yield from modules.sites(guideline)
    for class_, name in sorted(knowledge.lookup.pairs(OSTEO.situationName)):
        if not _NAME.fullmatch(name):
            property_, value = OSTEO.situationName.value, ox.Literal(name)
            yield knowledge.finding(
                "error", "situation-name", class_, _NO_NAME, _WRITE_NAME, property_=property_, value=value
            )


class _Modules:
    """The documents by the guidelines that they belong to.

    Args:
        knowledge: the documents.
    """

    def __init__(self, knowledge: CheckedKnowledge) -> None:
        self._knowledge = knowledge
        self._owners = owners({each.path: each.triples for each in knowledge.documents})

    @functools.cached_property
    def _homes(self) -> Mapping[str, frozenset[str]]:
        """The guidelines that declare each class; of one that a common module declares, none."""
        found: dict[str, frozenset[str]] = {}
        for document in self._knowledge.documents:
            for each in document.triples:
                if each.predicate == RDF.type and each.object == OWL.Class and isinstance(each.subject, ox.NamedNode):
                    own = self._owners[document.path]
                    before = found.get(each.subject.value, own)
                    found[each.subject.value] = own | before if own and before else frozenset()
        return found

    def foreign_classes(self) -> Iterator[KnowledgeFinding]:
        """Find classes of one guideline in the modules of another."""
        for document in self._knowledge.documents:
            own = self._owners[document.path]
            for triple in document.triples if own else ():
                if triple.predicate not in _OF_CLASSES or not isinstance(triple.object, ox.NamedNode):
                    continue
                home = self._homes.get(triple.object.value)
                if home and not own <= home:
                    yield self._foreign(triple, document.path)

    def _foreign(self, triple: ox.Triple, path: str) -> KnowledgeFinding:
        subject = triple.subject.value if isinstance(triple.subject, ox.NamedNode) else min(self._owners[path])
        return self._knowledge.finding(
            "error",
            "foreign-class",
            subject,
            _FOREIGN,
            _OWN_CLASS,
            property_=triple.predicate.value,
            value=triple.object,
        )

    def sites(self, guideline: str) -> Iterator[KnowledgeFinding]:
        """Tell the sites of fractures that a guideline which speaks of sites leaves out, or counts in two ways."""
        above = self._above(guideline)
        own = {class_ for class_, home in self._homes.items() if guideline in home}
        lookup = self._knowledge.lookup
        could_be = {site: set(lookup.objects(site, OSTEO.couldBe)) for site in dict(lookup.pairs(SKOS.notation))}
        sites = sorted(each for each in could_be if OSTEO.Fracture.value in reached(each, above))
        led_to = {site: reached(site, above) & own for site in sites}
        if not any(led_to.values()):
            return
        left = [site for site in sites if not could_be[site] and not led_to[site]]
        if left:
            names = ", ".join(map(self._knowledge.name, left))
            advice = _UNDER_A_CLASS
            yield self._knowledge.finding("warning", "site-left-out", guideline, _LEFT_OUT, advice, shown=names)
        for site in sites:
            for part in sorted(could_be[site] & led_to.keys()):
                if led_to[site] and not led_to[site] <= led_to[part]:
                    place = self._knowledge.place(site, RDFS.subClassOf.value, min(led_to[site]))
                    shown, told = self._knowledge.name(part), _BROADER
                    yield self._knowledge.finding(
                        "warning", "site-too-broad", site, told, _NARROW, shown=shown, place=place
                    )

    def _above(self, guideline: str) -> Mapping[str, Iterable[str]]:
        """Give the named classes right above each, as this guideline has them."""
        found: dict[str, set[str]] = {}
        for document in self._knowledge.documents:
            if self._owners[document.path] and guideline not in self._owners[document.path]:
                continue
            for each in document.triples:
                if each.predicate == RDFS.subClassOf and isinstance(each.object, ox.NamedNode):
                    found.setdefault(each.subject.value if isinstance(each.subject, ox.NamedNode) else "", set()).add(
                        each.object.value
                    )
        return found


_FOREIGN = BilingualText(
    "This class belongs to another guideline: it says nothing here.",
    "Cette classe appartient à une autre recommandation : elle ne dit rien ici.",
)
_OWN_CLASS = BilingualText(
    "Declare a class of your own and say with rdfs:subClassOf what belongs to it.",
    "Déclarer une classe propre et dire par rdfs:subClassOf ce qui en relève.",
)
_LEFT_OUT = BilingualText(
    "The guideline does not say what a fracture of these sites is: it counts for nothing.",
    "La recommandation ne dit pas ce qu’est une fracture de ces sites : elle ne compte pour rien.",
)
_UNDER_A_CLASS = BilingualText(
    "Put each under a class of the guideline with rdfs:subClassOf.",
    "Placer chacun sous une classe de la recommandation par rdfs:subClassOf.",
)
_BROADER = BilingualText(
    "This site is stated too broadly, and is of a class that a site which it could be is not of.",
    "Ce site est trop large, et relève d’une classe dont un site qu’il pourrait être ne relève pas.",
)
_NARROW = BilingualText(
    "Leave the broad site out: it is then what the sites are that it could be.",
    "Ne pas classer le site large : il est alors ce que sont les sites qu’il pourrait être.",
)
_NO_NAME = BilingualText(
    "This is no name for the key of a situation.", "Ceci n’est pas un nom pour la clé d’une situation."
)
_WRITE_NAME = BilingualText(
    "Write small letters, digits and hyphens, such as other-severe.",
    "Écrire des minuscules, des chiffres et des traits d’union, comme other-severe.",
)
