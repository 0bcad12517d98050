"""What a source may say of a patient beyond her flat record: columns of truth values, which raise notices only."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case import RENAL_FUNCTION, Case, Remark, measured, patient_iri
from osteo_kg.cohort.abstraction.measurements import (
    Measured,
    columns_of,
    contradict,
    counting,
    lowest_of_each,
    period,
)
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, RDF, XSD, day_of, day_text, period_of, period_text

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
_A_NUMBER = ox.Literal("1.0", datatype=XSD.decimal)  # which may be a score, or of renal function
_A_MONTH = len("2026-11")


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
        yield column, measured_case([(next(sites), Decimal(_A_NUMBER.value), on)])


def measured_case(entries: Iterable[tuple[str, Decimal, datetime.date | None]]) -> Case:
    """Give a case that has measurements alone: the site, the score and the day of each."""
    patient = ox.NamedNode(patient_iri(_PART))
    triples = [ox.Triple(patient, RDF.type, OSTEO.Patient)]
    for number, (site, score, day) in enumerate(entries):
        entry = ox.BlankNode(f"entry{number}")
        triples += [
            ox.Triple(patient, OSTEO.hasBoneDensitometry, entry),
            ox.Triple(entry, RDF.type, OSTEO.BoneDensitometry),
            ox.Triple(entry, OSTEO.hasSite, ox.NamedNode(site)),
            ox.Triple(entry, OSTEO.tScore, ox.Literal(f"{score:f}", datatype=XSD.decimal)),
            *([] if day is None else [ox.Triple(entry, OSTEO.performedOn, day_of(day))]),
        ]
    return Case(_PART, patient.value, tuple(triples))


# Measurements of a case, which columns hold apart: the numbers that count, and a text of each entry for the shapes.

_PERFORMED, _SITE, _SIDE = OSTEO.performedOn.value, OSTEO.hasSite.value, OSTEO.hasSide.value
_FROM, _UNTIL = OSTEO.performedFrom.value, OSTEO.performedUntil.value
_TESTS, _MEASURED = OSTEO.hasRenalFunctionTest.value, OSTEO.hasBoneDensitometry.value
_SOME_DAY, _SOME_NUMBER, _SOME_FIRST, _SOME_LAST = " day", " number", " first", " last"
_OF_SCORES = {RDF.type.value, OSTEO.tScore.value, _SITE, _SIDE, _PERFORMED, _FROM, _UNTIL}
_NUMBERS = {OSTEO.tScore.value: "", **{str(f.property and f.property.value): f.key for f in measured(RENAL_FUNCTION)}}
_OF_TESTS = {RDF.type.value, _PERFORMED, *(_NUMBERS.keys() - {OSTEO.tScore.value})}


@dataclass(frozen=True)
class ReducedCase:
    """A case without its measurements.

    Attributes:
        case: what is left of it.
        record: the measurements that count, by key of a flat record.
        beside: what is so of them beyond a flat record, by column.
        texts: the entries, each as a text without its numbers and days.
        numbers: the numbers, each as a text after its property.
        last: the newest day on which one began; None where none has a day.
        told: the columns of what was said beyond a flat record, and is not in the case any more.
    """

    case: Case
    record: Mapping[str, Any]
    beside: Mapping[str, Any]
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    last: str | None = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class MeasuredEntries:
    """Takes measurements out of cases.

    Attributes:
        terms: the vocabulary.
        months_apart: how many months may lie between measurements that count without a word; None for any number.
    """

    terms: Terms
    months_apart: int | None

    def reduced(self, case: Case) -> ReducedCase | None:
        """Take the measurements out; None where columns do not hold them all, or two contradict each other."""
        about = _About(case, self.terms)
        scores = [about.score(entry) for entry in about.measured]
        numbers = [number for entry in about.tests for number in about.renal(entry)]
        if None in scores or None in numbers:
            return None
        stated = [each for each in scores if each is not None]
        known = [each for each in stated if not about.never_decides(each.entry)]
        found = columns_of(known, self.months_apart)
        if found is None or contradict(stated):
            return None
        record, beside = found
        out = {*about.tests, *about.measured}
        is_read_as = any(about.read_as(each.entry) for each in counting(known))
        told = ((MEASURED,) if len(known) < len(about.measured) else ()) + ((READ_AS,) if is_read_as else ())
        days = [day for entry in out if (day := about.day(entry, _PERFORMED) or about.day(entry, _FROM))]
        return ReducedCase(
            replace(case, triples=tuple(t for t in case.triples if t.subject not in out and t.object not in out)),
            record | lowest_of_each(each for each in numbers if each is not None),
            beside,
            tuple(sorted({about.text(entry) for entry in out})),
            tuple(sorted({number for entry in out for number in about.numbers(entry)})),
            max(days, default=None),
            told,
        )


class _About:
    """What a case says of its measurements."""

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

    def _value(self, entry: Any, property_: str) -> str:
        """Give the value of a property; empty where there is none."""
        values = (str(getattr(t.object, "value", "")) for t in self._said[entry] if t.predicate.value == property_)
        return next(values, "")

    def day(self, entry: Any, property_: str) -> str:
        """Give a day; empty where there is none, and where what is stated is none."""
        days = (t.object for t in self._said[entry] if t.predicate.value == property_)
        return next((day_text(d.value) for d in days if isinstance(d, ox.Literal) and d.datatype == XSD.dateTime), "")

    def read_as(self, entry: Any) -> str | None:
        """Give the site that the site of a measurement is read as."""
        return next(iter(self._terms.limits["readAs"].get(self._value(entry, _SITE), ())), None)

    def never_decides(self, entry: Any) -> bool:
        """Whether a measurement is of a site that never decides."""
        return OSTEO.PeripheralSite.value in self._terms.types.get(self._value(entry, _SITE), ())

    def score(self, entry: Any) -> Measured | None:
        """Give the score of a measurement; None where it does not say one thing each."""
        site = self.read_as(entry) or self._value(entry, _SITE)
        place = site if self.never_decides(entry) else self._terms.record_keys.get(site)
        found = self._number(entry, OSTEO.tScore.value)
        days = period(*(self.day(entry, name) for name in (_PERFORMED, _FROM, _UNTIL)))
        if not self._says_once(entry, _OF_SCORES) or place is None or found is None or days is None:
            return None
        return Measured(entry, place, found, *days, side=self._value(entry, _SIDE))

    def renal(self, entry: Any) -> Iterator[Measured | None]:
        """Give the numbers of a test of renal function; None for one that is none."""
        if not self._says_once(entry, _OF_TESTS):
            yield None
        day = self.day(entry, _PERFORMED)
        for name in dict.fromkeys(t.predicate.value for t in self._said[entry] if t.predicate.value in _NUMBERS):
            number = self._number(entry, name)
            yield None if number is None else Measured(entry, _NUMBERS[name], number, day, day)

    def _says_once(self, entry: Any, properties: Container[str]) -> bool:
        said = [t.predicate.value for t in self._said[entry]]
        return len(said) == len(set(said)) and all(each in properties for each in said)

    def _number(self, entry: Any, property_: str) -> Decimal | None:
        found = [t.object for t in self._said[entry] if t.predicate.value == property_]
        [literal] = found if len(found) == 1 else [None]
        return Decimal(literal.value) if isinstance(literal, ox.Literal) and literal.datatype == XSD.decimal else None

    def numbers(self, entry: Any) -> Iterator[str]:
        """Write each number of an entry after its property."""
        for triple in self._said[entry]:
            if _stand_in(triple) == _SOME_NUMBER and isinstance(triple.object, ox.Literal):
                yield f"{triple.predicate.value} {triple.object.value}"

    def text(self, entry: Any) -> str:
        """Write an entry without its numbers and its days."""
        is_period = period_text(self.day(entry, _FROM), self.day(entry, _UNTIL)) is not None
        said = (
            f"{t.predicate}{(_stand_in(t) or (_PERIODS.get(t.predicate.value) if is_period else '')) or f' {t.object}'}"
            for t in self._said[entry]
        )
        return "\n".join([f"<{self._listed[entry]}>", *sorted(said)])


_PERIODS = {_FROM: _SOME_FIRST, _UNTIL: _SOME_LAST}


def _stand_in(triple: ox.Triple) -> str:
    """Give what stands for the day or the number of an entry in its text; empty where it is neither as it should be."""
    datatype = triple.object.datatype if isinstance(triple.object, ox.Literal) else None
    if triple.predicate.value == _PERFORMED and datatype == XSD.dateTime:
        return _SOME_DAY
    return _SOME_NUMBER if triple.predicate.value in _NUMBERS and datatype == XSD.decimal else ""


def passing(found: Iterable[ReducedCase], parts: LibraryProbe) -> Callable[[ReducedCase], bool]:
    """Give what says whether the shapes have nothing against the measurements of each of some cases."""
    reduced = list(found)
    texts = {text for each in reduced for text in each.texts}
    wrong = {text for text in texts if not parts.passes(part(text, parts.on))}
    wrong |= set(parts.screen.refused_numbers({number for each in reduced for number in each.numbers}))
    return lambda each: wrong.isdisjoint({*each.texts, *each.numbers}) and (each.last or "") <= parts.on.isoformat()


def part(text: str, on: datetime.date) -> Case:
    """Give a case that has this entry alone, of the day or the month of assessment where it has a day or a period."""
    patient = ox.NamedNode(patient_iri(_PART))
    month = period_of(on.isoformat()[:_A_MONTH])
    assert month is not None  # a day is in a month
    for stand_in, day in ((_SOME_DAY, on), (_SOME_FIRST, month[0]), (_SOME_LAST, month[1])):
        text = text.replace(f">{stand_in}", f"> {day_of(day)}")
    listing, *said = text.replace(f">{_SOME_NUMBER}", f"> {_A_NUMBER}").split("\n")
    lines = [
        f"{patient} {RDF.type} {OSTEO.Patient}",
        f"{patient} {listing} _:entry",
        *(f"_:entry {each}" for each in said),
    ]
    triples = ox.parse("".join(f"{line} .\n" for line in lines), format=ox.RdfFormat.N_TRIPLES)
    return Case(_PART, patient.value, tuple(each.triple for each in triples))
