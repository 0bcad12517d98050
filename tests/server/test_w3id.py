"""The rules for w3id.org lead every kind of IRI of ours to an address of the service that answers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from tests.support.service import BASE, OIC
from tests.support.worked import ROOT

pytestmark = pytest.mark.server

RULES = (ROOT / "deploy" / "w3id" / ".htaccess").read_text("utf-8")
_RULE = re.compile(r"^RewriteRule (\S+) %\{ENV:SERVICE\}(\S+) \[R=303,(?:NE,)?L\]$", re.MULTILINE)


def _led(path: str) -> str | None:
    """Give where the first rule that fits leads, as Apache would."""
    for pattern, target in _RULE.findall(RULES):
        if found := re.match(pattern, path):
            return str(target).replace("$1", found[1] if found.groups() else "")
    return None


def test_there_is_one_place_that_names_the_service() -> None:
    [named] = re.findall(r"E=SERVICE:(\S+)\]", RULES)
    assert urlsplit(named).scheme == "https"
    assert RULES.count(urlsplit(named).netloc) == 1
    assert len(_RULE.findall(RULES)) == RULES.count("R=303")


@pytest.mark.parametrize(
    "path",
    [
        *("", "ns", "ns/", "ontology", "ontology/"),
        *("ns/Patient", "ns/tScore", "ns/StrokeEvent", "ontology/core", "ontology/labels.fr", "ontology/core/2.0.0"),
        *(f"guideline/{OIC}", f"guideline/{OIC}/severe-treat", f"guideline/{OIC}/I4", "graph/ontology"),
    ],
)
@pytest.mark.parametrize("accept", ["text/html, */*;q=0.1", "text/turtle"])
def test_an_iri_is_led_to_an_address_that_answers(client: FlaskClient, path: str, accept: str) -> None:
    led = _led(path)
    assert led is not None
    assert client.get(led, headers={"Accept": accept}, follow_redirects=True).status_code == 200


def test_every_kind_of_iri_that_the_service_answers_has_a_rule(client: FlaskClient) -> None:
    """A first part of a path that is added to the linked data is found missing here."""
    kinds = {
        str(rule).split("/")[1]
        for rule in client.application.url_map.iter_rules()
        if rule.endpoint.startswith("linked_data.") and "<" in str(rule)
    }
    assert kinds
    assert {kind for kind in kinds if _led(f"{kind}/any") is None} == set()
    assert _led("sparql") is None
    assert BASE.startswith("https://w3id.org/")
