"""What is proved of a guideline: each property stated once, as what would refute it.

A property holds where Z3 finds no patient that refutes it, whatever her T-scores, her age and her fractures; where it
finds one, she is written as a case.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
import z3
from rdflib import SKOS
from rdflib.term import Node

from osteo_kg.rdf import local_name
from tests.proofs.axioms import OSTEO
from tests.proofs.cases import Plain, StatedCase, can_be_written, is_plain, recorded_case, settled_case
from tests.proofs.encoding import Encoding
from tests.proofs.patients import Formula, SettledPatient
from tests.proofs.records import Reading, Record, Ways

_CONDITIONS = Path(__file__).with_name("conditions.yaml")
#: How plain a patient is that is to be shown, the plainest first.
_PLAIN = (Plain(1, 0, 1, 60), Plain(1, 1, 1, 40), Plain(2, 1, 1, 40), Plain(3, 2, 3, 0))
_MOST_SECONDS = 60


@dataclass(frozen=True)
class Refutation:
    """What would refute a property.

    Attributes:
        about: the rule, the criterion or the option that it is about.
        formula: what is true of the patients that refute it.
        people: those patients, by name.
        wider: what is true of them and of others: where nobody is so, one question answers several; None for none.
    """

    about: str
    formula: Formula
    people: Mapping[str, SettledPatient | Record]
    wider: Formula | None = None


@dataclass(frozen=True)
class Property:
    """One property of a guideline, with every way in which it could be refuted."""

    key: str
    says: str
    refutations: Callable[[Encoding], Iterator[Refutation]]


@dataclass(frozen=True)
class Counterexample:
    """What refutes a property.

    Attributes:
        cases: the patients that refute it, by name; none where no case can state their facts.
    """

    about: str
    cases: Mapping[str, StatedCase]


@dataclass(frozen=True)
class Proof:
    """Whether a property holds of a guideline.

    Attributes:
        refuted: what refutes it; None where it is proved.
        questions: how many formulas Z3 was asked.
    """

    asked: Property
    refuted: Counterexample | None
    questions: int
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether it is proved."""
        return self.refuted is None


class UndecidedError(Exception):
    """Z3 could not tell: that is neither a proof nor a refutation."""


def prove(encoding: Encoding, asked: Property) -> Proof:
    """Prove a property, or find who refutes it.

    Raises:
        UndecidedError: Z3 could not tell.
    """
    start, questions = time.perf_counter(), 0
    wider, is_empty = None, False
    for refutation in asked.refutations(encoding):
        if refutation.wider is not None and refutation.wider is not wider:
            wider, questions = refutation.wider, questions + 1
            is_empty = _model(wider) is None
        if refutation.wider is not None and is_empty:
            continue
        questions += 1
        if _model(refutation.formula) is not None:
            return Proof(asked, _shown(refutation), questions, time.perf_counter() - start)
    return Proof(asked, None, questions, time.perf_counter() - start)


def _shown(refutation: Refutation) -> Counterexample:
    """Give the plainest patients that refute a property."""
    people = refutation.people.values()
    written = [can_be_written(each) for each in people]
    for bounds in _PLAIN:
        plain = [is_plain(each, bounds) for each in people]
        if (model := _model(refutation.formula, *written, *plain)) is not None:
            return Counterexample(refutation.about, _cases(model, refutation.people))
    model = _model(refutation.formula, *written)
    return Counterexample(refutation.about, _cases(model, refutation.people) if model is not None else {})


def _cases(model: Formula, people: Mapping[str, SettledPatient | Record]) -> dict[str, StatedCase]:
    return {
        name: recorded_case(model, each) if isinstance(each, Record) else settled_case(model, each)
        for name, each in people.items()
    }


def _model(*formulas: Formula) -> Formula | None:
    solver = z3.Solver()
    solver.set("timeout", _MOST_SECONDS * 1000)
    solver.add(*formulas)
    found = solver.check()
    if found == z3.unknown:
        raise UndecidedError(solver.reason_unknown())
    return solver.model() if found == z3.sat else None


def _no_gap(encoding: Encoding) -> Iterator[Refutation]:
    patient = SettledPatient(encoding.words, "patient")
    rules = [encoding.applies(each, patient) for each in encoding.rules]
    yield Refutation("all rules", z3.And(patient.settled, z3.Not(z3.Or(*rules))), {"patient": patient})


def _no_overlap(encoding: Encoding) -> Iterator[Refutation]:
    patient = SettledPatient(encoding.words, "patient")
    pairs = {pair: z3.And(*(encoding.applies(each, patient) for each in pair)) for pair in _pairs(encoding.rules)}
    any_ = z3.And(patient.settled, z3.Or(*pairs.values()))
    for pair, both in pairs.items():
        about = " and ".join(local_name(str(each)) for each in pair)
        yield Refutation(about, z3.And(patient.settled, both), {"patient": patient}, any_)


def _pairs(rules: tuple[Node, ...]) -> Iterator[tuple[Node, Node]]:
    return itertools.combinations(rules, 2)


def _monotone(encoding: Encoding) -> Iterator[Refutation]:
    higher, lower = SettledPatient(encoding.words, "higher"), SettledPatient(encoding.words, "lower")
    alike = z3.And(higher.settled, lower.settled, lower.is_like(higher, but="scores"))
    below = z3.And(*(lower.scores[each] <= score for each, score in higher.scores.items()))
    for about, weaker in _weaker(encoding, higher, lower):
        yield Refutation(about, z3.And(alike, below, weaker), {"higher": higher, "lower": lower})


def _severe(encoding: Encoding) -> Iterator[Refutation]:
    words = encoding.words
    not_severe, severe = SettledPatient(words, "not-severe"), SettledPatient(words, "severe")
    alike = z3.And(not_severe.settled, severe.settled, severe.is_like(not_severe, but="fractures"))
    severe_sites = encoding.axioms.below([OSTEO.SevereFracture])
    fractures = z3.And(
        *(not_severe.fractures[each] == 0 for each in severe_sites),
        z3.Or(*(not_severe.fractures[each] > 0 for each in encoding.axioms.below([OSTEO.NonSevereFracture]))),
        z3.Or(*(severe.fractures[each] > 0 for each in severe_sites)),
    )
    for about, weaker in _weaker(encoding, not_severe, severe):
        yield Refutation(about, z3.And(alike, fractures, weaker), {"not-severe": not_severe, "severe": severe})


def _weaker(encoding: Encoding, one: SettledPatient, other: SettledPatient) -> Iterator[tuple[str, Formula]]:
    """Say that the other is told something weaker: a weaker disposition, or the same with a weaker strength."""
    for disposition in encoding.dispositions:
        stronger = z3.Or(*(encoding.recommends(each, one) for each in encoding.stronger(disposition)))
        yield f"to {local_name(str(disposition))}", z3.And(encoding.recommends(disposition, other), stronger)
    same = z3.And(
        *(encoding.recommends(each, one) == encoding.recommends(each, other) for each in encoding.dispositions)
    )
    for strength in encoding.strengths:
        stronger = z3.Or(*(encoding.is_of_strength(each, one) for each in encoding.stronger(strength)))
        yield f"to {local_name(str(strength))}", z3.And(same, encoding.is_of_strength(strength, other), stronger)


def _settled_by_its_facts(encoding: Encoding) -> Iterator[Refutation]:
    one, other = SettledPatient(encoding.words, "one"), SettledPatient(encoding.words, "other")
    for criterion in encoding.criteria:
        facts = sorted(encoding.graph.objects(criterion, OSTEO.restsOn), key=str)
        agree = z3.And(one.settled, other.settled, *(one.agrees(other, each) for each in facts))
        differ = z3.And(agree, encoding.has_met(criterion, one), z3.Not(encoding.has_met(criterion, other)))
        about, people = local_name(str(criterion)), {"one": one, "other": other}
        for kind in one.kinds:  # patients who differ in one kind of fact say the most
            yield Refutation(about, z3.And(differ, one.is_like(other, but=kind)), people, differ)
        yield Refutation(about, differ, people, differ)


def _never_contradicted(encoding: Encoding) -> Iterator[Refutation]:
    words = encoding.words
    by_modules, by_words = Reading.of_modules(words), Reading.of_words(words)
    record, known, told = Record(words, "record"), SettledPatient(words, "known"), SettledPatient(words, "told")
    really = z3.And(record.possible, Ways(record, known, by_words, "known").formula)
    untried = z3.And(really, z3.Not(Ways(record, known, by_modules, "known").formula))
    certain = z3.And(record.leaves_no_doubt(by_modules), Ways(record, told, by_modules, "told").formula)
    people: dict[str, SettledPatient | Record] = {"record": record, "known": known}
    said_of_told = encoding.said(told)
    for key, said in encoding.said(known).items():
        about = f"{key[0]} {local_name(str(key[1]))}"
        yield Refutation(about, z3.And(really, certain, said != said_of_told[key]), people, untried)
    yield Refutation("a way that is not tried", untried, people, untried)


def _no_option_without_its_condition(encoding: Encoding) -> Iterator[Refutation]:
    patient = SettledPatient(encoding.words, "patient")
    conditions = yaml.safe_load(_CONDITIONS.read_text(encoding="utf-8"))
    for option in encoding.options:
        key = str(encoding.graph.value(option, SKOS.notation))
        met = [_meets(encoding, patient, each) for each in conditions.get(key, [{}])]
        formula = z3.And(patient.settled, encoding.is_eligible(option, patient), z3.Not(z3.Or(*met)))
        yield Refutation(key, formula, {"patient": patient})


def _meets(encoding: Encoding, patient: SettledPatient, condition: Mapping[str, object]) -> Formula:
    """Say that a patient meets a set of conditions."""
    parts = []
    if "class" in condition:
        parts.append(encoding.is_member(OSTEO[str(condition["class"])], patient))
    if "statement" in condition:
        parts.append(patient.statements[OSTEO[str(condition["statement"])]])
    if "measure" in condition:
        present, value = patient.numbers[OSTEO[str(condition["measure"])]]
        parts += [present, value >= condition["atLeast"], value <= condition.get("atMost", value)]
    return z3.And(*parts)


PROPERTIES = (
    Property("gap", "Some rule applies to every patient.", _no_gap),
    Property("overlap", "No two rules apply to one patient.", _no_overlap),
    Property(
        "monotone",
        "All else equal, lower T-scores never lead to a weaker disposition, nor to the same with a weaker strength.",
        _monotone,
    ),
    Property(
        "severe",
        "All else equal, a severe fracture never leads to a weaker disposition than a non-severe one, nor to the same "
        "with a weaker strength.",
        _severe,
    ),
    Property(
        "settled",
        "The facts that a criterion rests on settle it: two patients that agree on them agree on it.",
        _settled_by_its_facts,
    ),
    Property(
        "unknown",
        "What is certain of a record of which some facts are not known stays true however they turn out.",
        _never_contradicted,
    ),
    Property(
        "condition",
        "No option is eligible without the condition that the guideline keeps it for.",
        _no_option_without_its_condition,
    ),
)
