"""Clients in JavaScript work unchanged against the real server: Comunica, two libraries of RDF/JS, and YASGUI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import npm
from tests.support.serving import SPARQL, STORE, TOKEN, UPDATE, Server, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]

HERE = Path(__file__).resolve().parent
CLIENTS = ("comunica", "fetch-sparql-endpoint", "sparql-http-client", "yasgui")
DATA = '<http://e/anna> <http://e/label> "Anna" . <http://e/berta> <http://e/label> "Berta" .'


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--scratch") as running:
        assert running.put("http://e/people", DATA).status == 201
        yield running


@pytest.fixture(scope="module")
def found(server: Server) -> dict[str, Any]:
    """What each client was answered by GET and by POST, where it does both; each has written its name, too."""
    addresses = {"sparql": SPARQL, "update": UPDATE, "store": STORE}
    given = {name: server.address + path for name, path in addresses.items()}
    answers: dict[str, Any] = npm.run(HERE / "ask.mjs", [str(npm.modules(HERE))], given={**given, "token": TOKEN})
    return answers


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_reads_solutions_triples_and_a_truth(found: dict[str, Any], client: str) -> None:
    assert found[client] == {"names": ["Anna", "Berta"], "triples": 2, "asked": True}


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_updates_with_the_token(server: Server, client: str) -> None:
    assert server.asks(f"ASK {{ GRAPH <http://e/clients> {{ <http://e/{client}> ?p '{client}' }} }}")
