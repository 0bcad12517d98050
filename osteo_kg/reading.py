"""From bytes to cases, whatever the format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath

from osteo_kg.cases import Case
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.flat_formats import read_csv, read_json, read_json_lines
from osteo_kg.knowledge import Terms, packaged_knowledge
from osteo_kg.rdf import FORMATS as RDF_FORMATS
from osteo_kg.rdf import read_rdf

#: Every format by the names it may be called, its usual file extension first.
FORMATS = {
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
}
_FLAT: dict[str, Callable[[str, str, Terms], tuple[Case, ...]]] = {
    "json": read_json,
    "jsonl": read_json_lines,
}


def read_case(
    data: bytes | str,
    format: str | None = None,
    *,
    name: str = "input",
    terms: Terms | None = None,
    ignore_columns: Iterable[str] = (),
) -> tuple[Case, ...]:
    """Read every case of one input.

    What is wrong inside a case is kept as a finding of that case, so that the other cases of the input are answered.

    Args:
        data: the whole input, UTF-8 with or without a byte order mark when bytes.
        format: `ttl`, `nt`, `jsonld`, `rdf`, `json`, `jsonl` or `csv`; by the extension of `name` when None.
        name: what to call the input in messages, such as a file name.
        terms: the vocabulary to read flat records with; the packaged one when None.
        ignore_columns: CSV columns to pass over; `all` passes over every unknown one.

    Raises:
        UnreadableCaseError: the input is not of its format, or holds no patient.

    >>> [case] = read_case('{"patient": "anna", "sex": "female"}', "json")
    >>> case.patient, case.iri
    ('anna', 'urn:case:anna')
    """
    form = _format(format, name)
    text = _text(data, name)
    if form in RDF_FORMATS:
        return read_rdf(text, form, name)
    vocabulary = terms or packaged_knowledge().terms
    if form == "csv":
        return read_csv(text, name, vocabulary, frozenset(ignore_columns))
    return _FLAT[form](text, name, vocabulary)


def _format(format: str | None, name: str) -> str:
    called = (format or PurePath(name).suffix.removeprefix(".")).lower()
    if called not in FORMATS:
        raise UnreadableCaseError(
            f"The format of {name} is not known{f' ({called!r})' if called else ''}.",
            advice=f"Name the format, one of: {', '.join(FORMATS)}.",
        )
    return FORMATS[called]


def _text(data: bytes | str, name: str) -> str:
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        text.encode("utf-8")
    except UnicodeError as error:
        raise UnreadableCaseError(f"{name} is not text in UTF-8.", advice="Save it as UTF-8.") from error
    return text.removeprefix("\ufeff")
