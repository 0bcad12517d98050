"""N-Triples and N-Quads of cases: columns where triples show all that a file says, and else the library's own reading.

A patient of whom more is said than a flat record can say is read again by the library; so is a whole file in which a
statement hangs on no patient, or that is not written plainly. What is said of a node is its description: many nodes
share one, and each is read once.
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import DENSITOMETRY, LISTS, SCORES, SECTIONS, Case, Field, day_field, read_rdf
from osteo_kg.cohort.abstraction.columns import decimals_key
from osteo_kg.cohort.engines import CohortEngine, DuckDBEngine, EngineError, duckdb
from osteo_kg.cohort.sources.base import Reading, Source, Wanted
from osteo_kg.cohort.sources.measured_rows import SEVERAL, SIMPLE, rows_of
from osteo_kg.cohort.sources.text import opened
from osteo_kg.cohort.sources.triple_lines import (
    BEYOND,
    ENTRIES,
    FIELDS_OF_PATIENT,
    FOREIGN,
    NUMBERS,
    OF_PATIENT,
    PATIENT,
    PERIOD,
    PREDICATES,
    SINGLE,
    VALUES_LISTED,
    column_of,
    decimals_of,
    is_node,
    literal,
    triples,
)
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.rdf import RDF

_DAY_KEY = day_field(DENSITOMETRY).key
_LISTS = {field.key: field for field in LISTS if field.entry}
_LISTED = {field.key: field for field in LISTS if not field.entry}


class TriplesSource(Source):
    """Files of N-Triples."""

    format_name = "ntriples"

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Pivot the patients of each file to flat records in the scratch folder, and give them as a table."""
        laid = [self.reading.scratch / f"{self.format_name}{number}.parquet" for number in range(len(self.files))]
        for path, target in zip(self.files, laid, strict=True):
            if not self._is_pivoted(path, target):
                pq.write_table(self._unread(path), target)
        return engine.parquet([str(each) for each in laid]).drop("_file", "_number")

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some patients as cases."""
        for file, numbers in wanted.items():
            for number, case in enumerate(self._read(Path(file)), 1):
                if number in numbers:
                    yield file, number, case

    def _is_pivoted(self, path: Path, target: Path) -> bool:
        """Lay the patients of a file down as columns, if lines show all that it says."""
        with duckdb(self.reading.scratch, self.reading.queries) as reader:
            try:
                pivot = Pivot(reader, path, self.reading, quads=self.format_name == "nquads")
                if pivot.shows_all:
                    flat = pivot.flat().mutate(file=ibis.literal(str(path)))
                    reader.write_parquet(flat, target, "uncompressed", {})  # read once, and gone
                return pivot.shows_all
            except EngineError:  # other ends of lines, other texts than UTF-8, lines without end: the library knows
                return False

    def _unread(self, path: Path) -> pa.Table:
        """Give the patients of a file that only the library can read, to be assessed by themselves."""
        many = len(self._read(path))
        return pa.table({"file": [str(path)] * many, "number": range(1, many + 1), "readable": [False] * many})

    def _read(self, path: Path) -> tuple[Case, ...]:
        return read_rdf("".join(opened(path, newline="\n")), self.format_name, path.name)


class QuadsSource(TriplesSource):
    """Files of N-Quads; in which graph a statement stands does not matter."""

    format_name = "nquads"


class Pivot:
    """The patients of one file as flat records.

    Args:
        reader: a DuckDB of its own.
        path: the file.
        reading: how cases are read.
        quads: whether a line may name a graph.

    Attributes:
        shows_all: whether every triple is one about a patient or an entry of hers.
    """

    def __init__(self, reader: DuckDBEngine, path: Path, reading: Reading, *, quads: bool) -> None:
        self._reader, self._path, self._reading, self._terms = reader, path, reading, reading.terms
        self._triples = triples(reader, path, quads=quads)
        self._statements = reader.computed("statements", self._stated, [self._triples])
        said = reader.computed("said", self._said, [self._triples, self._statements])
        read = [said, self._statements]
        self._descriptions = reader.computed("descriptions", lambda: self._read(said), read)
        self._nodes = reader.computed("nodes", lambda: self._described(said), [said, self._descriptions])
        self._entries = reader.computed("entries", self._owned, [self._triples, self._nodes])
        self.shows_all = self._nothing_strays()

    def _stated(self) -> ir.Table:
        """Give the different things said; the names of entries say nothing of whose they are."""
        found = self._triples
        different = found.select("said", value=_value_of(found)).distinct()
        return different.mutate(statement=ibis.row_number().cast("int32"))

    def _said(self) -> ir.Table:
        """Gather all that is said of each subject."""
        found, stated = self._triples, self._statements
        row = ibis.ifelse((found.said == NUMBERS["type"]) & (found.object == PATIENT), found.rowid(), None)
        found = found.select("subject", "said", row=row, value=_value_of(found)).join(stated, ["said", "value"])
        return found.group_by("subject").agg(row=found.row.min(), said=found.statement.collect())

    def _described(self, said: ir.Table) -> ir.Table:
        """Give the nodes, each with the number of its description."""
        found = said.join(self._descriptions, said.said == self._descriptions.said)
        return found.select("subject", "row", "description", is_node=is_node(found.subject))

    def _owned(self) -> ir.Table:
        """Give the entries: whose each is, under which number, and the description of it if it is one."""
        found = self._triples.filter(self._triples.said.isin([NUMBERS[key] for key in ENTRIES]))
        listed = found.select("said", owner="subject", entry="object").distinct()
        others = self._nodes.filter(self._nodes.row.isnull())
        joined = listed.left_join(others, [("entry", "subject")])
        return joined.select("owner", "said", "entry", "description", "is_node")

    def _nothing_strays(self) -> bool:
        """Whether there are patients, every other node is an entry of one of them, and every entry is a node."""

        def counted() -> ir.Table:
            entries, nodes = self._entries, self._nodes
            return entries.agg(
                referred=entries.count(),
                different=entries.entry.nunique(),
                found=entries.description.count(),
                others=nodes.filter(nodes.row.isnull()).count().as_scalar(),
                patients=nodes.row.count().as_scalar(),
            )

        found = self._reader.computed("counted", counted, [self._entries, self._nodes])
        [row] = self._reader.arrow(found).to_pylist()
        return row.pop("patients") > 0 and len(set(row.values())) == 1

    # what descriptions say

    def _read(self, said: ir.Table) -> ir.Table:
        """Give the different descriptions, each with what it says of a patient or of an entry."""
        different = said.select("said").distinct().mutate(description=ibis.row_number())
        return self._as_entry(self._as_patient(self._columns(different)))

    def _columns(self, different: ir.Table) -> ir.Table:
        """Give what each description says once and what it lists, and how much it says."""
        each = different.select("description", statement=different.said.unnest()).distinct()
        each = each.join(self._statements, "statement")
        lists = {key: self._value(each.value, replace(field, kind="coded")) for key, field in _LISTED.items()} | {
            "complete": each.value
        }
        says = {key: each.said == number for key, number in NUMBERS.items()}
        found = each.group_by("description").agg(
            many=each.count(),
            **{f"many_{key}": says[key].sum() for key in (FOREIGN, *ENTRIES, *VALUES_LISTED)},
            **{f"said_{key}": each.value.max(where=says[key]) for key in SINGLE},
            **{f"list_{key}": value.collect(where=says[key] & value.notnull()) for key, value in lists.items()},
        )
        return different.join(found, "description")

    def _as_patient(self, said: ir.Table) -> ir.Table:
        """Read what is said of a patient herself."""
        values = {key: self._value(said[f"said_{key}"], field) for key, field in FIELDS_OF_PATIENT.items()}
        values |= {key: literal(said[f"said_{key}"], "truth") for key in BEYOND}
        lists = {key: said[f"list_{key}"] for key in VALUES_LISTED}
        complete = {key: lists["complete"].contains(f"{section}") for key, section in SECTIONS.items()}
        sound = [
            _all_said(said, OF_PATIENT, said[f"many_{FOREIGN}"]),
            *(values[key].notnull() | said[f"said_{key}"].isnull() for key in values),
            *(lists[key].length().fill_null(0) == said[f"many_{key}"] for key in _LISTED),
            functools.reduce(operator.add, (each.fill_null(False).cast("int64") for each in complete.values()))
            == said["many_complete"],
        ]
        return said.mutate(
            **values,
            **{f"complete_{key}": each.fill_null(False) for key, each in complete.items()},
            is_patient=_all_of(sound),
        )

    def _as_entry(self, said: ir.Table) -> ir.Table:
        """Read what is said of an entry, as one of each kind that it may be listed as."""
        made = {key: self._made(said, field) for key, field in _LISTS.items()}
        sites = [f"<{iri}>" for iri, key in self._terms.record_keys.items() if key in SCORES]
        score = literal(said.said_score, "decimal")
        day = literal(said.said_performed, "day")
        others = (said[f"said_{name}"].isnull() for name in ("side", *PERIOD))
        simple = [
            said.said_type == f"{DENSITOMETRY.entry_class}",
            said.said_place.isin(sites),
            score.notnull(),
            day.notnull() | said.said_performed.isnull(),
            *others,
        ]
        return said.mutate(
            **{f"made_{key}": ibis.struct(each) for key, each in made.items()},
            **{f"is_{key}": self._is_sound(said, field, made[key]) for key, field in _LISTS.items()},
            **{f"is_{key}": _all_said(said, ENTRIES[key][1]) for key in ENTRIES if key not in _LISTS},
            score=score,
            decimals=decimals_of(said.said_score),
            day=day,
            is_simple=_all_of(simple),
        )

    def _made(self, said: ir.Table, field: Field) -> Mapping[str, Any]:
        """Make the entry of a list."""
        return {each.key: self._value(said[f"said_{column_of(each)}"], each) for each in field.entry}

    @staticmethod
    def _is_sound(said: ir.Table, field: Field, made: Mapping[str, Any]) -> Any:
        """Say where all that is said of an entry is known here; the first of its fields it must state."""
        stated = {each.key: said[f"said_{column_of(each)}"] for each in field.entry}
        sound = [_all_said(said, ENTRIES[field.key][1]), stated[field.entry[0].key].notnull()]
        sound += [made[key].notnull() | column.isnull() for key, column in stated.items()]
        if field.entry_class:
            sound.append(said.said_type == f"{field.entry_class}")
        return _all_of(sound)

    def _value(self, column: Any, field: Field) -> Any:
        """Give what a field states as its value; null where it is none of its kind, or not written plainly."""
        if field.kind != "coded":
            return literal(column, field.kind)
        assert field.values is not None
        keys = {f"<{iri}>": key for key, iri in self._terms.kinds[field.values].items()}
        return ibis.cases(*((column == iri, key) for iri, key in keys.items()), else_=ibis.null("string"))

    # what patients say

    def flat(self) -> ir.Table:
        """Give the patients as flat records; not readable where a flat record cannot say the same."""
        read = [self._nodes, self._descriptions]
        measured = self._reader.computed("measured", self._measured, [self._entries, self._descriptions])
        several = self._several(measured)
        several = several.rename_columns([f"other_{name}" for name in several.column_names])
        apart = self._reader.lookup(several, "several")
        return self._reader.planned(
            "flat", lambda: self._flat(measured, apart), [*read, self._entries, measured, apart]
        )

    def _listed(self, key: str) -> ir.Table:
        """Give the entries of one kind, each with what is said of it, and whether all of that is known here."""
        entries = self._entries.filter(self._entries.said == NUMBERS[key]).join(self._descriptions, "description")
        return entries.mutate(sound=entries.is_node & entries[f"is_{key}"])

    def _measured(self) -> ir.Table:
        """Give the measurements of each patient: whether all that is said of them is known, and is simple."""
        scores, tests = self._listed("measured"), self._listed("tested")
        sites = {key: f"<{iri}>" for iri, key in self._terms.record_keys.items() if key in SCORES}
        of_site = {key: scores.said_place == iri for key, iri in sites.items()}
        day = scores.day.fill_null("")
        found = scores.group_by("owner").agg(
            are_sound=scores.sound.all(),
            are_simple=scores.is_simple.all() & (day.min() == day.max()),
            **{f"many_{key}": here.sum() for key, here in of_site.items()},
            **{key: scores.score.max(where=here) for key, here in of_site.items()},
            **{decimals_key(key): scores.decimals.max(where=here) for key, here in of_site.items()},
            **{_DAY_KEY: scores.day.max()},
        )
        tested = tests.group_by(tester="owner").agg(are_sound_tests=tests.sound.all())
        both = found.outer_join(tested, [("owner", "tester")])
        once = (both[f"many_{key}"] <= 1 for key in of_site)
        return both.select(
            *SIMPLE,
            owner=both.owner.coalesce(both.tester),
            sound=both.are_sound.fill_null(True) & both.are_sound_tests.fill_null(True),
            simple=_all_of([both.are_simple, *once, both.tester.isnull()]),
        )

    def _with_entries(self, patients: ir.Table, key: str) -> ir.Table:
        """Give the entries of a list beside each patient."""
        entries = self._listed(key)
        found = entries.group_by(lister="owner").agg(
            **{f"sound_{key}": entries.sound.all(), f"list_{key}": entries[f"made_{key}"].collect()}
        )
        joined = patients.left_join(found, [("subject", "lister")])
        return joined.mutate(readable=joined.readable & joined[f"sound_{key}"].fill_null(True)).drop("lister")

    def _patients(self) -> ir.Table:
        """Give the patients, each with its number in the file, and whether all that is said of her is known."""
        found = self._nodes.filter(self._nodes.row.notnull())
        found = found.mutate(number=ibis.row_number().over(order_by=found.row) + 1)
        found = found.join(self._descriptions, "description")
        return found.mutate(readable=found.is_patient & found.is_node & found.subject.startswith("<"))

    def _flat(self, measured: ir.Table, apart: ir.Table) -> ir.Table:
        found = functools.reduce(self._with_entries, _LISTS, self._patients())
        found = found.left_join(measured, [("subject", "owner")])
        found = found.mutate(simple=found.simple.fill_null(True))
        found = found.left_join(apart, [("subject", "other_owner")])
        readable = found.readable & found.sound.fill_null(True) & (found.simple | found.other_owner.notnull())
        lists = {key: found[f"list_{key}"] for key in (*_LISTS, *_LISTED)}
        lists = {key: each.fill_null(ibis.literal([], type=each.type())) for key, each in lists.items()}
        complete = {key: found[f"complete_{key}"] for key in SECTIONS}
        stated = {key: (each.length() > 0) | complete[key] for key, each in lists.items() if key in SECTIONS}
        return found.select(
            number="number",
            has_ignored_property=found[f"many_{FOREIGN}"] > 0,
            readable=readable.fill_null(False),
            patient=found.subject.re_extract("^<(.*)>$", 1),
            **{key: found[key] for key in FIELDS_OF_PATIENT},
            **{key: found[key].fill_null(False) for key in BEYOND},
            **{name: self._chosen(found, name) for name in SEVERAL.names if name != "owner"},
            **{key: ibis.ifelse(stated[key], each, None) if key in stated else each for key, each in lists.items()},
            **{f"complete_{key}": each for key, each in complete.items()},
        )

    @staticmethod
    def _chosen(found: ir.Table, name: str) -> Any:
        """Give what columns hold of measurements that stand there simply, or of others."""
        other = found[f"other_{name}"]
        if name in SIMPLE:
            return ibis.ifelse(found.simple, found[name], other)
        return other.fill_null(False) if other.type().is_boolean() else other

    def _several(self, measured: ir.Table) -> pa.Table:
        """Read the other measurements of patients as cases of their own; give those that columns hold."""

        def hers() -> ir.Table:
            owners = measured.filter(measured.sound, ~measured.simple)
            patients = self._patients()
            owners = owners.semi_join(patients.filter(patients.readable), [("owner", "subject")])
            entries = self._entries.filter(
                self._entries.said.isin([NUMBERS[key] for key in ENTRIES if key not in _LISTS])
            )
            return entries.semi_join(owners, "owner").select("owner", "said", "entry")

        read = [self._entries, measured, self._nodes, self._descriptions]
        entries = self._reader.computed("hers", hers, read)
        if not self._reader.arrow(entries.count().as_table())[0][0].as_py():
            return pa.Table.from_pylist([], SEVERAL)
        said = entries.select("entry").join(self._triples, [("entry", "subject")])
        lines: list[str] = []
        for subject, number, object_ in [*self._rows(entries), *self._rows(said.select("entry", "said", "object"))]:
            lines.append(f"{subject} {PREDICATES[number]} {object_} .\n")
        owners = dict.fromkeys(owner for owner, _, _ in self._rows(entries))
        lines += [f"{owner} {RDF.type} {PATIENT} .\n" for owner in owners]
        cases: tuple[Case, ...] = ()
        with contextlib.suppress(UnreadableCaseError):  # the library says of the whole file what is wrong with it
            cases = read_rdf("".join(lines), "ntriples", self._path.name)
        return pa.Table.from_pylist(list(rows_of(cases, self._reading)), SEVERAL)

    def _rows(self, table: ir.Table) -> Iterable[tuple[Any, ...]]:
        return zip(*(column.to_pylist() for column in self._reader.arrow(table).columns), strict=True)


def _value_of(triples: ir.Table) -> Any:
    """Give what a triple says of its subject: of an entry, only that there is one."""
    return ibis.ifelse(triples.said.isin([NUMBERS[key] for key in ENTRIES]), "", triples.object.fill_null(""))


def _all_said(said: ir.Table, keys: Iterable[str], more: Any = 0) -> Any:
    """Say where all that is said of a node is said in these columns, each single one once, or counted elsewhere."""
    counts = [said[f"said_{key}"].notnull().cast("int64") if key in SINGLE else said[f"many_{key}"] for key in keys]
    return functools.reduce(operator.add, counts) + more == said.many


def _all_of(conditions: Iterable[Any]) -> Any:
    return functools.reduce(operator.and_, conditions).fill_null(False)
