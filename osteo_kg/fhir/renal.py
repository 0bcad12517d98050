"""Renal function: creatinine clearance and estimated filtration rate, in a unit that their limits are set in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.cases import DECIMAL, day_literal
from osteo_kg.fhir.elements import first, text
from osteo_kg.fhir.facts import Facts
from osteo_kg.fhir.meanings import Meaning, shown
from osteo_kg.vocabulary import OSTEO

#: The property that states each measure.
MEASURES = {
    str(OSTEO.CreatinineClearance): OSTEO.creatinineClearance,
    str(OSTEO.EstimatedGfr): OSTEO.estimatedGfr,
}


def read_renal_function(part: dict[str, Any], measure: Meaning, facts: Facts) -> None:
    """Read an observation of renal function; one without a unit is not used, since its limits are in one."""
    value = first(part, "valueQuantity", "value")
    if not isinstance(value, Decimal) or text(part, "valueQuantity", "comparator"):
        facts.ignore(part, OSTEO.ValueNotUsable, shown(measure.coding, facts.terms))
        return
    written = {text(part, "valueQuantity", key) for key in ("code", "unit")} - {""}
    if not written & facts.terms.limits["acceptedUnit"].get(measure.term, frozenset()):
        facts.ignore(part, OSTEO.UnitNotAccepted, shown(measure.coding, facts.terms))
        return
    entry = facts.entry(OSTEO.hasRenalFunctionTest, OSTEO.RenalFunctionTest)
    facts.say(entry, MEASURES[measure.term], ox.Literal(f"{value:f}", datatype=DECIMAL))
    measured = day_literal(facts.day_of(part, "effective") or "")
    if measured is not None:
        facts.say(entry, OSTEO.performedOn, measured)
