"""What a view offers beside its path, methods and docstring: written next to it, held before it, described to all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app, request

from osteo_kg_server.auth import Right
from osteo_kg_server.service import query_service

Json = dict[str, Any]
View = TypeVar("View", bound=Callable[..., Any])
TEXT: Json = {"type": "string"}


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """What a view takes and gives.

    Attributes:
        right: what a client needs for it; None where everybody may.
        parameters: those of the query string, each described as OpenAPI does.
        bodies: media types of what it reads, with the schema of each.
        answers: media types of what it gives, by status; none for an answer without a body.
        schema: what its JSON holds.
        problems: statuses of its own beside those that follow from the rest.
    """

    right: Right | None
    parameters: Mapping[str, Json]
    bodies: Mapping[str, Json]
    answers: Mapping[int, tuple[str, ...]]
    schema: Json
    problems: frozenset[int]


_OFFERS: dict[Callable[..., Any], EndpointSpec] = {}


def endpoint(
    right: Right | None,
    answers: Mapping[int, Iterable[str]],
    *,
    parameters: Mapping[str, Json] | None = None,
    bodies: Mapping[str, Json] | None = None,
    schema: Json | None = None,
    problems: Iterable[int] = (),
) -> Callable[[View], View]:
    """Say what the view below takes and gives; its right is held before it is called."""
    given = {status: tuple(media) for status, media in answers.items()}
    offer = EndpointSpec(right, parameters or {}, bodies or {}, given, schema or {}, frozenset(problems))

    def told(view: View) -> View:
        _OFFERS[view] = offer
        return view

    return told


def offer_of(view: Callable[..., Any]) -> EndpointSpec:
    """Give what a view offers; one that says nothing is at fault, and is not served."""
    return _OFFERS[view]


def word(meaning: str, **schema: Any) -> Json:
    """Describe a parameter that is a text."""
    return {"description": meaning, "schema": {**TEXT, **schema}}


def words(meaning: str, **schema: Any) -> Json:
    """Describe a parameter that may be given more than once."""
    return {"description": meaning, "schema": {"type": "array", "items": {**TEXT, **schema}}}


def register(app: Flask) -> None:
    """Hold the right that each view of the app wants."""
    app.before_request(_hold)


def _hold() -> None:
    if request.endpoint is None or request.method == "OPTIONS":
        return
    right = offer_of(current_app.view_functions[request.endpoint]).right
    if right is not None:
        query_service().access.want(right)
