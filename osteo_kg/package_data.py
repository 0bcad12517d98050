"""The files that travel with the library: ontology, shapes, queries and templates of pages."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Give the folder that holds `ontology/` and `shapes/`: inside the wheel, or the checkout."""
    packaged = _PACKAGE / "_data"
    return packaged if packaged.is_dir() else _PACKAGE.parent


@functools.cache
def json_ld_context() -> dict[str, Any]:
    """Read what our JSON-LD context says of each term."""
    document = json.loads(json_ld_context_document())
    context: dict[str, Any] = document["@context"]
    return context


def json_ld_context_document() -> bytes:
    """Give our JSON-LD context as a document."""
    return (root() / "ontology" / "context.jsonld").read_bytes()


@functools.cache
def query(name: str) -> str:
    """Read one query, such as `lift/completed_years`."""
    return (_PACKAGE / "queries" / f"{name}.rq").read_text(encoding="utf-8")


@functools.cache
def query_names(folder: str) -> tuple[str, ...]:
    """List the queries of one folder in the order of their names."""
    return tuple(f"{folder}/{path.stem}" for path in sorted((_PACKAGE / "queries" / folder).glob("*.rq")))


@functools.cache
def queries_digest() -> str:
    """Give the SHA-256 of every query: what was reasoned with other queries is not to be read back."""
    files = sorted((_PACKAGE / "queries").rglob("*.rq"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


@functools.cache
def code_digest() -> str:
    """Give the SHA-256 of the code of the library: what other code worked out is not to be read back."""
    files = sorted(_PACKAGE.rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def template(name: str) -> Template:
    """Give the template of a page, such as `decision_table.html`; what is put into it is escaped."""
    return _environment().get_template(name)


@functools.cache
def _environment() -> Environment:
    loader = FileSystemLoader(_PACKAGE / "templates")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=StrictUndefined)
    environment.filters["grouped"] = "{:,}".format
    return environment


@functools.cache
def software_version() -> str:
    """Give the version of the installed library."""
    try:
        return importlib.metadata.version("osteo-kg")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
