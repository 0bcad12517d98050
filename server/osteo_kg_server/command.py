"""The `serve` command, which `osteo-kg` finds by the entry point `osteo_kg.commands`: the library knows no server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from osteo_kg import Case, Dataset, KnowledgeBase, UsageError, build_dataset
from osteo_kg.cli import options
from osteo_kg.package_data import root
from osteo_kg_server import Limits, Settings, create_app, wsgi

_MEBIBYTE = 1 << 20


@click.command(context_settings={"auto_envvar_prefix": "OSTEO_KG", "show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, help="Port to listen on; 0 takes a free one.")
@click.option("--store", metavar="PATH|URL", help="Folder to keep what is written in, or SPARQL store to serve.")
@click.option("--store-update", metavar="URL", help="Address for updates of a SPARQL store, where it is another.")
@click.option("--store-user", metavar="NAME", help="Name that a SPARQL store wants.")
@click.option("--store-password", metavar="PASSWORD", help="Its password; better given in the environment.")
@click.option("--scratch", is_flag=True, help="Serve an empty dataset, wholly writable, and no knowledge graphs.")
@click.option("--examples/--no-examples", default=True, help="Load the example patients into a new store.")
@options.knowledge_of_the_environment
@options.readings
@options.no_safety
@click.option("--public-url", metavar="URL", help="Address under which clients know the service.")
@click.option("--update-token", metavar="TOKEN", help="Token that may write; better given in the environment.")
@click.option(
    "--tokens",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of lines 'read TOKEN' or 'write TOKEN'; a change of it counts at once.",
)
@click.option(
    "--cds-clients",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of the clients of CDS Hooks with their public keys; all may call without it.",
)
@click.option(
    "--fhir-server",
    "fhir_servers",
    metavar="URL",
    multiple=True,
    envvar="OSTEO_KG_FHIR_SERVER",
    help="FHIR server that a hook may have called, with all below its address; repeatable.",
)
@click.option(
    "--optional-prefetch",
    metavar="KEYS",
    type=options.Words(),
    is_flag=False,
    flag_value=("all",),
    default=(),
    help="Prefetch of a hook that may be missing, by key or group; without a value all but the patient.",
)
@options.assume_postmenopausal_in_hooks
@click.option("--private", is_flag=True, help="Want a token for reading too.")
@click.option("--cors-origins", type=options.Words(), default=(), metavar="ORIGINS", help="Sites whose pages may ask.")
@click.option(
    "--allowed-hosts",
    type=options.Words(),
    default=(),
    metavar="NAMES",
    help="Names that clients call the service by, where patients are kept and reading wants no token.",
)
@click.option("--timeout", type=click.FloatRange(0.1, 3600), default=30.0, help="Seconds of one query or update.")
@click.option("--max-rows", type=click.IntRange(1), default=10_000_000, help="Rows of one result.")
@click.option("--max-result", type=click.IntRange(1), default=2048, help="MiB of one result.")
@click.option("--max-memory", type=click.IntRange(16), default=2048, help="MiB that one query may take.")
@click.option("--max-query", type=click.IntRange(1), default=1, help="MiB of the text of one query.")
@click.option("--max-upload", type=click.IntRange(1), default=64, help="MiB of one request, unpacked.")
@click.option("--max-queries", type=click.IntRange(1, 256), default=12, help="Queries at once.")
@click.option("--log-queries", is_flag=True, help="Write queries to the log: they can name patients.")
def serve(
    host: str,
    port: int,
    folders: tuple[Path, ...],
    readings: dict[str, str],
    no_safety: bool,
    examples: bool,
    scratch: bool,
    **more: Any,
) -> None:
    """Serve SPARQL, assessments and linked data over HTTP, with the example patients loaded."""
    knowledge_base = KnowledgeBase.load(folders, readings=readings, safety=not no_safety, tell=_tell)
    cases = _examples(knowledge_base) if examples and not scratch else []
    dataset = Dataset({}) if scratch else build_dataset(knowledge_base, cases)
    app = create_app(knowledge_base, dataset, _settings(scratch=scratch, **more))
    try:
        wsgi.serve(app, host=host, port=port)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error}.", advice="Name another --host or --port."
        ) from error


def _tell(sentence: str) -> None:
    click.echo(f"osteo-kg: {sentence}", err=True)


def _settings(**given: Any) -> Settings:
    limits = Limits(
        seconds=given.pop("timeout"),
        rows=given.pop("max_rows"),
        result_bytes=given.pop("max_result") * _MEBIBYTE,
        memory_bytes=given.pop("max_memory") * _MEBIBYTE,
        query_bytes=given.pop("max_query") * _MEBIBYTE,
        upload_bytes=given.pop("max_upload") * _MEBIBYTE,
        workers=given.pop("max_queries"),
    )
    return Settings(limits=limits, **given)


def _examples(knowledge_base: KnowledgeBase) -> list[Case]:
    files = sorted((root() / "examples").glob("*.ttl"))
    return [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
