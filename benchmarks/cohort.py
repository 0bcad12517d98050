"""How fast a cohort is decided: `python -m benchmarks.cohort [PATIENTS]`, every peer on the same patients in one run.

A peer that would take hours is measured on fewer patients, and its time is multiplied.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyoxigraph as ox
from rdflib import Graph, URIRef
from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import empty_cache, once, seconds
from benchmarks.population import ON, write_parquet, write_triples
from osteo_kg import queries, resources
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.lifting import lift

_FEW = 300  # patients of whom a slow peer is asked
_TRIPLES = 100_000  # patients at most whose triples are written


def main() -> None:
    """Measure, and print a table."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with empty_cache(), tempfile.TemporaryDirectory() as folder:
        rows = list(measured(Path(folder), size))
    table = Table(title=f"{size:,} patients; ratios to the run by situation")
    for name in ("work", "time", "ratio"):
        table.add_column(name)
    for work, taken, ratio in rows:
        table.add_row(work, seconds(taken), f"{ratio:,.2f}")
    Console().print(table)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def measured(folder: Path, size: int) -> Iterator[tuple[str, float, float]]:
    """Measure the cohort here, plain copies of its files, and what decides patients otherwise."""
    source, result = folder / "women.parquet", folder / "decided.parquet"
    write_parquet(source, size)
    knowledge_base = KnowledgeBase()
    first = once(lambda: knowledge_base.assess_cohort([source], result, on=ON))
    ours = once(lambda: knowledge_base.assess_cohort([source], result, on=ON))
    yield "Parquet, decided by situation", ours, 1.0
    yield "the same with no situation remembered", first, first / ours
    copy = once(lambda: copied(source, folder / "copy.parquet"))
    yield "a plain copy of the Parquet file by DuckDB", copy, copy / ours
    fewer = min(size, _TRIPLES)
    triples = folder / "women.nt"
    write_triples(triples, fewer)
    whole = once(lambda: knowledge_base.assess_cohort([triples], result, on=ON))
    bare = once(lambda: sum(1 for _ in ox.parse(path=str(triples), format=ox.RdfFormat.N_TRIPLES)))
    yield f"N-Triples of {fewer:,}, decided by situation", whole, whole / ours
    yield f"N-Triples of {fewer:,}, parsed only by pyoxigraph", bare, bare / ours
    yield from peers(knowledge_base, folder, size, ours)


def copied(source: Path, target: Path) -> None:
    """Copy a Parquet file by DuckDB."""
    duckdb.sql(f"COPY (FROM '{source}') TO '{target}' (FORMAT parquet)")


def peers(knowledge_base: KnowledgeBase, folder: Path, size: int, ours: float) -> Iterator[tuple[str, float, float]]:
    """Measure owlrl on each patient, `reasonable` on all in a batch, and the queries of the pipeline in Oxigraph."""
    triples = folder / "few.nt"
    write_triples(triples, _FEW)
    cases = knowledge_base.read(triples.read_bytes(), "nt")
    scale = size / len(cases)
    by_reasoning = once(lambda: list(knowledge_base.assess_all(cases, on=ON, by="reasoning"))) * scale
    yield f"owlrl, a patient at a time ({_FEW} measured)", by_reasoning, by_reasoning / ours
    one_by_one = once(lambda: list(knowledge_base.assess_all(cases, on=ON))) * scale
    yield f"osteo-kg assess, one by one ({_FEW} measured)", one_by_one, one_by_one / ours

    def queried() -> None:
        for case in cases:
            store = lift(case, ON, knowledge_base.knowledge).store
            store.extend(knowledge_base.knowledge.store)
            for name in (name for each in ("assume", "match") for name in resources.query_names(each)):
                queries.extend(store, name)

    in_oxigraph = once(queried) * scale
    yield f"the rules as SPARQL in Oxigraph, without OWL ({_FEW} measured)", in_oxigraph, in_oxigraph / ours
    batch = reasonable_batch(knowledge_base, triples)
    if batch is not None:
        yield f"reasonable, closure only, in one batch ({_FEW} measured)", batch * scale, batch * scale / ours


def reasonable_batch(knowledge_base: KnowledgeBase, triples: Path) -> float | None:
    """Give the seconds that `reasonable` closes the patients in, without deciding; None where it is not installed."""
    try:
        import reasonable
    except ImportError:
        return None
    graph = Graph().parse(triples)
    for content in knowledge_base.knowledge.modules.values():
        graph.parse(data=content, format="turtle")
    kept = [triple for triple in graph if all(isinstance(each, URIRef) for each in triple[:2])]
    reasoner = reasonable.PyReasoner()
    reasoner.from_graph(kept)
    return once(reasoner.reason)


if __name__ == "__main__":
    main()
