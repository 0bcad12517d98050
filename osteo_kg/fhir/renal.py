"""Renal function: a number of a known unit, and its day."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.cases import DECIMAL
from osteo_kg.fhir.densitometry import say_day, value_of
from osteo_kg.fhir.elements import text
from osteo_kg.fhir.facts import Facts
from osteo_kg.fhir.meanings import Meaning, shown
from osteo_kg.records import RENAL
from osteo_kg.vocabulary import OSTEO


def read_renal_function(part: dict[str, Any], measure: Meaning, facts: Facts) -> None:
    """Read an observation whose code is that of a measure of renal function; what cannot be used is noted."""
    value, told = value_of(part), shown(measure.coding, facts.terms)
    written = {text(part, "valueQuantity", key) for key in ("code", "unit")} - {""}
    if not isinstance(value, Decimal) or text(part, "valueQuantity", "comparator"):
        facts.ignore(part, OSTEO.ValueNotUsable, told)
    elif not written <= facts.terms.limits["acceptedUnit"].get(measure.term, frozenset()):
        facts.ignore(part, OSTEO.UnitNotAccepted, f"{told}, {', '.join(sorted(written))}")
    else:
        entry = facts.entry(OSTEO.hasRenalFunctionTest, OSTEO.RenalFunctionTest)
        property_ = RENAL[facts.terms.record_keys[measure.term]]
        facts.say(entry, property_, ox.Literal(f"{value:f}", datatype=DECIMAL))
        say_day(part, entry, facts)
