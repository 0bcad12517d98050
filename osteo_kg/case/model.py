"""A case.

One patient's triples, read from any format and normalised, with whatever the reader found wrong on the way.
"""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, TypeGuard, get_args
from urllib.parse import quote

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.case.fields import BEYOND_THE_RECORD, KIND_OF_PROPERTY
from osteo_kg.case.report import Finding
from osteo_kg.rdf import LIFTED, NUMBER, OSTEO, RDF, XSD, day_literal, day_of, day_text, decimal_text

_NUMBERS = {
    XSD.iri + name
    for name in [
        "decimal",
        "integer",
        "double",
        "float",
        "int",
        "long",
        "short",
        "byte",
        "nonNegativeInteger",
        "positiveInteger",
        "nonPositiveInteger",
        "negativeInteger",
        "unsignedInt",
        "unsignedLong",
        "unsignedShort",
        "unsignedByte",
    ]
}
_BLANKS = " \t\r\n"  # what XML Schema lets stand around a value
_LONGEST_WHOLE = 15  # digits; no age or count has more


RemarkKind = Literal[
    "ignoredElement",
    "invalidElement",
    "openLevel",
    "doubtfulProduct",
    "openElement",  # keeps the section open that is its reason
    "lackingElement",  # could not be had at all, and keeps the section open that is its reason
    "partOfSpine",
    "dateAssumed",
    "perhapsDrug",  # may be of the drug that is its reason
    "raisesNotice",  # is a reason for the notice that is its reason
]


@dataclass(frozen=True, slots=True)
class Remark:
    """What the reader says of an element of the source record, which no triple of the case can say.

    Attributes:
        kind: the lifted property that carries it to the notices.
        element: the element, in words a person can follow.
        reason: the IRI of an `osteo:ReasonNotUsed`, where the element was not used.
    """

    kind: RemarkKind
    element: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One patient, ready to be validated and assessed.

    Attributes:
        patient: the patient as the input names her: an IRI, a local id, or `<file>#<row>`.
        iri: her IRI in RDF.
        triples: what the case states, in the vocabulary of docs/reference/contracts.md, section 2, values normalised.
        ignored: the properties of other vocabularies that were not read.
        findings: what the reader itself refuses.
        flat: whether she came as a flat record, so that findings speak of its keys.
        remarks: what the reader says of elements of the source record.
        born_between: the first and the last day on which she may be born, where her birth date is not whole.
    """

    patient: str
    iri: str
    triples: tuple[ox.Triple, ...]
    ignored: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    flat: bool = False
    remarks: tuple[Remark, ...] = ()
    born_between: tuple[datetime.date, datetime.date] | None = None

    def __repr__(self) -> str:
        """Say how large the case is; never what it says."""
        return f"<Case of {len(self.triples)} triples>"


def patient_iri(name: str) -> str:
    """Give the IRI of a patient named by an IRI or by a local id (docs/reference/contracts.md, section 3).

    >>> patient_iri("ward 3/12"), patient_iri("urn:case:anna")
    ('urn:case:ward%203%2F12', 'urn:case:anna')
    """
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+", name):
        try:
            return ox.NamedNode(name).value
        except ValueError:
            pass
    return "urn:case:" + quote(name, safe="")


def violation(focus: str, path: str, value: str | None, message: BilingualText, advice: BilingualText) -> Finding:
    """Make a finding that refuses the case."""
    return Finding("violation", focus, path, value, message, advice)


def reserved(name: str) -> Finding:
    """Refuse a patient named by a term of ours, who would change what that term means."""
    return violation(
        name,
        "patient",
        name,
        BilingualText(
            "The patient has the name of a term of this vocabulary.",
            "La patiente porte le nom d’un terme du vocabulaire.",
        ),
        BilingualText("Give the patient a name of its own.", "Attribuer à la patiente un identifiant distinct."),
    )


def normalised(triples: Iterable[ox.Triple]) -> tuple[ox.Triple, ...]:
    """Bring numbers, booleans, days and bare fractures to one form.

    What is ill-typed stays for the shapes to refuse.
    """
    found: dict[ox.Triple, None] = {}
    scores: dict[tuple[object, Decimal], ox.Triple] = {}
    written: dict[tuple[object, Decimal], str] = {}  # of equal values the one with the most digits stays
    for triple in triples:
        value = _object(triple)
        mended = ox.Triple(triple.subject, triple.predicate, value)
        if mended.predicate == OSTEO.tScore and _typed(value, XSD.decimal):
            key = (triple.subject, Decimal(value.value))
            if key not in written or len(written[key]) < len(value.value):
                written[key], scores[key] = value.value, mended
        else:
            found[mended] = None
    return _bare_fractures((*found, *scores.values()))


def _typed(term: object, datatype: ox.NamedNode) -> TypeGuard[ox.Literal]:
    return isinstance(term, ox.Literal) and term.datatype == datatype and NUMBER.fullmatch(term.value) is not None


def _object(triple: ox.Triple) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    term = triple.object
    if not isinstance(term, ox.Literal):
        assert not isinstance(term, ox.Triple)
        return term
    mend = _MENDERS.get(triple.predicate.value)
    if mend is None:
        return term
    plain = ox.Literal(term.value.strip(_BLANKS), datatype=term.datatype) if term.language is None else term
    return mend(plain) or ox.Literal(term.value)  # what is ill-typed is text, lest another library take it for a value


def _score(literal: ox.Literal) -> ox.Literal | None:
    written = decimal_text(literal.value) if literal.datatype.value in _NUMBERS else None
    return ox.Literal(written, datatype=XSD.decimal) if written is not None else None


def _whole(literal: ox.Literal) -> ox.Literal | None:
    written = decimal_text(literal.value) if literal.datatype.value in _NUMBERS else None
    if written is None or len(written) > _LONGEST_WHOLE or Decimal(written) != Decimal(written).to_integral_value():
        return None
    return ox.Literal(str(int(Decimal(written))), datatype=XSD.integer)


def _day(literal: ox.Literal) -> ox.Literal | None:
    return day_literal(literal.value) if literal.datatype.value in (XSD.date.value, XSD.dateTime.value) else None


def _truth(literal: ox.Literal) -> ox.Literal | None:
    text = {"1": "true", "0": "false", "true": "true", "false": "false"}.get(literal.value)
    return ox.Literal(text, datatype=XSD.boolean) if text and literal.datatype == XSD.boolean else None


_BY_KIND = {"decimal": _score, "whole": _whole, "day": _day, "truth": _truth}
_MENDERS = {
    property_: _BY_KIND[kind] for property_, kind in (KIND_OF_PROPERTY | BEYOND_THE_RECORD).items() if kind in _BY_KIND
}


def _bare_fractures(triples: tuple[ox.Triple, ...]) -> tuple[ox.Triple, ...]:
    """A fracture of no class, or of the class osteo:Fracture alone, is one of unspecified site.

    Beside a class that names a site, osteo:Fracture says nothing more and is left out.
    """
    fractures = dict.fromkeys(t.object for t in triples if t.predicate == OSTEO.hasFracture)
    bare = OSTEO.Fracture
    named = {t.subject for t in triples if t.predicate == RDF.type and t.object != bare}
    kept = [t for t in triples if not (t.predicate == RDF.type and t.object == bare and t.subject in fractures)]
    unnamed = [each for each in fractures if isinstance(each, ox.NamedNode | ox.BlankNode) and each not in named]
    return (*kept, *(ox.Triple(each, RDF.type, OSTEO.UnspecifiedSiteFracture) for each in unnamed))


# What a reader says of the source of a case, as triples beside it: notices rest on it, and no case can state it.

_ASSUMED = "assumedComplete"
_BOUNDS = ("bornNotBefore", "bornNotAfter")


def source_triples(case: Case, assume_complete: Iterable[str] = ()) -> list[ox.Triple]:
    """Write the properties that were ignored, the bounds of a birth date that is not whole, and every remark.

    Args:
        case: the case.
        assume_complete: the sections that the caller asked to be read as complete, which go with them.
    """
    patient = ox.NamedNode(case.iri)
    found = [ox.Triple(patient, LIFTED.ignoredProperty, ox.Literal(each)) for each in case.ignored]
    found += [ox.Triple(patient, LIFTED[_ASSUMED], ox.Literal(each)) for each in assume_complete]
    for name, day in zip(_BOUNDS, case.born_between or (), strict=False):
        found.append(ox.Triple(patient, LIFTED[name], day_of(day)))
    for number, remark in enumerate(case.remarks, 1):
        node = ox.BlankNode(f"remark{number}")
        found.append(ox.Triple(patient, LIFTED[remark.kind], node))
        found.append(ox.Triple(node, LIFTED.element, ox.Literal(remark.element)))
        if remark.reason is not None:
            found.append(ox.Triple(node, LIFTED.reason, ox.NamedNode(remark.reason)))
    return found


@dataclass(frozen=True, slots=True)
class Unread:
    """Something of the source that could not be had.

    Attributes:
        element: what it is, in words a person can follow.
        reason: the IRI of the `osteo:ReasonNotUsed`.
        sections: the IRIs of the sections to which it may belong.
    """

    element: str
    reason: str
    sections: tuple[str, ...]


def left_open(case: Case, unread: Iterable[Unread]) -> Case:
    """Give a case whose sections are open for what could not be had, and that says so (the reading, R9, R14)."""
    found = list(unread)
    remarks = [Remark("ignoredElement", each.element, each.reason) for each in found]
    remarks += [Remark("lackingElement", each.element, section) for each in found for section in each.sections]
    sections = dict.fromkeys(section for each in found for section in each.sections)
    patient = ox.NamedNode(case.iri)
    opened = [ox.Triple(patient, OSTEO.isOpenFor, ox.NamedNode(section)) for section in sections]
    triples = tuple(dict.fromkeys((*case.triples, *opened)))
    return replace(case, triples=triples, remarks=tuple(dict.fromkeys((*case.remarks, *remarks))))


def with_source(case: Case, triples: Iterable[ox.Triple]) -> Case:
    """Give a case together with what `source_triples` wrote of it."""
    said: dict[object, dict[str, list[ox.NamedNode | ox.BlankNode | ox.Literal]]] = defaultdict(dict)
    for triple in triples:
        if not isinstance(triple.object, ox.Triple):
            name = triple.predicate.value.removeprefix(LIFTED.iri)
            said[triple.subject].setdefault(name, []).append(triple.object)
    own = said[ox.NamedNode(case.iri)]
    remarks = [_remark(kind, said[node]) for kind in get_args(RemarkKind) for node in own.get(kind, ())]
    bounds = [datetime.date.fromisoformat(day_text(own[name][0].value)) for name in _BOUNDS if name in own]
    return replace(
        case,
        ignored=tuple(sorted(each.value for each in own.get("ignoredProperty", ()))),
        remarks=tuple(sorted(remarks, key=lambda each: (each.kind, each.element, each.reason or ""))),
        born_between=(bounds[0], bounds[-1]) if bounds else None,
    )


def assumed_complete(triples: Iterable[ox.Triple]) -> tuple[str, ...]:
    """Give the sections that go with what `source_triples` wrote."""
    found = (t.object for t in triples if t.predicate == LIFTED[_ASSUMED])
    return tuple(sorted(each.value for each in found if isinstance(each, ox.Literal)))


def _remark(kind: RemarkKind, said: dict[str, list[ox.NamedNode | ox.BlankNode | ox.Literal]]) -> Remark:
    reason = said["reason"][0].value if "reason" in said else None
    return Remark(kind, said["element"][0].value, reason)
