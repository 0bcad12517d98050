"""Lines of triples pivoted to flat records, as far as they say no more than a flat record can."""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyoxigraph as ox

from osteo_kg.case import (
    ANNOTATIONS,
    DENSITOMETRY,
    LISTS,
    OWN_VOCABULARIES,
    RENAL_FUNCTION,
    SCORES,
    SECTIONS,
    STATED,
    Case,
    Field,
    day_field,
    measured,
    read_rdf,
)
from osteo_kg.cohort.abstraction.columns import decimals_key
from osteo_kg.cohort.abstraction.extra_facts import STATED as STATED_BEYOND
from osteo_kg.cohort.engines import DuckDBEngine
from osteo_kg.cohort.sources.base import Reading
from osteo_kg.cohort.sources.measured_rows import SEVERAL, SIMPLE, rows_of
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.rdf import DATE, OSTEO, RDF, XSD

_IRI = r'<[A-Za-z][A-Za-z0-9+.-]*:(?:[^]<>"{}|^`%\\\x00-\x20[]|%[0-9A-Fa-f]{2})*>'
_EITHER = rf"(?:{_IRI}|_:[A-Za-z0-9_]+)"
_NODE = f"^{_EITHER}$"
_TERMS = 4  # of a line: a triple, and the full stop
_PLACES = ("subject", "predicate", "object")
_TEXT = r'"(?:[^"\\\x00-\x1f]|\\[tbnrf"\\])*"(?:@[a-z]{2}(?:-[A-Z]{2})?|\^\^' + _IRI + ")?"
_LINE = rf"^{_EITHER} {_IRI} (?:{_EITHER}|{_TEXT}) \.$"
_LINE_OF_QUADS = rf"^{_EITHER} {_IRI} (?:{_EITHER}|{_TEXT})(?: {_EITHER})? \.$"
_DAY = rf'^"{DATE.pattern}"\^\^<{XSD.iri}date(?:Time)?>$'
_WHOLE = rf'^"([0-9]{{1,9}})"\^\^<{XSD.iri}integer>$'
_SCORE = rf'^"(-?[0-9]{{1,3}}(?:[.][0-9]{{1,11}})?)"\^\^<{XSD.iri}decimal>$'
_DECIMALS = r'^"-?[0-9]+[.]([0-9]+)"'
_TRUTH = rf'^"(true|false)"\^\^<{XSD.iri}boolean>$'
_DAY_OF_SCORES = day_field(DENSITOMETRY)
_BEYOND = {key: ox.NamedNode(property_) for key, property_ in STATED_BEYOND.items()}
_RENAL = {field.key: field for field in measured(RENAL_FUNCTION)}
_PERIOD = dict(zip(("performed_from", "performed_until"), _DAY_OF_SCORES.period or (), strict=True))
_STATED = {field.key: field for field in STATED}


def _column(field: Field) -> str:
    """Name the column of what a field of an entry states; a class is a type, whichever field it stands for."""
    return "type" if field.property == RDF.type else field.key


#: What may be said once of a patient or of an entry, by the name of its column.
_SINGLE = {
    **{key: field.property for key, field in _STATED.items()},
    **{_column(each): each.property for field in LISTS for each in field.entry},
    "type": RDF.type,
    "place": DENSITOMETRY.place,
    "score": OSTEO.tScore,
    "side": OSTEO.hasSide,
    "performed": _DAY_OF_SCORES.property,
    **_PERIOD,
    **_BEYOND,
    **{key: field.property for key, field in _RENAL.items()},
}
#: The entries of a patient, with what may be said of each.
_ENTRIES = {
    **{
        field.key: (field.property, tuple(dict.fromkeys(("type", *map(_column, field.entry)))))
        for field in LISTS
        if field.entry
    },
    "measured": (DENSITOMETRY.property, ("type", "place", "score", "side", "performed", *_PERIOD)),
    "tested": (RENAL_FUNCTION.property, ("type", "performed", *_RENAL)),
}
_LISTED = {
    **{key: property_ for key, (property_, _) in _ENTRIES.items()},
    **{field.key: field.property for field in LISTS if not field.entry},
    "complete": OSTEO.isCompleteFor,
}
_OF_PATIENT = (*_STATED, *_BEYOND, "type", *_LISTED)


class Pivot:
    """The patients of one file as flat records.

    Args:
        reader: a DuckDB of its own.
        path: the file.
        reading: how cases are read.
        quads: whether a line may name a graph.

    Attributes:
        shows_all: whether every statement is one about a patient or an entry of hers.
    """

    def __init__(self, reader: DuckDBEngine, path: Path, reading: Reading, *, quads: bool) -> None:
        self._reader, self._path, self._reading, self._terms = reader, path, reading, reading.terms
        lines = reader.backend.read_csv(
            str(path), columns={"line": "VARCHAR"}, header=False, delim="\x01", quote="", escape="", auto_detect=False
        )
        lines = reader.named(lines, "lines")
        name = f"{'quads' if quads else 'triples'} of lines"
        self._triples = reader.computed(name, lambda: _terms_of(lines, quads), [lines])
        self._nodes = reader.computed("nodes", self._by_subject, [self._triples])
        self.shows_all = self._nothing_strays()

    def _by_subject(self) -> ir.Table:
        """Give what is said once of each subject, and whether all that is said of it stands in these columns."""
        triples = self._triples
        says = {key: triples.predicate == f"{predicate}" for key, predicate in {**_SINGLE, **_LISTED}.items()}
        return triples.group_by("subject").agg(
            row=triples.rowid().min(where=says["type"] & (triples.object == _PATIENT)),
            foreign=triples.foreign.sum(),
            plain=triples.plain.all() & triples.subject.first().re_search(_NODE),
            said=triples.count(),
            **{key: triples.object.max(where=says[key]) for key in _SINGLE},
            **{f"many_{key}": says[key].sum() for key in _LISTED},
        )

    def _listed(self, key: str) -> ir.Table:
        """Give each subject with each object of a property that may be stated many times."""
        triples = self._triples
        chosen = triples.filter(triples.predicate == f"{_LISTED[key]}")
        return chosen.select(owner="subject", entry="object")

    def _nothing_strays(self) -> bool:
        """Whether there are patients, every other node is an entry of one of them, and every entry is a node."""
        referred = ibis.union(*(self._listed(key) for key in _ENTRIES))
        others = self._nodes.filter(self._nodes.type.fill_null("") != _PATIENT)
        found = referred.inner_join(others, [("entry", "subject")])
        [row] = self._reader.arrow(
            referred.agg(
                referred=referred.count(),
                different=referred.entry.nunique(),
                others=others.count().as_scalar(),
                found=found.count().as_scalar(),
                patients=self._patients().count().as_scalar(),
            )
        ).to_pylist()
        return row.pop("patients") > 0 and len(set(row.values())) == 1

    def _patients(self) -> ir.Table:
        return self._nodes.filter(self._nodes.type == _PATIENT)

    def flat(self) -> ir.Table:
        """Give the patients as flat records; not readable where a flat record cannot say the same."""
        read = [self._triples, self._nodes]
        scored = self._reader.computed("scored", self._scored, read)
        several = self._several(scored)
        several = several.rename_columns([f"other_{name}" for name in several.column_names])
        apart = self._reader.lookup(several, "several")
        return self._reader.planned("flat", lambda: self._flat(scored, apart), [*read, scored, apart])

    def _flat(self, scored: ir.Table, apart: ir.Table) -> ir.Table:
        found = self._with_measurements(scored, apart)
        for field in LISTS:
            found = self._with_entries(found, field) if field.entry else self._with_values(found, field)
        found = self._with_complete(found)
        values = {key: self._value(found[key], field) for key, field in _STATED.items()}
        beyond = {key: _typed(found[key], *_VALUES["truth"]) for key in _BEYOND}
        known = values | beyond
        sound = [found.readable, *(known[key].notnull() | found[key].isnull() for key in known)]
        complete = {key: found[f"states_{key}"].fill_null(False) for key in SECTIONS}
        lists = {key: found[f"list_{key}"] for key in SECTIONS}
        return found.select(
            number="number",
            has_ignored_property="has_ignored_property",
            readable=functools.reduce(operator.and_, sound).fill_null(False),
            patient=found.subject.re_extract("^<(.*)>$", 1),
            **values,
            **{key: each.fill_null(False) for key, each in beyond.items()},
            **{name: found[f"of_{name}"] for name in SEVERAL.names if name != "owner"},
            **{key: ibis.ifelse((each.length() > 0) | complete[key], each, None) for key, each in lists.items()},
            **{field.key: found[f"list_{field.key}"] for field in LISTS if field.key not in SECTIONS},
            **{f"complete_{key}": each for key, each in complete.items()},
        )

    def _value(self, column: Any, field: Field) -> Any:
        """Give what a field states as its value; null where it is none of its kind, or not written plainly."""
        if field.kind != "coded":
            return _typed(column, *_VALUES[field.kind])
        assert field.values is not None
        keys = {f"<{iri}>": key for key, iri in self._terms.kinds[field.values].items()}
        return ibis.cases(*((column == iri, key) for iri, key in keys.items()), else_=ibis.null("string"))

    def _entries(self, key: str) -> ir.Table:
        """Give the entries of one kind, each with its patient, and whether all that is said of it is known here."""
        nodes = self._listed(key).inner_join(self._nodes, [("entry", "subject")])
        return nodes.mutate(sound=nodes.plain & _all_said(nodes, _ENTRIES[key][1]))

    def _joined(self, patients: ir.Table, entries: ir.Table, **found: Any) -> ir.Table:
        grouped = entries.group_by("owner").agg(all_sound=entries.sound.all(), **found)
        joined = patients.left_join(grouped, [("subject", "owner")])
        return joined.mutate(readable=joined.readable & joined.all_sound.fill_null(True)).drop("owner", "all_sound")

    def _with_entries(self, patients: ir.Table, field: Field) -> ir.Table:
        """Give the entries of a list, each with its fields, the first of which it must state."""
        entries = self._entries(field.key)
        if field.entry_class:
            entries = entries.mutate(sound=entries.sound & (entries.type == f"{field.entry_class}"))
        made = {each.key: self._value(entries[_column(each)], each) for each in field.entry}
        known = [made[each.key].notnull() | entries[_column(each)].isnull() for each in field.entry]
        stated = entries.mutate(
            made=ibis.struct(made),
            sound=entries.sound & functools.reduce(operator.and_, known) & entries[_column(field.entry[0])].notnull(),
        )
        return self._or_empty(self._joined(patients, stated, made=stated.made.collect()), f"list_{field.key}")

    def _with_values(self, patients: ir.Table, field: Field) -> ir.Table:
        """Give the values of a list whose entries are coded values."""
        entries = self._listed(field.key)
        values = entries.mutate(made=self._value(entries.entry, replace(field, kind="coded")))
        known = values.mutate(sound=values.made.notnull())
        return self._or_empty(self._joined(patients, known, made=known.made.collect()), f"list_{field.key}")

    def _with_complete(self, patients: ir.Table) -> ir.Table:
        entries = self._listed("complete")
        known = entries.mutate(sound=entries.entry.isin([f"{section}" for section in SECTIONS.values()]))
        stated = {f"states_{key}": (known.entry == f"{section}").any() for key, section in SECTIONS.items()}
        return self._joined(patients, known, **stated)

    @staticmethod
    def _or_empty(joined: ir.Table, name: str) -> ir.Table:
        empty = ibis.literal([], type=joined.made.type())
        return joined.mutate(**{name: joined.made.fill_null(empty)}).drop("made")

    def _scored(self) -> ir.Table:
        """Give the patients with the scores of those of whom there is one of a site, all of one day."""
        found = self._patients()
        found = found.mutate(
            number=ibis.row_number().over(order_by=found.row) + 1,
            readable=found.plain & _all_said(found, _OF_PATIENT, found.foreign) & found.subject.startswith("<"),
            has_ignored_property=found.foreign > 0,
        )
        return self._with_scores(self._joined(found, self._entries("tested")))

    def _with_measurements(self, scored: ir.Table, apart: ir.Table) -> ir.Table:
        """Give what columns hold of the measurements: at once where they are simple, and else as they were read."""
        found = scored.left_join(apart, [("subject", "other_owner")])
        chosen = {f"of_{name}": self._chosen(found, name) for name in SEVERAL.names if name != "owner"}
        return found.mutate(**chosen, readable=found.readable & (found.simple | found.other_owner.notnull()))

    @staticmethod
    def _chosen(found: ir.Table, name: str) -> Any:
        """Give what columns hold of measurements that stand there simply, or of others."""
        other = found[f"other_{name}"]
        if name in SIMPLE:
            return ibis.ifelse(found.simple, found[name], other)
        return other.fill_null(False) if other.type().is_boolean() else other

    def _with_scores(self, patients: ir.Table) -> ir.Table:
        """Give the score of each site and the day of all, and whether that is all that is said of measurements."""
        entries = self._entries("measured")
        sites = {iri: key for iri, key in self._terms.record_keys.items() if key in SCORES}
        entries = entries.mutate(
            value=_typed(entries.score, *_VALUES["decimal"]),
            decimals=entries.score.re_extract(_DECIMALS, 1).length(),
            day=_typed(entries.performed, *_VALUES["day"]),
        )
        entries = entries.mutate(
            simple=(entries.type == f"{DENSITOMETRY.entry_class}")
            & entries.place.isin([f"<{iri}>" for iri in sites]).fill_null(False)
            & entries.value.notnull()
            & (entries.day.notnull() | entries.performed.isnull())
            & functools.reduce(operator.and_, (entries[name].isnull() for name in ("side", *_PERIOD)))
        )
        of_site = {key: entries.place == f"<{iri}>" for iri, key in sites.items()}
        found = self._joined(
            patients,
            entries,
            **{key: entries.value.max(where=here) for key, here in of_site.items()},
            **{decimals_key(key): entries.decimals.max(where=here) for key, here in of_site.items()},
            **{_DAY_OF_SCORES.key: entries.day.max()},
            all_simple=entries.simple.all(),
            places=entries.place.nunique(),
            days=entries.day.fill_null("").nunique(),
        )
        once = (found.places.fill_null(0) == found.many_measured) & (found.days.fill_null(1) == 1)
        simple = once & found.all_simple.fill_null(True) & (found.many_tested == 0)
        return found.mutate(simple=simple.fill_null(False)).drop("all_simple", "places", "days")

    def _several(self, patients: ir.Table) -> pa.Table:
        """Read the other measurements of patients as cases of their own; give those that columns hold."""

        def hers() -> ir.Table:
            owners = patients.filter(patients.readable, ~patients.simple).select("subject")
            listed = ibis.union(
                *(self._listed(key).mutate(listing=ibis.literal(f"{_LISTED[key]}")) for key in ("measured", "tested"))
            )
            return listed.semi_join(owners, [("owner", "subject")]).distinct()

        entries = self._reader.computed("hers", hers, [self._triples, patients])
        said = entries.inner_join(self._triples, [("entry", "subject")])
        owned = self._reader.arrow(entries.select("owner").distinct())["owner"].to_pylist()
        lines = [f"{owner} {RDF.type} {_PATIENT} .\n" for owner in owned]
        for table, names in ((entries, ("owner", "listing", "entry")), (said, ("entry", "predicate", "object"))):
            lines += [
                f"{' '.join(row)} .\n" for row in zip(*self._columns(table.select(*names).distinct()), strict=True)
            ]
        cases: tuple[Case, ...] = ()
        with contextlib.suppress(UnreadableCaseError):  # the library says of the whole file what is wrong with it
            cases = read_rdf("".join(lines), "ntriples", self._path.name) if lines else ()
        return pa.Table.from_pylist(list(rows_of(cases, self._reading)), SEVERAL)

    def _columns(self, table: ir.Table) -> list[list[str]]:
        return [column.to_pylist() for column in self._reader.arrow(table).columns]


def _terms_of(lines: ir.Table, quads: bool) -> ir.Table:
    """Give the terms of each line that says something, whether it is plain, and whether it is foreign."""
    stated = lines.filter(lines.line != "", ~lines.line.startswith("#"))
    split = stated.select("line", words=stated.line.split(" "))
    named = split.select("line", "words", **{name: split.words[place] for place, name in enumerate(_PLACES)})
    marked = named.mutate(foreign=_is_foreign(named.predicate))
    format_name = _LINE_OF_QUADS if quads else _LINE
    plain = ibis.ifelse(marked.foreign, marked.line.re_search(format_name), _is_plain(marked.words, quads))
    return marked.select(*_PLACES, "foreign", plain=plain)


def _is_plain(words: Any, quads: bool) -> Any:
    """Say where a line is nothing but terms without blanks: what they are is seen where they are read."""
    triple = (words.length() == _TERMS) & (words[_TERMS - 1] == ".")
    quad = (words.length() == _TERMS + 1) & (words[_TERMS] == ".") & words[_TERMS - 1].re_search(_NODE)
    return triple | quad if quads else triple


def _is_foreign(predicate: Any) -> Any:
    """Say where a property is of a vocabulary that a case may use and no answer looks at."""
    own = functools.reduce(operator.or_, (predicate.startswith(f"<{each}") for each in OWN_VOCABULARIES))
    return ~(own | (predicate == f"<{RDF.type.value}>")) | predicate.isin([f"<{each}>" for each in sorted(ANNOTATIONS)])


def _all_said(table: ir.Table, keys: Iterable[str], more: Any = 0) -> Any:
    """Say where all that is said of a node is said in these columns, each single one once, or counted elsewhere."""
    counts = [table[f"many_{key}"] if key in _LISTED else table[key].notnull().cast("int64") for key in keys]
    return functools.reduce(operator.add, counts) + more == table.said


def _typed(column: Any, pattern: str, kind: str) -> Any:
    """Give a literal as a value; null where it is not of its type or is not written plainly."""
    return column.re_extract(pattern, 1).nullif("").cast(kind)


_PATIENT = f"{OSTEO.Patient}"
_VALUES = {
    "whole": (_WHOLE, "int64"),
    "decimal": (_SCORE, "float64"),
    "day": (_DAY, "string"),
    "truth": (_TRUTH, "boolean"),
}
