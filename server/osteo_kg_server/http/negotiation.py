"""Media types: what is offered against what is accepted, and what a body is."""

from __future__ import annotations

import functools
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping

import pyoxigraph as ox
from flask import Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import BadRequest, NotAcceptable, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import parse_accept_header

from osteo_kg import ValidationReport
from osteo_kg.case import patient_iri
from osteo_kg.rdf import KNOWN_PREFIXES, RDF, RDFS, SH, XSD, graph_bytes

#: Media types of graphs that are read and written, with the format of each; the first is for a caller without wishes.
GRAPH_BODIES = {
    "text/turtle": "turtle",
    "application/n-triples": "ntriples",
    "application/ld+json": "jsonld",
    "application/rdf+xml": "rdfxml",
    "application/n-quads": "nquads",
    "application/trig": "trig",
}
PAGE = "text/html"
#: Those and others that older clients ask for.
GRAPHS = {**GRAPH_BODIES, "application/x-turtle": "turtle", "text/n3": "turtle", "text/plain": "ntriples"}
#: What `format` and `output` may name, with the media types that each stands for.
FORMATS = {
    "csv": ("text/csv",),
    "tsv": ("text/tab-separated-values",),
    "json": ("application/sparql-results+json", "application/json", "application/ld+json"),
    "xml": ("application/sparql-results+xml", "application/rdf+xml"),
    "turtle": ("text/turtle",),
    "jsonld": ("application/ld+json",),
    "nt": ("application/n-triples",),
    "html": (PAGE,),
}
#: Other names for them that clients send.
_ALSO = {"ttl": "turtle", "n3": "turtle", "ntriples": "nt", "jsonld": "jsonld", "rdf": "xml", "rdfxml": "xml"}
_IN_CASES = ("turtle", "ntriples", "jsonld", "rdfxml")
#: Media types of cases, with the reader of each.
CASES = {
    **{media: format_name for media, format_name in GRAPH_BODIES.items() if format_name in _IN_CASES},
    "application/json": "json",
    "application/fhir+json": "fhir",
    "text/csv": "csv",
}


@functools.lru_cache(1024)
def preferred(accept: str, offered: tuple[str, ...]) -> str | None:
    """Give the media type that an `Accept` header likes best, of equals the one offered first; None if none."""
    accepted = [(media, quality) for media, quality in parse_accept_header(accept, MIMEAccept)]
    if not accepted:
        return offered[0]
    bare = MIMEAccept([(media.partition(";")[0].strip(), quality) for media, quality in accepted])
    found = max(offered, key=bare.quality)
    return found if bare.quality(found) > 0 else None


def wishes(parameters: Mapping[str, str]) -> str:
    """Give what is accepted: what the parameter `format` or `output` names, else the header `Accept`.

    Raises:
        BadRequest: there is no such format.
    """
    named = parameters.get("format") or parameters.get("output")
    if not named:
        accepted: str = request.environ.get("HTTP_ACCEPT", "")
        return accepted
    if "/" in named:
        return named.replace(" ", "+")  # which a plus sign of an address is read as
    short = re.sub(r"[^a-z0-9]", "", named.lower())
    media = FORMATS.get(_ALSO.get(short, short))
    if media is None:
        raise BadRequest(f"There is no format {named!r}. Name one of: {', '.join(FORMATS)}.")
    return ", ".join(media)


def wants_a_page() -> bool:
    """Say whether whoever sent this request would rather read a page: a browser would, and who asks for HTML."""
    try:
        return accepts_a_page(wishes(request.args))
    except BadRequest:
        return accepts_a_page(request.headers.get("Accept", ""))


def accepts_a_page(accept: str) -> bool:
    """Say whether an `Accept` header names HTML, and nothing that it likes better."""
    accepted = parse_accept_header(accept, MIMEAccept)
    quality = {media.partition(";")[0].strip().lower(): value for media, value in accepted}
    return bool(quality.get(PAGE)) and quality[PAGE] == max(quality.values())


def best(offered: Iterable[str]) -> str:
    """Give the media type that the caller likes best.

    Raises:
        BadRequest: the caller names a format that there is not.
        NotAcceptable: the caller accepts none.
    """
    types = tuple(offered)
    found = preferred(wishes(request.args), types)
    if found is None:
        raise NotAcceptable(f"None of the accepted types is offered. Accept one of: {', '.join(types)}.")
    return found


def check_accepted(media: str, advice: str = "") -> None:
    """Refuse a caller who does not accept the one media type that there is.

    Args:
        media: the media type.
        advice: where others are.

    Raises:
        BadRequest: the caller names a format that there is not.
        NotAcceptable: the caller does not accept it.
    """
    if preferred(wishes(request.args), (media,)) is None:
        raise NotAcceptable(f"None of the accepted types is offered. Accept {media}. {advice}".rstrip())


def negotiated(body: str | bytes, media: str) -> Response:
    """Answer with a body of the media type that was chosen."""
    response = Response(body, content_type=content_type(media))
    response.headers["Vary"] = "Accept, Accept-Language, Accept-Encoding"
    return response


def content_type(media: str) -> str:
    """Give a media type with the encoding of its text."""
    return f"{media}; charset=utf-8" if media.startswith("text/") else media


def body_format(readers: Mapping[str, str]) -> str:
    """Give the reader for the body of this request.

    Raises:
        UnsupportedMediaType: there is none for its type.
    """
    if request.mimetype not in readers:
        raise UnsupportedMediaType(
            f"A body of type {request.mimetype or 'unknown'} is not read here. Send one of: {', '.join(readers)}."
        )
    return readers[request.mimetype]


def body() -> bytes:
    """Give the body of this request, unpacked where it is compressed by gzip.

    Raises:
        UnsupportedMediaType: it is compressed otherwise.
        BadRequest: it cannot be unpacked.
        RequestEntityTooLarge: it is larger than is allowed, packed or unpacked.
    """
    data = request.get_data(cache=False)
    encoding = (request.content_encoding or "identity").strip().lower()
    if encoding == "identity":
        return data
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType("The compression of the body is not known. Send it as it is, or by gzip.")
    return _unpacked(data, request.max_content_length or 0)


def _unpacked(data: bytes, most: int) -> bytes:
    """Unpack gzip, all of its members (RFC 1952 section 2.2): what stands in a second one is not lost."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(most + 1)
            if not data:
                raise EOFError
    except (OSError, EOFError, zlib.error) as error:
        raise BadRequest("The body is not whole gzip. Send it again.") from error
    if len(unpacked) > most:
        raise RequestEntityTooLarge(f"The body unpacks to more than {most} bytes. Send less.")
    return unpacked


def text(data: bytes) -> str:
    """Read text in UTF-8, the only encoding here.

    Raises:
        BadRequest: it is not.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest("The text is not in UTF-8. Save it as UTF-8.") from error


# Graphs written for the wire, and a validation report as a graph.


def written_in(triples: Iterable[ox.Triple], format_name: str) -> bytes:
    """Write triples in one of the formats of graphs, literals as they are."""
    return graph_bytes(triples, format_name, KNOWN_PREFIXES)


def report_triples(report: ValidationReport) -> Iterator[ox.Triple]:
    """Write a report in the terms of SHACL: each finding with its message, and what to do as a comment."""
    node = ox.BlankNode()
    yield ox.Triple(node, RDF.type, _sh("ValidationReport"))
    yield ox.Triple(node, _sh("conforms"), ox.Literal(str(report.conforms).lower(), datatype=XSD.boolean))
    for finding in report.findings:
        result = ox.BlankNode()
        yield ox.Triple(node, _sh("result"), result)
        yield ox.Triple(result, RDF.type, _sh("ValidationResult"))
        yield ox.Triple(result, _sh("focusNode"), ox.NamedNode(patient_iri(report.patient)))
        for name, iri in (
            ("resultPath", finding.property),
            ("sourceShape", finding.shape),
            ("sourceConstraintComponent", finding.constraint),
        ):
            if iri is not None:
                yield ox.Triple(result, _sh(name), ox.NamedNode(iri))
        yield ox.Triple(result, _sh("resultSeverity"), _sh(finding.severity.capitalize()))
        for language in ("en", "fr"):
            message = finding.message.fr if language == "fr" else finding.message.en
            advice = finding.advice.fr if language == "fr" else finding.advice.en
            yield ox.Triple(result, _sh("resultMessage"), ox.Literal(message, language=language))
            yield ox.Triple(result, RDFS["comment"], ox.Literal(advice, language=language))
        where = ", ".join(part for part in (finding.focus, finding.path) if part)
        yield ox.Triple(result, RDFS.label, ox.Literal(where))
        if finding.value is not None:
            yield ox.Triple(result, _sh("value"), ox.Literal(finding.value))


def _sh(name: str) -> ox.NamedNode:
    return SH[name]
