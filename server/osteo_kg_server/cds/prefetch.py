"""What clients are to send beside a hook: asked by queries that the ontology's codes fill in, and read as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import BadRequest, PreconditionFailed

from osteo_kg import PREFIXES, KnowledgeBase
from osteo_kg_server.cds.hooks import Hook, Json

_OWN = PREFIXES["osteo"]
_HERS = "?patient={{context.patientId}}"
_SECTIONS = {
    "conditions": "Condition",
    "statements": "MedicationStatement",
    "requests": "MedicationRequest",
    "administrations": "MedicationAdministration",
    "allergies": "AllergyIntolerance",
}
_LARGE_PAGE = "&_count=1000"  # so that a record comes in one page
_NEWEST_FIRST = "&_sort=-date"
#: Facts that no published code was verified for: asked for in the project's own code system.
_STATED = ("RecordedMenopausalStatus", "climactericDisorders", "lowPeripheralFractureRisk", "tScore")
_MEASURES = ("CreatinineClearance", "EstimatedGfr")
_FAILED = ("error", "fatal")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client sent.

    Attributes:
        patient: her Patient resource.
        resources: what else is about her, each once.
        empty: the keys that were asked and found nothing.
        lacking: the keys, none of them wanted, that were not supplied or not whole.
    """

    patient: Json
    resources: tuple[Json, ...]
    empty: tuple[str, ...]
    lacking: tuple[str, ...]


def wanted(knowledge_base: KnowledgeBase) -> dict[str, str]:
    """Give the queries without whose answers nothing is decided."""
    terms = knowledge_base.knowledge.terms
    read_as = terms.limits["readAs"]
    sites = dict.fromkeys([*terms.kinds[_OWN + "AxialSite"].values(), *read_as])
    codes = [code for site in sites for code in terms.codes.of(site)]
    scores = {f"t-score-{each.value}": _observation(each.system, each.value) for each in codes}
    sections = {key: f"{kind}{_HERS}{_LARGE_PAGE}" for key, kind in _SECTIONS.items()}
    return {"patient": "Patient/{{context.patientId}}", **sections, **dict(sorted(scores.items()))}


def welcome(knowledge_base: KnowledgeBase) -> dict[str, str]:
    """Give the queries whose answers say more, and without which something stays unknown."""
    codes = [code for each in _MEASURES for code in knowledge_base.knowledge.terms.codes.of(_OWN + each)]
    renal = {f"renal-{each.value}": _observation(each.system, each.value) for each in codes}
    stated = {f"stated-{name}": _observation(_OWN, name) for name in _STATED}
    return {"lists": f"List{_HERS}&status=current", **dict(sorted(renal.items())), **stated}


def _observation(system: str, code: str) -> str:
    return f"Observation{_HERS}&code={system}|{code}{_NEWEST_FIRST}"


def sent(hook: Hook, knowledge_base: KnowledgeBase) -> Sent:
    """Gather what a client sent.

    Raises:
        BadRequest: it is no FHIR, or is about another patient.
        PreconditionFailed: something that is wanted was not supplied, or not whole.
    """
    answers = {key: _answer(key, value) for key, value in hook.prefetch.items()}
    asked = [*wanted(knowledge_base), *welcome(knowledge_base)]
    lacking = [key for key in asked if key not in answers or not answers[key].whole]
    if needed := [key for key in lacking if key in wanted(knowledge_base)]:
        raise PreconditionFailed(_insufficient(needed))
    people = [each for each in answers["patient"].resources if each["resourceType"] == "Patient"]
    if not people:
        raise PreconditionFailed("The prefetch holds no Patient. Send hers, as the template 'patient' asks.")
    if [each.get("id") for each in people] != [hook.patient]:
        raise BadRequest("The Patient of the prefetch is not that of context.patientId. Send hers.")
    found = {key: each for answer in answers.values() for key, each in _by_name(answer.resources)}
    empty = [key for key in asked if key in answers and not answers[key].resources]
    return Sent(people[0], tuple(found.values()), tuple(empty), tuple(lacking))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a query of the prefetch found, and whether that is all of it."""

    resources: tuple[Json, ...]
    whole: bool


def _answer(key: str, value: Any) -> _Answer:
    if value is None:
        return _Answer((), True)
    if not _is_resource(value):
        raise BadRequest(f"The prefetch {_named(key)} is no FHIR resource. Send a resource, a Bundle or null.")
    if value["resourceType"] != "Bundle":
        resources, links = [value], []
    else:
        entries, links = (value.get(name, []) for name in ("entry", "link"))
        if not isinstance(entries, list) or not isinstance(links, list):
            raise BadRequest(f"The prefetch {_named(key)} is no Bundle of FHIR. Send one as the server gave it.")
        resources = [each.get("resource") if isinstance(each, dict) else None for each in entries]
        if not all(_is_resource(each) for each in resources):
            raise BadRequest(f"The prefetch {_named(key)} has an entry without a resource. Give each one.")
    more = any(isinstance(each, dict) and each.get("relation") == "next" for each in links)
    failed = any(_has_failed(each) for each in resources)
    kept = tuple(each for each in resources if each["resourceType"] != "OperationOutcome")
    return _Answer(kept, not more and not failed)


def _is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def _named(key: str) -> str:
    """Name a key of ours; another could hold anything."""
    return repr(key) if key.isascii() and key.replace("-", "").isalnum() else "of that key"


def _has_failed(resource: Json) -> bool:
    issues = resource.get("issue")
    told = issues if isinstance(issues, list) else []
    return resource["resourceType"] == "OperationOutcome" and any(
        isinstance(each, dict) and each.get("severity") in _FAILED for each in told
    )


def _by_name(resources: tuple[Json, ...]) -> Iterator[tuple[object, Json]]:
    """Name each resource, so that what two queries found counts once; a Patient is named apart."""
    for each in resources:
        if each["resourceType"] != "Patient":
            own = each.get("id")
            yield ((each["resourceType"], own) if isinstance(own, str) else id(each)), each


def _insufficient(keys: list[str]) -> str:
    return (
        f"Not supplied, or not whole: {', '.join(keys)}. Send each as a prefetch, whole (no 'next' page, no error), "
        "with null where the query finds nothing. No FHIR server is called from here."
    )


def templates(knowledge_base: KnowledgeBase) -> Mapping[str, str]:
    """Give every query of the prefetch."""
    return {**wanted(knowledge_base), **welcome(knowledge_base)}
