"""What guidelines say that shapes cannot judge: facts, spans of a source, and numbers told in words."""

from __future__ import annotations

import functools
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.case import LISTING
from osteo_kg.checking.findings import KnowledgeFinding
from osteo_kg.checking.knowledge import CheckedKnowledge, Object, decimal_of
from osteo_kg.checking.released import PARTS, released_parts, released_spans
from osteo_kg.rdf import OSTEO, OWL, RDF, RDFS

_BOUNDS = (OSTEO.above, OSTEO.atLeast, OSTEO.atMost, OSTEO.below)
_PARTS_OF_A_SPAN = (OSTEO.spanStart, OSTEO.spanEnd)
_NUMBER = re.compile(r"(?<![\w.,-])[-\u2212]?\d+(?:[.,]\d+)?(?![\w,.]*\d)")


def guideline_findings(knowledge: CheckedKnowledge, sources: Iterable[str]) -> Iterator[KnowledgeFinding]:
    """Check the criteria and the citations of every guideline.

    Args:
        knowledge: the documents.
        sources: the texts that guidelines were written from, where they are at hand.
    """
    facts = _Facts(knowledge)
    for criterion in knowledge.members(OSTEO.Criterion):
        yield from facts.findings(criterion)
        yield from _other_numbers(knowledge, criterion)
    texts = tuple(sources)
    yield from _sources(knowledge, texts)
    for span in knowledge.members(OSTEO.SourceSpan):
        yield from _span(knowledge, span, texts)
    yield from _unlike_released(knowledge)


class _Facts:
    """The facts of a record that settle what criteria test.

    Args:
        knowledge: the documents.
    """

    def __init__(self, knowledge: CheckedKnowledge) -> None:
        self._knowledge = knowledge
        lookup = knowledge.lookup
        self._stated_by: dict[str, str] = {property_: fact for fact, property_ in lookup.pairs(OSTEO.statedBy)}
        self._stated_by |= {property_.value: fact for fact, property_ in LISTING.items()}
        self._stated_by[OSTEO.hasLowEnergyFracture.value] = self._stated_by[OSTEO.hasFracture.value]

    def findings(self, criterion: str) -> Iterator[KnowledgeFinding]:
        """Compare the facts that a criterion names with those that settle what it tests."""
        lookup, knowledge = self._knowledge.lookup, self._knowledge
        needed = self._needed(criterion)
        if not needed:
            return  # what it tests is not known, and that is told elsewhere
        stated = set(lookup.objects(criterion, OSTEO.restsOn))
        names = ", ".join(knowledge.name(each) for each in sorted(needed))
        advice = _NAME_FACTS.filled({"facts": names})
        for fact in sorted(stated - needed):
            value = ox.NamedNode(fact)
            yield knowledge.finding(
                "error", "other-fact", criterion, _OTHER_FACT, advice, property_=OSTEO.restsOn.value, value=value
            )
        if stated and not needed <= stated and stated <= needed:
            lacking = ", ".join(knowledge.name(each) for each in sorted(needed - stated))
            told = _LACKING_FACT.filled({"facts": lacking})
            place = knowledge.place(criterion, OSTEO.restsOn.value)
            yield knowledge.finding("error", "lacking-fact", criterion, told, advice, place=place)

    def _needed(self, criterion: str) -> set[str]:
        lookup = self._knowledge.lookup
        numbers = [each for name in ("measures", "testsStatement") for each in lookup.objects(criterion, OSTEO[name])]
        found = {fact for each in numbers for fact in self._of_property(each)}
        for name in ("testsClass", "testsAbsenceOf"):
            for each in lookup.objects(criterion, OSTEO[name]):
                found |= {self._stated_by[property_] for property_ in self._properties(each) & set(self._stated_by)}
        return found

    def _of_property(self, property_: str) -> Iterator[str]:
        if property_ in self._stated_by:
            yield self._stated_by[property_]
        for counted in self._knowledge.lookup.objects(property_, OSTEO.countsInstancesOf):
            if self._knowledge.superclasses.get(counted, frozenset()) & {OSTEO.Fracture.value}:
                yield self._stated_by[OSTEO.hasFracture.value]

    def _properties(self, class_: str) -> set[str]:
        """Give the properties of a patient by which she may come to be of a class."""
        found: set[str] = set()
        seen = {OSTEO.Patient.value}  # everybody is one
        waiting = [class_]
        while waiting:
            each = waiting.pop()
            if each not in seen:
                seen.add(each)
                waiting += self._leading.get(each, ())
                found |= self._by_property.get(each, set())
        return found

    @functools.cached_property
    def _leading(self) -> Mapping[str, set[str]]:
        """The classes that being of a class follows from, or is made up of."""
        found: dict[str, set[str]] = defaultdict(set)
        for property_ in (RDFS.subClassOf, OWL.equivalentClass):
            for iri, above in self._knowledge.lookup.pairs(property_):
                found[above].add(iri)
        for iri, parts in self._definitions:
            found[iri].update(part.value for part in parts if isinstance(part, ox.NamedNode))
        return found

    @functools.cached_property
    def _by_property(self) -> Mapping[str, set[str]]:
        """The properties of a patient that lead her to a class: by a value, or by what it links her to."""
        found: dict[str, set[str]] = defaultdict(set)
        for iri, parts in self._definitions:
            for part in parts:
                if isinstance(part, ox.BlankNode):
                    found[iri].update(self._objects(part, OWL.onProperty))
        store = self._knowledge.store
        for quad in store.quads_for_pattern(None, OWL.allValuesFrom, None):
            if isinstance(quad.object, ox.NamedNode):
                for property_ in self._objects(quad.subject, OWL.onProperty):
                    found[quad.object.value] |= self._inverses[property_]
        for iri, domain in self._knowledge.lookup.pairs(RDFS.domain):
            if iri in self._stated_by and domain != OSTEO.Patient.value:
                found[domain].add(iri)
        return found

    @functools.cached_property
    def _inverses(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for one, other in self._knowledge.lookup.pairs(OWL.inverseOf):
            found[one].add(other)
            found[other].add(one)
        return found

    @functools.cached_property
    def _definitions(self) -> list[tuple[str, list[Object]]]:
        """Every named class that is defined as an intersection or by one restriction, with the parts of it."""
        found = []
        for quad in self._knowledge.store.quads_for_pattern(None, OWL.equivalentClass, None):
            if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.BlankNode):
                lists = self._knowledge.store.quads_for_pattern(quad.object, OWL.intersectionOf, None)
                parts = [part for each in lists for part in self._knowledge.listed(each.object)]
                found.append((quad.subject.value, parts or [quad.object]))
        return found

    def _objects(self, node: ox.NamedNode | ox.BlankNode | ox.Triple, property_: ox.NamedNode) -> set[str]:
        quads = self._knowledge.store.quads_for_pattern(node, property_, None)
        return {quad.object.value for quad in quads if isinstance(quad.object, ox.NamedNode)}


def _other_numbers(knowledge: CheckedKnowledge, criterion: str) -> Iterator[KnowledgeFinding]:
    """Compare the bounds of a criterion with the numbers in its label: a slip of the pen changes one of the two."""
    bounds = {
        triple.object: triple.predicate
        for _, triple in knowledge.by_subject[criterion]
        if triple.predicate in _BOUNDS and isinstance(triple.object, ox.Literal)
    }
    label = knowledge.lookup.text(criterion, RDFS.label)
    told = _numbers(label.en) if label else set()
    meant = {decimal_of(each) for each in bounds}
    if label is None or not told or None in meant or told == meant:
        return
    message = BilingualText(_NOT_IN_LABEL.en + label.en + ".", _NOT_IN_LABEL.fr + label.fr + ".")
    for value, property_ in bounds.items():
        if decimal_of(value) not in told:
            code = "number-not-in-label"
            yield knowledge.finding(
                "warning", code, criterion, message, _ONE_OF_BOTH, property_=property_.value, value=value
            )


def _numbers(text: str) -> set[Decimal | None]:
    return {Decimal(each.replace("\u2212", "-").replace(",", ".")) for each in _NUMBER.findall(text)}


# Spans


def _sources(knowledge: CheckedKnowledge, texts: tuple[str, ...]) -> Iterator[KnowledgeFinding]:
    """Tell a source that is none of any guideline."""
    digests = {each for guideline in knowledge.members(OSTEO.Guideline) for each in _digests(knowledge, guideline)}
    for text in texts:
        if _sha256(text) not in digests:
            guideline = next(iter(knowledge.members(OSTEO.Guideline)), OSTEO.Guideline.value)
            place = knowledge.place(guideline, OSTEO.spanDigest.value)
            shown = _sha256(text)
            yield knowledge.finding(
                "error", "other-source", guideline, _OTHER_SOURCE, _GIVE_IT, shown=shown, place=place
            )


def _digests(knowledge: CheckedKnowledge, subject: str) -> list[str]:
    return knowledge.lookup.objects(subject, OSTEO.spanDigest)


def _span(knowledge: CheckedKnowledge, span: str, texts: tuple[str, ...]) -> Iterator[KnowledgeFinding]:
    """Check one span: against its source where that is given, else against the packaged module."""
    numbers = [[each for each in knowledge.lookup.objects(span, part) if each.isdigit()] for part in _PARTS_OF_A_SPAN]
    digests = _digests(knowledge, span)
    if any(len(each) != 1 for each in (*numbers, digests)):
        return  # its shape tells it
    [start], [end] = numbers
    source = _source_of(knowledge, span, texts)
    if source is not None:
        yield from _against_source(knowledge, span, source, int(start), int(end), digests[0])
    else:
        yield from _against_package(knowledge, span, (start, end), digests[0])


def _source_of(knowledge: CheckedKnowledge, span: str, texts: tuple[str, ...]) -> str | None:
    """Give the text that a span is one of: that of the guideline whose file it stands in."""
    homes = {each.path for each, triple in knowledge.by_subject[span] if triple.predicate == OSTEO.spanStart}
    for guideline in knowledge.members(OSTEO.Guideline):
        if homes & {each.path for each, triple in knowledge.by_subject[guideline] if triple.predicate == RDF.type}:
            wanted = _digests(knowledge, guideline)
            return next((text for text in texts if _sha256(text) in wanted), None)
    return None


def _against_source(
    knowledge: CheckedKnowledge, span: str, source: str, start: int, end: int, digest: str
) -> Iterator[KnowledgeFinding]:
    if not start < end <= len(source):
        shown = f"{start}-{end}"
        told = _OUTSIDE.filled({"length": str(len(source))})
        place = knowledge.place(span, OSTEO.spanEnd.value)
        yield knowledge.finding("error", "span", span, told, _CORRECT_POSITIONS, shown=shown, place=place)
    elif (found := _sha256(source[start:end])) != digest:
        told = _NOT_THERE.filled({"positions": f"{start}-{end}"})
        advice = _DIGEST_THERE.filled({"digest": found})
        property_, value = OSTEO.spanDigest.value, ox.Literal(digest)
        yield knowledge.finding("error", "span", span, told, advice, property_=property_, value=value)


def _against_package(
    knowledge: CheckedKnowledge, span: str, positions: tuple[str, str], digest: str
) -> Iterator[KnowledgeFinding]:
    """Compare a span with the released one: if it was moved it must have another digest, and else the same."""
    before = released_spans().get(span)
    if before is None:
        if any(document.given for document, _ in knowledge.by_subject[span]):
            place = knowledge.place(span, OSTEO.spanDigest.value)
            yield knowledge.finding("information", "span-not-checked", span, _NEW_SPAN, _NAME_SOURCE, place=place)
        return
    *stood, released = before
    moved = [
        (part, now) for part, now, then in zip(_PARTS_OF_A_SPAN, positions, stood, strict=True) if int(now) != int(then)
    ]
    if moved and digest == released:
        for part, now in moved:
            value = ox.Literal(now)
            told = _MOVED.filled({"before": "-".join(stood)})
            yield knowledge.finding("error", "span", span, told, _CORRECT_POSITIONS, property_=part.value, value=value)
    elif moved:
        place = knowledge.place(span, OSTEO.spanDigest.value)
        yield knowledge.finding("information", "span-not-checked", span, _NEW_SPAN, _NAME_SOURCE, place=place)
    elif digest != released:
        value, property_ = ox.Literal(digest), OSTEO.spanDigest.value
        advice = _DIGEST_THERE.filled({"digest": released})
        yield knowledge.finding("error", "span", span, _OTHER_DIGEST, advice, property_=property_, value=value)


def _unlike_released(knowledge: CheckedKnowledge) -> Iterator[KnowledgeFinding]:
    """Tell where answers tell something else than when the guideline was released, though none is decided otherwise."""
    released = released_parts()
    for kind, property_ in PARTS.items():
        for iri in knowledge.members(kind):
            now, then = set(knowledge.lookup.objects(iri, property_)), released.get(iri, frozenset())
            new = now - then if then and property_ == OSTEO.hasMember else set()  # a new rule is touched, and told of
            gone = {each for each in then - now if each in knowledge.kinds}  # a renamed one is touched by its new name
            for part in sorted(gone | new):
                told = (_NAMED_NOW if part in now else _NAMED_ONCE).filled(
                    {"property": knowledge.name(property_.value), "part": knowledge.name(part)}
                )
                yield knowledge.finding(
                    "information", "unlike-released", iri, told, _IF_MEANT, property_=property_.value
                )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


_OTHER_FACT = BilingualText(
    "This fact of the record does not settle what the criterion tests.",
    "Ce fait du dossier ne tranche pas ce que teste le critère.",
)
_LACKING_FACT = BilingualText(
    "What the criterion tests rests on {facts} too.", "Ce que teste le critère repose aussi sur {facts}."
)
_NAME_FACTS = BilingualText("Name {facts} with osteo:restsOn.", "Nommer {facts} par osteo:restsOn.")
_NOT_IN_LABEL = BilingualText(
    "This bound is not among the numbers of the label: ",
    "Cette borne n’est pas parmi les nombres du libellé : ",
)
_ONE_OF_BOTH = BilingualText("Correct the bound or the label.", "Corriger la borne ou le libellé.")
_OTHER_SOURCE = BilingualText(
    "The source that was given is that of no guideline: this is its SHA-256.",
    "La source donnée n’est celle d’aucune recommandation : voici son empreinte SHA-256.",
)
_GIVE_IT = BilingualText(
    "Give the text that the guideline was written from, byte for byte.",
    "Donner le texte dont la recommandation a été tirée, octet pour octet.",
)
_OUTSIDE = BilingualText(
    "The span does not lie in the source, which has {length} characters.",
    "Le passage n’est pas dans la source, qui compte {length} caractères.",
)
_NOT_THERE = BilingualText(
    "At {positions} the source does not have what this SHA-256 was made of.",
    "En {positions}, la source n’a pas ce dont cette empreinte SHA-256 a été tirée.",
)
_DIGEST_THERE = BilingualText(
    "Correct the positions, or write {digest}.", "Corriger les positions, ou écrire {digest}."
)
_MOVED = BilingualText(
    "The span was moved from {before}, and its SHA-256 was not changed.",
    "Le passage a été déplacé depuis {before}, sans que son empreinte SHA-256 ait changé.",
)
_CORRECT_POSITIONS = BilingualText(
    "Correct the positions, or compute the SHA-256 anew.", "Corriger les positions, ou recalculer l’empreinte SHA-256."
)
_OTHER_DIGEST = BilingualText(
    "The SHA-256 was changed, and the positions of the span were not.",
    "L’empreinte SHA-256 a été changée, sans que les positions du passage l’aient été.",
)
_NEW_SPAN = BilingualText(
    "Whether this stands in the source was not checked.", "Il n’a pas été vérifié que ceci se trouve dans la source."
)
_NAME_SOURCE = BilingualText("Name the text of the source with --source.", "Nommer le texte de la source par --source.")
_NAMED_ONCE = BilingualText(
    "When it was released, {property} named {part} here too: answers no longer tell of it.",
    "À la publication, {property} nommait aussi {part} ici : les réponses n’en parlent plus.",
)
_NAMED_NOW = BilingualText(
    "When it was released, {property} did not name {part} here: answers tell of it now.",
    "À la publication, {property} ne nommait pas {part} ici : les réponses en parlent maintenant.",
)
_IF_MEANT = BilingualText("Undo it, unless it is meant.", "L’annuler, sauf si c’est voulu.")
