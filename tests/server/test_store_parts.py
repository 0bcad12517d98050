"""The parts of the store, each by itself: what a writer counts, what an update says, what a literal becomes."""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from osteo_kg.rdf.results import SOLUTION_FORMATS
from osteo_kg_server.errors import TooLargeError
from osteo_kg_server.store.base import DEFAULT_GRAPH
from osteo_kg_server.store.query_guard import LimitedWriter
from osteo_kg_server.store.statements import Statements, both_forms
from osteo_kg_server.store.update_targets import plain
from osteo_kg_server.views.sparql import with_graphs

pytestmark = pytest.mark.server


BASE = "http://example.org/"
XSD = "http://www.w3.org/2001/XMLSchema#"
AWKWARD = st.text(st.sampled_from('a,{}[]":<>\\\n\r\t&é') | st.characters(codec="utf-8", exclude_characters="\x00"))


# Rows of a result


def _written(values: list[str | None], form: str, rows: int) -> bytes:
    """Write one column of values, three bytes at a time, within a limit of rows."""
    out: list[bytes] = []
    writer = LimitedWriter(out.append, form, rows, 1 << 30)
    row = " ".join("(UNDEF)" if value is None else f"({ox.Literal(value)})" for value in values)
    store = ox.Store()
    found = store.query(f"SELECT ?x {{ VALUES (?x) {{ {row} }} }}")
    assert isinstance(found, ox.QuerySolutions)
    data = found.serialize(format=SOLUTION_FORMATS[form]) or b""
    for at in range(0, len(data), 3):
        writer.write(data[at : at + 3])
    return b"".join(out)


@pytest.mark.parametrize("form", SOLUTION_FORMATS)
@given(values=st.lists(AWKWARD, min_size=1, max_size=6))
def test_every_row_is_counted_whatever_stands_in_it(form: str, values: list[str]) -> None:
    assert _written(list(values), form, len(values))
    if len(values) > 1:
        with pytest.raises(TooLargeError):
            _written(list(values), form, len(values) - 1)


def test_a_result_of_too_many_bytes_is_stopped() -> None:
    out: list[bytes] = []
    writer = LimitedWriter(out.append, "turtle", 10, 5)
    writer.write(b"12345")
    with pytest.raises(TooLargeError):
        writer.write(b"6")
    assert out == [b"12345"]


# Updates that say by themselves what they change


def _after(update: str) -> set[str]:
    """Give the quads that an update leaves, by Oxigraph."""
    store = ox.Store()
    store.update(update, base_iri=BASE)
    return {re.sub(r"_:\w+", "_:b", str(quad)) for quad in store}


def _said(update: str) -> set[str] | None:
    """Give the quads that an update leaves, by its own words."""
    changes = plain(update, BASE, ("urn:g", "urn:h"))
    if changes is None:
        return None
    store = ox.Store()
    for change in changes:
        for name in change.cleared:
            store.clear_graph(ox.NamedNode(name) if name != DEFAULT_GRAPH else ox.DefaultGraph())
        for kind, statements in (("removed", change.removed), ("added", change.added)):
            for name, triples in statements.items():
                graph = ox.NamedNode(name) if name != DEFAULT_GRAPH else ox.DefaultGraph()
                for each in triples:
                    quad = ox.Quad(each.subject, each.predicate, each.object, graph)
                    (store.add if kind == "added" else store.remove)(quad)
    return {re.sub(r"_:\w+", "_:b", str(quad)) for quad in store}


@pytest.mark.parametrize(
    "update",
    [
        "INSERT DATA { <a> <b> 1.50 }",
        "insert data { <a> <b> 'DELETE DATA { }' } # INSERT DATA { <x> <y> <z> }",
        "PREFIX e: <urn:e:> INSERT DATA { GRAPH e:g { e:a a e:B ; e:c 1, true, 'x'@en } }",
        "BASE <urn:other:> INSERT DATA { <a> <b> <c> } ; DELETE DATA { <a> <b> <c> } ;",
        "INSERT DATA { <a> <b> [ <c> ( 1 2 ) ] . GRAPH <g> { <a> <b> <c> } GRAPH <h> { } }",
        "INSERT DATA { <a> <b> '''}''' , \"}\" }",
        "INSERT DATA { }",
        "INSERT DATA { <a> <b> <c> . GRAPH <urn:g> { <a> <b> <c> } } ; DROP SILENT GRAPH <urn:g>",
        "INSERT DATA { <a> <b> <c> . GRAPH <urn:g> { <a> <b> <c> } } ; clear default",
        "INSERT DATA { <a> <b> <c> . GRAPH <urn:g> { <a> <b> <c> } } ; CLEAR NAMED",
        "INSERT DATA { GRAPH <urn:new> { <a> <b> <c> } } ; DROP NAMED",
        "INSERT DATA { GRAPH <urn:new> { <a> <b> <c> } } ; CLEAR GRAPH <urn:new>",
        "INSERT DATA { <a> <b> <c> . GRAPH <urn:g> { <a> <b> <c> } } ; DROP ALL ;",
    ],
)
def test_an_update_of_data_says_what_oxigraph_makes_of_it(update: str) -> None:
    assert _said(update) == _after(update)


def test_declarations_between_operations_hold_from_there_on() -> None:
    """As the grammar has it (SPARQL 1.1 section 19.8, rule 29); Oxigraph has them at the start only."""
    update = "INSERT DATA { <a> <b> 7 } ; PREFIX e: <urn:e:> INSERT DATA { <a> e:b 2 } ; DELETE DATA { <a> <b> 7 }"
    assert _said(update) == {f'<{BASE}a> <urn:e:b> "2"^^<{XSD}integer>'}


@pytest.mark.parametrize(
    "update",
    [
        "INSERT DATA { ?x <b> <c> }",
        "INSERT DATA { <a> <b> <c> } DELETE DATA { <a> <b> <c> }",
        "INSERT DATA { <a> <b> <c> ",
        "INSERT DATA { <g> { <a> <b> <c> } }",
        "INSERT DATA { @prefix e: <urn:e:> . e:a e:b e:c }",
        "DELETE DATA { <a> <b> _:x }",
        "INSERT DATA { _:x <b> <c> } ; INSERT DATA { GRAPH <g> { _:x <b> <d> } }",
        "INSERT DATA { <a> <b> <c> } ; COPY DEFAULT TO <urn:g>",
        "CLEAR GRAPH <urn:nowhere>",
        "DROP GRAPH <g>",
        "DROP GRAPH e:g",
        "CLEAR ALLOWED",
        "INSERT { <a> <b> <c> } WHERE { }",
        "",
    ],
)
def test_what_is_more_than_data_or_is_none_is_left_to_be_evaluated(update: str) -> None:
    assert plain(update, BASE, ("urn:g", "urn:h")) is None


# The graphs of an update request


def _left(update: str) -> set[str]:
    store = ox.Store()
    for name in ("g", "h"):
        store.add(
            ox.Quad(ox.NamedNode(f"urn:{name}"), ox.NamedNode("urn:p"), ox.Literal(name), ox.NamedNode(f"urn:{name}"))
        )
    store.update(update)
    return {str(quad.object) for quad in store.quads_for_pattern(None, None, None, ox.NamedNode("urn:new"))}


@pytest.mark.parametrize(
    ("using", "named", "found"),
    [(("urn:g",), (), {'"g"'}), (("urn:g", "urn:h"), (), {'"g"', '"h"'}), ((), ("urn:g",), set())],
)
def test_the_graphs_of_a_request_are_those_that_an_update_asks(
    using: tuple[str, ...], named: tuple[str, ...], found: set[str]
) -> None:
    update = "INSERT { GRAPH <urn:new> { ?s ?p ?o } } WHERE { ?s ?p ?o FILTER(?o != 'WHERE {') }"
    assert _left(with_graphs(update, using, named)) == found


def test_named_graphs_of_a_request_are_the_only_ones() -> None:
    update = "INSERT { GRAPH <urn:new> { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o } }"
    assert _left(with_graphs(update, (), ("urn:h",))) == {'"h"'}


def test_a_short_delete_asks_the_graphs_of_the_request_too() -> None:
    update = with_graphs("DELETE WHERE { ?s ?p ?o } ; INSERT DATA { <urn:a> <urn:b> 1 }", ("urn:g",), ())
    assert (
        " ".join(update.split())
        == "DELETE { ?s ?p ?o } USING <urn:g> WHERE { ?s ?p ?o } ; INSERT DATA { <urn:a> <urn:b> 1 }"
    )


@pytest.mark.parametrize("clause", ["USING <urn:h>", "USING NAMED <urn:h>"])
def test_graphs_are_named_in_one_place(clause: str) -> None:
    with pytest.raises(BadRequest):
        with_graphs(f"INSERT {{ <urn:a> <urn:b> ?o }} {clause} WHERE {{ ?s ?p ?o }}", ("urn:g",), ())


# Statements as they were written


@pytest.mark.parametrize(
    ("lexical", "datatype", "indexed"),
    [
        ("1.50", "decimal", "1.5"),
        ("007", "integer", "7"),
        ("+1", "integer", "1"),
        ("1", "boolean", "true"),
        ("abc", "string", "abc"),
        ("not a number", "decimal", "not a number"),
    ],
)
def test_a_statement_is_known_in_both_its_forms(lexical: str, datatype: str, indexed: str) -> None:
    node = ox.NamedNode("urn:a")
    triple = ox.Triple(node, node, ox.Literal(lexical, datatype=ox.NamedNode(XSD + datatype)))
    in_index, written = both_forms(triple)
    assert f'"{lexical}"' in written
    assert f'"{indexed}"' in in_index


def test_a_statement_is_taken_away_however_it_was_written() -> None:
    node, statements = ox.NamedNode("urn:a"), Statements(None)
    forms = [
        both_forms(ox.Triple(node, node, ox.Literal(text, datatype=ox.NamedNode(f"{XSD}decimal"))))
        for text in ("1.50", "1.5")
    ]
    with statements.write():
        statements.add("urn:g", forms)
    assert {written for _, written in statements.lines("urn:g")} == {written for _, written in forms}
    with statements.write():
        statements.remove("urn:g", [forms[0][0]])
    assert list(statements.lines("urn:g")) == []


def test_a_write_that_fails_leaves_nothing() -> None:
    statements = Statements(None)

    def fail() -> None:
        with statements.write():
            statements.add("urn:g", [("a", "a")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert statements.graphs() == []
