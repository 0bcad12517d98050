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
from typing import Any
from urllib.parse import quote

from osteo_kg import OsteoError
from osteo_kg.case import parse_json
from osteo_kg_server.cds.fhir_response import FhirAnswer, NotFhirError, read_answer
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
