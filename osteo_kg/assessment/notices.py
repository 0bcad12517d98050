"""Notices: what an answer tells beside its decision.

Each is an individual of `ontology/notices.ttl` with its limits and its sentence, found by the query of its name
(`queries/notice`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.assessment.model import Caution
from osteo_kg.bilingual import BilingualText, joined, shown_day, shown_element, shown_number
from osteo_kg.case import Case, CaseFacts, Finding
from osteo_kg.knowledge import Knowledge, Terms
from osteo_kg.rdf import DCTERMS, OSTEO, day_text, sparql

Saying = tuple[ox.NamedNode, ox.NamedNode | ox.Literal]  # a property of the patient, and its value
_OF_SOURCE = ("element-ignored", "element-invalid")
_READ_IT = BilingualText(
    "If it matters, give it in a form that is read.", "Si cette donnée est utile, la ressaisir sous une forme reconnue."
)


@dataclass(frozen=True, slots=True)
class NoticeDefinition:
    """One notice of the ontology.

    Attributes:
        category: a key of the categories of notices.
        template: its sentence, with words in braces that its query fills in.
        needs: terms without which its query finds nothing, by IRI (`osteo:needsTerm`).
    """

    iri: str
    code: str
    category: str
    template: BilingualText
    source: BilingualText
    needs: frozenset[str]


@dataclass(frozen=True, slots=True)
class RaisedNotice:
    """A notice raised by one case; `option` and `drug` are IRIs, where the query names them."""

    kind: NoticeDefinition
    message: BilingualText
    option: str | None
    drug: str | None


class Notices:
    """Finds the notices that a lifted case raises."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    @functools.cached_property
    def _said_once(self) -> frozenset[str]:
        return frozenset(iri for iri, is_so in self._knowledge.triples.pairs(OSTEO.isSaidOnce) if is_so == "true")

    @functools.cached_property
    def kinds(self) -> tuple[NoticeDefinition, ...]:
        """Every notice for which there is a query, by code."""
        return tuple(self._kinds())

    def raised(
        self,
        case_facts: CaseFacts,
        categories: Iterable[str] = ("warning", "assumption", "caution"),
        looking_at: ox.NamedNode | None = None,
    ) -> list[RaisedNotice]:
        """Give what a case raises, in the order of codes and then of messages, each message once.

        Args:
            case_facts: the case.
            categories: the kinds of notices wanted.
            looking_at: a property: only notices that need it.
        """
        wanted = frozenset(categories)
        stated = _stated(case_facts)
        found = {
            (kind.code, raised.message.en, raised.option or "", raised.drug or ""): raised
            for kind in self.kinds
            if kind.category in wanted and kind.needs <= stated
            if looking_at is None or looking_at.value in kind.needs
            for raised in self._rows(kind, case_facts)
        }
        return [found[key] for key in sorted(found)]

    def _rows(self, kind: NoticeDefinition, case_facts: CaseFacts) -> Iterator[RaisedNotice]:
        rows = list(sparql.select(case_facts.store, f"notice/{kind.code}"))
        shown = [{name: self._shown(name, value) for name, value in row.items()} for row in rows]
        if kind.iri in self._said_once:
            together = _together(shown)
            if together is not None:
                yield RaisedNotice(kind, kind.template.filled(together), None, None)
                return
        for row, values in zip(rows, shown, strict=True):
            yield RaisedNotice(kind, kind.template.filled(values), row.get("option"), row.get("drug"))

    def _shown(self, name: str, value: str) -> BilingualText:
        if value.startswith(OSTEO.iri):
            return self._knowledge.terms.label(value)
        if name in ("element", "elements"):
            return shown_element(value)
        return shown_day(day_text(value)) if name in ("day", "first", "last") else shown_number(value)

    def _kinds(self) -> Iterator[NoticeDefinition]:
        terms, triples = self._knowledge.terms, self._knowledge.triples
        for name in package_data.query_names("notice"):
            code = name.rsplit("/", 1)[-1]
            iri = terms.kinds[OSTEO.NoticeCode][code]
            template = triples.text(iri, OSTEO.messageText)
            assert template is not None  # the style shapes see to it
            category = next(word for word, class_ in _CATEGORIES.items() if terms.is_a(iri, class_))
            source = triples.value(iri, DCTERMS.source) or ""
            needs = frozenset(triples.objects(iri, OSTEO.needsTerm))
            yield NoticeDefinition(iri, code, category, template, BilingualText(source, source), needs)


def _together(rows: list[dict[str, BilingualText]]) -> dict[str, BilingualText] | None:
    """Put rows that differ in one word only into one, with that word of each; None where they differ in more."""
    differing = {name for row in rows for name, value in row.items() if value != rows[0].get(name)}
    if len(differing) != 1:
        return None
    [name] = differing
    words = sorted({row[name] for row in rows if name in row}, key=lambda text: text.en)
    return {**rows[0], name: joined(words, ", ")}


def described(code: str, terms: Terms) -> tuple[BilingualText, bool]:
    """Give what a notice is called, and whether it is a red flag."""
    iri = terms.kinds[OSTEO.NoticeCode][code]
    return terms.label(iri), iri in terms.red_flags


def cautions_of(raised: Iterable[RaisedNotice], drug: str) -> tuple[Caution, ...]:
    """Give the cautions about a drug, each once, however many options it belongs to."""
    found = {each.kind.code: each for each in raised if each.drug == drug}
    return tuple(Caution(each.kind.code, each.message, drug, each.kind.source) for each in found.values())


def source_findings(raised: Iterable[RaisedNotice], case: Case) -> tuple[Finding, ...]:
    """Make findings of what the reader said of elements of the source; no shape sees them."""
    return tuple(
        Finding("warning", case.patient, "source", None, each.message, _READ_IT, notice=each.kind.code)
        for each in raised
        if each.kind.code in _OF_SOURCE
    )


def _stated(case_facts: CaseFacts) -> frozenset[str]:
    """Give the properties of the patient, and every value that is stated of anything."""
    patient = ox.NamedNode(case_facts.case.iri)
    properties = {quad.predicate.value for quad in case_facts.store.quads_for_pattern(patient, None, None)}
    quads = case_facts.store.quads_for_pattern(None, None, None)
    return frozenset(properties | {quad.object.value for quad in quads if isinstance(quad.object, ox.NamedNode)})


_CATEGORIES = {
    "warning": OSTEO.WarningCode,
    "assumption": OSTEO.AssumptionCode,
    "caution": OSTEO.CautionCode,
    "safety": OSTEO.SafetyCautionCode,
}
