"""Media types: what is offered against what is accepted, and what a body is."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable, Iterator, Mapping

import pyoxigraph as ox
from flask import Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import BadRequest, NotAcceptable, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import parse_accept_header

from osteo_kg import ValidationReport
from osteo_kg.case import patient_iri
from osteo_kg.rdf import GRAPH_FORMATS, OWL, PREFIXES, RDF, RDFS, SH, SKOS, XSD

#: Media types of graphs, with the format each is written in; the first is what a caller without wishes gets.
GRAPHS = {
    "text/turtle": "turtle",
    "application/n-triples": "ntriples",
    "application/ld+json": "jsonld",
    "application/rdf+xml": "rdfxml",
    "application/n-quads": "nquads",
    "application/trig": "trig",
}
_IN_CASES = ("turtle", "ntriples", "jsonld", "rdfxml")
#: Media types of cases, with the reader of each.
CASES = {
    **{media: format_name for media, format_name in GRAPHS.items() if format_name in _IN_CASES},
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


def best(offered: Iterable[str]) -> str:
    """Give the media type that the caller likes best.

    Raises:
        NotAcceptable: the caller accepts none.
    """
    types = tuple(offered)
    found = preferred(request.headers.get("Accept", ""), types)
    if found is None:
        raise NotAcceptable(f"None of the accepted types is offered. Accept one of: {', '.join(types)}.")
    return found


def negotiated(body: str | bytes, media: str) -> Response:
    """Answer with a body of the media type that was chosen."""
    response = Response(body, content_type=content_type(media))
    response.headers["Vary"] = "Accept, Accept-Language, Accept-Encoding"
    if media == "text/html":
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
        )
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
    if request.content_encoding in (None, "", "identity"):
        return data
    if request.content_encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType("The compression of the body is not known. Send it as it is, or by gzip.")
    most = request.max_content_length or 0
    unpacking = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacking.decompress(data, most + 1)
    except zlib.error as error:
        raise BadRequest("The body is not whole gzip. Send it again.") from error
    if len(unpacked) > most:
        raise RequestEntityTooLarge(f"The body unpacks to more than {most} bytes. Send less.")
    if not unpacking.eof:
        raise BadRequest("The body is not whole gzip. Send it again.")
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

SHORT = {**PREFIXES, "sh": SH.iri, "rdfs": RDFS.iri, "skos": SKOS.iri, "owl": OWL.iri}


def written_in(triples: Iterable[ox.Triple], format_name: str) -> bytes:
    """Write triples in one of the formats of graphs, literals as they are."""
    data = ox.serialize(triples, format=GRAPH_FORMATS[format_name], prefixes=SHORT)
    assert data is not None  # only where an output is given
    return data


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
