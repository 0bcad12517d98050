"""How fast one patient, and a question, is answered: `make bench`, or `python -m benchmarks`.

Every figure stands beside what does the same work otherwise, measured in the same run; on a shared machine only the
ratios mean something.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyshacl
from rdflib import SH, XSD, Graph, Literal
from rich.console import Console
from rich.table import Table

from benchmarks import questions
from benchmarks.timing import median
from osteo_kg.case.facts import derive_facts
from osteo_kg.decision_table.table import settled_keys
from osteo_kg.knowledge.loading import load_knowledge
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import LIFTED

ON = datetime.date(2026, 11, 22)
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "two-vertebral-fractures.ttl"


def once(work: Callable[[], object]) -> float:
    """Give the seconds of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def empty_cache() -> Iterator[None]:
    """Remember situations in a folder that is thrown away."""
    before = os.environ.get("OSTEO_KG_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OSTEO_KG_CACHE"] = folder
        yield
    if before is None:
        del os.environ["OSTEO_KG_CACHE"]
    else:
        os.environ["OSTEO_KG_CACHE"] = before


def main() -> None:
    """Measure, and print a table."""
    with empty_cache():
        rows = list(measured())
        asked = questions.table(KnowledgeBase(), ON)
    table = Table(title=f"{sys.version.split()[0]}, {os.cpu_count()} processors")
    for name in ("work", "here", "peer", "peer's time", "ratio"):
        table.add_column(name)
    for work, here, peer, there in rows:
        table.add_row(work, seconds(here), peer, seconds(there), f"{there / here:,.1f}")
    Console().print(table)
    Console().print(asked)


def measured() -> Iterator[tuple[str, float, str, float]]:
    """Measure each piece of work here and by its peer."""
    knowledge_base = KnowledgeBase()
    [case] = knowledge_base.read(EXAMPLE.read_bytes(), name=EXAMPLE.name)
    prepared = knowledge_base.prepare(case, on=ON)

    def answer(by: str) -> str:
        return json.dumps(knowledge_base.assess(prepared, by=by).to_json())  # type: ignore[arg-type]

    assert answer("situation") == answer("reasoning")
    yield (
        "a validated case to JSON, by situation",
        median(lambda: answer("situation"), 300),
        "full inference on the case",
        median(lambda: answer("reasoning"), 7),
    )
    yield (
        "validation, shapes kept",
        median(lambda: knowledge_base.validate(case, on=ON), 100),
        "pyshacl.validate",
        median(lambda: plain_pyshacl(knowledge_base), 20),
    )
    command = [sys.executable, "-m", "osteo_kg", "assess", str(EXAMPLE), "--on", ON.isoformat()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    yield (
        "start-up, warm cache, one patient",
        median(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), 5),
        "import rdflib, pyshacl, owlrl",
        median(lambda: subprocess.run([sys.executable, "-c", "import rdflib, pyshacl, owlrl"], check=True), 5),
    )
    fresh = KnowledgeBase(load_knowledge(), remember=False)
    engine = fresh.engine()
    settled = settled_keys(engine)
    whole = once(lambda: engine.reasoned(settled))
    fallback = median(lambda: answer("reasoning"), 3) * len(settled)
    yield (
        f"the {len(settled):,} settled situations, reasoned in one batch",
        whole,
        "a patient at a time (one measured, times their number)",
        fallback,
    )


def plain_pyshacl(knowledge_base: KnowledgeBase) -> None:
    """Validate the example as one would without keeping anything between cases."""
    shapes = Graph().parse(data=knowledge_base.knowledge.shapes["case.ttl"], format="turtle")
    for shape in list(shapes.subjects(LIFTED.notAfter, None)):
        shapes.add((shape, SH.maxInclusive, Literal(f"{ON.isoformat()}T23:59:59", datatype=XSD.dateTime)))
    [case] = knowledge_base.read(EXAMPLE.read_bytes(), name=EXAMPLE.name)
    derive_facts(case, ON, knowledge_base.knowledge)
    data = Graph().parse(EXAMPLE)
    pyshacl.validate(data, shacl_graph=shapes, inplace=True, allow_warnings=True)


def seconds(value: float) -> str:
    """Write a duration in the unit that suits it."""
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.2f} ms"


if __name__ == "__main__":
    main()
