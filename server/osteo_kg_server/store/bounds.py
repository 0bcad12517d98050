"""The bounds of every text that a client sends to be evaluated, whichever store evaluates it."""

from __future__ import annotations

from osteo_kg import QueryError, depth, stays_inside
from osteo_kg_server.store.base import Limits, TooLargeError


def check_bounds(text: str, most: int, limits: Limits) -> None:
    """Refuse a text that is too long, too deep, or that reaches outside the dataset.

    Raises:
        TooLargeError: it is longer than so many bytes.
        QueryError: it is refused otherwise.
    """
    if len(text) > most or len(text.encode("utf-8")) > most:
        raise TooLargeError(f"The text is longer than {most} bytes.", advice="Send less, or bit by bit.")
    if depth(text) > limits.depth:
        raise QueryError(f"Brackets stand more than {limits.depth} deep in one another.", advice="Write it flatter.")
    stays_inside(text)
