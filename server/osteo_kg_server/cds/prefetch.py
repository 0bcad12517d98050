"""What clients are to send beside a hook: asked by queries that the ontology's codes fill in, and read as they are.

What they do not send is asked of their server, where that may be called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import BadRequest, PreconditionFailed

from osteo_kg import KnowledgeBase
from osteo_kg.rdf import OSTEO, PREFIXES
from osteo_kg_server.cds.fhir_client import Fetched, FhirAnswer, NotFhirError, fetch, read_answer
from osteo_kg_server.cds.fhir_servers import Server, Servers
from osteo_kg_server.cds.request import Hook, Json

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


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client sent.

    Attributes:
        patient: her Patient resource.
        resources: what else is about her, each once.
        empty: the keys that were asked and found nothing.
        lacking: the keys, none of them wanted, that were not supplied or not whole.
        fetched: the keys that were asked of the client's server.
    """

    patient: Json
    resources: tuple[Json, ...]
    empty: tuple[str, ...]
    lacking: tuple[str, ...]
    fetched: tuple[str, ...]


def wanted(knowledge_base: KnowledgeBase) -> dict[str, str]:
    """Give the queries without whose answers nothing is decided."""
    terms = knowledge_base.knowledge.terms
    read_as = terms.limits["readAs"]
    sites = dict.fromkeys([*terms.kinds[OSTEO.AxialSite].values(), *read_as])
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


def sent(hook: Hook, knowledge_base: KnowledgeBase, servers: Servers) -> Sent:
    """Gather what a client sent, and from its server, where that may be called, what it did not send.

    Raises:
        BadRequest: it is no FHIR, or is about another patient.
        PreconditionFailed: something that is wanted was not supplied, or not whole.
    """
    answers = {key: _answer(key, value) for key, value in hook.prefetch.items()}
    asked, server = templates(knowledge_base), servers.of(hook.server) if hook.server else None
    open_ = {key: query for key, query in asked.items() if key not in answers or not answers[key].whole}
    given = [each for answer in answers.values() for each in answer.resources]
    fetched = fetch(server, hook, open_, [*given, *hook.medications]) if server else Fetched({}, {}, ())
    answers |= fetched.answers
    lacking = [key for key in open_ if key not in fetched.answers]
    if needed := [key for key in lacking if key in wanted(knowledge_base)]:
        raise PreconditionFailed(_insufficient(needed, fetched, _why_no_server(hook, servers, server)))
    her = _patient(answers["patient"], hook)
    every = (*answers.values(), FhirAnswer(fetched.products))
    found = {key: each for answer in every for key, each in _by_name(answer)}
    empty = [key for key in asked if key in answers and not answers[key].resources]
    return Sent(her, tuple(found.values()), tuple(empty), tuple(lacking), tuple(fetched.answers))


def _patient(answer: FhirAnswer, hook: Hook) -> Json:
    people = [each for each in answer.resources if each["resourceType"] == "Patient"]
    if not people:
        raise PreconditionFailed("The prefetch holds no Patient. Send hers, as the template 'patient' asks.")
    if [each.get("id") for each in people] != [hook.patient]:
        raise BadRequest("The Patient of the prefetch is not that of context.patientId. Send hers.")
    return people[0]


def _answer(key: str, value: Any) -> FhirAnswer:
    try:
        return FhirAnswer() if value is None else read_answer(value)
    except NotFhirError as error:
        raise BadRequest(f"The prefetch {_named(key)} {error}.") from error


def _named(key: str) -> str:
    """Name a key of ours; another could hold anything."""
    return repr(key) if key.isascii() and key.replace("-", "").isalnum() else "of that key"


def _by_name(answer: FhirAnswer) -> Iterator[tuple[object, Json]]:
    """Name each resource, so that what two queries found counts once; a Patient is named apart."""
    for each in (*answer.resources, *answer.outcomes):
        if each["resourceType"] != "Patient":
            own = each.get("id")
            yield ((each["resourceType"], own) if isinstance(own, str) else id(each)), each


def _insufficient(keys: list[str], fetched: Fetched, no_server: str) -> str:
    told = [f"{key} ({fetched.failures[key]})" if key in fetched.failures else key for key in keys]
    return (
        f"Not supplied, or not whole: {', '.join(told)}. Send each as a prefetch, whole (no 'next' page, no error), "
        f"with null where the query finds nothing. {no_server}"
    )


def _why_no_server(hook: Hook, servers: Servers, server: Server | None) -> str:
    """Say what the FHIR server of a call was good for."""
    if server:
        return "In brackets stands why the FHIR server did not give it."
    if servers and hook.server:
        return "The FHIR server of this call is none that may be called from here."
    return "No FHIR server was named that may be called." if servers else "No FHIR server is called from here."


def templates(knowledge_base: KnowledgeBase) -> Mapping[str, str]:
    """Give every query of the prefetch."""
    return {**wanted(knowledge_base), **welcome(knowledge_base)}
