"""What a client did not send, fetched from its FHIR server where that may be called: whole, or not at all.

The token goes to that server alone, and into no message and no log.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

from osteo_kg import OsteoError
from osteo_kg.case import parse_json
from osteo_kg_server.cds.fhir_servers import Address, Server
from osteo_kg_server.cds.request import Hook, Json
from osteo_kg_server.http_client import Reply, Watch, pool_of, requested
from osteo_kg_server.store import DeadlineError, StoreUnavailableError

_SECONDS = 10.0  # for all queries of a call together, which somebody waits for
_MOST_BYTES = 10_000_000  # of all their answers together: as many as a call itself may send
_AT_ONCE = 8  # queries
_OK, _LEAST_REFUSAL, _NOT_FOUND = 200, 400, 404
_AS_WRITTEN = "=&:/,-._"  # of a query; a bar between system and code is escaped
_MOST_REFERRED = 50
_REFERRED = re.compile(r"(?:Medication|Observation)/(?!\.{1,2}$)[A-Za-z0-9.-]{1,64}", re.ASCII)
_ENDED = "it took too long"
_T = TypeVar("_T")


class NotFetchedError(Exception):
    """A query was not answered, or not wholly; the message says why, and nothing of what was answered.

    Attributes:
        refused: whether the server answered, but not with what was asked.
        hint: whether the answer says that the server has no resources of this type.
    """

    def __init__(self, why: str, *, refused: bool = False, hint: bool = False) -> None:
        super().__init__(why)
        self.refused, self.hint = refused, hint


@dataclass(frozen=True, slots=True)
class Query:
    """A query of the prefetch: the type that it asks for, its template, and its first page where that was sent."""

    kind: str
    template: str
    page: FhirAnswer | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered.

    Attributes:
        answers: the answers, by key.
        failures: of each other key, why there is none.
        absent: those of them whose type of resource the server does not hold at all.
        referred: the products and the members of panels that something refers to.
    """

    answers: Mapping[str, FhirAnswer]
    failures: Mapping[str, str]
    absent: frozenset[str]
    referred: tuple[Json, ...]


def fetch(server: Server, hook: Hook, queries: Mapping[str, Query], sent: Iterable[Json]) -> Fetched:
    """Ask a server for what the queries of a call ask for, and for what anything refers to.

    Args:
        server: the server.
        hook: the call.
        queries: the queries, by key.
        sent: what the client sent itself.
    """
    fetcher = _Fetcher(server, hook)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = dict(zip(queries, threads.map(fetcher.answer, queries.values()), strict=True))
        answers = {key: each for key, each in found.items() if isinstance(each, FhirAnswer)}
        known = [*sent, *(each for answer in answers.values() for each in answer.resources)]
        named = list(threads.map(fetcher.answer, _referred(known, hook)))
    failures = {key: each for key, each in found.items() if isinstance(each, NotFetchedError)}
    absent = frozenset(key for key, each in failures.items() if fetcher.lacks(queries[key].kind, each))
    fetcher.close()
    referred = tuple(each for answer in named if isinstance(answer, FhirAnswer) for each in answer.resources)
    return Fetched(answers, {key: str(each) for key, each in failures.items()}, absent, referred)


def _referred(known: Sequence[Json], hook: Hook) -> list[Query]:
    """Ask for what treatments, orders and panels refer to on the client's server, and is not known yet."""
    here = {f"{each['resourceType']}/{each.get('id')}" for each in known}
    references = [each.get("medicationReference") for each in (*known, *hook.drafts)]
    for each in known:
        members = each.get("hasMember")
        references += members if isinstance(members, list) else []
    named = [each.get("reference") for each in references if isinstance(each, dict)]
    bare = [each.removeprefix(f"{(hook.server or '').rstrip('/')}/") for each in named if isinstance(each, str)]
    wanted = [each for each in dict.fromkeys(bare) if _REFERRED.fullmatch(each) and each not in here]
    return [Query(each.partition("/")[0], each) for each in wanted[:_MOST_REFERRED]]


class _Fetcher:
    """Sends the queries of one call, within a time and a size that hold for all of them."""

    def __init__(self, server: Server, hook: Hook) -> None:
        self._server, self._patient = server, hook.patient
        self._headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
        if hook.token is not None:
            self._headers["Authorization"] = f"Bearer {hook.token}"
        self._pool = pool_of(str(server.base), _AT_ONCE)
        self._lock, self._left, self._until = threading.Lock(), _MOST_BYTES, time.monotonic() + _SECONDS

    def answer(self, query: Query) -> FhirAnswer | NotFetchedError:
        """Answer a query, or say why that cannot be; where its first page is here, those after it will do."""
        page = query.page
        if page is not None and page.following:
            with suppress(NotFetchedError):
                return self._told(lambda: self._continued(page, page.following or ""))
        try:
            return self._told(lambda: self._asked_anew(query.template))
        except NotFetchedError as error:
            return error

    def lacks(self, kind: str, failure: NotFetchedError) -> bool:
        """Say whether the server holds no resources of a type: as it says of itself, or as its refusal hints."""
        if not failure.refused:
            return False
        return failure.hint if self._types is None else kind not in self._types

    @functools.cached_property
    def _types(self) -> frozenset[str] | None:
        """The types of resource that the server says it holds; None where it does not say."""
        address = self._server.at("metadata")
        try:
            statement = self._told(lambda: self._json(address)) if address else None
        except NotFetchedError:
            return None
        return types_served(statement)

    def _told(self, asking: Callable[[], _T]) -> _T:
        try:
            return asking()
        except DeadlineError as error:
            raise NotFetchedError(_ENDED) from error
        except StoreUnavailableError as error:
            raise NotFetchedError("it did not answer, or broke its answer off") from error

    def _asked_anew(self, template: str) -> FhirAnswer:
        path, mark, query = template.replace("{{context.patientId}}", self._patient).partition("?")
        address = self._server.at(path + mark + quote(query, safe=_AS_WRITTEN))
        if address is None:
            raise NotFetchedError("the query would leave the server")
        return self._searched(address) if mark else self._read(address, path)

    def _continued(self, page: FhirAnswer, link: str) -> FhirAnswer:
        """Follow the pages after one that was sent."""
        first = self._following(link, self._server.base, set())
        return self._whole(page.and_page(self._page(first, bundle=True)), first)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _read(self, address: Address, wanted: str) -> FhirAnswer:
        found = self._page(address)
        named = [f"{each['resourceType']}/{each.get('id')}" for each in found.resources]
        if named != [wanted] or not found.whole:
            raise NotFetchedError("it answered with something else")
        return found

    def _searched(self, address: Address) -> FhirAnswer:
        return self._whole(self._page(address, bundle=True), address)

    def _whole(self, found: FhirAnswer, address: Address) -> FhirAnswer:
        """Follow the pages of a search to the last; an address is that of the last that was found."""
        seen = {address}
        while found.following is not None:
            address = self._following(found.following, address, seen)
            found = found.and_page(self._page(address, bundle=True))
        if not found.whole:
            raise NotFetchedError("it gave fewer resources than it counts")
        return found

    def _following(self, link: str, on: Address, seen: set[Address]) -> Address:
        following = self._server.page(link, on)
        if following is None:
            raise NotFetchedError("its next page lies outside of what may be called")
        if following in seen:
            raise NotFetchedError("its pages go round in a circle")
        seen.add(following)
        return following

    def _page(self, address: Address, *, bundle: bool = False) -> FhirAnswer:
        document = self._json(address)
        try:
            page = read_answer(document)
        except NotFhirError:
            page = FhirAnswer(following="")
        if page.failed:
            raise NotFetchedError("it reported an error", refused=True, hint=page.not_supported)
        if page.following == "" or (bundle and document["resourceType"] != "Bundle"):
            raise NotFetchedError("it answered with something else")
        return page

    def _json(self, address: Address) -> Any:
        with self._asked(address) as reply:
            data = b"".join(self._chunks(reply))
            if reply.status != _OK:
                hint = reply.status == _NOT_FOUND or _says_not_supported(data)
                raise NotFetchedError(f"it answered {reply.status}", refused=reply.status >= _LEAST_REFUSAL, hint=hint)
        try:
            return parse_json(data.decode("utf-8"), "The answer")
        except (UnicodeError, OsteoError) as error:
            raise NotFetchedError("it did not answer in JSON") from error

    def _chunks(self, reply: Reply) -> Iterator[bytes]:
        for chunk in reply.chunks():
            with self._lock:
                self._left -= len(chunk)
            if self._left < 0:
                raise NotFetchedError("its answers are too large")
            yield chunk

    @contextmanager
    def _asked(self, address: Address) -> Iterator[Reply]:
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise NotFetchedError(_ENDED)
        watch = Watch(seconds)
        try:
            with requested(self._pool, "GET", address.target, self._headers, watch) as reply:
                yield reply
        finally:
            watch.end()


# What a query of the prefetch was answered with, by a client or by its server, and whether that is all of it.

_FAILED, _NOT_SUPPORTED = ("error", "fatal"), "not-supported"
_OUTCOME = "OperationOutcome"


class NotFhirError(Exception):
    """An answer is not FHIR; the message says what of it is not, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class FhirAnswer:
    """An answer, or a page of one.

    Attributes:
        resources: what was found.
        outcomes: what the server says of its own search.
        following: the address of the next page, empty where it cannot be read; None where this is the last.
        total: how many resources were found in all, where that is said.
        found: how many of them are here.
    """

    resources: tuple[Json, ...] = ()
    outcomes: tuple[Json, ...] = ()
    following: str | None = None
    total: int | None = None
    found: int = 0

    @property
    def failed(self) -> bool:
        """Whether the server reports an error."""
        return any(_has_failed(each) for each in self.outcomes)

    @property
    def not_supported(self) -> bool:
        """Whether the server reports, in place of an answer, that it does not support what was asked."""
        return not self.resources and any(_has_failed(each, _NOT_SUPPORTED) for each in self.outcomes)

    @property
    def cut(self) -> bool:
        """Whether there is more than this, and no error."""
        return not self.failed and not self.whole

    @property
    def whole(self) -> bool:
        """Whether this is all that there is."""
        return self.following is None and not self.failed and (self.total is None or self.total <= self.found)

    def and_page(self, page: FhirAnswer) -> FhirAnswer:
        """Give this with the next page after it."""
        total = page.total if self.total is None else self.total
        resources, outcomes = (*self.resources, *page.resources), (*self.outcomes, *page.outcomes)
        return FhirAnswer(resources, outcomes, page.following, total, self.found + page.found)


def read_answer(value: Any) -> FhirAnswer:
    """Read a resource or a Bundle.

    Raises:
        NotFhirError: it is neither.
    """
    if not _is_resource(value):
        raise NotFhirError("is no FHIR resource. Send a resource, a Bundle or null")
    if value["resourceType"] == _OUTCOME:  # it stands where an answer should, whatever it says
        return FhirAnswer(outcomes=(value,), following="")
    if value["resourceType"] != "Bundle":
        return FhirAnswer((value,))
    entries, links = (value.get(name, []) for name in ("entry", "link"))
    if not isinstance(entries, list) or not isinstance(links, list):
        raise NotFhirError("is no Bundle of FHIR. Send one as the server gave it")
    if not all(isinstance(each, dict) and _is_resource(each.get("resource")) for each in entries):
        raise NotFhirError("has an entry without a resource. Give each one")
    resources = [entry["resource"] for entry in entries]
    total = value.get("total")
    return FhirAnswer(
        resources=tuple(each for each in resources if each["resourceType"] != _OUTCOME),
        outcomes=tuple(each for each in resources if each["resourceType"] == _OUTCOME),
        following=next(_following(links), None),
        total=int(total) if isinstance(total, Decimal) else None,
        found=sum(_is_match(entry) for entry in entries),
    )


def _following(links: list[Any]) -> Iterator[str]:
    for each in links:
        if isinstance(each, dict) and each.get("relation") == "next":
            url = each.get("url")
            yield url if isinstance(url, str) else ""


def _is_match(entry: Json) -> bool:
    """Whether an entry was searched for, and is not there for the sake of another."""
    search = entry.get("search")
    mode = search.get("mode", "match") if isinstance(search, dict) else "match"
    return mode == "match" and entry["resource"]["resourceType"] != _OUTCOME


def _is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def _has_failed(outcome: Json, code: str | None = None) -> bool:
    """Whether an outcome reports an error, of a code where one is named."""
    issues = outcome.get("issue")
    told = [each for each in issues if isinstance(each, dict)] if isinstance(issues, list) else []
    return any(each.get("severity") in _FAILED and code in (None, each.get("code")) for each in told)


def _says_not_supported(data: bytes) -> bool:
    try:
        return read_answer(parse_json(data.decode("utf-8"), "The answer")).not_supported
    except (UnicodeError, OsteoError, NotFhirError):
        return False


def types_served(statement: Any) -> frozenset[str] | None:
    """Give the types of resource that a CapabilityStatement lists; None where it is none, or lists none."""
    if not _is_resource(statement) or statement["resourceType"] != "CapabilityStatement":
        return None
    rests = statement.get("rest")
    listed = [each.get("resource") for each in rests if isinstance(each, dict)] if isinstance(rests, list) else []
    resources = [each for some in listed if isinstance(some, list) for each in some if isinstance(each, dict)]
    return frozenset(each["type"] for each in resources if isinstance(each.get("type"), str)) or None
