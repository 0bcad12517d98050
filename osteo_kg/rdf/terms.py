"""Namespaces and their terms, and values as they are written in literals."""

from __future__ import annotations

import calendar
import datetime
import re
from decimal import Decimal, InvalidOperation

import pyoxigraph as ox

Subject = ox.NamedNode | ox.BlankNode | ox.Triple  # RDF 1.2 lets a triple stand here; no case may
Node = ox.NamedNode | ox.BlankNode
Iri = ox.NamedNode | str

ONTOLOGY = "https://w3id.org/osteo-kg/ontology/"
GUIDELINE = "https://w3id.org/osteo-kg/guideline/"
SITUATION = "https://w3id.org/osteo-kg/situation/"
CONTEXT = ONTOLOGY + "context.jsonld"
_LENGTH_OF_A_DAY = len("2026-11-22")


class Vocabulary:
    """The terms of one namespace: `OSTEO.Patient` or `OSTEO["Patient"]`.

    A test looks up in `ontology/` every term of ours that the code names, so none can be misspelt.

    Attributes:
        iri: the namespace.
    """

    def __init__(self, iri: str) -> None:
        self.iri = iri

    def __getitem__(self, name: str) -> ox.NamedNode:
        return ox.NamedNode(self.iri + name)

    def __getattr__(self, name: str) -> ox.NamedNode:
        if name.startswith("__"):  # asked by copying and the like, never a term
            raise AttributeError(name)
        term = self.__dict__[name] = self[name]
        return term


RDF = Vocabulary("http://www.w3.org/1999/02/22-rdf-syntax-ns#")
RDFS = Vocabulary("http://www.w3.org/2000/01/rdf-schema#")
OWL = Vocabulary("http://www.w3.org/2002/07/owl#")
XSD = Vocabulary("http://www.w3.org/2001/XMLSchema#")
SKOS = Vocabulary("http://www.w3.org/2004/02/skos/core#")
DCTERMS = Vocabulary("http://purl.org/dc/terms/")
PROV = Vocabulary("http://www.w3.org/ns/prov#")
SH = Vocabulary("http://www.w3.org/ns/shacl#")
OSTEO = Vocabulary("https://w3id.org/osteo-kg/ns/")
LIFTED = Vocabulary("https://w3id.org/osteo-kg/lifted/")  # what is derived of a case before it is reasoned over


def local_name(iri: Iri) -> str:
    """Give the last part of an IRI.

    >>> local_name(OSTEO.Patient), local_name("https://w3id.org/osteo-kg/ontology/core")
    ('Patient', 'core')
    """
    return text_of(iri).rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]


def text_of(iri: Iri) -> str:
    """Give an IRI as text."""
    return iri if isinstance(iri, str) else iri.value


def node_of(iri: Iri) -> ox.NamedNode:
    """Give an IRI as a node."""
    return ox.NamedNode(iri) if isinstance(iri, str) else iri


NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DATE = re.compile(
    r"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))(T(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?|24:00:00))?"
    r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))?",
    re.ASCII,
)
_LONGEST_EXPONENT = 400  # past any xsd:double; a longer one would be written out in full


def decimal_text(lexical: str) -> str | None:
    """Write a number out without an exponent, digits as given; None where it is none, or absurdly long.

    >>> decimal_text("-2.70"), decimal_text("-2.7E0"), decimal_text("-2,7")
    ('-2.70', '-2.7', None)
    """
    if not NUMBER.fullmatch(lexical):
        return None
    try:
        number = Decimal(lexical)
    except InvalidOperation:
        return None
    if abs(number.adjusted()) > _LONGEST_EXPONENT or len(lexical) > 2 * _LONGEST_EXPONENT:
        return None
    return f"{number:f}"


def day_literal(lexical: str) -> ox.Literal | None:
    """Give the day of a date or a date-time as written, at midnight; None where it is neither.

    >>> day_literal("2026-05-01T23:30:00-05:00").value
    '2026-05-01T00:00:00'
    """
    found = DATE.fullmatch(lexical)
    if found is None:
        return None
    literal = ox.Literal(found.group(1) + "T00:00:00", datatype=XSD.dateTime)
    return literal if is_a_day(found.group(1)) else None


def is_a_day(text: str) -> bool:
    """Whether a text of the form of a day names one that exists."""
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


_DECEMBER = 12
_PERIOD = re.compile(r"\d{4}(-\d{2})?", re.ASCII)


def is_period(text: object) -> bool:
    """Whether a date is one of a year, or of a month, alone."""
    return isinstance(text, str) and _PERIOD.fullmatch(text) is not None


def period_of(text: object) -> tuple[datetime.date, datetime.date] | None:
    """Give the first and the last day of a year or of a month; None where it is neither.

    >>> [str(day) for day in period_of("2024-02")]
    ['2024-02-01', '2024-02-29']
    """
    if not isinstance(text, str) or not is_period(text):
        return None
    year, _, month = text.partition("-")
    try:
        first = datetime.date(int(year), int(month or 1), 1)
        last_month = first.replace(month=int(month or _DECEMBER))
        return first, last_month.replace(day=calendar.monthrange(last_month.year, last_month.month)[1])
    except ValueError:
        return None


def period_text(first: str, last: str) -> str | None:
    """Write the year or the month that two days begin and end; None where they begin and end neither.

    >>> period_text("2024-01-01", "2024-12-31"), period_text("2024-02-01", "2024-02-29")
    ('2024', '2024-02')
    """
    for text in (first[:4], first[:7]):
        found = period_of(text)
        if found and (found[0].isoformat(), found[1].isoformat()) == (first, last):
            return text
    return None


def day_of(on: datetime.date) -> ox.Literal:
    """Give a day as the ontology writes days: `xsd:dateTime` at midnight."""
    return ox.Literal(f"{on.isoformat()}T00:00:00", datatype=XSD.dateTime)


def day_text(written: str) -> str:
    """Give the day of a date or a date-time as written.

    >>> day_text("2026-05-01T00:00:00")
    '2026-05-01'
    """
    return written[:_LENGTH_OF_A_DAY]
