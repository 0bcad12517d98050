"""A file of triples as a table: the subject of each, the number of what it says, and its object."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyoxigraph as ox

from osteo_kg.case import (
    ANNOTATIONS,
    DENSITOMETRY,
    LISTS,
    OWN_VOCABULARIES,
    RENAL_FUNCTION,
    STATED,
    Field,
    day_field,
    measured,
)
from osteo_kg.cohort.abstraction.extra_facts import STATED as STATED_BEYOND
from osteo_kg.cohort.engines import DuckDBEngine, EngineError
from osteo_kg.rdf import DATE, OSTEO, RDF, XSD

PATIENT = f"{OSTEO.Patient}"

_DAY_OF_SCORES = day_field(DENSITOMETRY)
PERIOD = dict(zip(("performed_from", "performed_until"), _DAY_OF_SCORES.period or (), strict=True))
BEYOND = {key: ox.NamedNode(property_) for key, property_ in STATED_BEYOND.items()}
_RENAL = {field.key: field for field in measured(RENAL_FUNCTION)}
FIELDS_OF_PATIENT = {field.key: field for field in STATED}


def column_of(field: Field) -> str:
    """Name the column of what a field of an entry states; a class is a type, whichever field it stands for."""
    return "type" if field.property == RDF.type else field.key


#: What may be said once of a patient or of an entry, by the name of its column.
SINGLE = {
    **{key: field.property for key, field in FIELDS_OF_PATIENT.items()},
    **{column_of(each): each.property for field in LISTS for each in field.entry},
    "type": RDF.type,
    "place": DENSITOMETRY.place,
    "score": OSTEO.tScore,
    "side": OSTEO.hasSide,
    "performed": _DAY_OF_SCORES.property,
    **PERIOD,
    **BEYOND,
    **{key: field.property for key, field in _RENAL.items()},
}
#: The entries of a patient, with what may be said of each.
ENTRIES = {
    **{
        field.key: (field.property, tuple(dict.fromkeys(("type", *map(column_of, field.entry)))))
        for field in LISTS
        if field.entry
    },
    "measured": (DENSITOMETRY.property, ("type", "place", "score", "side", "performed", *PERIOD)),
    "tested": (RENAL_FUNCTION.property, ("type", "performed", *_RENAL)),
}
#: The values that may be listed of a patient.
VALUES_LISTED = {
    **{field.key: field.property for field in LISTS if not field.entry},
    "complete": OSTEO.isCompleteFor,
}
OF_PATIENT = (*FIELDS_OF_PATIENT, *BEYOND, "type", *ENTRIES, *VALUES_LISTED)

#: What is neither ours nor written plainly, and what is of a vocabulary that a case may use and no answer looks at.
UNREAD, FOREIGN = "unread", "foreign"
_PROPERTIES = {**SINGLE, **{key: property_ for key, (property_, _) in ENTRIES.items()}, **VALUES_LISTED}
#: The number of what a triple says.
NUMBERS: Mapping[str, int] = {key: number for number, key in enumerate((UNREAD, FOREIGN, *_PROPERTIES))}
#: The property behind each number.
PREDICATES: Mapping[int, str] = {NUMBERS[key]: f"{property_}" for key, property_ in _PROPERTIES.items()}

_IRI = r'<[A-Za-z][A-Za-z0-9+.-]*:(?:[^]<>"{}|^`%\\\x00-\x20[]|%[0-9A-Fa-f]{2})*>'
_EITHER = rf"(?:{_IRI}|_:[A-Za-z0-9_]+)"
_NODE = f"^{_EITHER}$"
_TEXT = r'"(?:[^"\\\x00-\x1f]|\\[tbnrf"\\])*"(?:@[a-z]{2}(?:-[A-Z]{2})?|\^\^' + _IRI + ")?"
_TRIPLE = rf"^{_EITHER} {_IRI} (?:{_EITHER}|{_TEXT}) \.$"
_QUAD = rf"^{_EITHER} {_IRI} (?:{_EITHER}|{_TEXT})(?: {_EITHER})? \.$"
_DAY = rf'^"{DATE.pattern}"\^\^<{XSD.iri}date(?:Time)?>$'
_WHOLE = rf'^"([0-9]{{1,9}})"\^\^<{XSD.iri}integer>$'
_SCORE = rf'^"(-?[0-9]{{1,3}}(?:[.][0-9]{{1,11}})?)"\^\^<{XSD.iri}decimal>$'
_DECIMALS = r'^"-?[0-9]+[.]([0-9]+)"'
_TRUTH = rf'^"(true|false)"\^\^<{XSD.iri}boolean>$'
_LITERALS = {
    "whole": (_WHOLE, "int64"),
    "decimal": (_SCORE, "float64"),
    "day": (_DAY, "string"),
    "truth": (_TRUTH, "boolean"),
}
_PLACES = ("subject", "predicate", "object")
_GRAPH, _STOP = "graph", "stop"
_TERMS = len((*_PLACES, _STOP))


def triples(reader: DuckDBEngine, path: Path, *, quads: bool) -> ir.Table:
    """Read the triples of a file, in its order: `subject`, `said` (a number of `NUMBERS`) and `object`.

    Terms without a blank stand between blanks and are cut at once; a file in which some line says something else is
    read a line at a time. What is not written plainly is there as unread.

    Args:
        reader: a DuckDB of its own.
        path: the file.
        quads: whether a line may name a graph.

    Raises:
        EngineError: it cannot be read as lines of text.
    """
    for columns in ((*_PLACES, _STOP), (*_PLACES, _GRAPH, _STOP))[: 1 + quads]:
        try:
            return _computed(reader, path, columns, _of_terms)
        except EngineError:  # some line has more words, or fewer
            pass
    return _computed(reader, path, ("line",), functools.partial(_of_lines, quads=quads))


def literal(column: Any, kind: str) -> Any:
    """Give a literal as a value of a kind of field; null where it is not of its type or is not written plainly."""
    pattern, type_ = _LITERALS[kind]
    return column.re_extract(pattern, 1).nullif("").cast(type_)


def decimals_of(column: Any) -> Any:
    """Say how many decimals a number is written with."""
    return column.re_extract(_DECIMALS, 1).length()


def is_node(term: Any) -> Any:
    """Say where a term is an IRI or a blank node, written plainly."""
    return term.re_search(_NODE)


def _computed(reader: DuckDBEngine, path: Path, columns: tuple[str, ...], made: Any) -> ir.Table:
    words = reader.backend.read_csv(
        str(path),
        columns=dict.fromkeys(columns, "VARCHAR"),
        header=False,
        delim=" " if _STOP in columns else "\x01",
        quote="",
        escape="",
        auto_detect=False,
    )
    words = reader.named(words, f"lines of {' '.join(columns)}")
    return reader.computed(f"triples of {' '.join(columns)}", lambda: made(words), [words])


def _of_terms(words: ir.Table) -> ir.Table:
    """Give the triples of lines of so many terms each."""
    stated = words.mutate(subject=words.subject.fill_null("")).filter(lambda line: ~line.subject.startswith("#"))
    plain = stated[_STOP] == "."
    if _GRAPH in stated.columns:
        plain = plain & is_node(stated[_GRAPH])
    is_foreign = _is_foreign(stated.predicate) & stated.object.re_search(f"^(?:{_EITHER}|{_TEXT})$")
    is_foreign = is_foreign & stated.predicate.re_search(f"^{_IRI}$")
    return _numbered(stated, plain, is_foreign)


def _of_lines(lines: ir.Table, quads: bool) -> ir.Table:
    """Give the triples of lines that say something."""
    stated = lines.filter(lines.line != "", ~lines.line.startswith("#"))
    split = stated.select("line", words=stated.line.split(" "))
    named = split.select("line", "words", **{name: split.words[place] for place, name in enumerate(_PLACES)})
    is_foreign = _is_foreign(named.predicate)
    plain = (is_foreign | _is_plain(named.words, quads)).fill_null(False)
    return _numbered(named, plain, is_foreign & named.line.re_search(_QUAD if quads else _TRIPLE))


def _is_plain(words: Any, quads: bool) -> Any:
    """Say where a line is nothing but terms without blanks: what they are is seen where they are read."""
    triple = (words.length() == _TERMS) & (words[_TERMS - 1] == ".")
    quad = (words.length() == _TERMS + 1) & (words[_TERMS] == ".") & is_node(words[_TERMS - 1])
    return triple | quad if quads else triple


def _numbered(stated: ir.Table, plain: Any, is_foreign: Any) -> ir.Table:
    """Number what is said; of what is foreign, or cannot be read, the object does not matter."""
    known = [(stated.predicate == predicate, number) for number, predicate in PREDICATES.items()]
    foreign = (is_foreign.fill_null(False), NUMBERS[FOREIGN])
    number = ibis.cases((~plain.fill_null(False), NUMBERS[UNREAD]), *known, foreign, else_=NUMBERS[UNREAD])
    numbered = stated.select("subject", "object", said=number.cast("uint8"))
    matters = ~numbered.said.isin([NUMBERS[UNREAD], NUMBERS[FOREIGN]])
    return numbered.mutate(object=ibis.ifelse(matters, numbered.object, ""))


def _is_foreign(predicate: Any) -> Any:
    """Say where a property is of a vocabulary that a case may use and no answer looks at."""
    own = functools.reduce(operator.or_, (predicate.startswith(f"<{each}") for each in OWN_VOCABULARIES))
    return ~(own | (predicate == f"<{RDF.type.value}>")) | predicate.isin([f"<{each}>" for each in sorted(ANNOTATIONS)])
