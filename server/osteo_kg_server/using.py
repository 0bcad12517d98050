"""The graphs of an update request put into its text: Oxigraph has no other way to be told of them."""

from __future__ import annotations

import re

from werkzeug.exceptions import BadRequest

from osteo_kg import code_only
from osteo_kg_server.store.updates import closing

_OPERATION = re.compile(
    r"(?<![\w:?$@-])(?:(DELETE)\s+(WHERE)(?=\s*\{)|(?:INSERT|DELETE)\s+DATA|(INSERT|DELETE)(?=\s*\{)|(WHERE)(?=\s*\{))",
    re.IGNORECASE,
)
_NAMES_GRAPHS = re.compile(r"(?<![\w:?$@-])(USING|WITH)(?![\w:-])", re.IGNORECASE)


def with_graphs(update: str, using: tuple[str, ...], named: tuple[str, ...]) -> str:
    """Have every `WHERE` of an update ask these graphs (SPARQL 1.1 Protocol section 2.2.3).

    Raises:
        BadRequest: the update names graphs itself, with `USING` or `WITH`.
    """
    blank = code_only(update)
    if _NAMES_GRAPHS.search(blank):
        raise BadRequest("The update names graphs with USING or WITH, and so does its address. Name them in one place.")
    clauses = "".join([*(f"USING <{name}> " for name in using), *(f"USING NAMED <{name}> " for name in named)])
    parts, at, awaiting = [], 0, False
    for found in _OPERATION.finditer(blank):
        if found[2]:  # DELETE WHERE { P } is short for DELETE { P } WHERE { P }, which has room for USING
            last = closing(blank, blank.index("{", found.end()) + 1)
            end = len(blank) if last is None else last + 1
            pattern = update[found.end() : end]
            parts += [update[at : found.start()], f"DELETE {pattern} {clauses}WHERE {pattern}"]
            at, awaiting = end, False
        elif found[3]:
            awaiting = True
        elif found[4] and awaiting:
            parts += [update[at : found.start()], clauses]
            at, awaiting = found.start(), False
    return "".join([*parts, update[at:]])
