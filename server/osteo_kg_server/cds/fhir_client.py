"""What a client did not send, fetched from its FHIR server where that may be called: whole, or not at all.

The token goes to that server alone, and into no message and no log.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from osteo_kg import OsteoError
from osteo_kg.case import parse_json
from osteo_kg_server.cds.fhir_servers import Address, Server
from osteo_kg_server.cds.request import Hook, Json
from osteo_kg_server.http_client import Reply, Watch, pool_of, requested
from osteo_kg_server.store import DeadlineError, StoreUnavailableError

_SECONDS = 10.0  # for all queries of a call together, which somebody waits for
_MOST_BYTES = 10_000_000  # of all their answers together: as many as a call itself may send
_AT_ONCE = 4  # queries
_OK = 200
_AS_WRITTEN = "=&:/,-._"  # of a query; a bar between system and code is escaped
_MOST_PRODUCTS = 50
_PRODUCT = re.compile(r"Medication/(?!\.{1,2}$)[A-Za-z0-9.-]{1,64}", re.ASCII)
_ENDED = "it took too long"


class NotFetchedError(Exception):
    """A query was not answered, or not wholly; the message says why, and nothing of what was answered."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answers by key, of each other key why there is none, and the products that something refers to."""

    answers: Mapping[str, FhirAnswer]
    failures: Mapping[str, str]
    products: tuple[Json, ...]


def fetch(server: Server, hook: Hook, templates: Mapping[str, str], sent: Iterable[Json]) -> Fetched:
    """Ask a server for what the templates of a call ask for, and for the products that anything refers to.

    Args:
        server: the server.
        hook: the call.
        templates: the queries, by key.
        sent: what the client sent itself.
    """
    fetcher = _Fetcher(server, hook)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = dict(zip(templates, threads.map(fetcher.answer, templates.values()), strict=True))
        answers = {key: each for key, each in found.items() if isinstance(each, FhirAnswer)}
        known = [*sent, *(each for answer in answers.values() for each in answer.resources)]
        named = list(threads.map(fetcher.answer, _products(known, hook)))
    fetcher.close()
    products = tuple(each for answer in named if isinstance(answer, FhirAnswer) for each in answer.resources)
    return Fetched(answers, {key: each for key, each in found.items() if isinstance(each, str)}, products)


def _products(known: Sequence[Json], hook: Hook) -> list[str]:
    """Name the products that treatments and orders refer to on the client's server, and that are not known yet."""
    here = {f"{each['resourceType']}/{each.get('id')}" for each in known}
    references = [each.get("medicationReference") for each in (*known, *hook.drafts)]
    named = [each.get("reference") for each in references if isinstance(each, dict)]
    bare = [each.removeprefix(f"{(hook.server or '').rstrip('/')}/") for each in named if isinstance(each, str)]
    wanted = [each for each in dict.fromkeys(bare) if _PRODUCT.fullmatch(each) and each not in here]
    return wanted[:_MOST_PRODUCTS]


class _Fetcher:
    """Sends the queries of one call, within a time and a size that hold for all of them."""

    def __init__(self, server: Server, hook: Hook) -> None:
        self._server, self._patient = server, hook.patient
        self._headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
        if hook.token is not None:
            self._headers["Authorization"] = f"Bearer {hook.token}"
        self._pool = pool_of(str(server.base), _AT_ONCE)
        self._lock, self._left, self._until = threading.Lock(), _MOST_BYTES, time.monotonic() + _SECONDS

    def answer(self, template: str) -> FhirAnswer | str:
        """Answer a template, or say why that cannot be."""
        path, mark, query = template.replace("{{context.patientId}}", self._patient).partition("?")
        try:
            address = self._server.at(path + mark + quote(query, safe=_AS_WRITTEN))
            if address is None:
                raise NotFetchedError("the query would leave the server")
            return self._searched(address) if mark else self._read(address, path)
        except NotFetchedError as error:
            return str(error)
        except DeadlineError:
            return _ENDED
        except StoreUnavailableError:
            return "it did not answer, or broke its answer off"

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
        """Follow the pages of a search to the last."""
        found, seen = FhirAnswer(following=""), {address}
        while found.following is not None:
            found = found.and_page(self._page(address, bundle=True))
            if found.following is not None:
                address = self._following(found.following, address, seen)
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
            raise NotFetchedError("it reported an error")
        if page.following == "" or (bundle and document["resourceType"] != "Bundle"):
            raise NotFetchedError("it answered with something else")
        return page

    def _json(self, address: Address) -> Any:
        with self._asked(address) as reply:
            if reply.status != _OK:
                raise NotFetchedError(f"it answered {reply.status}")
            data = b"".join(self._chunks(reply))
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

_FAILED = ("error", "fatal")
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


def _has_failed(outcome: Json) -> bool:
    issues = outcome.get("issue")
    told = issues if isinstance(issues, list) else []
    return any(isinstance(each, dict) and each.get("severity") in _FAILED for each in told)
