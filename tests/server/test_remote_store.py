"""Every store keeps one contract, wherever it is; and a remote one that fails or means harm does none here."""

from __future__ import annotations

import csv
import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from osteo_kg import Dataset, KnowledgeBase, OsteoError, QueryError, build_dataset
from osteo_kg.dataset import GRAPH
from osteo_kg.rdf import GRAPH_FORMATS
from osteo_kg_server import Settings, create_app
from osteo_kg_server.store import (
    BusyError,
    Change,
    DeadlineError,
    Limits,
    LocalStore,
    NotOfferedError,
    ProtectedError,
    Query,
    Remote,
    RemoteStore,
    Store,
    StoreAnswer,
    StoreUnavailableError,
    TooLargeError,
    Update,
)
from osteo_kg_server.store.update_targets import touched
from tests.support.remote_servers import Hostile, oxigraph, says, virtuoso
from tests.support.worked import ON

pytestmark = pytest.mark.server


SERVERS = {"oxigraph": oxigraph, "virtuoso": virtuoso}
ONTOLOGY, NOTES, MINE = GRAPH + "ontology", GRAPH + "notes", "urn:t:mine"
SITUATIONS = GRAPH + "situations"
FORMATS = {"solutions": "json", "boolean": "json", "graph": "ntriples"}
TOKEN = {"Authorization": "Bearer long-enough"}
ANNA: dict[str, Any] = {
    "patient": "anna",
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 71,
    "t_score_total_hip": -3.10,
    "fractures": [{"site": "vertebra", "mechanism": "low-energy", "count": 2}],
    "treatment_history": [],
}
LIMITS = Limits(seconds=20, wait_seconds=0.2, workers=3, query_bytes=5000, depth=20)


def _triples(turtle: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(turtle, format=ox.RdfFormat.TURTLE)]


FIXED = {ONTOLOGY: _triples('<urn:Bone> <urn:label> "bone", "os"@fr ; <urn:is> [ <urn:part> <urn:Body> ] .')}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Remote]]:
    """The servers that run, started when they are asked for."""
    with ExitStack() as running:
        yield _Servers(running, tmp_path_factory)


class _Servers(dict[str, Remote]):
    def __init__(self, running: ExitStack, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self._running, self._folders = running, folders

    def __missing__(self, kind: str) -> Remote:
        self[kind] = self._running.enter_context(SERVERS[kind](self._folders.mktemp(kind)))
        return self[kind]


@pytest.fixture(params=SERVERS)
def remote(request: pytest.FixtureRequest, servers: dict[str, Remote]) -> Remote:
    """A server that has nothing of the tests in it."""
    found = servers[request.param]
    empty(found)
    return found


@pytest.fixture(scope="module")
def local() -> Iterator[LocalStore]:
    """The store of this machine, which is what the others are compared with."""
    kept = LocalStore(FIXED, limits=LIMITS)
    yield kept
    kept.close()


@pytest.fixture(params=["local", *SERVERS])
def store(request: pytest.FixtureRequest, servers: dict[str, Remote], local: LocalStore) -> Iterator[Store]:
    """A store with a graph that is read only, and nothing else."""
    if request.param == "local":
        local.change(lambda: Change(cleared=frozenset(local.names())), trusted=True)
        yield local
    else:
        empty(servers[request.param])
        kept = RemoteStore(FIXED, servers[request.param], limits=LIMITS)
        yield kept
        kept.close()


def empty(remote: Remote) -> None:
    """Drop every graph that tests have written."""
    plain = RemoteStore({}, remote, scratch=True)
    ours = [name for name in [*plain.names(), NOTES] if name.startswith((GRAPH, "urn:t:"))]
    plain.change(lambda: Change(cleared=frozenset(ours)))
    plain.close()


def asked(store: Store, text: str, /, **more: Any) -> StoreAnswer:
    given = {"formats": FORMATS, "default_graphs": None, "named_graphs": None, "seconds": 20, "base": GRAPH, **more}
    return store.query(Query(text, **given))


def rows(store: Store, text: str, /, **more: Any) -> list[dict[str, str]]:
    found = json.loads(whole(asked(store, text, **more)))
    return [{name: term["value"] for name, term in row.items()} for row in found["results"]["bindings"]]


def whole(answer: StoreAnswer) -> bytes:
    return b"".join(answer.chunks) if answer.body is None else answer.body


def updated(store: Store, text: str) -> None:
    store.update(Update(text, 20, GRAPH))


# The contract


def test_the_default_graph_is_the_union_of_all_graphs(store: Store) -> None:
    updated(store, f"INSERT DATA {{ GRAPH <{MINE}> {{ <urn:a> <urn:b> <urn:Bone> }} }}")
    assert store.union
    assert rows(store, "SELECT ?l { <urn:a> <urn:b>/<urn:label> ?l FILTER (lang(?l) = 'fr') }") == [{"l": "os"}]


@pytest.mark.parametrize("form", ["json", "xml", "csv", "tsv"])
def test_solutions_come_in_every_format(store: Store, form: str) -> None:
    answer = asked(
        store, "SELECT ?l { <urn:Bone> <urn:label> ?l FILTER (lang(?l) = 'fr') }", formats={"solutions": form}
    )
    document = whole(answer).decode("utf-8")
    assert (answer.kind, answer.format_name) == ("solutions", form)
    if form == "json":
        assert json.loads(document)["results"]["bindings"][0]["l"]["value"] == "os"
    elif form == "xml":
        assert ElementTree.fromstring(document).findtext(".//{*}literal") == "os"
    else:
        table = list(csv.reader(io.StringIO(document), delimiter="\t" if form == "tsv" else ","))
        assert table[1][0] in ("os", "os@fr")


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(
    ("text", "said"), [("ASK { <urn:Bone> ?p ?o }", b"true"), ("ASK { <urn:No> ?p ?o }", b"false")]
)
def test_a_boolean_comes_in_every_format(store: Store, text: str, said: bytes, form: str) -> None:
    answer = asked(store, text, formats={"boolean": form})
    assert (answer.kind, said in whole(answer)) == ("boolean", True)


@pytest.mark.parametrize("form", GRAPH_FORMATS)
def test_a_graph_comes_in_every_format(store: Store, form: str) -> None:
    answer = asked(store, "CONSTRUCT { ?s ?p ?o } WHERE { ?s <urn:label> ?o ; ?p ?o }", formats={"graph": form})
    found = {str(quad.object) for quad in ox.parse(whole(answer), format=GRAPH_FORMATS[form])}
    assert (answer.kind, found) == ("graph", {'"bone"', '"os"@fr'})


def test_a_format_that_nobody_accepts_is_not_sent(store: Store) -> None:
    with pytest.raises(NotOfferedError):
        asked(store, "ASK { ?s ?p ?o }", formats={"graph": "turtle"})


def test_a_request_may_name_its_graphs(store: Store) -> None:
    updated(store, f"INSERT DATA {{ GRAPH <{MINE}> {{ <urn:a> <urn:b> 1 }} }}")
    text = "SELECT DISTINCT ?s { ?s ?p ?o }"
    assert rows(store, text, default_graphs=(MINE,)) == [{"s": "urn:a"}]
    assert rows(store, f"SELECT DISTINCT ?s FROM <{MINE}> {{ ?s ?p ?o }}") == [{"s": "urn:a"}]
    assert rows(store, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }", named_graphs=(MINE,)) == [{"g": MINE}]


def test_relative_iris_mean_what_they_mean_here(store: Store) -> None:
    assert len(rows(store, "SELECT ?s { GRAPH <ontology> { ?s <urn:label> ?o } }")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * FROM <http://127.0.0.1:9/> { ?s ?p ?o }",
        "SELECT * FROM NAMED <file:///etc/hostname> { GRAPH ?g { ?s ?p ?o } }",
        "LOAD <http://127.0.0.1:9/>",
        "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
        "SELECT * {",
        "",
        "SELECT * " + "{" * 30 + "}" * 30,
    ],
)
def test_what_is_no_query_or_reaches_outside_is_refused_with_a_sentence(store: Store, text: str) -> None:
    with pytest.raises(QueryError) as caught:
        asked(store, text)
    assert str(caught.value).endswith(".")


def test_a_graph_that_is_not_there_cannot_be_asked(store: Store) -> None:
    with pytest.raises(QueryError, match="no graph"):
        asked(store, "ASK { ?s ?p ?o }", default_graphs=("urn:t:nowhere",))


def test_a_text_that_is_too_long_is_refused(store: Store) -> None:
    with pytest.raises(TooLargeError):
        asked(store, "ASK { } #" + "x" * 5000)


def test_a_change_is_seen_and_a_graph_is_handed_out_with_its_nameless_nodes(store: Store) -> None:
    triples = _triples('<urn:s> <urn:p> "é\\n\\"", _:x . _:x <urn:q> _:y . _:y <urn:q> <urn:s> .')
    store.change(lambda: Change(cleared=frozenset({MINE}), added={MINE: triples}, created=frozenset({MINE})))
    found = list(store.triples(MINE))
    assert ox.Dataset(ox.Quad(*t) for t in found) != ox.Dataset()
    assert _alike(found) == _alike(triples)
    assert (store.exists(MINE), store.size(MINE), MINE in store.names()) == (True, 4, True)


def _alike(triples: list[ox.Triple]) -> set[str]:
    dataset = ox.Dataset(ox.Quad(*triple) for triple in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return {str(quad) for quad in dataset}


def test_statements_and_graphs_can_be_taken_away(store: Store) -> None:
    kept, gone = _triples("<urn:s> <urn:p> <urn:o> . <urn:s> <urn:p> <urn:x> .")
    store.change(lambda: Change(added={MINE: [kept, gone], "urn:t:other": [gone]}))
    store.change(lambda: Change(removed={MINE: [gone]}, cleared=frozenset({"urn:t:other"})))
    assert (list(store.triples(MINE)), store.exists("urn:t:other")) == ([kept], False)


def test_a_write_of_many_statements_arrives_whole(store: Store) -> None:
    many = [ox.Triple(ox.NamedNode(f"urn:s{i}"), ox.NamedNode("urn:p"), ox.BlankNode(f"b{i % 7}")) for i in range(2000)]
    store.change(lambda: Change(added={MINE: many}))
    assert (store.size(MINE), len(set(store.triples(MINE)))) == (2000, 2000)
    assert rows(store, f"SELECT (COUNT(DISTINCT ?o) AS ?n) {{ GRAPH <{MINE}> {{ ?s ?p ?o }} }}") == [{"n": "7"}]


def test_an_update_with_a_pattern_is_carried_out(store: Store) -> None:
    where = f"{{ GRAPH <{ONTOLOGY}> {{ ?s <urn:label> 'bone' }} }}"
    updated(store, f"INSERT {{ GRAPH <{MINE}> {{ ?s <urn:is-a> <urn:Thing> }} }} WHERE {where}")
    assert [str(each.subject) for each in store.triples(MINE)] == ["<urn:Bone>"]


WRITES_TO_THE_ONTOLOGY = [
    f"INSERT DATA {{ GRAPH <{ONTOLOGY}> {{ <urn:a> <urn:b> 1 }} }}",
    f"PREFIX g: <{GRAPH}> INSERT DATA {{ GRAPH g:ontology {{ <urn:a> <urn:b> 1 }} }}",
    "DELETE WHERE { GRAPH <ontology> { ?s <urn:label> ?o } }",
    f"DELETE {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER (?g = <{ONTOLOGY}>) }}",
    f"WITH <{ONTOLOGY}> DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o }}",
    f"DROP SILENT GRAPH <{ONTOLOGY}>",
    "CLEAR ALL",
    "DROP NAMED",
    f"MOVE <{ONTOLOGY}> TO <{MINE}>",
    f"COPY DEFAULT TO <{ONTOLOGY}>",
    f"DELETE DATA {{ GRAPH <{ONTOLOGY}> {{ <urn:Bone> <urn:label> 'bone' }} }}",
    f"INSERT DATA {{ GRAPH <{MINE}> {{ <urn:a> <urn:b> 1 }} }} ; CLEAR GRAPH <{ONTOLOGY}>",
    f"INSERT {{ GRAPH <{MINE}> {{ <urn:a> <urn:b> 1 }} GRAPH <{ONTOLOGY}> {{ <urn:a> <urn:b> 1 }} }} WHERE {{ }}",
]


@pytest.mark.parametrize("text", WRITES_TO_THE_ONTOLOGY)
def test_an_update_of_a_graph_that_is_read_only_is_refused_whole(store: Store, text: str) -> None:
    with pytest.raises(ProtectedError):
        updated(store, text)
    assert (store.size(ONTOLOGY), store.exists(MINE)) == (4, False)


def test_a_change_of_a_graph_that_is_read_only_is_refused_unless_it_is_trusted(store: Store) -> None:
    more = Change(cleared=frozenset({ONTOLOGY}), added={ONTOLOGY: _triples("<urn:a> <urn:b> <urn:c> .")})
    with pytest.raises(ProtectedError):
        store.change(lambda: more)
    store.change(lambda: more, trusted=True)
    assert store.size(ONTOLOGY) == 5


def test_notes_are_kept_beside_the_graphs(store: Store) -> None:
    assert store.note("no such") is None
    store.set_note("a note", "one")
    store.set_note("a note", 'two "é"')
    assert (store.note("a note"), NOTES in store.names()) == ('two "é"', False)


def test_every_write_gives_the_content_another_name(store: Store) -> None:
    before = store.generation
    updated(store, f"INSERT DATA {{ GRAPH <{MINE}> {{ <urn:a> <urn:b> 1 }} }}")
    assert store.generation != before


# What a remote store is asked and told


def test_the_knowledge_is_written_once_and_again_where_it_differs(remote: Remote) -> None:
    RemoteStore(FIXED, remote).close()
    plain = RemoteStore({}, remote, scratch=True)
    updated(plain, f"INSERT DATA {{ GRAPH <{ONTOLOGY}> {{ <urn:foreign> <urn:b> <urn:c> }} }}")
    RemoteStore({ONTOLOGY: _triples(_turtle(FIXED[ONTOLOGY]))}, remote).close()
    assert plain.size(ONTOLOGY) == 5
    RemoteStore({ONTOLOGY: _triples("<urn:a> <urn:b> <urn:c> .")}, remote).close()
    assert plain.size(ONTOLOGY) == 1


def _turtle(triples: list[ox.Triple]) -> str:
    return (ox.serialize(triples, format=ox.RdfFormat.TURTLE) or b"").decode("utf-8")


def test_a_store_as_it_is_has_no_graphs_of_ours_and_may_be_written_wholly(remote: Remote) -> None:
    plain = RemoteStore({}, remote, scratch=True)
    assert [name for name in plain.names() if name.startswith(GRAPH)] == []
    updated(plain, f"INSERT DATA {{ GRAPH <{ONTOLOGY}> {{ <urn:a> <urn:b> <urn:c> }} }}")
    assert plain.size(ONTOLOGY) == 1
    assert (plain.union, plain.protected) == (False, frozenset())


def test_a_long_result_comes_bit_by_bit_and_whole(remote: Remote) -> None:
    store = RemoteStore(FIXED, remote)
    text = "x" * 1000
    many = [ox.Triple(ox.NamedNode(f"urn:s{i}"), ox.NamedNode("urn:p"), ox.Literal(text + str(i))) for i in range(6000)]
    for at in range(0, len(many), 2000):
        store.change(lambda at=at: Change(added={MINE: many[at : at + 2000]}))  # type: ignore[misc]
    answer = asked(store, f"SELECT ?o {{ GRAPH <{MINE}> {{ ?s ?p ?o }} }}", formats={"solutions": "csv"})
    assert answer.body is None
    assert whole(answer).count(text.encode()) == 6000
    small = RemoteStore(FIXED, remote, limits=Limits(result_bytes=5_000_000))
    with pytest.raises(TooLargeError):
        whole(asked(small, f"SELECT ?o {{ GRAPH <{MINE}> {{ ?s ?p ?o }} }}"))


def test_the_store_tells_what_is_wrong_with_a_query(remote: Remote) -> None:
    with pytest.raises(QueryError) as caught:
        asked(RemoteStore(FIXED, remote), "SELECT ?x { ?x ?y }")
    assert "1:20" in str(caught.value) or "syntax error" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "DEFINE get:soft 'replace' SELECT * { ?s ?p ?o }",
        "SELECT * { ?s ?p ?o OPTION (TRANSITIVE) }",
        "SELECT (bif:http_get('http://127.0.0.1:9/') AS ?x) { }",
        "SELECT (<bif:http_get>('http://127.0.0.1:9/') AS ?x) { }",
        "SELECT * { \\u0053ERVICE <http://127.0.0.1:9/> { } }",
        "SELECT * { ?s ?p 'a\\u0027 . SERVICE <http://127.0.0.1:9/> { } #' }",
        "SELECT * FROM <urn:a b> { ?s ?p ?o }",
    ],
)
def test_what_only_some_stores_understand_does_not_reach_them(hostile: Hostile, text: str) -> None:
    hostile.behaviour = says("200 OK", "application/sparql-results+json", b'{"boolean": true}')
    store = _scratch(hostile)
    before = len(hostile.received)
    with pytest.raises(QueryError):
        asked(store, text)
    assert len(hostile.received) == before


# A store that fails, or means harm


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.close()


TRUE = says("200 OK", "application/sparql-results+json", b'{"head": {}, "boolean": true}')


def _scratch(hostile: Hostile, **limits: Any) -> RemoteStore:
    """Open a store that is well behaved until then."""
    now, hostile.behaviour = hostile.behaviour, TRUE
    remote = Remote(f"http://127.0.0.1:{hostile.port}/query", user="anna", password="secret")
    store = RemoteStore({}, remote, limits=Limits(**{"seconds": 1, **limits}), scratch=True)
    hostile.behaviour = now
    return store


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n")
    while True:
        connection.sendall(b"x\r\n" * 20_000)


def _dripping(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.05)


def _dripping_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.05)


def _short(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nx\r\n")


def _broken_chunk(connection: socket.socket) -> None:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nx\r\n\r\n9\r\n"
    )


HARM: dict[str, tuple[Any, type[OsteoError]]] = {
    "says nothing": (lambda _: time.sleep(5), DeadlineError),
    "sends a byte now and then": (_dripping, DeadlineError),
    "never ends its head": (_dripping_head, DeadlineError),
    "never ends": (_endless, TooLargeError),
    "closes at once": (lambda _: None, StoreUnavailableError),
    "ends too early": (_short, StoreUnavailableError),
    "breaks a chunk off": (_broken_chunk, StoreUnavailableError),
    "speaks no HTTP": (lambda connection: connection.sendall(b"220 mail ready\r\n\r\n"), StoreUnavailableError),
    "answers a page": (says("200 OK", "text/html", b"<h1>Hello</h1>"), StoreUnavailableError),
    "packs": (says("200 OK", "text/csv", b"x", "Content-Encoding: gzip"), StoreUnavailableError),
    "cuts rows off": (says("200 OK", "text/csv", b"x\r\n", "X-SPARQL-MaxRows: 1"), TooLargeError),
    "redirects": (says("302 Found", "text/csv", b"", "Location: http://127.0.0.1:9/"), StoreUnavailableError),
    "is not there": (says("404 Not Found", "text/html", b""), StoreUnavailableError),
    "refuses us": (says("401 Unauthorized", "text/html", b"secret"), StoreUnavailableError),
    "refuses our name": (
        says("401 Unauthorized", "text/html", b"", 'WWW-Authenticate: Basic realm="x"'),
        StoreUnavailableError,
    ),
    "fails": (says("500 Internal Server Error", "text/plain", b"java.lang.Error: secret"), StoreUnavailableError),
    "is busy": (says("503 Service Unavailable", "text/plain", b""), BusyError),
    "was too slow itself": (says("504 Gateway Timeout", "text/plain", b""), DeadlineError),
    "takes no such long text": (says("413 Content Too Large", "text/plain", b""), TooLargeError),
    "refuses the query": (says("400 Bad Request", "text/plain", b"Bad. \n\tat org.Stack\n"), QueryError),
}


@pytest.mark.parametrize("what", HARM)
def test_a_store_that_does_harm_is_left_with_a_sentence(hostile: Hostile, what: str) -> None:
    hostile.behaviour, kind = HARM[what]
    store = _scratch(hostile, result_bytes=10_000_000, rows=100_000_000)
    started = time.monotonic()
    with pytest.raises(kind) as caught:
        whole(asked(store, "SELECT * { ?s ?p ?o }", formats={"solutions": "csv"}, seconds=1))
    told = str(caught.value)
    assert told.endswith(".")
    assert [word for word in ("secret", "anna", "127.0.0.1", "Stack", "Bad..") if word in told] == []
    assert time.monotonic() - started < 4  # a bound on being left at all, not a timing
    hostile.behaviour = TRUE
    assert whole(asked(store, "ASK { }")).count(b"true") == 1


def test_a_page_of_an_error_is_told_without_its_marks(hostile: Hostile) -> None:
    page = b"<html><head><title>Error</title></head><body><h1>No &amp; no</h1><script>bad()</script></body></html>"
    hostile.behaviour = says("400 Bad Request", "text/html", page)
    with pytest.raises(QueryError, match=r"^The store refuses this: No & no\. "):
        asked(_scratch(hostile), "ASK { }")


def test_a_result_that_is_none_is_not_handed_on_as_a_boolean(hostile: Hostile) -> None:
    for body in (b"[]", b"{}", b"not json", b'{"results": {"bindings": 7}}'):
        hostile.behaviour = says("200 OK", "application/sparql-results+json", body)
        with pytest.raises(StoreUnavailableError):
            asked(_scratch(hostile), "ASK { }")


def test_no_store_is_no_store() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        RemoteStore({}, Remote(f"http://127.0.0.1:{port}/sparql"), scratch=True)


@pytest.mark.parametrize("address", ["ftp://h/", "http://", "http://a:b@h/", "http://h/#x", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(OsteoError) as caught:
        RemoteStore({}, Remote(address), scratch=True)
    assert [word for word in ("ftp", "a:b", "#x", "passwd") if word in str(caught.value)] == []


def test_a_password_is_shown_only_where_it_is_asked_for(hostile: Hostile) -> None:
    store = _scratch(hostile)
    assert b"Authorization" not in b"".join(hostile.received)
    hostile.behaviour = says("401 Unauthorized", "text/html", b"", 'WWW-Authenticate: Basic realm="x"')
    with suppress(StoreUnavailableError):
        asked(store, "ASK { }")
    assert b"Authorization: Basic YW5uYTpzZWNyZXQ=" in hostile.received[-1]


def test_only_so_many_queries_run_at_once(hostile: Hostile) -> None:
    hostile.behaviour = _endless
    store = _scratch(hostile, workers=1, wait_seconds=0.1, seconds=20)
    answer = asked(store, "SELECT * { ?s ?p ?o }", formats={"solutions": "csv"})
    with pytest.raises(BusyError):
        asked(store, "ASK { }")
    answer.close()
    hostile.behaviour = TRUE
    assert whole(asked(store, "ASK { }"))


def test_a_store_without_a_union_of_its_graphs_is_refused(hostile: Hostile) -> None:
    def answers(connection: socket.socket) -> None:
        says("200 OK", "application/sparql-results+json", b'{"boolean": false, "results": {"bindings": []}}')(
            connection
        )

    hostile.behaviour = answers
    with pytest.raises(StoreUnavailableError, match="union"):
        RemoteStore({}, Remote(f"http://127.0.0.1:{hostile.port}/query"))


# What an update writes to


@pytest.mark.parametrize(
    ("text", "graphs"),
    [
        ("INSERT DATA { <urn:s> <urn:p> 1 . GRAPH <urn:g> { <urn:s> <urn:p> '}' } }", {"", "urn:g"}),
        ("BASE <http://x/y/> DROP GRAPH <z> ; PREFIX : <../w/> DROP GRAPH :v", {"http://x/y/z", "http://x/w/v"}),
        ("BASE <http://x/y/> DROP GRAPH <z> ; PREFIX : <w/> DROP GRAPH :v", {"http://x/y/z", "http://x/y/w/v"}),
        ("PREFIX : <urn:y:> CLEAR SILENT GRAPH :g ; DROP DEFAULT ; CREATE GRAPH <urn:h> ;", {"urn:y:g", "", "urn:h"}),
        ("ADD <urn:a> TO <urn:b> ; MOVE GRAPH <urn:c> TO DEFAULT", {"urn:b", "urn:c", ""}),
        (
            "WITH <urn:a> DELETE { ?s ?p ?o } INSERT { GRAPH <urn:b> { ?s ?p 1 } } WHERE { ?s ?p ?o }",
            {"urn:a", "urn:b"},
        ),
        ("INSERT { ?s ?p 1 } USING <urn:a> USING NAMED <urn:n> WHERE { GRAPH ?g { ?s ?p ?o } }", {"", "urn:a"}),
        ("INSERT { GRAPH <urn:b> { ?s ?p 1 } } USING <urn:a> WHERE { { ?s ?p ?o } }", {"urn:b"}),
        ("DELETE WHERE { GRAPH <urn:a> { ?s ?p ?o } }", {"urn:a"}),
        ("# GRAPH ?g\nDELETE WHERE { GRAPH <urn:a> { ?s ?p 'GRAPH ?g {' } }", {"urn:a"}),
        ("DELETE WHERE { GRAPH ?g { ?s ?p ?o } }", None),
        ("DROP ALL", None),
        ("CLEAR NAMED", None),
        ("INSERT DATA { GRAPH :undeclared { <urn:s> <urn:p> 1 } }", None),
        ("INSERT DATA { { <urn:s> <urn:p> 1 } }", None),
        ("INSERT DATA { GRAPH <urn:a/./b> { <urn:s> <urn:p> 1 } }", None),
        ("INSERT DATA { <urn:s> <urn:p> 1", None),
        ("DEFINE x:y 'z' DELETE WHERE { <urn:s> ?p ?o }", None),
    ],
)
def test_an_update_tells_its_graphs_or_that_it_does_not(text: str, graphs: set[str] | None) -> None:
    assert touched(text, "http://example.org/") == graphs


# The service over a remote store


@pytest.fixture(scope="module")
def dataset(knowledge_base: KnowledgeBase) -> Dataset:
    """The knowledge, with a part of the decision table."""
    graphs = dict(build_dataset(knowledge_base, on=ON).graphs)
    return Dataset({**graphs, SITUATIONS: graphs[SITUATIONS][:2000]})


@pytest.fixture(scope="module", params=SERVERS)
def client(
    request: pytest.FixtureRequest, servers: dict[str, Remote], knowledge_base: KnowledgeBase, dataset: Dataset
) -> FlaskClient:
    """The service over each kind of server."""
    remote = servers[request.param]
    empty(remote)
    return create_app(knowledge_base, dataset, _settings(remote)).test_client()


def _settings(remote: Remote) -> Settings:
    return Settings(
        store=remote.query,
        store_update=remote.update,
        store_user=remote.user,
        store_password=remote.password,
        update_token="long-enough",
    )


def _found(client: FlaskClient, text: str) -> list[dict[str, str]]:
    response = client.get("/sparql", query_string={"query": "PREFIX osteo: <https://w3id.org/osteo-kg/ns/> " + text})
    assert response.status_code == 200, response.text
    bindings = response.get_json(force=True)["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in bindings]


def test_a_case_is_kept_asked_about_and_forgotten(client: FlaskClient) -> None:
    kept = client.post(f"/cases?on={ON.isoformat()}", json=ANNA, headers=TOKEN)
    assert kept.status_code == 201, kept.text
    who = "SELECT ?p { ?a osteo:assesses ?p ; osteo:hasDisposition osteo:Treat . GRAPH ?g { ?p a osteo:Patient } }"
    assert _found(client, who) == [{"p": "urn:case:anna"}]
    path = "/cases/urn%3Acase%3Aanna"
    assert client.get(path, headers={"Accept": "application/json", **TOKEN}).status_code == 200
    assert client.delete(path, headers=TOKEN).status_code == 204
    assert _found(client, who) == []
    assert client.get(path, headers=TOKEN).status_code == 404


def test_a_graph_is_put_fetched_added_to_and_deleted(client: FlaskClient) -> None:
    at: dict[str, Any] = {"query_string": {"graph": "urn:t:put"}, "headers": {**TOKEN, "Accept": "text/turtle"}}
    turtle: dict[str, Any] = {"content_type": "text/turtle", **at}
    assert client.put("/store", data="<urn:a> <urn:b> [ <urn:c> 'd' ] .", **turtle).status_code == 201
    assert client.post("/store", data="<urn:a> <urn:b> [ <urn:c> 'd' ] .", **turtle).status_code == 204
    found = [quad.triple for quad in ox.parse(client.get("/store", **at).data, format=ox.RdfFormat.TURTLE)]
    assert (len(found), sum(isinstance(each.object, ox.BlankNode) for each in found)) == (4, 2)
    assert client.delete("/store", **at).status_code == 204
    assert client.get("/store", **at).status_code == 404


def test_a_graph_of_the_knowledge_is_asked_and_never_written(client: FlaskClient, dataset: Dataset) -> None:
    [row] = _found(client, f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{ONTOLOGY}> {{ ?s ?p ?o }} }}")
    assert int(row["n"]) == len(set(dataset.graphs[ONTOLOGY]))
    at = {"query_string": {"graph": ONTOLOGY}, "headers": TOKEN}
    assert client.delete("/store", **at).status_code == 403
    update = client.post("/update", data={"update": "CLEAR ALL"}, headers=TOKEN)
    assert (update.status_code, update.content_type) == (403, "application/problem+json")


def test_a_store_that_has_gone_is_a_bad_gateway(
    tmp_path: Path, knowledge_base: KnowledgeBase, dataset: Dataset
) -> None:
    small = Dataset({ONTOLOGY: dataset.graphs[ONTOLOGY]})
    with oxigraph(tmp_path) as remote:
        app = create_app(knowledge_base, small, _settings(remote)).test_client()
        assert app.get("/sparql", query_string={"query": "ASK { ?s ?p ?o }"}).get_json(force=True)["boolean"] is True
    response = app.get("/sparql", query_string={"query": "ASK { }"})
    assert (response.status_code, response.content_type) == (502, "application/problem+json")
    assert remote.query not in response.text
