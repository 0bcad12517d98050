"""From bytes to cases, whatever the format."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any

from osteo_kg.case.fhir import Assumption, read_fhir
from osteo_kg.case.fhir.exports import Beside, read_export, standing
from osteo_kg.case.fields import KEYS
from osteo_kg.case.files import extension, not_utf8, opened, walked
from osteo_kg.case.model import Case
from osteo_kg.case.rdf import read_rdf
from osteo_kg.case.record_text import json_documents, read_csv, read_excel, read_json, read_json_lines
from osteo_kg.case.tables import PLAIN, Profile, TableReader, dialect_of
from osteo_kg.case.tables.dialect import LOOKED_AT, encoding_of, foreign, with_mark
from osteo_kg.errors import UnreadableCaseError, UsageError
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
    "parquet": "parquet",
    "pq": "parquet",
    "tsv": "csv",
    "xlsx": "xlsx",
    "fhir": "fhir",
    "fhir.json": "fhir",
    "fhir.ndjson": "fhir",
}
_FLAT: dict[str, Callable[[str, str, TableReader], tuple[Case, ...]]] = {
    "csv": read_csv,
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
    profile: Profile | None = None,
    assume_postmenopausal_from: int | None = None,
    on: datetime.date | str | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[Case, ...]:
    """Read every case of one input.

    What is wrong inside a case is kept as a finding of that case, so that the other cases of the input are answered.

    Args:
        data: the whole input; text is UTF-8 with or without a byte order mark when bytes, unless the profile says
            otherwise, and Parquet and workbooks are bytes.
        format: `ttl`, `nt`, `jsonld`, `rdf`, `json`, `jsonl`, `csv`, `xlsx`, `parquet` or `fhir`; by the extension of
            `name` when None. JSON whose object has a `resourceType` is FHIR, and so are lines of it.
        name: what to call the input in messages, such as a file name.
        terms: the vocabulary to read flat records with; the packaged one when None.
        ignore_columns: columns to pass over; `all` passes over every unknown one that is not nearly a key.
        profile: what a table calls our keys and values; they are as the contract has them when None.
        assume_postmenopausal_from: in FHIR, the age from which a woman whose menopausal status is not recorded is
            taken for post-menopausal; never when None.
        on: the day on which that age is reckoned, as YYYY-MM-DD where it is text; today when None.
        tell: is told what stands in FHIR and is no resource, which otherwise every answer tells; and what columns of a
            table were read under other names, or passed over.

    Raises:
        UnreadableCaseError: the input is not of its format, or holds no patient.

    >>> [case] = read_case('{"patient": "anna", "sex": "female"}', "json")
    >>> case.patient, case.iri
    ('anna', 'urn:case:anna')
    """
    format_name = _format(format, name)
    vocabulary = terms or packaged_knowledge().terms
    reader = TableReader((profile or PLAIN).with_options({}, tuple(ignore_columns)), vocabulary)
    if format_name in ("xlsx", "parquet"):
        if isinstance(data, str):
            raise UnreadableCaseError(f"{name} is text, and not {format_name}.", advice="Read the file as bytes.")
        return _told((read_excel if format_name == "xlsx" else _parquet)(data, name, reader), reader, tell)
    text = _text(data, name, format_name, reader)
    if _FHIR_XML.match(text):
        raise UnreadableCaseError(
            f"{name} is FHIR in XML.", advice="Send it as FHIR JSON: its resources are not read in XML."
        )
    if format_name in RDF_FORMATS:
        return read_rdf(text, format_name, name)
    if format_name in _MAY_BE_FHIR and (documents := _fhir(text, format_name, name)) is not None:
        if tell is not None:
            beside = Beside()
            documents = [each for each in documents if not _is_no_resource(each, name, beside)]
            _tell(beside, tell)
        return read_fhir(documents, name, vocabulary, _assumption(assume_postmenopausal_from, on))
    if format_name == "csv":
        reader.check(text[:LOOKED_AT].encode() if isinstance(data, str) else data[:LOOKED_AT], name)
    return _told(_FLAT[format_name](text, name, reader), reader, tell)


def _told(cases: tuple[Case, ...], reader: TableReader, tell: Callable[[str], None] | None) -> tuple[Case, ...]:
    """Tell what was read otherwise than under its own name, and give the cases."""
    for sentence in (*(each.sentence() for each in reader.columns_read()), *(each.en for each in reader.remarks)):
        if sentence and tell is not None:
            tell(sentence)
    return cases


def _parquet(data: bytes, name: str, reader: TableReader) -> tuple[Case, ...]:
    from osteo_kg.case.record_columns import read_parquet  # who reads no Parquet does not wait for pyarrow

    return read_parquet(data, name, reader)


def day_of_assessment(on: datetime.date | str | None) -> datetime.date:
    """Give the day that a caller names, as a day or written YYYY-MM-DD; today when None.

    Raises:
        UsageError: it is no day.
    """
    if on is None:
        return datetime.date.today()
    if isinstance(on, datetime.date):
        return on.date() if isinstance(on, datetime.datetime) else on
    try:
        day = datetime.date.fromisoformat(on)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != on:  # the short form without hyphens is no day here
        raise UsageError(f"{on!r} is not a day.", advice="Write it as 2026-11-22.")
    return day


def _assumption(least_age: int | None, on: datetime.date | str | None) -> Assumption | None:
    return None if least_age is None else Assumption(least_age, day_of_assessment(on))


def read_folder(
    folder: Path,
    *,
    terms: Terms | None = None,
    assume_postmenopausal_from: int | None = None,
    on: datetime.date | str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Case, ...]:
    """Read the cases of a folder of FHIR, and of the folders inside it, as one source: a bulk export, or Bundles.

    Args:
        folder: the folder; its files of JSON are read, in any split, gzipped or not.
        terms: the vocabulary; the packaged one when None.
        assume_postmenopausal_from: as in `read_case`.
        on: as in `read_case`.
        tell: is told what stands in the files and is no resource of a patient.

    Raises:
        UnreadableCaseError: a file is not JSON, or no patient is there.
    """
    paths = [path for path in walked(folder) if INPUT_FORMATS.get(extension(path)) in _MAY_BE_FHIR]
    once = {path.resolve(): path for path in reversed(paths)}
    files = ((path.name, _documents_of(path)) for path in sorted(once.values()))
    cases, beside = read_export(
        files, folder.name, terms or packaged_knowledge().terms, _assumption(assume_postmenopausal_from, on)
    )
    _tell(beside, tell)
    return cases


def _documents_of(path: Path) -> Iterator[Any]:
    with opened(path) as file:
        text = _text(file.read(), path.name)
    yield from (document for _, document in json_documents(text, path.name))


def _tell(beside: Beside, tell: Callable[[str], None]) -> None:
    for sentence in beside.sentences():
        tell(sentence)


def _is_no_resource(document: Any, name: str, beside: Beside) -> bool:
    return standing(document) == "no resource" and beside.count("no resource", name)


def _fhir(text: str, format_name: str, name: str) -> list[Any] | None:
    """Give the FHIR documents of an input, whether one a line or over many lines; None where it is no FHIR.

    Raises:
        UnreadableCaseError: it is to be FHIR, and cannot be read as such.
    """
    if format_name != "fhir" and ('"resourceType"' not in text or _is_flat(text)):
        return None
    documents = [document for _, document in json_documents(text, name)]
    if any(standing(each) != "no resource" for each in documents):
        return documents
    if format_name == "fhir":
        raise UnreadableCaseError(
            f"{name} is not FHIR: no object in it has a resourceType.", advice="Send a Bundle, or one resource a line."
        )
    return None


def _is_flat(text: str) -> bool:
    """Whether the first line is a flat record by itself."""
    try:
        document = json.loads(text.lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "resourceType" not in document and not document.keys().isdisjoint(KEYS)


def _format(format: str | None, name: str) -> str:
    called = (format or PurePath(name).suffix.removeprefix(".")).lower()
    if called not in INPUT_FORMATS:
        raise UnreadableCaseError(
            f"The format of {name} is not known{f' ({called!r})' if called else ''}.",
            advice=f"Name the format, one of: {', '.join(INPUT_FORMATS)}.",
        )
    return INPUT_FORMATS[called]


def _text(data: bytes | str, name: str, format_name: str = "json", reader: TableReader | None = None) -> str:
    stated = reader.profile.encoding if reader and format_name in _FLAT else None
    try:
        text = data if isinstance(data, str) else data.decode(with_mark(stated))
        text.encode("utf-8")
    except UnicodeError as error:
        if stated:
            raise UnreadableCaseError(f"{name} is not text in {stated}.", advice="Correct `encoding`.") from error
        if reader is not None and format_name == "csv" and isinstance(data, bytes):
            raise foreign(name, dialect_of(data[:LOOKED_AT], reader.names, encoding_of(data))) from error
        raise not_utf8(name) from error
    return text.removeprefix("\ufeff")
