"""Patients that Z3 found, written as cases: Turtle that `osteo-kg assess` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import z3
from rdflib.term import Node

from osteo_kg.rdf import local_name
from tests.proofs.axioms import OSTEO
from tests.proofs.patients import UNREAD, Formula, SettledPatient, Vocabulary
from tests.proofs.records import SECTIONS, Record

Treatment = tuple[Node, Node | None]
#: What a T-score of a case cannot be (docs/reference/reading.md R10), and what an age can be.
_CODES_OF_MISSING, _MOST_SCORE, _MOST_AGE, _MOST_DIGITS = (-9, -8, 8, 9), 10, 120, 18
_COMMON_SCORE = 5
_ONE_DAY = '"2026-02-01T00:00:00"^^xsd:dateTime'


@dataclass(frozen=True)
class StatedCase:
    """What one case states.

    Attributes:
        fractures: how many of each site count.
        more: for a site, how many more there may be than were counted.
        of_one_day: the sites whose entries are all of one day.
        excluded: whether there is a fracture that does not count.
    """

    coded: Mapping[Node, Node] = field(default_factory=dict)
    scores: Mapping[Node, Decimal] = field(default_factory=dict)
    age: int | None = None
    fractures: Mapping[Node, int] = field(default_factory=dict)
    more: Mapping[Node, int] = field(default_factory=dict)
    of_one_day: frozenset[Node] = frozenset()
    excluded: bool = False
    treatments: frozenset[Treatment] = frozenset()
    statements: Mapping[Node, bool] = field(default_factory=dict)
    complete: frozenset[Node] = frozenset()
    open: frozenset[Node] = frozenset()


def settled_case(model: Formula, patient: SettledPatient) -> StatedCase:
    """Read a settled patient off a model: everything is stated, and every section complete."""
    sites = [each for each in patient.words.scored if _true(model, patient.measured[each])]
    scores = {each: _decimal(model, patient.scores[each]) for each in sites}
    if _true(model, patient.measured[UNREAD]):  # what could not be read stands at a place that is free
        free = next(each for each in patient.words.scored if each not in scores)
        scores[free] = _decimal(model, patient.scores[UNREAD])
    return StatedCase(
        coded=_coded(model, patient.coded),
        scores=scores,
        age=_integer(model, patient.age),
        fractures={each: n for each, count in patient.fractures.items() if (n := _integer(model, count))},
        treatments=frozenset(pair for pair, given in patient.treatments.items() if _true(model, given)),
        statements={each: _true(model, value) for each, value in patient.statements.items()},
        complete=frozenset(SECTIONS),
    )


def recorded_case(model: Formula, record: Record) -> StatedCase:
    """Read a record off a model, as much as it states."""
    return StatedCase(
        coded=_coded(model, record.coded),
        scores={s: _decimal(model, record.scores[s]) for s, each in record.measured.items() if _true(model, each)},
        age=_integer(model, record.age) if _true(model, record.has_age) else None,
        fractures={each: n for each, count in record.fractures.items() if (n := _integer(model, count))},
        more={each: n for each, count in record.more.items() if (n := _integer(model, count))},
        of_one_day=frozenset(each for each, one_day in record.of_one_day.items() if _true(model, one_day)),
        excluded=_true(model, record.excluded),
        treatments=frozenset(pair for pair, given in record.treatments.items() if _true(model, given)),
        statements={e: _true(model, value) for e, (known, value) in record.statements.items() if _true(model, known)},
        complete=frozenset(each for each, complete in record.complete.items() if _true(model, complete)),
        open=frozenset(each for each, is_open in record.open.items() if _true(model, is_open)),
    )


def states(record: Record, case: StatedCase) -> Formula:
    """Say that a record states what a case does, and nothing else."""
    parts = [each == (case.coded.get(p) == v) for p, values in record.coded.items() for v, each in values.items()]
    parts += [each == (site in case.scores) for site, each in record.measured.items()]
    parts += [record.scores[site] == z3.RealVal(str(score)) for site, score in case.scores.items()]
    parts += [record.has_age == (case.age is not None), record.age == (case.age or 0)]
    parts += [count == case.fractures.get(site, 0) for site, count in record.fractures.items()]
    parts += [count == case.more.get(site, 0) for site, count in record.more.items()]
    parts += [each == (site in case.of_one_day) for site, each in record.of_one_day.items()]
    parts += [record.excluded == case.excluded]
    parts += [each == (pair in case.treatments) for pair, each in record.treatments.items()]
    parts += [each == (section in case.complete) for section, each in record.complete.items()]
    parts += [each == (section in case.open) for section, each in record.open.items()]
    for statement, (known, value) in record.statements.items():
        parts += [known == (statement in case.statements), value == case.statements.get(statement, False)]
    return z3.And(*parts)


def can_be_written(person: SettledPatient | Record) -> Formula:
    """Say that no value of a patient is one that a case cannot have."""
    parts = [person.age <= _MOST_AGE]
    for score in person.scores.values():
        parts += [score >= -_MOST_SCORE, score <= _MOST_SCORE, *(score != code for code in _CODES_OF_MISSING)]
    return z3.And(*parts)


@dataclass(frozen=True)
class Plain:
    """How plain a patient is to be.

    Attributes:
        fractures: how many fractures there are at most.
        treatments: how many treatments there are at most.
        digits: how many digits a T-score has at most after the point.
        age: how old she is at least.
    """

    fractures: int
    treatments: int
    digits: int
    age: int


def is_plain(person: SettledPatient | Record, bounds: Plain) -> Formula:
    """Say that a patient is easy to read, with one T-score at most, which is not far from others."""
    treatments = [z3.If(each, 1, 0) for each in person.treatments.values()]
    measured = [z3.If(each, 1, 0) for place, each in person.measured.items() if place != UNREAD]
    parts = [z3.Sum(list(person.fractures.values())) <= bounds.fractures, z3.Sum(measured) <= 1]
    parts += [z3.Sum(treatments) <= bounds.treatments, person.age >= bounds.age]
    parts += [z3.And(each > -_COMMON_SCORE, each < _COMMON_SCORE) for each in person.scores.values()]
    parts += [z3.IsInt(each * 10**bounds.digits) for each in person.scores.values()]
    return z3.And(*parts)


def turtle(cases: Mapping[str, StatedCase], words: Vocabulary, about: str = "") -> str:
    """Write cases as one document.

    Args:
        cases: what each patient states, by the end of her IRI.
        words: the vocabulary.
        about: what the document shows, as lines of text.
    """
    lines = [f"# {line}" for line in about.splitlines()]
    lines += ["@prefix osteo: <https://w3id.org/osteo-kg/ns/> .", "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> ."]
    for name, case in cases.items():
        lines += ["", " ;\n    ".join([f"<urn:case:{name}> a osteo:Patient", *_statements(case, words)]) + " ."]
    return "\n".join(lines) + "\n"


def _statements(case: StatedCase, words: Vocabulary) -> list[str]:
    parts = [f"{_name(p)} {_name(v)}" for p, v in case.coded.items()]
    parts += [f"osteo:ageInYears {case.age}"] if case.age is not None else []
    for site, score in case.scores.items():
        number = f"{score:f}" if "." in f"{score:f}" else f"{score:f}.0"
        measured = f"[ a osteo:BoneDensitometry ; osteo:hasSite {_name(site)} ; osteo:tScore {number} ]"
        parts.append(f"osteo:hasBoneDensitometry {measured}")
    parts += [f"osteo:hasFracture {entry}" for site in case.fractures for entry in _entries(case, site, words)]
    if case.excluded:
        [mechanism, *_] = words.axioms.members(OSTEO.ExcludingMechanism)
        site = min(words.qualifying, key=str)
        parts.append(f"osteo:hasFracture [ a {_name(site)} ; osteo:hasMechanism {_name(mechanism)} ]")
    for drug, outcome in sorted(case.treatments, key=str):
        told = f" ; osteo:hasOutcome {_name(outcome)}" if outcome is not None else ""
        parts.append(f"osteo:hasPastTreatment [ a osteo:PastTreatment ; osteo:withDrug {_name(drug)}{told} ]")
    parts += [f"{_name(each)} {str(value).lower()}" for each, value in case.statements.items()]
    parts += [f"osteo:isCompleteFor {_name(each)}" for each in sorted(case.complete, key=str)]
    parts += [f"osteo:isOpenFor {_name(each)}" for each in sorted(case.open, key=str)]
    return parts


def _entries(case: StatedCase, site: Node, words: Vocabulary) -> list[str]:
    """Write the fractures of a site: one entry with a count where the site is counted, else one for each."""
    count, more = case.fractures[site], case.more.get(site, 0)
    if site in words.counted:
        at_most = f" ; osteo:fracturedVertebraCountAtMost {count + more}" if more else ""
        return [f"[ a {_name(site)} ; osteo:fracturedVertebraCount {count}{at_most} ]"]
    day = f" ; osteo:occurredOn {_ONE_DAY}" if site in case.of_one_day else ""
    return [f"[ a {_name(site)}{day} ]"] * count


def _name(node: Node) -> str:
    return f"osteo:{local_name(str(node))}"


def _coded(model: Formula, coded: Mapping[Node, Mapping[Node, Formula]]) -> dict[Node, Node]:
    return {p: v for p, values in coded.items() for v, stated in values.items() if _true(model, stated)}


def _true(model: Formula, formula: Formula) -> bool:
    return bool(z3.is_true(model.eval(formula, model_completion=True)))


def _integer(model: Formula, formula: Formula) -> int:
    return int(model.eval(formula, model_completion=True).as_long())


def _decimal(model: Formula, formula: Formula) -> Decimal:
    value = model.eval(formula, model_completion=True)
    return Decimal(value.as_decimal(_MOST_DIGITS).rstrip("?"))
