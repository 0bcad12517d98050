"""The page on the proofs: `make mutants`.

It proves every property anew, of the packaged reading and of every other, and asks everything that may find a mistake
about 300 edits of the guideline module: half an hour on two processors, so that it is no part of `make reference`.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from rdflib import Graph, URIRef

from docs.generate import REFERENCE, templates
from osteo_kg.knowledge import Knowledge, load_knowledge, packaged_knowledge
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE
from osteo_kg.rdf import GUIDELINE
from tests.proofs.axioms import graph_of
from tests.proofs.edits import Edit, Generator
from tests.proofs.encoding import Encoding
from tests.proofs.killers import CHECK, KILLERS, MODULE, PROOFS, RELEASED, Fate, Killers
from tests.proofs.properties import PROPERTIES, Proof, prove

PAGE = REFERENCE / "proofs.md"
COUNT, SEED = 300, 128
_AT_A_TIME = 25  # edits between two writings of the page
THE_GUIDELINE = URIRef(GUIDELINE + DEFAULT_GUIDELINE)


def generator() -> Generator:
    """Give what makes edits of the packaged guideline module."""
    module = Graph(bind_namespaces="none").parse(MODULE, format="turtle")
    return Generator(module, packaged_graph(), THE_GUIDELINE)


@functools.cache
def packaged_graph() -> Graph:
    """Give the triples of all packaged modules; not to be changed."""
    return graph_of(packaged_knowledge())


def proofs(knowledge: Knowledge) -> list[Proof]:
    """Prove every property of the guideline."""
    encoding = Encoding(graph_of(knowledge), THE_GUIDELINE)
    return [prove(encoding, each) for each in PROPERTIES]


def fates(edits: Iterable[Edit], workers: int) -> Iterator[Fate]:
    """Ask everything that may find an edit, in as many processes as are wanted."""
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_fate, edits)


@functools.cache
def _killers() -> Killers:
    return Killers(packaged_graph(), THE_GUIDELINE)


def _fate(edit: Edit) -> Fate:
    with tempfile.TemporaryDirectory() as folder:
        return _killers().fate(edit, Path(folder))


@functools.cache
def _proved() -> Mapping[str, Any]:
    """Prove the properties, of the packaged reading and of every other."""
    knowledge = packaged_knowledge()
    others = {key: proofs(load_knowledge(readings={key: "other"})) for key in knowledge.other_readings}
    return {
        "proofs": proofs(knowledge),
        "refuted_by_reading": {
            key: [(each.asked.key, each.refuted.about) for each in of_reading if each.refuted is not None]
            for key, of_reading in others.items()
        },
    }


def page(found: list[Fate]) -> str:
    """Write the page, with the edits that were asked about so far."""
    template = templates().get_template("proofs.md.jinja")
    return template.render(_proved(), seed=SEED, drawn=COUNT, **counts(found))


def counts(found: list[Fate]) -> Mapping[str, Any]:
    """Count what found how many edits."""
    kinds = sorted({each.edit.kind for each in found})
    without_released = [each for each in found if set(each.found_by) - {RELEASED}]
    return {
        "total": len(found),
        "killers": KILLERS,
        "by_killer": {killer: sum(killer in each.found_by for each in found) for killer in KILLERS},
        "kinds": [(kind, _row(each for each in found if each.edit.kind == kind)) for kind in kinds],
        "by_check_or_proofs": sum(bool({CHECK, PROOFS} & set(each.found_by)) for each in found),
        "without_released": len(without_released),
        "survivors": [each for each in found if not set(each.found_by) - {RELEASED}],
    }


def _row(found: Iterable[Fate]) -> Mapping[str, int]:
    fates = list(found)
    row = {killer: sum(killer in each.found_by for each in fates) for killer in KILLERS}
    missed = sum(not set(each.found_by) - {RELEASED} for each in fates)
    return {"edits": len(fates), **row, "missed": missed}


def main() -> None:
    """Ask about every edit, telling each; write the page now and then: whoever stops has those asked about so far."""
    edits = generator().sample(COUNT, SEED)
    found = []
    for place, fate in enumerate(fates(edits, os.cpu_count() or 1), 1):
        print(f"{place}. {fate.edit.kind}: {fate.edit} | {', '.join(fate.found_by) or fate.why_not}", flush=True)
        found.append(fate)
        if place % _AT_A_TIME == 0 or place == len(edits):
            PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
