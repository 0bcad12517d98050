"""The table of situations as it was last released, and how an edited guideline differs from it.

`python -m osteo_kg.checking` writes it anew, at a release, and so what OWL 2 RL derives from coded facts and what
matching says of every settled situation: an edit of a guideline, which leaves the classes as they are, is compared
without a reasoner.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from osteo_kg.checking.documents import Document, documents
from osteo_kg.decision_table.table import merged
from osteo_kg.knowledge import Guideline, Knowledge, packaged_knowledge, read_guideline
from osteo_kg.rdf import GUIDELINE, OSTEO, RDF
from osteo_kg.reasoning import BandDimension, Dimension, Engine, Key, Outcome, SituationSpace
from osteo_kg.reasoning.cache import write_outcomes
from osteo_kg.reasoning.closure import AtomSet, Closures, parts_of, write_closures
from osteo_kg.reasoning.dimensions import Band
from osteo_kg.reasoning.matching import Contradiction, Matcher, SettledFacts

#: What answers tell and no situation depends on: the drugs of an option, and where an interpretation was needed.
PARTS = {OSTEO.Interpretation: OSTEO.touches, OSTEO.TreatmentOption: OSTEO.hasMember}
_SPAN = ("spanStart", "spanEnd", "spanDigest")
_FOLDER = Path(__file__).resolve().parent / "tables"
#: What is told of a situation: disposition, strength, the status of each option by IRI, obligations.
Told = tuple[str, str | None, tuple[tuple[str, str], ...], tuple[str, ...]]


@dataclass(frozen=True)
class Fact:
    """One fact that a table looks at, with its settled values.

    Attributes:
        fact: the fact, by IRI.
        bands: the bands of a number, by name; none where it is none.
        values: the names of all its settled values.
    """

    fact: str
    bands: Mapping[str, Band]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """What a guideline says of every settled situation.

    Attributes:
        facts: the facts, in the order of the keys.
        told: what is told of each situation, by its key.
        contradictions: the situations in which no rule, or several dispositions, apply.
    """

    facts: tuple[Fact, ...]
    told: Mapping[Key, Told]
    contradictions: Mapping[Key, Contradiction]
    space: SituationSpace | None = None


def table_of(knowledge: Knowledge, guideline: Guideline) -> Table:
    """Work out the table of a guideline, closed with its own modules only."""
    knowledge = knowledge.of_guideline(guideline.iri)
    closures = Closures(knowledge)
    space, facts = _situations(knowledge, guideline, closures)
    closed = closures.close(each.atoms for each in facts.values())
    outcomes = Matcher(knowledge, guideline).outcomes([(each, closed[each.atoms]) for each in facts.values()])
    found = dict(zip(facts, outcomes, strict=True))
    return Table(
        facts=tuple(_fact(each) for each in space.dimensions),
        told={key: _told(guideline, each) for key, each in found.items() if isinstance(each, Outcome)},
        contradictions={key: each for key, each in found.items() if isinstance(each, Contradiction)},
        space=space,
    )


def _situations(
    knowledge: Knowledge, guideline: Guideline, closures: Closures
) -> tuple[SituationSpace, dict[Key, SettledFacts]]:
    """Give the situations of a guideline, and the facts of a patient in each settled one."""
    space = SituationSpace(knowledge, guideline, closures.close(SituationSpace.atoms(knowledge)))
    return space, {key: space.representative(key) for key in space.settled_keys()}


def _fact(dimension: Dimension) -> Fact:
    bands = {each.name: each for each in dimension.bands} if isinstance(dimension, BandDimension) else {}
    return Fact(dimension.fact, bands, dimension.settled_values)


def _told(guideline: Guideline, outcome: Outcome) -> Told:
    statuses = tuple(
        (option.iri, status) for option, (status, _) in zip(guideline.options, outcome.options, strict=False)
    )
    return outcome.disposition, outcome.strength, tuple(sorted(statuses)), outcome.obligations


def digest_of_meaning(documents: Iterable[Document]) -> str:
    """Give the SHA-256 of what modules state beside words of a language, whatever their names and their order."""
    digests = sorted(hashlib.sha256("\n".join(each.meaning).encode()).hexdigest() for each in documents)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


# The file


def released_meaning() -> str | None:
    """Give the digest of the modules of which the released tables are."""
    return _released_document().get("meaning")


def released_spans() -> Mapping[str, tuple[str, str, str]]:
    """Give the start, the end and the SHA-256 of every span that was released, by its IRI."""
    spans: dict[str, list[str]] = _released_document().get("spans", {})
    return {iri: (start, end, digest) for iri, (start, end, digest) in spans.items()}


def released_parts() -> Mapping[str, frozenset[str]]:
    """Give what `PARTS` named when it was released, by the IRI of what it is of."""
    parts: dict[str, list[str]] = _released_document().get("parts", {})
    return {iri: frozenset(named) for iri, named in parts.items()}


def released_guidelines() -> dict[str, Table]:
    """Give the released table of each guideline, by its IRI."""
    tables = _released_document().get("tables", {})
    return {iri: _read(written) for iri, written in tables.items()}


@functools.cache
def _released_document() -> dict[str, Any]:
    path = _FOLDER / "released.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return document


def write() -> None:
    """Write the tables of the packaged guidelines into the package, and the closures and outcomes of situations."""
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / "released.json").write_text(written(), encoding="utf-8")
    knowledge = packaged_knowledge()
    write_closures(knowledge, sets_closed(knowledge))
    write_outcomes(outcomes_reasoned(knowledge))


def written() -> str:
    """Write the tables of the packaged guidelines as they are to be released."""
    knowledge = packaged_knowledge()
    tables = {each.iri: table_of(knowledge, each) for each in _guidelines(knowledge)}
    lookup = knowledge.triples
    spans = lookup.subjects(RDF.type, OSTEO.SourceSpan)
    document = {
        "meaning": digest_of_meaning(documents(())),
        "spans": {each: [lookup.value(each, OSTEO[part]) or "" for part in _SPAN] for each in spans},
        "parts": {
            each: lookup.objects(each, property_)
            for kind, property_ in PARTS.items()
            for each in lookup.subjects(RDF.type, kind)
        },
        "tables": {iri: _written(table) for iri, table in tables.items()},
    }
    return json.dumps(document, ensure_ascii=False, indent=None, separators=(",", ":"), sort_keys=True) + "\n"


def sets_closed(knowledge: Knowledge) -> list[AtomSet]:
    """Give every set of coded facts that a situation of a guideline rests on, and every fact alone."""
    sets = set(SituationSpace.atoms(knowledge))
    for guideline in _guidelines(knowledge):
        of_guideline = knowledge.of_guideline(guideline.iri)
        _, facts = _situations(of_guideline, guideline, Closures(of_guideline))
        sets |= {each.atoms for each in facts.values()}
    return sorted(sets, key=parts_of)


def outcomes_reasoned(knowledge: Knowledge) -> dict[str, list[Outcome]]:
    """Reason every settled situation of every guideline, by the digest of what its outcomes rest on."""
    engines = [Engine(knowledge.of_guideline(each.iri), each, remember=False) for each in _guidelines(knowledge)]
    return {each.digest: each.reasoned(each.space.settled_keys()) for each in engines}


def _guidelines(knowledge: Knowledge) -> list[Guideline]:
    identifiers = [iri.removeprefix(GUIDELINE) for iri in knowledge.terms.kinds[OSTEO.Guideline].values()]
    return [read_guideline(knowledge, each) for each in sorted(identifiers)]


def _written(table: Table) -> dict[str, Any]:
    told = list(dict.fromkeys(table.told.values()))
    rows = sorted(([sorted(values) for values in box], told.index(each)) for box, each in merged(table.told))
    return {
        "facts": [
            {
                "fact": each.fact,
                "values": each.values,
                "bands": {name: _written_band(band) for name, band in each.bands.items()},
            }
            for each in table.facts
        ],
        "told": told,
        "rows": rows,
    }


def _written_band(band: Band) -> list[Any]:
    low, high = (None if each is None else f"{each:f}" for each in (band.low, band.high))
    return [low, band.low_included, high, band.high_included]


def _read(written: dict[str, Any]) -> Table:
    def band(low: str | None, low_in: bool, high: str | None, high_in: bool) -> Band:
        return Band(Decimal(low) if low else None, low_in, Decimal(high) if high else None, high_in)

    facts = tuple(
        Fact(each["fact"], {name: band(*parts) for name, parts in each["bands"].items()}, tuple(each["values"]))
        for each in written["facts"]
    )
    told = [
        (disposition, strength, tuple((o, s) for o, s in options), tuple(obligations))
        for disposition, strength, options, obligations in written["told"]
    ]
    found = {key: told[number] for box, number in written["rows"] for key in itertools.product(*box)}
    return Table(facts, found, {})
