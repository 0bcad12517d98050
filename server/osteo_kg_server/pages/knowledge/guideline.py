"""The page of a guideline: its rules in the order of the source, each beside its passage, and what was read into it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Response

from osteo_kg import Language
from osteo_kg.knowledge import Guideline, Listing, Rule, read_guideline
from osteo_kg.rdf import DCTERMS, OSTEO, SKOS
from osteo_kg_server.http.parameters import language
from osteo_kg_server.pages.knowledge.index import KnowledgeIndex, index, remembered
from osteo_kg_server.pages.knowledge.links import (
    Link,
    alternates_of,
    in_number_order,
    is_ours,
    link_to,
    links_to,
    name_of,
    sorted_links,
)
from osteo_kg_server.pages.knowledge.term import Passage, passages_of, span_of
from osteo_kg_server.pages.layout import page
from osteo_kg_server.pages.source import source_text

#: Of what the passages are that rules rest on; others are cited by interpretations only.
_RULING = (OSTEO.Rule, OSTEO.OptionListing, OSTEO.Obligation)
_BREAK = len("\n\n- ")  # characters between two sentences; no sentence is as short


@dataclass(frozen=True, slots=True)
class Listed:
    """An option that a rule lists: its line, and the conditions that reserve it."""

    option: Link
    line: str
    conditions: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class ShownRule:
    """A rule as the page shows it.

    Attributes:
        key: the end of its IRI, by which the page can be entered at it.
        lists: the options, by the criteria under which they are listed.
        touched_by: the interpretations that it, its criteria or its options rest on.
    """

    key: str
    link: Link
    restates: str
    passages: tuple[Passage, ...]
    criteria: tuple[Link, ...]
    disposition: Link
    strength: Link | None
    lists: tuple[tuple[tuple[Link, ...], tuple[Listed, ...]], ...]
    touched_by: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class ShownInterpretation:
    """A choice of reading, with the other one, and what it touches."""

    key: str
    link: Link
    question: str
    reading: str
    other_reading: str
    passages: tuple[Passage, ...]
    touches: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the source from one position to another, with what cites it; nothing where no rule does."""

    start: int
    end: int
    text: str | None
    rules: tuple[Link, ...]
    others: tuple[Link, ...]


@remembered
def guideline_page(iri: str) -> Response:
    """Make the page of a guideline."""
    known, spoken = index(), language()
    guideline = read_guideline(known.knowledge, iri)
    digest = next(iter(known.values(iri, OSTEO.spanDigest)), None)
    text = source_text(digest)
    writer = _Writer(known, guideline, spoken)
    definition = known.definition(iri)
    return page(
        "knowledge/guideline.html",
        spoken,
        title=guideline.label.get(spoken),
        alternates=alternates_of(iri),
        iri=iri,
        definition=definition.get(spoken) if definition else "",
        sources=known.values(iri, DCTERMS["source"]),
        review=links_to(known, known.values(iri, OSTEO.hasReviewStatus), spoken),
        module=links_to(known, [each for each in known.modules if iri in known.defined_by(each)], spoken),
        rules=[writer.rule(each) for each in writer.in_order_of_the_source()],
        interpretations=[writer.interpretation(each) for each in writer.interpretations()],
        obligations=links_to(known, [each.iri for each in guideline.obligations], spoken),
        options=links_to(known, [each.iri for each in guideline.options], spoken),
        stretches=list(_stretches(known, iri, text, spoken)),
        has_text=text is not None,
    )


class _Writer:
    """Writes rules and interpretations in one language."""

    def __init__(self, known: KnowledgeIndex, guideline: Guideline, language: Language) -> None:
        self._known, self._guideline, self._language = known, guideline, language

    def _link(self, iri: str) -> Link:
        return link_to(self._known, iri, self._language)

    def _links(self, iris: Iterable[str]) -> tuple[Link, ...]:
        return tuple(self._link(each) for each in iris)

    def in_order_of_the_source(self) -> list[Rule]:
        """Give the rules as their passages follow one another; those of one passage as the guideline orders them."""
        return sorted(self._guideline.rules, key=lambda rule: (rule.cites.start, rule.cites.end))

    def rule(self, rule: Rule) -> ShownRule:
        """Write one rule."""
        kinds = self._known.knowledge.terms.kinds
        listings = [each for each in self._guideline.listings.values() if each.rule == rule.iri]
        return ShownRule(
            rule.id,
            self._link(rule.iri),
            rule.restates.get(self._language),
            tuple(self._passages(rule.iri, *(each.iri for each in listings))),
            self._links(rule.criteria),
            self._link(kinds[OSTEO.Disposition][rule.disposition]),
            self._link(kinds[OSTEO.Strength][rule.strength]) if rule.strength else None,
            tuple(self._lists(listings)),
            tuple(self._touching(rule, listings)),
        )

    def _passages(self, *iris: str) -> list[Passage]:
        """Give the stretches that some resources cite, each once, as they follow one another."""
        found = {each: None for iri in iris for each in passages_of(self._known, iri, self._language)}
        return sorted(found, key=lambda each: (each.start, each.end))

    def _lists(self, listings: Iterable[Listing]) -> Iterator[tuple[tuple[Link, ...], tuple[Listed, ...]]]:
        places = {option.iri: place for place, option in enumerate(self._guideline.options)}
        groups: dict[tuple[str, ...], list[Listing]] = defaultdict(list)
        for each in sorted(listings, key=lambda each: places[each.option]):
            groups[tuple(self._known.values(each.iri, OSTEO.requires))].append(each)
        for criteria, listed in groups.items():
            yield self._links(criteria), tuple(map(self._listed, listed))

    def _listed(self, listing: Listing) -> Listed:
        lines = self._known.knowledge.terms.kinds[OSTEO.TreatmentLine]
        line = name_of(self._known, lines[listing.line], self._language) if listing.line else ""
        return Listed(self._link(listing.option), line, self._links(listing.reserved_by))

    def _touching(self, rule: Rule, listings: Iterable[Listing]) -> list[Link]:
        of_listings = [iri for each in listings for iri in (each.iri, *each.reserved_by)]
        touched = (rule.iri, *rule.criteria, *of_listings)
        return sorted_links(self._links(each.iri for each in self._guideline.interpretations_of(*touched)))

    def interpretations(self) -> list[str]:
        """Give the interpretations in the order of their numbers: I2 before I10."""
        found = sorted(self._guideline.interpretations, key=lambda each: in_number_order(each.key))
        return [each.iri for each in found]

    def interpretation(self, iri: str) -> ShownInterpretation:
        """Write one interpretation."""
        return ShownInterpretation(
            next(iter(self._known.values(iri, SKOS["notation"])), ""),
            self._link(iri),
            self._text(iri, "question"),
            self._text(iri, "reading"),
            self._text(iri, "otherReading"),
            tuple(passages_of(self._known, iri, self._language)),
            tuple(sorted_links(self._links(self._known.values(iri, OSTEO.touches)))),
        )

    def _text(self, iri: str, name: str) -> str:
        found = self._known.knowledge.triples.text(iri, OSTEO[name])
        return found.get(self._language) if found else ""


def _stretches(known: KnowledgeIndex, guideline: str, text: str | None, language: Language) -> Iterator[Stretch]:
    """Give the source from its beginning: the stretches that rules cite, and between them those that none does.

    Where the text is not at hand, what stands behind the last passage is not known to be there.
    """
    cited = {each: _citing(known, each) for each in known.instances(OSTEO.SourceSpan.value)}
    spans = {each: span for each in cited if each.startswith(f"{guideline}/") and (span := span_of(known, each))}
    ruling = {each: span for each, span in spans.items() if any(_rules(known, user) for user in cited[each])}
    last = 0
    for each, span in sorted(ruling.items(), key=lambda pair: (pair[1].start, pair[1].end)):
        yield from _uncited(known, last, span.start, text, spans.keys() - ruling.keys(), language)
        users = [user for user in cited[each] if _rules(known, user)]
        others = [user for user in cited[each] if not _rules(known, user) and not is_ours(user)]
        shown = text[span.start : span.end] if text else None
        yield Stretch(span.start, span.end, shown, _named(known, users, language), _named(known, others, language))
        last = max(last, span.end)
    if text:
        yield from _uncited(known, last, len(text), text, spans.keys() - ruling.keys(), language)


def _uncited(
    known: KnowledgeIndex, start: int, end: int, text: str | None, others: Iterable[str], language: Language
) -> Iterator[Stretch]:
    """Give a stretch that no rule cites, unless it only parts two sentences; and the interpretations that reach it."""
    if end - start <= _BREAK or (text and not any(sign.isalnum() for sign in text[start:end])):
        return
    spans = {each: span_of(known, each) for each in others}
    reaching = [each for each, span in spans.items() if span and span.start < end and start < span.end]
    users = {user for each in reaching for user in _citing(known, each)}
    yield Stretch(start, end, text[start:end].strip() if text else None, (), _named(known, users, language))


def _citing(known: KnowledgeIndex, span: str) -> list[str]:
    return [use.subject for use in known.uses(span) if use.predicate == OSTEO.cites.value]


def _rules(known: KnowledgeIndex, iri: str) -> bool:
    """Whether something is or belongs to a rule, and does not only say how one is read."""
    return any(each.value in known.kinds(iri) for each in _RULING)


def _named(known: KnowledgeIndex, iris: Iterable[str], language: Language) -> tuple[Link, ...]:
    return tuple(sorted_links(links_to(known, iris, language)))
