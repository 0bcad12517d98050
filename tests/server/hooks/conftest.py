"""What the tests of hooks share: a FHIR server that holds what the reader needs of one woman."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fhir_servers import FhirServer, fhir_server
from tests.support.hooks import HERS


@pytest.fixture(scope="package")
def everlasting() -> Iterator[FhirServer]:
    with fhir_server(*HERS) as server:
        yield server


@pytest.fixture
def server(everlasting: FhirServer) -> FhirServer:
    """The server as it is at first: asked nothing yet, and behaving."""
    everlasting.asked.clear()
    everlasting.misbehaving.clear()
    return everlasting
