"""The `serve` command: the HTTP service, which the library knows by name only."""

from __future__ import annotations

import importlib

import click

from osteo_kg import resources
from osteo_kg.errors import UsageError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.store import build_dataset


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve SPARQL, assessments and linked data over HTTP, with the example patients of a checkout loaded."""
    try:
        server = importlib.import_module("osteo_kg_server")
    except ImportError as error:
        raise UsageError(
            f"The server cannot be loaded: {error}.", advice="Install it with: pip install osteo-kg."
        ) from error
    knowledge_base = KnowledgeBase()
    files = sorted((resources.root() / "examples").glob("*.ttl"))
    cases = [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    app = server.create_app(knowledge_base, build_dataset(knowledge_base, cases))
    click.echo(f"osteo-kg: listening on http://{host}:{port}/", err=True)
    try:
        server.serve(app, host=host, port=port)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error}.", advice="Name another --host or --port."
        ) from error


commands: tuple[click.Command, ...] = (serve,)
