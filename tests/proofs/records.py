"""Records of which some facts are not known, and the settled patients that they may be of."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import z3
from rdflib.term import Node

from tests.proofs.axioms import OSTEO
from tests.proofs.patients import (
    UNREAD,
    Facts,
    Formula,
    SettledPatient,
    Vocabulary,
    at_most_one,
    boolean,
    exactly_one,
    none,
    symbol,
)

SECTIONS: tuple[Node, ...] = (OSTEO.FractureHistory, OSTEO.TreatmentHistory)


class Record(Facts):
    """What a case states, as symbols: every fact known or not, every section complete, open or neither.

    Args:
        words: the vocabulary.
        name: what the names of the symbols begin with.
    """

    def __init__(self, words: Vocabulary, name: str) -> None:
        super().__init__(words, name, words.scored, (*words.outcomes, None))
        self.more = {each: z3.Int(symbol(name, "perhaps more", each)) for each in sorted(words.counted, key=str)}
        self.of_one_day = {each: boolean(name, "of one day", each) for each in words.together}
        self.excluded = boolean(name, "fracture that does not count")
        self.complete: dict[Node, Formula] = {each: boolean(name, "complete", each) for each in SECTIONS}
        self.open: dict[Node, Formula] = {each: boolean(name, "open", each) for each in (*SECTIONS, OSTEO.Densitometry)}
        self.statements = {each: (boolean(name, "known", each), boolean(name, each)) for each in words.statements}

    @functools.cached_property
    def possible(self) -> Formula:
        """What holds of every record that is not refused."""
        parts = [count >= 0 for count in (*self.fractures.values(), *self.more.values(), self.age)]
        parts += [z3.Implies(self.fractures[each] == 0, more == 0) for each, more in self.more.items()]
        for site, of_one_day in self.of_one_day.items():
            _, least = self.words.together[site]
            parts.append(z3.Implies(of_one_day, self.fractures[site] >= least))
        parts += [z3.Not(z3.And(self.complete[each], self.open[each])) for each in SECTIONS]
        parts += [at_most_one(values.values()) for values in self.coded.values()]
        parts.append(z3.Implies(self.words.is_without_status(self.coded), none(self.coded[OSTEO.hasMenopausalStatus])))
        return z3.And(*parts)

    def is_complete(self, section: Node) -> Formula:
        """A section with entries that is not open is taken as complete; an empty one where the record says so."""
        if section == OSTEO.FractureHistory:
            entries = z3.Or(self.excluded, *(count > 0 for count in self.fractures.values()))
        else:
            entries = z3.Or(*self.treatments.values())
        return z3.And(z3.Not(self.open[section]), z3.Or(self.complete[section], entries))

    def leaves_no_doubt(self, reading: Reading) -> Formula:
        """Say that, as a reading has it, the record is of one settled patient and of no other."""
        doubtful = [count > 0 for site, count in self.fractures.items() if site in reading.broad]
        doubtful += [more > 0 for more in self.more.values()]
        doubtful += [*self.of_one_day.values(), *(self.treatments[drug, None] for drug in self.words.drugs)]
        doubtful += [self.open[OSTEO.Densitometry]] if reading.lower else []
        known = [self.has_age, *(known for known, _ in self.statements.values()), *map(self.is_complete, SECTIONS)]
        known += [exactly_one(self.coded[OSTEO.hasSex].values())]
        return z3.And(z3.Not(z3.Or(*doubtful)), *known, self.has_status)

    @property
    def has_status(self) -> Formula:
        """Say that the menopausal status is stated, or that there is none."""
        return z3.Or(self.words.is_without_status(self.coded), *self.coded[OSTEO.hasMenopausalStatus].values())


@dataclass(frozen=True)
class Reading:
    """How what is not known is read: by the modules, or by what the words of a record mean.

    Attributes:
        broad: what a fracture of each broad site may be.
        lower: whether, where densitometry is open, the T-score may be lower than what was read.
    """

    broad: Mapping[Node, frozenset[Node]]
    lower: bool

    @classmethod
    def of_modules(cls, words: Vocabulary) -> Reading:
        """Give the ways that the modules say are to be tried."""
        return cls(words.broad, words.is_lower_where_open)

    @classmethod
    def of_words(cls, words: Vocabulary) -> Reading:
        """Give every way that there is: a fracture that counts may be of any site, what was not read anything."""
        return cls({**words.broad, **dict.fromkeys(words.perhaps_broad, words.qualifying)}, True)


class Ways:
    """The settled patients that a record may be of.

    Args:
        record: the record.
        patient: the settled patient, as symbols.
        reading: how what is not known is read.
        name: what the names of the symbols for doubts begin with.
    """

    def __init__(self, record: Record, patient: SettledPatient, reading: Reading, name: str) -> None:
        self.record, self.patient, self.reading = record, patient, reading
        words = record.words
        #: The fractures of each broad site that turned out to be of each other, and those that were not read.
        self.turned_out = {
            (broad, each): z3.Int(symbol(name, broad, "turned out", each))
            for broad in words.perhaps_broad
            for each in words.sites
        }
        self.further = {each: z3.Int(symbol(name, "further", each)) for each in words.sites}
        self.range = {each: z3.Int(symbol(name, "of a range", each)) for each in record.more}
        self.are_together = {each: boolean(name, "together", each) for each in words.together}
        pairs = list(itertools.product(words.drugs, words.outcomes))
        self.outcome = {pair: boolean(name, "outcome", *pair) for pair in pairs}
        self.untold = {pair: boolean(name, "untold", *pair) for pair in pairs}

    @functools.cached_property
    def formula(self) -> Formula:
        """That the patient is one of them."""
        parts = [self.patient.possible, *self._coded(), *self._numbers(), *self._fractures(), *self._treatments()]
        for each, (known, value) in self.record.statements.items():
            parts.append(z3.Implies(known, self.patient.statements[each] == value))
        return z3.And(*parts)

    @property
    def symbols(self) -> list[Formula]:
        """Every symbol but those of the record."""
        kinds = (self.turned_out, self.further, self.range, self.are_together, self.outcome, self.untold)
        return [*self.patient.symbols, *(each for kind in kinds for each in kind.values())]

    def _coded(self) -> Iterator[Formula]:
        for property_, values in self.record.coded.items():
            for each, stated in values.items():
                yield z3.Implies(stated, self.patient.coded[property_][each])

    def _numbers(self) -> Iterator[Formula]:
        record, patient = self.record, self.patient
        for site, measured in record.measured.items():
            yield patient.measured[site] == measured
            yield z3.Implies(measured, patient.scores[site] == record.scores[site])
        any_ = z3.Or(*record.measured.values())
        lower = z3.And(any_, record.open[OSTEO.Densitometry], z3.BoolVal(self.reading.lower))
        if OSTEO.lowestTScore in record.words.never_tried:
            yield z3.Implies(patient.measured[UNREAD], lower)
        else:
            yield z3.Implies(patient.measured[UNREAD], z3.Or(lower, z3.Not(any_)))
            yield z3.Implies(z3.Not(any_), patient.measured[UNREAD])
        is_tried = OSTEO.completedYears not in record.words.never_tried
        yield patient.has_age == (z3.BoolVal(True) if is_tried else record.has_age)
        yield z3.Implies(record.has_age, patient.age == record.age)

    def _fractures(self) -> Iterator[Formula]:
        record, words = self.record, self.record.words
        complete = record.is_complete(OSTEO.FractureHistory)
        for site, count in self.patient.fractures.items():
            added = [number for (_, each), number in self.turned_out.items() if each == site]
            added += [self.range[site]] if site in self.range else []
            added += [
                z3.If(self.are_together[each], 1, 0) for each in words.together if words.together[each][0] == site
            ]
            stated = z3.IntVal(0) if site in self.reading.broad else record.fractures[site]
            yield count == z3.Sum([stated, self.further[site], *added])
            yield z3.And(self.further[site] >= 0, z3.Implies(complete, self.further[site] == 0))
        for (broad, site), number in self.turned_out.items():
            yield number >= 0 if site in self.reading.broad.get(broad, ()) else number == 0
        for broad in self.reading.broad:
            turned_out = [number for (each, _), number in self.turned_out.items() if each == broad]
            yield z3.Sum(turned_out) == record.fractures[broad]
        for site, number in self.range.items():
            yield z3.And(number >= 0, number <= record.more[site])
        for site, together in self.are_together.items():
            yield z3.Implies(together, record.of_one_day[site])

    def _treatments(self) -> Iterator[Formula]:
        record, words = self.record, self.record.words
        complete = record.is_complete(OSTEO.TreatmentHistory)
        for drug in words.drugs:
            outcomes = [self.outcome[drug, each] for each in words.outcomes]
            yield z3.If(record.treatments[drug, None], exactly_one(outcomes), z3.Not(z3.Or(*outcomes)))
            for outcome in words.outcomes:
                pair = (drug, outcome)
                told = z3.Or(record.treatments[pair], self.outcome[pair], self.untold[pair])
                yield self.patient.treatments[pair] == told
                yield z3.Implies(self.untold[pair], z3.Not(complete))
