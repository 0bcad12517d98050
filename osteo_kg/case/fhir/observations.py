"""Observation: T-scores, menopause, renal function, and the statements in the project's own code system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import Meaning, meanings, of_kind, of_term, why_unread
from osteo_kg.case.fhir.densitometry import Densitometry, names_a_score
from osteo_kg.case.fhir.elements import When, codings, each, first, text
from osteo_kg.case.fhir.patient import MenopauseStatements
from osteo_kg.case.fields import BEYOND_THE_RECORD, STATED, FieldKind
from osteo_kg.knowledge import Terms, folded
from osteo_kg.rdf import OSTEO, XSD, node_of

_USED = ("final", "amended", "corrected")
_NO_RESULT = ("registered", "specimen-in-process", "preliminary", "partial", "cancelled", "entered-in-error")
#: What a statement about the patient is, by the property that makes it, which is its code too.
STATEMENTS: dict[ox.NamedNode, FieldKind] = {
    each.property: each.kind for each in STATED if each.property and each.kind in ("truth", "whole", "decimal")
}
STATEMENTS |= {ox.NamedNode(property_): kind for property_, kind in BEYOND_THE_RECORD.items()}
_VALUES = {"truth": "valueBoolean", "whole": "valueInteger", "decimal": "valueQuantity"}


def read_observation(
    resource: dict[str, Any],
    builder: CaseBuilder,
    menopause: MenopauseStatements,
    densitometry: Densitometry,
    doubt: str = "",
) -> bool:
    """Read an Observation and its components; False where no code concerns anything here.

    Args:
        resource: the Observation.
        builder: what collects the case.
        menopause: what was stated of the menopause so far.
        densitometry: the T-scores read so far.
        doubt: why it is not certain to be hers, in words; empty where it is.
    """
    found = [_concern(part, builder.terms) for part in _parts(resource)]
    if not any(about.is_one for about in found):
        builder.unread(resource, resource.get("code"))
        return False
    if (stated := text(resource, "status")) not in _USED:
        builder.ignore(resource, OSTEO.StatusRulesOut, f"status {stated or '?'}")
        for about in found if stated not in _NO_RESULT else ():
            scored = _scored(about.found, builder.terms)
            if scored or about.is_score:
                densitometry.perhaps(about.part, scored, builder, f"status {stated or '?'}")
        return True
    for about in found:
        if about.is_one:
            _read(about, builder, menopause, densitometry, doubt)
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
    """

    part: dict[str, Any]
    found: list[Meaning]
    is_density: bool = False
    is_score: bool = False

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
    may_be_score = reason != OSTEO.CodeDecidesNothing or _is_panel(part.get("code"), terms)
    return _Concern(part, [], is_density, may_be_score and not found and names_a_score(part, terms))


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


def _read(
    concern: _Concern,
    builder: CaseBuilder,
    menopause: MenopauseStatements,
    densitometry: Densitometry,
    doubt: str,
) -> None:
    part, found = concern.part, concern.found
    if scored := _scored(found, builder.terms):
        densitometry.read(part, scored, builder, doubt)
    elif concern.is_density:
        builder.ignore(part, OSTEO.DensityNotTScore)
        densitometry.mentioned(part, text(part, "valueString"), builder.terms)
    elif not found:
        densitometry.named(part, builder)
    elif doubt:
        builder.ignore(part, OSTEO.NotCertain, doubt)
    elif of_term(found, OSTEO.RecordedMenopausalStatus):
        _status(part, builder, menopause)
    elif said := of_kind(found, OSTEO.MenopausalStatus, builder.terms):
        _finding(part, said[0], builder, menopause)
    elif measured := of_term(found, *map(node_of, MEASURES)):
        read_renal_function(part, measured[0], builder)
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


def read_renal_function(part: dict[str, Any], measure: Meaning, builder: CaseBuilder) -> None:
    """Read an observation of renal function; one without a unit is not used, since its limits are in one."""
    value = first(part, "valueQuantity", "value")
    if not isinstance(value, Decimal) or text(part, "valueQuantity", "comparator"):
        builder.ignore(part, OSTEO.ValueNotUsable)
        return
    written = {folded(text(part, "valueQuantity", key)) for key in ("code", "unit")} - {""}
    if not written & {folded(unit) for unit in builder.terms.limits["acceptedUnit"].get(measure.term, ())}:
        builder.ignore(part, OSTEO.UnitNotAccepted)
        return
    entry = builder.entry(OSTEO.hasRenalFunctionTest, OSTEO.RenalFunctionTest)
    builder.say(entry, MEASURES[measure.term], ox.Literal(f"{value:f}", datatype=XSD.decimal))
    day = builder.day_of(part, "effective")
    builder.measured(entry, When(day, day) if day else None)
