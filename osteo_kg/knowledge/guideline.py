"""A guideline as frozen values, read from the ontology.

Nothing here knows what any rule says.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.bilingual import BilingualText
from osteo_kg.errors import KnowledgeError, UsageError
from osteo_kg.knowledge.loading import Knowledge, packaged_knowledge
from osteo_kg.rdf import GUIDELINE, ONTOLOGY, OSTEO, RDF, RDFS, local_name

BOUNDS = ("above", "atLeast", "atMost", "below")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the source: first and last position in code points, end exclusive, and the SHA-256 of its UTF-8."""

    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """A condition on one patient.

    Attributes:
        facts: the facts of the record that settle it, by IRI.
        tested: the class, statement or number that it looks at, by IRI.
        bounds: for a threshold criterion, its bounds by name (`above`, `atLeast`, `atMost`, `below`).
    """

    iri: str
    label: BilingualText
    facts: tuple[str, ...]
    tested: str
    bounds: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The place that a rule gives to an option."""

    iri: str
    rule: str
    option: str
    reserved_by: tuple[str, ...]
    line: str | None


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of drug treatment, with its member drugs."""

    iri: str
    key: str
    label: BilingualText
    drugs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Criteria that, all met, lead to one disposition."""

    iri: str
    id: str
    label: BilingualText
    restates: BilingualText
    cites: Span
    criteria: tuple[str, ...]
    disposition: str
    strength: str | None


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something to be done beside the choice of a drug."""

    iri: str
    key: str
    label: BilingualText


@dataclass(frozen=True, slots=True)
class Interpretation:
    """A choice of reading, and what would change with it.

    Attributes:
        other_reading: what another reading says; None where there is none.
    """

    iri: str
    key: str
    label: BilingualText
    touches: frozenset[str]
    arises_when: str | None
    other_reading: BilingualText | None = None


@dataclass(frozen=True)
class Guideline:
    """Everything that one guideline says, in the order in which it is shown."""

    iri: str
    id: str
    label: BilingualText
    review: str
    rules: tuple[Rule, ...]
    criteria: Mapping[str, Criterion]
    options: tuple[Option, ...]
    listings: Mapping[str, Listing]
    obligations: tuple[Obligation, ...]
    interpretations: tuple[Interpretation, ...]

    def interpretations_of(self, *touched: str) -> tuple[Interpretation, ...]:
        """Give the interpretations that touch any of these IRIs."""
        numbers = {number for each in touched for number in self._touching.get(each, ())}
        return tuple(self.interpretations[number] for number in sorted(numbers))

    @functools.cached_property
    def _touching(self) -> Mapping[str, tuple[int, ...]]:
        touched = {iri for each in self.interpretations for iri in each.touches}
        return {iri: tuple(n for n, each in enumerate(self.interpretations) if iri in each.touches) for iri in touched}

    @functools.cached_property
    def disposition_keys(self) -> frozenset[str]:
        """Every disposition that some rule gives."""
        return frozenset(rule.disposition for rule in self.rules)


def read_guideline(knowledge: Knowledge, identifier: str) -> Guideline:
    """Read one guideline out of the loaded modules.

    Raises:
        UsageError: no module holds this guideline.
        KnowledgeError: a rule or a criterion lacks what it must have.
    """
    iri = identifier if identifier.startswith("http") else GUIDELINE + identifier
    known = sorted(local_name(each) for each in knowledge.triples.subjects(RDF.type, OSTEO.Guideline))
    if local_name(iri) not in known:
        raise UsageError(f"There is no guideline {identifier!r}.", advice=f"Name one of: {', '.join(known)}.")
    own = knowledge.of_guideline(iri)
    triples, terms = own.triples, own.terms

    def get(subject: str, name: str) -> list[str]:
        return triples.objects(subject, OSTEO[name])

    def one(subject: str, name: str) -> str:
        found = get(subject, name)
        if not found:
            raise KnowledgeError(f"{subject} has no osteo:{name}.", advice="Complete the guideline module.")
        return found[0]

    def text(subject: str, name: ox.NamedNode) -> BilingualText:
        found = triples.text(subject, name)
        if found is None:
            raise KnowledgeError(f"{subject} has no {local_name(name)} in English.", advice="Add one.")
        return found

    def ordered(subjects: list[str]) -> list[str]:
        return sorted(subjects, key=lambda each: (int(triples.value(each, OSTEO.displayOrder) or 0), each))

    def span(subject: str) -> Span:
        spans = [
            Span(int(one(each, "spanStart")), int(one(each, "spanEnd")), one(each, "spanDigest"))
            for each in get(subject, "cites")
        ]
        if not spans:
            raise KnowledgeError(f"{subject} cites no span of the source.", advice="Add osteo:cites.")
        return min(spans, key=lambda each: each.start)

    def criterion(subject: str) -> Criterion:
        tested = [value for name in _TESTS for value in get(subject, name)]
        if len(tested) != 1:
            raise KnowledgeError(f"{subject} must test one thing, not {len(tested)}.", advice=f"Use one of {_TESTS}.")
        for name in ("testsClass", "testsAbsenceOf"):
            if tested == get(subject, name) and not triples.objects(tested[0], RDF.type):
                raise KnowledgeError(
                    f"{subject} tests {tested[0]}, a class that no module of the guideline declares.",
                    advice="Declare a class of your own.",
                )
        bounds = tuple((name, Decimal(value)) for name in BOUNDS for value in get(subject, name))
        return Criterion(subject, text(subject, RDFS.label), tuple(get(subject, "restsOn")), tested[0], bounds)

    rules = tuple(
        Rule(
            iri=rule,
            id=local_name(rule),
            label=text(rule, RDFS.label),
            restates=text(rule, OSTEO.restates),
            cites=span(rule),
            criteria=tuple(get(rule, "requires")),
            disposition=terms.key(one(rule, "recommends")),
            strength=next((terms.key(each) for each in get(rule, "hasStrength")), None),
        )
        for rule in ordered(get(iri, "hasRule"))
    )
    listings = {
        listing: Listing(
            iri=listing,
            rule=rule.iri,
            option=one(listing, "listsOption"),
            reserved_by=tuple(get(listing, "isReservedBy")),
            line=next((terms.key(each) for each in get(listing, "hasLine")), None),
        )
        for rule in rules
        for listing in get(rule.iri, "hasListing")
    }
    interpretations = tuple(
        Interpretation(
            iri=each,
            key=terms.key(each),
            label=text(each, RDFS.label),
            touches=frozenset(get(each, "touches")),
            arises_when=next(iter(get(each, "arisesWhen")), None),
            other_reading=triples.text(each, OSTEO.otherReading),
        )
        for each in ordered(get(iri, "hasInterpretation"))
    )
    named = {
        *(each for rule in rules for each in rule.criteria),
        *(each for listing in listings.values() for each in (*listing.reserved_by, *get(listing.iri, "requires"))),
        *(each.arises_when for each in interpretations if each.arises_when),
        *(each for obligation in get(iri, "setsObligation") for each in get(obligation, "isDueWhen")),
    }
    return Guideline(
        iri=iri,
        id=local_name(iri),
        label=text(iri, RDFS.label),
        review=terms.key(one(iri, "hasReviewStatus")),
        rules=rules,
        criteria={each: criterion(each) for each in sorted(named)},
        options=tuple(
            Option(each, terms.key(each), text(each, RDFS.label), tuple(get(each, "hasMember")))
            for each in ordered(get(iri, "hasOption"))
        ),
        listings=listings,
        obligations=tuple(
            Obligation(each, terms.key(each), text(each, RDFS.label)) for each in ordered(get(iri, "setsObligation"))
        ),
        interpretations=interpretations,
    )


_TESTS = ("testsClass", "testsAbsenceOf", "testsStatement", "measures")


# A guideline to start from: a small one, invented, in which everything is to be changed.

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
