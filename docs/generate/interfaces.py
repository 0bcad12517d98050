"""What the pages about the command line and the service are filled with: what they say of themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import click

from osteo_kg import KnowledgeBase
from osteo_kg.cli.main import main
from osteo_kg.dataset import build_dataset
from osteo_kg_server import create_app
from osteo_kg_server.command import serve

_METHODS = ("get", "head", "post", "put", "patch", "delete")


def command_line(knowledge_base: KnowledgeBase) -> Mapping[str, Any]:
    """Give what each command takes."""
    context = click.Context(main, info_name="osteo-kg")
    return {"help": _said(main.help), "epilog": _said(main.epilog), "commands": list(_commands(main, context))}


def configuration(knowledge_base: KnowledgeBase) -> Mapping[str, Any]:
    """Give what the service can be told, with the environment variable of each."""
    context = click.Context(serve, info_name="serve", **serve.context_settings)
    return {
        "options": [
            {**_option(each, context), "variable": each.envvar or f"{context.auto_envvar_prefix}_{each.name.upper()}"}
            for each in serve.params
            if isinstance(each, click.Option) and each.name
        ]
    }


def _commands(group: click.Group, context: click.Context) -> Iterator[Mapping[str, Any]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None  # it is listed
        inner = click.Context(command, info_name=name, parent=context)
        yield {
            "usage": " ".join([inner.command_path, *command.collect_usage_pieces(inner)]),
            "help": _said(command.help),
            "options": [_option(each, inner) for each in command.params if isinstance(each, click.Option)],
        }


def _said(text: str | None) -> str:
    """Write a help text as it was meant: its lines filled, its paragraphs kept."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


def _option(option: click.Option, context: click.Context) -> Mapping[str, Any]:
    choices = list(option.type.choices) if isinstance(option.type, click.Choice) else []
    default = option.get_default(context)
    several = default if isinstance(default, tuple) else (default,)
    return {
        "name": option.opts[0] if option.is_flag else f"{option.opts[0]} {_metavar(option, context)}",
        "help": option.help,
        "choices": choices,
        "default": [str(each) for each in several if isinstance(each, str | int | float) and each is not False],
        "required": option.required,
    }


def _metavar(option: click.Option, context: click.Context) -> str:
    """Name the value; its choices stand in a column of their own."""
    return option.metavar or ("NAME" if isinstance(option.type, click.Choice) else option.make_metavar(context))


def http(knowledge_base: KnowledgeBase) -> Mapping[str, Any]:
    """Give the description that the service gives of itself."""
    client = create_app(knowledge_base, build_dataset(knowledge_base, ())).test_client()
    description = client.get("/openapi.json").get_json()
    operations = [
        {"path": path, "method": method.upper(), **item[method]}
        for path, item in description["paths"].items()
        for method in _METHODS
        if method in item
    ]
    return {"description": description, "operations": operations}
