"""From columns to situations: one expression, compiled from the loaded ontology, for every engine that Ibis speaks.

Every dimension of the situation space is one column, every notice one bit. Sections are left as texts; what the
library reads in the different texts is joined back (`entries.py`).
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import ibis
import ibis.expr.types as ir

from osteo_kg.case import (
    CODED,
    DENSITOMETRY,
    RENAL_FUNCTION,
    SCORES,
    SECTIONS,
    STATEMENTS,
    Case,
    Field,
    Measurement,
    day_field,
    measured,
)
from osteo_kg.cohort.abstraction import columns, extra_facts
from osteo_kg.cohort.abstraction.columns import Cuts, Numbering, day_cuts, number_cuts
from osteo_kg.cohort.abstraction.entry_lists import SectionReader
from osteo_kg.cohort.abstraction.measurement_notices import MeasurementNotices
from osteo_kg.cohort.abstraction.probes import ConditionalNotice, LibraryProbe
from osteo_kg.cohort.abstraction.renal_limits import RenalLimits
from osteo_kg.cohort.abstraction.scores import LOWEST, Scores
from osteo_kg.cohort.abstraction.shape_conditions import Condition, certain_numbers, number_ranges, whole_range
from osteo_kg.rdf import LIFTED, OSTEO, XSD
from osteo_kg.reasoning import LOWEST_T_SCORE, UNKNOWN, BandDimension, CodedDimension, Key, StatementDimension

_DAY_KEY = day_field(DENSITOMETRY).key
_PERIOD = day_field(DENSITOMETRY).period or ()
_MEASUREMENTS = (DENSITOMETRY, RENAL_FUNCTION)
_YEARS = OSTEO.completedYears.value
_AGES = (-999, 999)
_FAR = Decimal(1000)
_PARTS = ((4, "-01-01"), (7, "-01"))  # of a day as text: its year and its month, with what makes each its first day
_YEAR = timedelta(days=366)
_REACH = 400  # numbers on each side of nought that the ranges of the shapes are looked for in


class Abstraction:
    """Maps flat records to situations and notices.

    Args:
        parts: what reads parts of records for a guideline and a day.
    """

    def __init__(self, parts: LibraryProbe) -> None:
        self._parts = parts
        self._screen = parts.screen
        self.sections = {key: SectionReader(key, parts) for key in SECTIONS}
        self.renal_limits = RenalLimits(parts)
        self._days = day_cuts(parts)
        self._ages = number_cuts(parts, _YEARS)
        self._raised_before: dict[str, frozenset[ConditionalNotice]] = {}
        self.scores = Scores(parts, self._measured, self._told, self._score_condition)
        self._numbers = Numbering({each.fact: self._values_of(each) for each in parts.space.dimensions})
        self._weights = self._numbers.weights

    def key(self, situation: int) -> Key:
        """Give the situation that a number stands for."""
        return self._parts.space.canonical(self._numbers.values(situation))

    def stage(self, flat: ir.Table, scores: ir.Table) -> ir.Table:
        """Give what columns say of each record: whether it is plain, its situation and notices without its sections.

        Args:
            flat: the records.
            scores: what was read of the scores of few decimals.
        """
        apart = self._without_scores(columns.completed(flat))
        whole = self.scores.joined(apart, scores)
        passing = (self.scores.passes(whole, key) for key in SCORES)
        kept = ("file", "number", "patient", "readable", "renal", *SECTIONS, *self._companions)
        return whole.select(
            *kept,
            plain=functools.reduce(operator.and_, passing, whole.plain),
            situation=whole.situation + self.scores.place(whole) * self._weights.get(self._lowest, 0),
            marks=whole.marks | self.scores.marks(whole),
            score=self.scores.rounded(whole),
        )

    def _without_scores(self, flat: ir.Table) -> ir.Table:
        """Give what columns say of each record beside what its scores are by themselves: before anything is joined."""
        born, years = columns.years(flat, self._parts.on)
        whole, fewest = flat.mutate(**{LOWEST: columns.least(flat)}, born=born, years=years), self._parts.fewest
        return whole.select(
            "file",
            "number",
            "patient",
            LOWEST,
            *self.scores.read_of(whole),
            readable=_is_readable(whole),
            plain=functools.reduce(operator.and_, self._plain(whole)),
            situation=self._situation(whole),
            marks=self._marks(whole),
            renal=self.renal_limits.places(whole),
            **{k: columns.list_text(whole, k, self._is_open(whole, s.value), fewest) for k, s in SECTIONS.items()},
            **self._beside(whole),
        )

    def _is_open(self, flat: ir.Table, section: str) -> Any:
        """Say of which records something in a section, by its IRI, could not be read."""
        return columns.is_open(flat, self._parts.knowledge_base.knowledge.terms.key(section))

    def texts(self, stage: ir.Table, key: str) -> ir.Table:
        """Give the different lists of a section."""
        return stage.filter(stage.plain).select(text=stage[key]).distinct()

    def dictionary(self, key: str, texts: Iterable[str]) -> dict[str, list[Any]]:
        """Read the different lists of a section: what each adds to a situation and to the notices."""
        asked = list(texts)
        reader = self.sections[key]
        weight = self._weights.get(reader.fact, 0)
        read = reader.read(asked)
        return {
            f"{key}_text": asked,
            f"{key}_plain": [each.plain for each in read],
            f"{key}_situation": [each.value * weight for each in read],
            f"{key}_marks": [each.marks for each in read],
            **{
                f"{key}_{_said(*companion)}": [each.beside[number] if each.beside else 0 for each in read]
                for number, companion in enumerate(reader.companions)
            },
        }

    def whole(self, stage: ir.Table, dictionaries: Mapping[str, ir.Table], renal: ir.Table | None = None) -> ir.Table:
        """Join back what was read in the lists, and in numbers of renal function beside them."""
        joined, told = (
            self.renal_limits.joined(stage, renal) if renal is not None else (stage, ibis.literal(0, "int64"))
        )
        for key, table in dictionaries.items():
            joined = joined.left_join(table, joined[key] == table[f"{key}_text"])
        plain, situation, marks = joined.plain, joined.situation, joined.marks | told
        for key in dictionaries:
            plain = plain & joined[f"{key}_plain"].fill_null(False)
            situation = situation + joined[f"{key}_situation"]
            marks = marks | joined[f"{key}_marks"]
            for said in (_said(*each) for each in self.sections[key].companions):
                marks = marks | ibis.ifelse(joined[said], joined[f"{key}_{said}"], 0)
        return joined.select(
            "file", "number", "patient", "score", "readable", plain=plain, situation=situation, marks=marks
        )

    def _values_of(self, dimension: Any) -> Sequence[str]:
        if isinstance(dimension, CodedDimension):
            return (UNKNOWN, *sorted(dimension.iris))
        if isinstance(dimension, StatementDimension):
            return (UNKNOWN, "true", "false")
        if isinstance(dimension, BandDimension):
            examples = (*self._cuts(dimension.predicate).examples(-_FAR, _FAR), None)
            opens = (False, True) if dimension.section else (False,)
            return tuple(dimension.value_of(each, is_open) for is_open in opens for each in examples)
        return next(reader.values for reader in self.sections.values() if reader.fact == dimension.fact)

    def _cuts(self, predicate: str) -> Cuts[Decimal]:
        return self.scores.cuts if predicate == LOWEST_T_SCORE else self._ages

    def _situation(self, flat: ir.Table) -> Any:
        total: Any = ibis.literal(0, "int64")
        for dimension in self._parts.space.dimensions:
            place: Any = None
            if isinstance(dimension, CodedDimension):
                place = _place(flat[_key(CODED, dimension.predicate)], sorted(dimension.iris))
            elif isinstance(dimension, StatementDimension):
                place = _place(flat[_key(STATEMENTS, dimension.predicate)], [True, False])
            elif isinstance(dimension, BandDimension):
                is_of_scores = dimension.predicate == LOWEST_T_SCORE  # whose place is joined
                place = ibis.literal(0, "int64") if is_of_scores else self._ages.place(flat.years)
                if dimension.section:
                    several = self._cuts(dimension.predicate).none + 1
                    place = place + self._is_open(flat, dimension.section).cast("int64") * several
            if place is not None:
                total = total + place.cast("int64") * self._weights[dimension.fact]
        return total

    def _beside(self, flat: ir.Table) -> dict[str, Any]:
        """Say where each statement holds that notices look at together with the entries of a section."""
        return {name: (flat[key] == truth).fill_null(False) for name, (key, truth) in self._companions.items()}

    @functools.cached_property
    def _companions(self) -> dict[str, tuple[str, bool]]:
        companions = {each for reader in self.sections.values() for each in reader.companions}
        return {_said(*each): each for each in sorted(companions)}

    @functools.cached_property
    def _lowest(self) -> str:
        """The fact whose bands the lowest score lies in."""
        bands = (each for each in self._parts.space.dimensions if isinstance(each, BandDimension))
        return next((each.fact for each in bands if each.predicate == LOWEST_T_SCORE), "")

    # what columns raise

    def _marks(self, flat: ir.Table) -> Any:
        measured = functools.reduce(operator.or_, [self._day_marks(flat), *self._absent_marks(flat)])
        found = [ibis.ifelse(flat.lowest.isnull(), 0, measured), self._age_marks(flat), *self._open_marks(flat)]
        found += [self._marks_of_none(flat, each) for each in _MEASUREMENTS]
        found += MeasurementNotices(self._parts).marks(flat)
        found += [ibis.ifelse(flat[name], self._parts.mask_of(case), 0) for name, case in self._told_beyond(flat)]
        return functools.reduce(operator.or_, found)

    def _told(self, record: Mapping[str, Any], beyond: Mapping[str, Any] = MappingProxyType({})) -> int:
        """Give the bits of the notices of a record, with every answer, that another one does not raise."""
        return self._parts.marks.mask(self._raised(record) - self._raised(beyond))

    def _raised(self, record: Mapping[str, Any]) -> frozenset[ConditionalNotice]:
        known = repr(sorted(record.items()))
        if known not in self._raised_before:
            self._raised_before[known] = frozenset(self._parts.raised_with_answers(record))
        return self._raised_before[known]

    @property
    def _measured(self) -> dict[str, Any]:
        """A record that states a score everywhere, of the day of assessment."""
        return dict.fromkeys(SCORES, Decimal(0)) | {_DAY_KEY: str(self._parts.on)}

    def _day_marks(self, flat: ir.Table) -> Any:
        """Give the notices of the day of the measurements, and of its absence, where there are any."""
        masks = [self._told(self._measured | {_DAY_KEY: str(day)}, self._measured) for day in self._example_days]
        undated = self._told(dict.fromkeys(SCORES, Decimal(0)), self._measured)
        day = flat[_DAY_KEY]
        return ibis.ifelse(day.isnull(), undated, self._days.masks(columns.beginning(day), masks))

    def _marks_of_none(self, flat: ir.Table, measurement: Measurement) -> Any:
        """Give the notices of the day of no measurement."""
        dated = day_field(measurement).key
        stated = flat[dated].notnull() & ~_is_measured(flat, measurement)
        return ibis.ifelse(stated, self._told({dated: str(self._parts.on)}), 0)

    @functools.cached_property
    def _example_days(self) -> list[date]:
        return self._days.examples(self._days.values[0] - _YEAR, self._parts.on)

    def _absent_marks(self, flat: ir.Table) -> Iterable[Any]:
        """Give the notices of each site that was not measured beside one that was."""
        absent = defaultdict[int, list[Any]](list)
        for key in SCORES:
            others = {name: score for name, score in self._measured.items() if name != key}
            absent[self._told(others, self._measured)].append(flat[key].isnull())
        return (ibis.ifelse(functools.reduce(operator.or_, any_of), mask, 0) for mask, any_of in absent.items())

    def _age_marks(self, flat: ir.Table) -> Any:
        """Give the notices of an age that is not the one of the birth date."""
        day = {"birth_date": str(self._parts.on - 70 * _YEAR)}
        born = int(self._parts.case_facts(day).numbers[_YEARS])
        masks = [self._told(day | {"age_years": Decimal(born + each)}, day) for each in (-1, 1)]
        age = columns.number(flat["age_years"])
        return ibis.cases((age < flat.born, masks[0]), (age > flat.born, masks[1]), else_=0)

    def _open_marks(self, flat: ir.Table) -> Iterable[Any]:
        """Give the notices of each section of which something could not be read."""
        for name in self._section_names:
            mask = self._told({columns.OPEN_SECTIONS: [name]})
            yield ibis.ifelse(columns.is_open(flat, name), mask, 0)

    @functools.cached_property
    def _section_names(self) -> list[str]:
        return sorted(self._parts.knowledge_base.knowledge.terms.kinds[OSTEO.RecordSection])

    def _told_beyond(self, flat: ir.Table) -> Iterable[tuple[str, Case]]:
        """Give the columns of what is said beyond a flat record, each with a case that says this alone."""
        parts = extra_facts.parts(self._parts.knowledge_base.knowledge.terms, self._parts.on)
        return ((name, case) for name, case in parts.items() if name in flat.columns)

    # what columns let pass

    def _plain(self, flat: ir.Table) -> Iterable[Any]:
        yield _is_readable(flat)
        for name, case in self._told_beyond(flat):
            yield ibis.literal(True) if self._parts.passes(case) else ~flat[name]
        yield ~flat.patient.fill_null("").startswith(OSTEO.iri)
        yield columns.open_sections_plain(flat, self._section_names)
        yield self._coded_plain(flat)
        yield self._age_plain(flat)
        yield from [*(self._day_plain(flat, each) for each in _MEASUREMENTS), *self._renal_plain(flat)]
        yield from (ibis.literal(True) if self._scores_are_sound else flat[each.key].isnull() for each in STATEMENTS)
        yield from (columns.is_exact(flat[key]) for key in SCORES)
        for key in SECTIONS:
            yield columns.days_are_plain(flat[key], key, self._parts.on)

    @functools.cached_property
    def _scores_are_sound(self) -> bool:
        """Whether scores and statements that no shape refuses by themselves pass together."""
        stated = ({each.key: truth for each in STATEMENTS} for truth in (True, False))
        return all(self._parts.conforms(self._measured | each) for each in stated)

    def _score_condition(self) -> Condition | None:
        return self._screen.condition(OSTEO.tScore, XSD.decimal) if self._scores_are_sound else None

    def _renal_plain(self, flat: ir.Table) -> Iterable[Any]:
        for field in measured(RENAL_FUNCTION):
            condition = field.property and self._screen.condition(field.property, XSD.decimal)
            ranges = number_ranges(condition, _REACH) if condition else []
            column = columns.number(flat[field.key])
            yield certain_numbers(condition, ranges, column) & columns.is_exact(flat[field.key])

    def _coded_plain(self, flat: ir.Table) -> Any:
        """Let pass those combinations of coded values that the shapes do not refuse."""
        kinds = self._parts.knowledge_base.knowledge.terms.kinds
        values = {field.key: (None, *sorted(kinds[field.values])) for field in CODED if field.values}
        together, known, weight = ibis.literal(0, "int64"), ibis.literal(True), 1
        for key, each in values.items():
            place = _place(flat[key], each[1:]).cast("int64")
            together, known = together + place * weight, known & (flat[key].isnull() | (place > 0))
            weight *= len(each)
        records = (
            dict(zip(reversed(values), each, strict=True)) for each in itertools.product(*reversed(values.values()))
        )
        passing = [number for number, record in enumerate(records) if self._parts.conforms(record)]
        return known & together.isin(passing)

    def _day_plain(self, flat: ir.Table, measurement: Measurement) -> Any:
        """Let pass days of measurements that no shape refuses; of no measurement, whatever is a day or a period."""
        dated = day_field(measurement)
        column = flat[dated.key]
        condition = self._screen.condition(OSTEO.performedOn, XSD.dateTime, [LIFTED.notAfter], _PERIOD)
        read = columns.beginning if dated.period and self._periods_are_days else columns.day
        passes = columns.is_day_until(column, self._parts.on, read)
        return ibis.ifelse(
            _is_measured(flat, measurement),
            passes if condition is not None and condition("") is True else column.isnull(),
            columns.is_day_until(column, date.max, columns.beginning),
        )

    @property
    def _periods_are_days(self) -> bool:
        """Whether a month and a year are told what their first day is told."""
        days = [(str(day)[:length], str(day)[:length] + rest) for day in self._example_days for length, rest in _PARTS]
        records = [(self._measured | {_DAY_KEY: part}, self._measured | {_DAY_KEY: day}) for part, day in days]
        alike = all(self._raised(period) == self._raised(day) for period, day in records)
        return alike and all(self._parts.conforms(period) for period, _ in records[: len(_PARTS)])

    def _age_plain(self, flat: ir.Table) -> Any:
        """Let pass ages that no shape refuses, birth dates that give such an age, and both where they agree."""
        told = [LIFTED.greatestAge, LIFTED.leastAge, OSTEO.ageInYears, LIFTED.notAfter]
        stated = self._screen.condition(OSTEO.ageInYears, XSD.integer, told)
        between = stated and whole_range(stated, *_AGES)
        birth = self._screen.condition(OSTEO.birthDate, XSD.dateTime, told)
        bounds = self._screen.bounds(LIFTED.ageFromBirthDate)
        born, age = flat.born, columns.number(flat["age_years"])
        tolerance = self._parts.knowledge_base.knowledge.triples.value(OSTEO.AgeAtAssessment, OSTEO.tolerance)
        return functools.reduce(
            operator.and_,
            [
                (age.between(*between) & (age % 1 == 0)).fill_null(age.isnull()) if between else age.isnull(),
                columns.is_day_until(flat["birth_date"], self._parts.on),
                born.between(*bounds).fill_null(True) if bounds and birth is not None else born.isnull(),
                ((born - age).abs() <= int(tolerance or 0)).fill_null(True),
            ],
        )


def _key(fields: Iterable[Field], property_: str) -> str:
    return next(field.key for field in fields if field.property and field.property.value == property_)


def _is_readable(flat: ir.Table) -> Any:
    """Say of which records columns hold everything."""
    return flat.readable if "readable" in flat.columns else ibis.literal(True)


def _is_measured(flat: ir.Table, measurement: Measurement) -> Any:
    """Say of which records a number of a measurement is stated."""
    return functools.reduce(operator.or_, (flat[field.key].notnull() for field in measured(measurement)))


def _said(statement: str, truth: bool) -> str:
    """Name the column that says where a statement holds."""
    return f"{statement}_is_{truth}".lower()


def _place(column: Any, values: Sequence[Any]) -> Any:
    """Give the place of each value among these, from one on; nought for none of them."""
    return column.cases(*((value, place) for place, value in enumerate(values, 1)), else_=0)
