"""What clients are to send beside a hook: a query for everything that is read of a record; and what of it they sent.

What they do not send is asked of their server, where that may be called. What cannot be had leaves its section open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import BadRequest, PreconditionFailed

from osteo_kg import KnowledgeBase, UsageError
from osteo_kg.case import Search, Unread, searches, titled_searches
from osteo_kg.rdf import OSTEO
from osteo_kg_server.cds.fhir_client import Fetched, FhirAnswer, NotFhirError, Query, fetch, read_answer
from osteo_kg_server.cds.fhir_servers import Server, Servers
from osteo_kg_server.cds.request import Hook, Json

_HERS = "?patient={{context.patientId}}"
_LARGE_PAGE = "&_count=1000"  # so that a record comes in one page
_NEWEST_FIRST = "&_sort=-date"
_CURRENT = "&status=current"
#: Why an answer is not whole, as the ontology names it; of the last two an answer that is needed is refused.
_CUT, _ABSENT, *_WANTING = "PageNotGiven", "NotServed", "NotAnswered", "NotSupplied"
_FAILED, _MISSING = _WANTING
_PATIENT, _LISTS, _ALL = "patient", "lists", "all"
#: The groups of queries without whose answers nothing is decided, unless whoever runs the service lets them be missing.
_NEEDED = (_PATIENT, "conditions", "statements", "requests", "administrations", "allergies", "t-score")


class Prefetch:
    """The queries of the prefetch, and which of them may be missing.

    Args:
        knowledge_base: whose codes the queries ask for.
        optional: keys or groups of keys, or `all`, that may be missing beside those that always may.

    Raises:
        UsageError: one of them is none, or is the patient herself.
    """

    def __init__(self, knowledge_base: KnowledgeBase, optional: Iterable[str] = ()) -> None:
        self.terms = knowledge_base.knowledge.terms
        self.searches: Mapping[str, Search] = {each.key: each for each in searches(self.terms)}
        self.templates: Mapping[str, str] = {key: _template(each) for key, each in self.searches.items()}
        chosen = frozenset(optional)
        groups = dict.fromkeys(each.group for each in self.searches.values() if each.group != _PATIENT)
        if unknown := sorted(chosen - {_ALL, *groups, *self.searches} | chosen & {_PATIENT}):
            raise UsageError(
                f"The prefetch {unknown[0]!r} is none that may be missing.",
                advice=f"Name {_ALL}, a group ({', '.join(groups)}), or a key of /cds-services but {_PATIENT}.",
            )
        self.needed = frozenset(
            key
            for key, each in self.searches.items()
            if each.group in _NEEDED and (key == _PATIENT or not chosen & {_ALL, each.group, key})
        )

    def unread(self, keys: Iterable[str], reason: str) -> Iterator[Unread]:
        """Say of queries that were not answered wholly what is not known for it, by type of resource and section.

        Args:
            keys: the queries.
            reason: the name of the `osteo:ReasonNotUsed`.
        """
        alike: dict[tuple[str, tuple[Any, ...]], list[Search]] = defaultdict(list)
        for key in keys:
            search = self.searches[key]
            alike[search.kind, search.sections].append(search)
        for (_, sections), found in alike.items():
            if sections:
                yield Unread(
                    titled_searches(found, self.terms), OSTEO[reason].value, tuple(each.value for each in sections)
                )


def _template(search: Search) -> str:
    if search.group == _PATIENT:
        return "Patient/{{context.patientId}}"
    if search.coding:
        return f"{search.kind}{_HERS}&code={'|'.join(search.coding)}{_NEWEST_FIRST}"
    return f"{search.kind}{_HERS}{_CURRENT if search.group == _LISTS else _LARGE_PAGE}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client sent.

    Attributes:
        patient: her Patient resource.
        resources: what else is about her, each once.
        empty: the keys that were asked and found nothing.
        lacking: the keys, none of them needed, that were not supplied or not whole, by the reason.
        fetched: the keys that were asked of the client's server.
        unread: what is not known for it, where a section stays open.
    """

    patient: Json
    resources: tuple[Json, ...]
    empty: tuple[str, ...]
    lacking: Mapping[str, tuple[str, ...]]
    fetched: tuple[str, ...]
    unread: tuple[Unread, ...] = ()


def sent(hook: Hook, prefetch: Prefetch, servers: Servers) -> Sent:
    """Gather what a client sent, and from its server, where that may be called, what it did not send.

    Raises:
        BadRequest: it is no FHIR, or is about another patient.
        PreconditionFailed: something that is needed was not supplied, or failed.
    """
    given = {key: _answer(key, value) for key, value in hook.prefetch.items()}
    open_ = [key for key in prefetch.templates if key not in given or not given[key].whole]
    server = servers.of(hook.server) if hook.server else None
    fetched = _fetched(hook, prefetch, server, given, open_)
    answers = {**given, **fetched.answers}
    lacking = {key: _why_lacking(key, given.get(key), fetched) for key in open_ if key not in fetched.answers}
    _check_needed([key for key, why in lacking.items() if why in _WANTING], hook, prefetch, fetched, servers, server)
    by_reason = {why: tuple(key for key in lacking if lacking[key] == why) for why in dict.fromkeys(lacking.values())}
    unread = [each for why, keys in by_reason.items() for each in prefetch.unread(keys, why)]
    every = (*answers.values(), FhirAnswer(fetched.referred))
    return Sent(
        patient=_patient(answers.get(_PATIENT, FhirAnswer()), hook),
        resources=tuple({key: each for answer in every for key, each in _by_name(answer)}.values()),
        empty=tuple(
            key for key in prefetch.templates if key not in lacking and key in answers and not answers[key].resources
        ),
        lacking=by_reason,
        fetched=tuple(fetched.answers),
        unread=tuple(unread),
    )


def _fetched(
    hook: Hook, prefetch: Prefetch, server: Server | None, given: Mapping[str, FhirAnswer], open_: Iterable[str]
) -> Fetched:
    if server is None:
        return Fetched({}, {}, frozenset(), ())
    known = [each for answer in given.values() for each in answer.resources]
    queries = {key: Query(prefetch.searches[key].kind, prefetch.templates[key], given.get(key)) for key in open_}
    return fetch(server, hook, queries, [*known, *hook.medications])


def _why_lacking(key: str, given: FhirAnswer | None, fetched: Fetched) -> str:
    """Name the reason why an answer is not whole; of her Patient alone a part, or none, will not do."""
    if key != _PATIENT and given is not None and given.cut:
        return _CUT
    if key != _PATIENT and (key in fetched.absent or (given is not None and given.not_supported)):
        return _ABSENT
    return _FAILED if key in fetched.failures or (given is not None and given.failed) else _MISSING


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


def _check_needed(
    lacking: Iterable[str],
    hook: Hook,
    prefetch: Prefetch,
    fetched: Fetched,
    servers: Servers,
    server: Server | None,
) -> None:
    """Refuse a call that lacks what is needed, with each key and why."""
    keys = [key for key in lacking if key in prefetch.needed]
    if keys:
        told = [f"{key} ({fetched.failures[key]})" if key in fetched.failures else key for key in keys]
        raise PreconditionFailed(
            f"Not supplied, or not whole: {', '.join(told)}. Send each as a prefetch, without an error, with "
            f"null where the query finds nothing. {_why_no_server(hook, servers, server)}"
        )


def _why_no_server(hook: Hook, servers: Servers, server: Server | None) -> str:
    """Say what the FHIR server of a call was good for."""
    if server:
        return "In brackets stands why the FHIR server did not give it."
    if servers and hook.server:
        return "The FHIR server of this call is none that may be called from here."
    return "No FHIR server was named that may be called." if servers else "No FHIR server is called from here."
