"""One service with the examples, and the browsers that look at it; where there is none the tests say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.fetch_axe import script
from tests.support import npm
from tests.support.browser import MISSING, Browser, chromium
from tests.support.serving import Server, serving


@pytest.fixture(scope="session")
def server(cache_folder: None) -> Iterator[Server]:
    """`osteo-kg serve` as it is started in a checkout: with the examples, and read only."""
    if MISSING:
        pytest.skip(MISSING)
    with serving(environment={"OSTEO_KG_UPDATE_TOKEN": ""}) as found:
        yield found


@pytest.fixture(scope="session")
def browser(server: Server) -> Iterator[Browser]:
    """A browser as most people have it."""
    with chromium(server.address) as found:
        yield found


@pytest.fixture(scope="session")
def plain_browser(server: Server) -> Iterator[Browser]:
    """A browser in which no script runs."""
    with chromium(server.address, javascript=False) as found:
        yield found


@pytest.fixture(scope="session")
def small_browser(server: Server) -> Iterator[Browser]:
    """A browser of 400 pixels."""
    with chromium(server.address, width=400, height=800) as found:
        yield found


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    try:
        return script()
    except npm.PackagesUnavailableError as error:
        pytest.skip(str(error))
