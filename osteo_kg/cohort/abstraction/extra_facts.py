"""What a source may say of a patient beyond her flat record: columns of truth values, which raise notices only."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case import Case, Remark, patient_iri
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, RDF, XSD, day_of, day_text, decimal_text, sparql

_PART = "part"
#: The columns of what a source says by a statement that is true, with its property.
STATED = {"is_deceased": OSTEO.isDeceased.value, "menopausal_status_assumed": OSTEO.menopausalStatusAssumed.value}
#: The columns of what its reader remarked, with a remark of that kind.
REMARKED = {
    "has_ignored_element": Remark("ignoredElement", _PART, OSTEO.TypeNotRead.value),
    "has_invalid_element": Remark("invalidElement", _PART),
    "has_open_level": Remark("openLevel", _PART),
    "has_doubtful_product": Remark("doubtfulProduct", _PART),
    "has_open_element": Remark("openElement", _PART, OSTEO.FractureHistory.value),  # told of an open section only
    "has_part_of_spine": Remark("partOfSpine", _PART),
    "has_date_assumed": Remark("dateAssumed", _PART),
}
#: The column of whether a site that never decides was measured.
MEASURED = "has_site_that_never_decides"
#: The column of whether a site counts that is read as another.
READ_AS = "has_site_read_as_another"
#: The column of whether a property of another vocabulary was passed over.
IGNORED = "has_ignored_property"
COLUMNS = (*STATED, *REMARKED, MEASURED, READ_AS, IGNORED)
_PLAUSIBLE = "0.0"


def parts(terms: Terms, on: datetime.date) -> Mapping[str, Case]:
    """Give for each column a case that says this alone, of a day where it is a measurement."""
    return dict(_parts(terms, on))


def _parts(terms: Terms, on: datetime.date) -> Iterator[tuple[str, Case]]:
    patient = ox.NamedNode(patient_iri(_PART))
    kind = ox.Triple(patient, RDF.type, OSTEO.Patient)
    for column, property_ in STATED.items():
        stated = ox.Triple(patient, ox.NamedNode(property_), ox.Literal("true", datatype=XSD.boolean))
        yield column, Case(_PART, patient.value, (kind, stated))
    for column, remark in REMARKED.items():
        yield column, Case(_PART, patient.value, (kind,), remarks=(remark,))
    yield IGNORED, Case(_PART, patient.value, (kind,), ignored=(_PART,))
    never = (iri for iri in sorted(terms.types) if OSTEO.PeripheralSite.value in terms.types[iri] - {iri})
    for column, sites in {MEASURED: never, READ_AS: iter(sorted(terms.limits["readAs"]))}.items():
        yield column, Case(_PART, patient.value, (kind, *_measured(patient, next(sites), on)))


def _measured(patient: ox.NamedNode, site: str, on: datetime.date) -> Iterator[ox.Triple]:
    entry = ox.BlankNode("entry")
    yield ox.Triple(patient, OSTEO.hasBoneDensitometry, entry)
    yield ox.Triple(entry, RDF.type, OSTEO.BoneDensitometry)
    yield ox.Triple(entry, OSTEO.hasSite, ox.NamedNode(site))
    yield ox.Triple(entry, OSTEO.tScore, ox.Literal(_PLAUSIBLE, datatype=XSD.decimal))
    yield ox.Triple(entry, OSTEO.performedOn, day_of(on))


# Entries of a case that decide nothing: renal function, and densitometries that do not count. Numbers of renal function
# that may leave a limit open, since it is set in another measure, are warned of: they stay.

_PERFORMED, _SITE = OSTEO.performedOn.value, OSTEO.hasSite.value
_TESTS, _MEASURED = OSTEO.hasRenalFunctionTest.value, OSTEO.hasBoneDensitometry.value
_CURRENT = "lift/2_current_axial_densitometry"
_SOME_DAY = " day"


@dataclass(frozen=True)
class ReducedCase:
    """A case without the entries that decide nothing.

    Attributes:
        case: what is left of it.
        texts: the entries that were taken out, each as a text without its day.
        last: the newest day of them; None where none has a day.
        told: the columns of what was said beyond a flat record, and is not in the case any more.
    """

    case: Case
    texts: tuple[str, ...] = ()
    last: str | None = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class IrrelevantEntries:
    """Takes entries out of cases.

    Attributes:
        terms: the vocabulary.
        background: what queries over one case need beside it.
        limit_measures: the measures in which each limit of renal function is set that answers tell.
    """

    terms: Terms
    background: tuple[ox.Quad, ...]
    limit_measures: tuple[frozenset[str], ...]

    def spared(self, case: Case) -> ReducedCase:
        """Take the entries out that decide nothing; none, where two measurements may contradict each other.

        Nor where one that another supersedes is lower than all that count: it decides nothing, and is told.
        """
        about = _About(case, self.terms)
        places = [about.place(entry) for entry in about.measured]
        if len(places) > len(set(places)):
            return ReducedCase(case)
        current = about.measured
        if len({site for site, _ in places}) < len(places):
            current = self._current(case)
        never = [entry for entry in about.measured if about.never_decides(entry)]
        older = [entry for entry in about.measured if entry not in (*current, *never)]
        if about.lowest(older) < about.lowest(current):
            return ReducedCase(case)
        read_as = [entry for entry in about.measured if entry in current and about.read_as(entry)]
        measures = about.renal_measures
        tests = [] if any(each.isdisjoint(measures) for each in self.limit_measures) else about.tests
        out = {*tests, *never, *older}
        told = ((MEASURED,) if never else ()) + ((READ_AS,) if read_as else ())
        days = [day_text(day) for entry in out if (day := about.value(entry, _PERFORMED))]
        texts = tuple(sorted(about.text(entry) for entry in out))
        kept = tuple(mended for triple in case.triples for mended in about.without(triple, out))
        return ReducedCase(replace(case, triples=kept), texts, max(days, default=None), told)

    def _current(self, case: Case) -> list[Any]:
        """Give the measurements that count, as lifting finds them: the newest of each site."""
        store = ox.Store()
        store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in case.triples)
        store.extend(self.background)
        sparql.extend(store, _CURRENT)
        counting = OSTEO.hasCurrentAxialDensitometry
        return [quad.object for quad in store.quads_for_pattern(None, counting, None)]


class _About:
    """What a case says of its entries."""

    def __init__(self, case: Case, terms: Terms) -> None:
        self._terms = terms
        self._said: dict[Any, list[ox.Triple]] = defaultdict(list)
        self._listed: dict[Any, str] = {}
        for triple in case.triples:
            self._said[triple.subject].append(triple)
            if triple.predicate.value in (_TESTS, _MEASURED):
                self._listed[triple.object] = triple.predicate.value
        self.tests = [entry for entry, listing in self._listed.items() if listing == _TESTS]
        self.measured = [entry for entry, listing in self._listed.items() if listing == _MEASURED]

    @property
    def renal_measures(self) -> frozenset[str]:
        """The properties by which the tests of renal function state their numbers."""
        return frozenset(triple.predicate.value for entry in self.tests for triple in self._said[entry])

    def value(self, entry: Any, property_: str) -> str:
        """Give the value of a property; empty where there is none."""
        values = (str(getattr(t.object, "value", "")) for t in self._said[entry] if t.predicate.value == property_)
        return next(values, "")

    def read_as(self, entry: Any) -> str | None:
        """Give the site that the site of a measurement is read as."""
        return next(iter(self._terms.limits["readAs"].get(self.value(entry, _SITE), ())), None)

    def never_decides(self, entry: Any) -> bool:
        """Whether a measurement is of a site that never decides."""
        return OSTEO.PeripheralSite.value in self._terms.types.get(self.value(entry, _SITE), ())

    def lowest(self, entries: Iterable[Any]) -> Decimal:
        """Give the lowest score of some measurements; one above all others where none has any."""
        scores = (decimal_text(self.value(entry, OSTEO.tScore.value)) for entry in entries)
        return min((Decimal(each) for each in scores if each), default=Decimal("inf"))

    def place(self, entry: Any) -> tuple[str, str]:
        """Give the site of a measurement, as it is read, and its day."""
        return self.read_as(entry) or self.value(entry, _SITE), self.value(entry, _PERFORMED)

    def text(self, entry: Any) -> str:
        """Write an entry without its day."""
        said = (
            f"{t.predicate}{_SOME_DAY if t.predicate.value == _PERFORMED else f' {t.object}'}"
            for t in self._said[entry]
        )
        return "\n".join([f"<{self._listed[entry]}>", *sorted(said)])

    def without(self, triple: ox.Triple, out: Container[Any]) -> Iterator[ox.Triple]:
        """Give a triple unless it speaks of an entry that is taken out; sides matter only to contradictions."""
        if triple.subject in out or triple.object in out:
            return
        entry = triple.subject
        if self._listed.get(entry) == _MEASURED and triple.predicate.value == _SITE and (site := self.read_as(entry)):
            yield ox.Triple(entry, triple.predicate, ox.NamedNode(site))
        elif self._listed.get(entry) != _MEASURED or triple.predicate != OSTEO.hasSide:
            yield triple


def part(text: str, on: datetime.date) -> Case:
    """Give a case that has this entry alone, of the day of assessment where it has a day."""
    patient = ox.NamedNode(patient_iri(_PART))
    listing, *said = text.replace(_SOME_DAY, f" {day_of(on)}").split("\n")
    lines = [
        f"{patient} {RDF.type} {OSTEO.Patient}",
        f"{patient} {listing} _:entry",
        *(f"_:entry {each}" for each in said),
    ]
    triples = ox.parse("".join(f"{line} .\n" for line in lines), format=ox.RdfFormat.N_TRIPLES)
    return Case(_PART, patient.value, tuple(each.triple for each in triples))
