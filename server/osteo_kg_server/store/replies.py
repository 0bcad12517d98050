"""What a remote store answers, as results and errors of this service."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pyoxigraph as ox

from osteo_kg import SOLUTION_FORMATS, OsteoError, QueryError
from osteo_kg_server.store.base import BusyError, DeadlineError, StoreUnavailableError, TooLargeError
from osteo_kg_server.store.transport import Reply

_JSON, _XML = "application/sparql-results+json", "application/sparql-results+xml"
#: What is asked for to have each format. Of what a query constructs, N-Triples are N-Quads and Turtle is TriG: not
#: every store offers these two.
ACCEPTED = {
    "json": _JSON,
    "xml": _XML,
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "turtle": "text/turtle",
    "trig": "text/turtle",
    "ntriples": "application/n-triples",
    "nquads": "application/n-triples",
    "rdfxml": "application/rdf+xml",
}
_ALSO = {_JSON: "application/json", _XML: "application/xml", "application/n-triples": "text/plain"}
_SENTENCE, _LONGEST = 2000, 300  # bytes of an error that are read, letters of it that are told
_TAG = re.compile(r"<(?:style|script|title)\b.*?</\w+>|<!?/?[A-Za-z][^<>]*>", re.DOTALL | re.IGNORECASE)
_CUT_OFF = ("X-SPARQL-MaxRows", "X-SQL-State", "X-SPARQL-Anytime")
_ADVICE = "Tell whoever runs this service."


def check_status(reply: Reply) -> None:
    """Turn what is no success into an error.

    Raises:
        QueryError: the store refuses the text.
        DeadlineError: it took the store too long.
        BusyError: the store has too much to do.
        TooLargeError: the store takes no such text.
        StoreUnavailableError: the store fails, or does not know the service.
    """
    if reply.status not in (200, 201, 204):
        raise _error(reply)


def check_result(reply: Reply, form: str) -> None:
    """Refuse a result that is not in the format asked for, or that the store says it has cut off.

    Raises:
        StoreUnavailableError: it is in another format.
        TooLargeError: it is not whole.
    """
    check_status(reply)
    wanted = ACCEPTED[form]
    if (
        reply.media not in (wanted, _ALSO.get(wanted))
        or reply.headers.get("Content-Encoding", "identity") != "identity"
    ):
        raise StoreUnavailableError(
            "The store behind this service answers in another format.", advice="Ask for another."
        )
    if any(name in reply.headers for name in _CUT_OFF):
        raise TooLargeError("The store would give a part of the result only.", advice="Ask for less of it, with LIMIT.")


def boolean(document: bytes, form: str) -> bytes:
    """Write the answer to an `ASK` anew: Virtuoso gives it as a table with one row."""
    told = read_json(document)
    found = told["boolean"] if "boolean" in told else [row for row in _rows(told) if "1" in row.values()]
    plain = json.dumps({"head": {}, "boolean": bool(found)})
    result = ox.parse_query_results(plain, format=ox.QueryResultsFormat.JSON)
    return result.serialize(format=SOLUTION_FORMATS[form]) or b""


def rows(document: bytes) -> list[dict[str, str]]:
    """Read the values of solutions in JSON."""
    return _rows(read_json(document))


def read_json(document: bytes) -> dict[str, Any]:
    """Read a result in JSON.

    Raises:
        StoreUnavailableError: it is none.
    """
    try:
        told = json.loads(document)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise StoreUnavailableError("The store behind this service answers what is no result.", advice=_ADVICE)
    return told


def _rows(told: dict[str, Any]) -> list[dict[str, str]]:
    try:
        return [{name: str(term["value"]) for name, term in row.items()} for row in told["results"]["bindings"]]
    except (KeyError, TypeError, AttributeError):
        raise StoreUnavailableError(
            "The store behind this service answers what is no result.", advice=_ADVICE
        ) from None


def _error(reply: Reply) -> OsteoError:
    status = reply.status
    if status in (408, 504):
        return DeadlineError("It took the store too long.", advice="Ask for less, or in smaller parts.")
    if status in (429, 503):
        return BusyError("The store behind this service has too much to do.", advice="Ask again in a little while.")
    if status in (413, 414):
        return TooLargeError("The store behind this service takes no such long text.", advice="Send less.")
    if status in (400, 422):
        return QueryError(f"The store refuses this: {_sentence(reply)}.", advice="Correct it there.")
    if status in (401, 403):
        return StoreUnavailableError("The store behind this service does not let it do that.", advice=_ADVICE)
    return StoreUnavailableError(f"The store behind this service fails, with status {status}.", advice=_ADVICE)


def _sentence(reply: Reply) -> str:
    """Give the first paragraph of an error, which tells what is wrong; stores put their stacks and the query below."""
    told = reply.start(_SENTENCE).decode("utf-8", "replace")
    if "<html" in told.lower():
        told = html.unescape(_TAG.sub(" ", told))
    first = re.split(r"\n\s*\n|\n\s*at |SPARQL query:", told.strip())[0]
    words = "".join(letter if letter.isprintable() else " " for letter in first).split()
    return " ".join(words)[:_LONGEST].rstrip(". ") or "it does not say why"
