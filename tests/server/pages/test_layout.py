"""What every page has around its content."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from osteo_kg_server.pages.layout import NAVIGATION

_PAGES = ("/", "/sparql", "/ns/Patient.html", "/ontology/osteo-kg", "/nowhere")
_ADDRESS = re.compile(r'(?:src|href|action)="([^"]*)"')


def page_of(client: FlaskClient, path: str, language: str = "en") -> str:
    """Ask for a page as a browser does."""
    return client.get(path, headers={"Accept": "text/html", "Accept-Language": language}).get_data(as_text=True)


@pytest.mark.parametrize("path", _PAGES)
def test_a_page_asks_nothing_of_another_origin(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Accept": "text/html"})
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]*)"', response.get_data(as_text=True))
    assert loaded
    assert not [each for each in loaded if urlsplit(each).netloc]


@pytest.mark.parametrize("path", _PAGES)
def test_a_page_has_no_script_or_style_in_its_text(client: FlaskClient, path: str) -> None:
    text = page_of(client, path)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("path", _PAGES)
def test_a_page_leads_to_itself_in_the_other_language(client: FlaskClient, path: str) -> None:
    text = page_of(client, path)
    [french] = re.findall(r'<a class="language"[^>]* href="([^"]*)"', text)
    assert '<html lang="fr">' in page_of(client, french.replace("&amp;", "&"))


def test_a_chosen_language_stays_on_the_way(client: FlaskClient) -> None:
    text = page_of(client, "/sparql?language=fr", language="en")
    for entry in NAVIGATION:
        assert f'href="{entry.path}?language=fr"' in text


def test_every_file_that_a_page_names_is_there(client: FlaskClient) -> None:
    named = {each for path in _PAGES for each in _ADDRESS.findall(page_of(client, path)) if each.startswith("/static/")}
    assert named
    for each in named:
        response = client.get(each)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000"


@pytest.mark.parametrize("name", ["nothing.css", "../layout.py", "vendor/htmx.org.integrity", "..%2flayout.py"])
def test_nothing_but_files_of_the_pages_is_given(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404
