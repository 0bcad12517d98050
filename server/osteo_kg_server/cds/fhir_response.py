"""What a query of the prefetch was answered with, by a client or by its server, and whether that is all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from osteo_kg_server.cds.request import Json

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
