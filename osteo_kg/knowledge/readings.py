"""Readings that can be switched: what the other reading of an interpretation takes out of the modules and puts in.

They stand in TriG beside the modules (`ontology/readings/<guideline>.trig`), where no ontology tool takes them for what
is the case: the default graph says which graph holds the triples that go, and which those that come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.errors import KnowledgeError, UsageError
from osteo_kg.rdf import GUIDELINE, OSTEO, RDF, SKOS, Lookup, local_name

OTHER, PACKAGED = "other", "packaged"
_CHOICES = (OTHER, PACKAGED)
_ROLES = {OSTEO.otherReadingRemoves: "removed", OSTEO.otherReadingAdds: "added"}


@dataclass(frozen=True)
class OtherReading:
    """The other reading of one interpretation, as triples.

    Attributes:
        interpretation: the interpretation, by IRI.
        removed: the triples that are taken out of the modules.
        added: those that are put in.
        note: how far the triples go, where they do not say all that the words of the reading say.
    """

    interpretation: str
    removed: frozenset[ox.Triple]
    added: frozenset[ox.Triple]
    note: BilingualText | None

    @property
    def key(self) -> str:
        """The name of the interpretation, such as `I15`; another guideline may have one of that name."""
        return local_name(self.interpretation)

    @property
    def full_name(self) -> str:
        """The name of the interpretation behind the id of its guideline, such as `oic-128-08-b/I15`."""
        return self.interpretation.removeprefix(GUIDELINE)


def other_readings(*places: Mapping[str, bytes]) -> dict[str, OtherReading]:
    """Read the other readings out of TriG files, in the order of guidelines and of the numbers of interpretations.

    The name of each is that of its interpretation, such as `I15`; where several guidelines have one of that name, it
    stands behind the id of the guideline.

    Args:
        places: the bytes of each file of a place, by name; what a later place holds stands in for what an earlier one
            does, as modules do.

    Raises:
        KnowledgeError: a file is not TriG, or one place has two readings of one interpretation.
    """
    found: dict[str, OtherReading] = {}
    for files in places:
        here: dict[str, OtherReading] = {}
        for name, content in files.items():
            for each in _read(name, content):
                if each.interpretation in here:
                    raise KnowledgeError(
                        f"{name} holds another reading of {each.full_name}, which a file before it holds.",
                        advice="Keep one of them.",
                    )
                here[each.interpretation] = each
        found |= here
    times = Counter(each.key for each in found.values())
    in_order = sorted(found.values(), key=lambda each: (_guideline(each), len(each.key), each.key))
    return {each.key if times[each.key] == 1 else each.full_name: each for each in in_order}


def _guideline(reading: OtherReading) -> str:
    return reading.interpretation.removesuffix(reading.key)


def _read(name: str, content: bytes) -> Iterable[OtherReading]:
    try:
        quads = list(ox.parse(content, format=ox.RdfFormat.TRIG))
    except (SyntaxError, ValueError) as error:
        raise KnowledgeError(f"The readings {name} are not valid TriG: {error}.", advice="Correct the file.") from error
    graphs: dict[tuple[str, str], frozenset[ox.Triple]] = {}
    store = ox.Store()
    for quad in quads:
        if isinstance(quad.graph_name, ox.DefaultGraph):
            store.add(quad)
            if role := _ROLES.get(quad.predicate):
                graphs[quad.subject.value, role] = frozenset(q.triple for q in quads if q.graph_name == quad.object)
    for interpretation in sorted({each for each, _ in graphs}):
        removed, added = (graphs.get((interpretation, role), frozenset()) for role in _ROLES.values())
        if not removed and not added:
            raise KnowledgeError(f"The other reading of {interpretation} in {name} changes nothing.", advice="Fill it.")
        yield OtherReading(interpretation, removed, added, Lookup(store).text(interpretation, SKOS.scopeNote))


def chosen(asked: Mapping[str, str], known: Mapping[str, OtherReading]) -> tuple[OtherReading, ...]:
    """Give the other readings that are asked for, in the order in which they are known.

    Args:
        asked: `other` or `packaged` for each interpretation named.
        known: those that can be switched.

    Raises:
        UsageError: an interpretation cannot be switched, several guidelines have one of that name, or a choice is none.
    """
    wanted: dict[str, str] = {}
    for key, choice in asked.items():
        named = [each for each in known.values() if key in (each.key, each.full_name)]
        if not named:
            raise UsageError(
                f"The reading {key} cannot be switched.",
                advice=f"Those that can be switched: {', '.join(known) or 'none'}.",
            )
        if len(named) > 1:
            raise UsageError(
                f"Several guidelines have a reading {key}.",
                advice=f"Name one of: {', '.join(each.full_name for each in named)}.",
            )
        if choice not in _CHOICES:
            raise UsageError(
                f"There is no reading {choice!r} of {key}.", advice=f"Write {key}={OTHER} or {key}={PACKAGED}."
            )
        wanted[named[0].interpretation] = choice
    return tuple(each for each in known.values() if wanted.get(each.interpretation) == OTHER)


def switched(modules: Mapping[str, bytes], readings: Sequence[OtherReading]) -> dict[str, bytes]:
    """Write the modules as other readings have them: those that hold a triple that goes or are touched are new.

    A triple that comes stands in the module of what it is about, or else in that of the interpretation.

    Raises:
        KnowledgeError: a triple that is to go stands in no module, or one goes by one reading and comes by another.
    """
    removed, added = ({triple: each for each in readings for triple in getattr(each, role)} for role in _ROLES.values())
    both = removed.keys() & added.keys()
    if both:
        triple = min(both, key=str)
        raise KnowledgeError(
            f"{removed[triple].key} takes out what {added[triple].key} puts in: {triple}.",
            advice="Switch one of them.",
        )
    contents = {name: _triples(content, f"m{place}") for place, (name, content) in enumerate(modules.items())}
    changed: dict[str, list[ox.Triple]] = {}
    left = set(removed)
    for name, triples in contents.items():
        if not left.isdisjoint(triples):
            left -= set(triples)
            changed[name] = [each for each in triples if each not in removed]
    if left:
        triple = min(left, key=str)
        raise KnowledgeError(
            f"The other reading of {removed[triple].key} takes out a triple that no module holds: {triple}.",
            advice="Write it as the module does.",
        )
    homes = {
        each.subject: name
        for name, triples in reversed(contents.items())
        for each in triples
        if each.predicate == RDF.type
    }
    for triple, reading in sorted(added.items(), key=lambda each: str(each[0])):
        home = homes.get(triple.subject) or homes[ox.NamedNode(reading.interpretation)]
        changed.setdefault(home, list(contents[home])).append(triple)
    return {name: _written(changed[name]) if name in changed else content for name, content in modules.items()}


def _triples(content: bytes, prefix: str) -> list[ox.Triple]:
    """Read a module, its nameless nodes named by their order: what is written of it is the same at every load."""
    nodes: dict[ox.BlankNode, ox.BlankNode] = {}

    def named(node: Any) -> Any:
        return nodes.setdefault(node, ox.BlankNode(f"{prefix}n{len(nodes)}")) if type(node) is ox.BlankNode else node

    quads = ox.parse(content, format=ox.RdfFormat.TURTLE)
    return [ox.Triple(named(quad.subject), quad.predicate, named(quad.object)) for quad in quads]


def _written(triples: Iterable[ox.Triple]) -> bytes:
    return ox.serialize(triples, format=ox.RdfFormat.TURTLE) or b""
