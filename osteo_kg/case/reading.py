"""From bytes to cases, whatever the format."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any

from osteo_kg.case.fhir import Assumption, read_fhir
from osteo_kg.case.model import Case
from osteo_kg.case.rdf import read_rdf
from osteo_kg.case.record_text import parse_json, read_csv, read_json, read_json_lines
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms, packaged_knowledge
from osteo_kg.rdf import RDF_FORMATS

#: Every format by the names it may be called, its usual file extension first.
INPUT_FORMATS = {
    "ttl": "turtle",
    "turtle": "turtle",
    "nt": "ntriples",
    "ntriples": "ntriples",
    "nq": "nquads",
    "nquads": "nquads",
    "jsonld": "jsonld",
    "rdf": "rdfxml",
    "rdfxml": "rdfxml",
    "xml": "rdfxml",
    "owl": "rdfxml",
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "csv": "csv",
    "fhir": "fhir",
    "fhir.json": "fhir",
    "fhir.ndjson": "fhir",
}
_FLAT: dict[str, Callable[[str, str, Terms], tuple[Case, ...]]] = {
    "json": read_json,
    "jsonl": read_json_lines,
}
_MAY_BE_FHIR = ("json", "jsonl", "fhir")
#: The first element of a resource of FHIR in XML.
_FHIR_XML = re.compile(r"\s*(<[?!][^>]*>\s*)*<[^>]*\bxmlns(:\w+)?=[\"']http://hl7\.org/fhir[\"']")


def read_case(
    data: bytes | str,
    format: str | None = None,
    *,
    name: str = "input",
    terms: Terms | None = None,
    ignore_columns: Iterable[str] = (),
    assume_postmenopausal_from: int | None = None,
    on: datetime.date | None = None,
) -> tuple[Case, ...]:
    """Read every case of one input.

    What is wrong inside a case is kept as a finding of that case, so that the other cases of the input are answered.

    Args:
        data: the whole input, UTF-8 with or without a byte order mark when bytes.
        format: `ttl`, `nt`, `jsonld`, `rdf`, `json`, `jsonl`, `csv` or `fhir`; by the extension of `name` when None.
            JSON whose object has a `resourceType` is FHIR, and so are lines of it.
        name: what to call the input in messages, such as a file name.
        terms: the vocabulary to read flat records with; the packaged one when None.
        ignore_columns: CSV columns to pass over; `all` passes over every unknown one.
        assume_postmenopausal_from: in FHIR, the age from which a woman whose menopausal status is not recorded is
            taken for post-menopausal; never when None.
        on: the day on which that age is reckoned; today when None.

    Raises:
        UnreadableCaseError: the input is not of its format, or holds no patient.

    >>> [case] = read_case('{"patient": "anna", "sex": "female"}', "json")
    >>> case.patient, case.iri
    ('anna', 'urn:case:anna')
    """
    format_name = _format(format, name)
    text = _text(data, name)
    if _FHIR_XML.match(text):
        raise UnreadableCaseError(
            f"{name} is FHIR in XML.", advice="Send it as FHIR JSON: its resources are not read in XML."
        )
    if format_name in RDF_FORMATS:
        return read_rdf(text, format_name, name)
    vocabulary = terms or packaged_knowledge().terms
    if format_name in _MAY_BE_FHIR and (documents := _fhir(text, format_name, name)) is not None:
        return read_fhir(documents, name, vocabulary, _assumption(assume_postmenopausal_from, on))
    if format_name == "csv":
        return read_csv(text, name, vocabulary, frozenset(ignore_columns))
    return _FLAT[format_name](text, name, vocabulary)


def _assumption(least_age: int | None, on: datetime.date | None) -> Assumption | None:
    return None if least_age is None else Assumption(least_age, on or datetime.date.today())


def _fhir(text: str, format_name: str, name: str) -> list[Any] | None:
    """Give the FHIR documents of an input: one, or one a line; None where it is no FHIR.

    Raises:
        UnreadableCaseError: it is to be FHIR, and cannot be read as such.
    """
    lines = [(row, line) for row, line in enumerate(text.split("\n"), 1) if line.strip()]
    start = lines[0][1] if lines else ""
    if format_name == "json" or (format_name == "fhir" and not _is_whole(start)):
        documents = [parse_json(text, name)] if format_name == "fhir" or '"resourceType"' in text else []
    elif format_name == "fhir" or '"resourceType"' in start:
        documents = [parse_json(line, f"{name}, line {row}") for row, line in lines]
    else:
        documents = []
    are_fhir = bool(documents) and all(isinstance(each, dict) and "resourceType" in each for each in documents)
    if format_name == "fhir" and not are_fhir:
        raise UnreadableCaseError(
            f"{name} is not FHIR: an object without resourceType stands in it.",
            advice="Send a Bundle, or one resource a line.",
        )
    return documents if are_fhir else None


def _is_whole(line: str) -> bool:
    """Whether a line is JSON by itself, as in NDJSON."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _format(format: str | None, name: str) -> str:
    called = (format or PurePath(name).suffix.removeprefix(".")).lower()
    if called not in INPUT_FORMATS:
        raise UnreadableCaseError(
            f"The format of {name} is not known{f' ({called!r})' if called else ''}.",
            advice=f"Name the format, one of: {', '.join(INPUT_FORMATS)}.",
        )
    return INPUT_FORMATS[called]


def _text(data: bytes | str, name: str) -> str:
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        text.encode("utf-8")
    except UnicodeError as error:
        raise UnreadableCaseError(f"{name} is not text in UTF-8.", advice="Save it as UTF-8.") from error
    return text.removeprefix("\ufeff")
