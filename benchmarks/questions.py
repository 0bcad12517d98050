"""How fast the competency questions are answered over HTTP, beside the same queries in-process."""

from __future__ import annotations

import datetime
import statistics
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from rich.table import Table

import osteo_kg_server
from benchmarks.timing import median
from osteo_kg.dataset import Dataset, build_dataset
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server import wsgi

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TIMES = 20
LIMIT = 0.1  # seconds; a question that takes longer over HTTP is marked
FORMS = {"graph": "turtle", "boolean": "json", "solutions": "csv"}


def table(knowledge_base: KnowledgeBase, on: datetime.date) -> Table:
    """Measure every question, the slowest over HTTP first."""
    cases = [
        case
        for path in sorted(EXAMPLES.glob("*.ttl"))
        for case in knowledge_base.read(path.read_bytes(), name=path.name)
    ]
    dataset = build_dataset(knowledge_base, cases, on=on)
    with wsgi.served(osteo_kg_server.create_app(knowledge_base, dataset)) as address:
        measured = sorted(
            ((*both(dataset, address, path), path.stem) for path in sorted(EXAMPLES.glob("questions/*.rq"))),
            reverse=True,
        )
    drawn = Table(title=f"Questions over {sum(map(len, dataset.graphs.values())):,} triples, median of {TIMES}")
    for name in ("question", "over HTTP", "in-process"):
        drawn.add_column(name)
    for over_http, in_process, name in measured:
        drawn.add_row(name, milliseconds(over_http) + (" !" if over_http > LIMIT else ""), milliseconds(in_process))
    middle = [statistics.median(times) for times in ([row[0] for row in measured], [row[1] for row in measured])]
    drawn.add_section()
    drawn.add_row("median", *map(milliseconds, middle))
    return drawn


def both(dataset: Dataset, address: str, question: Path) -> tuple[float, float]:
    """Give the median seconds of a question over HTTP and in-process."""
    text = question.read_text(encoding="utf-8")
    url = f"{address}/sparql?{urlencode({'query': text})}"

    def ask() -> None:
        with urllib.request.urlopen(url) as response:
            response.read()

    def query() -> None:
        result = dataset.query(text)
        result.written(FORMS[result.kind])

    return median(ask, TIMES), median(query, TIMES)


def milliseconds(value: float) -> str:
    """Write a duration."""
    return f"{value * 1000:.1f} ms"
