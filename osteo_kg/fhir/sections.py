"""List: whether a section of the record is complete, which only the project's own code system can say."""

from __future__ import annotations

from typing import Any

from osteo_kg.fhir.elements import each, text
from osteo_kg.fhir.facts import Facts, node
from osteo_kg.fhir.meanings import meanings, of_kind, shown
from osteo_kg.vocabulary import OSTEO

_NONE_KNOWN = "nilknown"


def read_list(resource: dict[str, Any], facts: Facts) -> bool:
    """Read a List of a section: current, and with entries or empty because none is known to exist."""
    found = of_kind(meanings(resource.get("code"), facts.terms), OSTEO.RecordSection, facts.terms)
    if not found:
        facts.unread(resource, resource.get("code"))
        return False
    none_known = _NONE_KNOWN in each(resource, "emptyReason", "coding", "code")
    if text(resource, "status") == "current" and (none_known or any(each(resource, "entry"))):
        facts.say(facts.patient, OSTEO.isCompleteFor, node(found[0].term))
    else:
        facts.ignore(resource, OSTEO.SectionNotClosed, shown(found[0].coding, facts.terms))
    return True
