"""What the dataset says of itself, for machines that look for it."""

from __future__ import annotations

import pyoxigraph as ox
from flask.testing import FlaskClient

VOID = "http://rdfs.org/ns/void#"


def test_the_dataset_is_described_with_its_licence_and_without_patients(client: FlaskClient) -> None:
    response = client.get("/.well-known/void", headers={"Accept": "application/n-triples"})
    text = response.get_data(as_text=True)
    assert "<http://purl.org/dc/terms/license> <https://creativecommons.org/licenses/by/4.0/>" in text
    assert "graph/situations" in text
    assert "graph/cases/" not in text
    assert "urn:case" not in text
    triples = list(ox.parse(text, format=ox.RdfFormat.N_TRIPLES))
    counts = [int(t.object.value) for t in triples if t.predicate.value == VOID + "triples"]
    assert max(counts) == sum(counts) - max(counts)
