"""Observation: T-scores, menopause, renal function, and the statements in the project's own code system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import Meaning, meanings, of_kind, of_term, why_unread
from osteo_kg.case.fhir.densitometry import Densitometry, may_have_value, names_a_score, value_told
from osteo_kg.case.fhir.elements import When, codings, each, first, text, when, words
from osteo_kg.case.fhir.patient import MenopauseStatements
from osteo_kg.case.fields import BEYOND_THE_RECORD, STATED, FieldKind
from osteo_kg.knowledge import Terms, folded
from osteo_kg.rdf import OSTEO, XSD, node_of

_USED = ("final", "amended", "corrected")
_NEVER_WAS = ("cancelled", "entered-in-error")
_NO_RESULT = ("registered", "specimen-in-process", "preliminary", "partial", *_NEVER_WAS)
#: What a statement about the patient is, by the property that makes it, which is its code too.
STATEMENTS: dict[ox.NamedNode, FieldKind] = {
    each.property: each.kind for each in STATED if each.property and each.kind in ("truth", "whole", "decimal")
}
STATEMENTS |= {ox.NamedNode(property_): kind for property_, kind in BEYOND_THE_RECORD.items()}
_VALUES = {"truth": "valueBoolean", "whole": "valueInteger", "decimal": "valueQuantity"}


def read_observation(
    resource: dict[str, Any],
    builder: CaseBuilder,
    observed: Observed,
    doubt: str = "",
) -> bool:
    """Read an Observation and its components; False where no code concerns anything here.

    Args:
        resource: the Observation.
        builder: what collects the case.
        observed: what was read so far of what is settled in the end.
        doubt: why it is not certain to be hers, in words; empty where it is.
    """
    found, stated = [_concern(part, builder.terms) for part in _parts(resource)], text(resource, "status")
    for about in found if stated not in _NEVER_WAS else ():
        if about.is_renal:
            observed.renal_function.perhaps(about.part)
    if not any(about.is_one for about in found):
        builder.unread(resource, resource.get("code"))
        return False
    if stated not in _USED:
        builder.ignore(resource, OSTEO.StatusRulesOut, f"status {stated or '?'}")
        for about in found:
            _perhaps(about, stated, builder, observed)
        return True
    for about in found:
        if about.is_one:
            _read(about, builder, observed, doubt)
        elif about.part is not resource:
            builder.unread(about.part, about.part.get("code"))
    return True


@dataclass(frozen=True, slots=True)
class _Concern:
    """What an observation, or a component of one, is about.

    Attributes:
        part: the observation.
        found: what its code stands for.
        is_density: whether its code is that of a bone mineral density.
        is_score: whether its words or its unit name a T-score, though no code of it is read.
        is_renal: whether its words name a measure of renal function, though no code of it is read.
    """

    part: dict[str, Any]
    found: list[Meaning]
    is_density: bool = False
    is_score: bool = False
    is_renal: bool = False

    @property
    def is_one(self) -> bool:
        """Whether it concerns anything here."""
        return bool(self.found) or self.is_density or self.is_score


def _concern(part: dict[str, Any], terms: Terms) -> _Concern:
    found = meanings(part.get("code"), terms)
    if told := [each for each in found if not any(terms.is_a(each.term, kind) for kind in _TOLD_BY_OTHERS)]:
        return _Concern(part, told)
    reason = why_unread(part.get("code"), terms)
    is_density = reason == OSTEO.DensityNotTScore
    decides_nothing = reason == OSTEO.CodeDecidesNothing
    may_be_score = not decides_nothing or _is_panel(part.get("code"), terms)
    is_score = may_be_score and not found and names_a_score(part, terms)
    is_renal = not decides_nothing and not found and any(map(terms.renal_names.found_in, words(part.get("code"))))
    return _Concern(part, [], is_density, is_score, is_renal)


#: What an observation may name, and states nothing of: it is a finding to be told of.
_TOLD_BY_OTHERS = (OSTEO.Fracture,)


def _is_panel(concept: Any, terms: Terms) -> bool:
    known = [code for system, value in codings(concept) if (code := terms.codes.find(system, value))]
    return all(terms.is_a(code.iri, OSTEO.DensitometryPanelCode) for code in known)


#: What tells of the value of the whole, and of no component.
_OF_THE_VALUE = ("value", "component", "dataAbsentReason", "interpretation")


def _parts(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give an observation, and each of its components as one with the date and the body site of the whole."""
    yield resource
    for component in each(resource, "component"):
        if isinstance(component, dict):
            whole = {key: value for key, value in resource.items() if not key.startswith(_OF_THE_VALUE)}
            yield whole | component


def _perhaps(concern: _Concern, stated: str, builder: CaseBuilder, observed: Observed) -> None:
    """Take note of what may have been measured, though by its status it is not used."""
    scored = _scored(concern.found, builder.terms)
    if (scored or concern.is_score) and stated not in _NO_RESULT:
        observed.densitometry.perhaps(concern.part, scored, builder, f"status {stated or '?'}")
    if _measures(concern.found) and stated not in _NEVER_WAS:
        observed.renal_function.perhaps(concern.part)


def _read(concern: _Concern, builder: CaseBuilder, observed: Observed, doubt: str) -> None:
    part, found = concern.part, concern.found
    menopause, densitometry = observed.menopause, observed.densitometry
    if scored := _scored(found, builder.terms):
        densitometry.read(part, scored, builder, doubt)
    elif concern.is_density:
        builder.ignore(part, OSTEO.DensityNotTScore)
        densitometry.mentioned(part, text(part, "valueString"), builder.terms)
    elif not found:
        densitometry.named(part, builder)
    elif measured := _measures(found):
        observed.renal_function.read(part, measured[0], builder, doubt)
    elif doubt:
        builder.ignore(part, OSTEO.NotCertain, doubt)
    elif of_term(found, OSTEO.RecordedMenopausalStatus):
        _status(part, builder, menopause)
    elif said := of_kind(found, OSTEO.MenopausalStatus, builder.terms):
        _finding(part, said[0], builder, menopause)
    elif stated := [each for each in found if _stating(each, builder.terms) in STATEMENTS]:
        _statement(part, _stating(stated[0], builder.terms), builder)
    else:
        builder.ignore(part, OSTEO.ValueNotUsable)


def _scored(found: list[Meaning], terms: Terms) -> list[Meaning]:
    """Give what says that a value is a T-score."""
    return [*of_term(found, OSTEO.tScore, OSTEO.AxialTScore), *of_kind(found, OSTEO.DensitometrySite, terms)]


def _status(part: dict[str, Any], builder: CaseBuilder, menopause: MenopauseStatements) -> None:
    """Read an observation of the menopause, whose value decides."""
    value = part.get("valueCodeableConcept")
    said = of_kind(meanings(value, builder.terms), OSTEO.MenopausalStatus, builder.terms)
    for term in dict.fromkeys(meaning.term for meaning in said):  # two that contradict each other are both stated
        menopause.add(term, builder.when(part, "effective"), part, value, builder)
    if not said:
        builder.ignore(part, OSTEO.ValueNotKnown)


def _finding(part: dict[str, Any], said: Meaning, builder: CaseBuilder, menopause: MenopauseStatements) -> None:
    """Read a status that stands as the code, with true as its value."""
    if part.get("valueBoolean") is True:
        menopause.add(said.term, builder.when(part, "effective"), part, part.get("code"), builder)
    else:
        builder.ignore(part, OSTEO.ValueNotKnown)


def _stating(meaning: Meaning, terms: Terms) -> ox.NamedNode:
    """Give the property that a code stands for, by itself or as the fact that it states."""
    return node_of(terms.stated_by.get(meaning.term, meaning.term))


def _statement(part: dict[str, Any], property_: ox.NamedNode, builder: CaseBuilder) -> None:
    """Read a statement about the patient; its value is of the kind that its field has."""
    kind = STATEMENTS[property_]
    value = first(part, _VALUES[kind], "value") if kind == "decimal" else part.get(_VALUES[kind])
    if kind == "truth" and isinstance(value, bool):
        builder.say(builder.patient, property_, ox.Literal(str(value).lower(), datatype=XSD.boolean))
    elif kind != "truth" and isinstance(value, Decimal):
        datatype = XSD.integer if kind == "whole" else XSD.decimal
        builder.say(builder.patient, property_, ox.Literal(f"{value:f}", datatype=datatype))
    else:
        builder.ignore(part, OSTEO.ValueNotUsable)


# Renal function: creatinine clearance and estimated filtration rate, in a unit that their limits are set in.

#: The property that states each measure.
MEASURES = {
    OSTEO.CreatinineClearance.value: OSTEO.creatinineClearance,
    OSTEO.EstimatedGfr.value: OSTEO.estimatedGfr,
}


def _measures(found: list[Meaning]) -> list[Meaning]:
    """Give what says that a value is one of renal function."""
    return of_term(found, *map(node_of, MEASURES))


@dataclass(frozen=True, slots=True, eq=False)
class _RenalValue:
    """A value of renal function that can be read; `at` is when it was measured, None where that is not stated."""

    part: dict[str, Any]
    measure: str
    value: Decimal
    at: When | None


class RenalFunctionTests:
    """The tests of renal function of one patient, settled once all are read (docs/reference/reading.md, R12).

    A value says nothing where another one, of either measure, may have been measured on its day or later and cannot be
    used: that one could be the lower.
    """

    def __init__(self) -> None:
        self._values: list[_RenalValue] = []
        self._unread: list[When | None] = []
        self._may_be_missing = False

    def __bool__(self) -> bool:
        """Whether a value was read, or there is one that cannot be."""
        return bool(self._values or self._unread or self._may_be_missing)

    def read(self, part: dict[str, Any], measure: Meaning, builder: CaseBuilder, doubt: str = "") -> None:
        """Read a test; one without a unit is not used, since its limits are in one."""
        value = first(part, "valueQuantity", "value")
        reason = _why_no_value(part, measure, builder.terms) or (OSTEO.NotCertain if doubt else None)
        if reason is not None or not isinstance(value, Decimal):
            told = (doubt,) if doubt else ()
            builder.ignore(part, reason or OSTEO.ValueNotUsable, *told, *value_told(part))
            self.perhaps(part)
        else:
            self._values.append(_RenalValue(part, measure.term, value, when(part, "effective")))

    def perhaps(self, part: dict[str, Any]) -> None:
        """Take note of a test that is not used, and of which there may be a value, in a note too."""
        if may_have_value(part) or part.get("note"):
            self._unread.append(when(part, "effective"))

    def may_be_missing(self) -> None:
        """Take note that tests of any day may stand where nothing could be read."""
        self._may_be_missing = True

    def settle(self, builder: CaseBuilder) -> None:
        """Write the values that count, and those that they supersede."""
        certain = [each for each in self._values if not self._may_be_outdated(each)]
        for value in self._values:
            if value in certain or any(_supersedes(other, value) for other in certain):
                _write_renal_value(value, builder)
            else:
                builder.ignore(value.part, OSTEO.NewerValueNotUsed, *value_told(value.part))
        if self._unread and not certain:  # it may be an impairment, which belongs there
            builder.open(OSTEO.MedicalHistory, {"resourceType": "Observation"})

    def _may_be_outdated(self, value: _RenalValue) -> bool:
        return self._may_be_missing or any(_may_follow(at, value.at) for at in self._unread)


def _why_no_value(part: dict[str, Any], measure: Meaning, terms: Terms) -> ox.NamedNode | None:
    """Give why a value of renal function is not used."""
    value = first(part, "valueQuantity", "value")
    if not isinstance(value, Decimal) or text(part, "valueQuantity", "comparator"):
        return OSTEO.ValueNotUsable
    written = {folded(text(part, "valueQuantity", key)) for key in ("code", "unit")} - {""}
    if not written & {folded(unit) for unit in terms.limits["acceptedUnit"].get(measure.term, ())}:
        return OSTEO.UnitNotAccepted
    return OSTEO.NotCertain if part.get("dataAbsentReason") else None


def _may_follow(one: When | None, other: When | None) -> bool:
    """Whether something may be of the day of something else or of a later one: only what is surely earlier is not."""
    return one is None or other is None or one.last >= other.first


def _supersedes(one: _RenalValue, other: _RenalValue) -> bool:
    """Whether a value is of a later day than another one of its measure."""
    days = [each.at.day or "" if each.at else "" for each in (one, other)]
    return one.measure == other.measure and all(days) and days[0] > days[1]


def _write_renal_value(found: _RenalValue, builder: CaseBuilder) -> None:
    entry = builder.entry(OSTEO.hasRenalFunctionTest, OSTEO.RenalFunctionTest)
    builder.say(entry, MEASURES[found.measure], ox.Literal(f"{found.value:f}", datatype=XSD.decimal))
    day = builder.day_of(found.part, "effective")
    builder.measured(entry, When(day, day) if day else None)


@dataclass(frozen=True, slots=True)
class Observed:
    """What observations state that is settled only when all are read."""

    menopause: MenopauseStatements
    densitometry: Densitometry = field(default_factory=Densitometry)
    renal_function: RenalFunctionTests = field(default_factory=RenalFunctionTests)
