"""The dataset (contracts, section 7): knowledge, decision table, cases and answers in named graphs, under one query.

The triples as loaded are the truth; an Oxigraph store beside them is the index that answers queries. It rewrites
literals (`"1.50"` becomes `1.5`), so graphs are handed out from the triples, never from the index.
"""

from __future__ import annotations

import datetime
import difflib
import functools
import io
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from urllib.parse import quote

import pyoxigraph as ox

from osteo_kg.assessment.model import Assessment
from osteo_kg.assessment.rdf import AssessmentGraph
from osteo_kg.case import Case, day_of_assessment
from osteo_kg.decision_table.rdf import neighbours, situation_triples
from osteo_kg.decision_table.table import settled_keys
from osteo_kg.errors import OsteoError
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from osteo_kg.rdf import (
    GRAPH_FORMATS,
    GUIDELINE,
    KNOWN_PREFIXES,
    OSTEO,
    SOLUTION_FORMATS,
    MergingIndex,
    ResultKind,
    fault_of,
    shown,
    sparql,
    with_fresh_blank_nodes,
    write_result,
)

GRAPH = "https://w3id.org/osteo-kg/graph/"


class QueryError(OsteoError):
    """A query is not SPARQL, or asks for what is outside the dataset.

    Args:
        message: what is wrong.
        advice: what to do.
        place: the line and the column of what is wrong, counted from 1, where it has a place.
    """

    def __init__(self, message: str, *, advice: str = "", place: tuple[int, int] | None = None) -> None:
        super().__init__(message, advice=advice)
        self.place = place


class Result:
    """The result of one query: solutions, a boolean or a graph, to be written in one format, once."""

    def __init__(
        self, found: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples, columns: Sequence[str] = ()
    ) -> None:
        self._found, self._columns = found, columns

    @property
    def kind(self) -> ResultKind:
        """What kind of result it is, which says which formats fit."""
        if isinstance(self._found, ox.QueryTriples):
            return "graph"
        return "boolean" if isinstance(self._found, ox.QueryBoolean) else "solutions"

    def written(self, format_name: str) -> bytes:
        """Write solutions or a boolean as one of `SOLUTION_FORMATS`, a graph as one of `GRAPH_FORMATS`.

        Raises:
            QueryError: the format does not fit the kind of result.
            UnwritableError: the result holds what the format cannot.
        """
        formats: Mapping[str, ox.QueryResultsFormat | ox.RdfFormat]
        formats = GRAPH_FORMATS if self.kind == "graph" else SOLUTION_FORMATS
        if format_name not in formats or (self.kind == "boolean" and format_name in ("csv", "tsv")):
            raise QueryError(
                f"A result of kind {self.kind} cannot be written as {format_name}.",
                advice=f"Ask for one of: {', '.join(formats)}.",
            )
        stream = io.BytesIO()
        write_result(self._found, stream, format_name, self._columns)
        return stream.getvalue()


class Dataset:
    """Named graphs, the default graph of a query without `FROM` being their union.

    Args:
        graphs: the triples of each graph, by its IRI.
    """

    def __init__(self, graphs: Mapping[str, Sequence[ox.Triple]]) -> None:
        self.graphs = dict(graphs)

    def query(
        self,
        text: str,
        *,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
    ) -> Result:
        """Answer a SPARQL 1.1 query; the graphs of a protocol request take the place of its own `FROM` clauses.

        Raises:
            QueryError: the query is not SPARQL, or would reach outside the dataset (`SERVICE`, or a `FROM` of a
                graph that is not loaded).
        """
        stays_inside(text)
        head = sparql.head(text, GRAPH)
        self._known(clause.graph for clause in head.dataset)
        self._known([*(default_graphs or ()), *(named_graphs or ())])
        if default_graphs is None and named_graphs is None:
            default_graphs, named_graphs = head.graphs
        try:
            found = self._index.query(
                text, base=GRAPH, union=True, default_graphs=default_graphs, named_graphs=named_graphs
            )
        except (SyntaxError, ValueError, OSError) as error:
            raise not_sparql(text, str(error)) from error
        return Result(found, head.columns)

    @functools.cached_property
    def _index(self) -> MergingIndex:
        index = MergingIndex()
        for name, triples in self.graphs.items():
            graph = ox.NamedNode(name)
            index.add(ox.Quad(t.subject, t.predicate, t.object, graph) for t in triples)
        return index

    @functools.cached_property
    def terms(self) -> frozenset[str]:
        """The IRIs of the terms of our vocabulary that the ontology states something of."""
        subjects = (each.subject for each in self.graphs.get(GRAPH + "ontology", ()))
        named = (each.value for each in subjects if isinstance(each, ox.NamedNode))
        return frozenset(iri for iri in named if iri.startswith(OSTEO.iri))

    def _known(self, names: Iterable[str]) -> None:
        check_graphs(names, self.graphs)


def not_sparql(text: str, told: str, *, update: bool = False) -> QueryError:
    """Give the error of a query, or of an update, that the engine refuses: where it is wrong, and in words why.

    Args:
        text: the text.
        told: what the engine said of it.
        update: whether it is an update.
    """
    fault = fault_of(text, told, KNOWN_PREFIXES, update=update)
    line, column, excerpt = shown(text, fault.start)
    return QueryError(
        f"This is no SPARQL 1.1 {'update' if update else 'query'}: at line {line}, column {column}, {fault.reason}.\n"
        f"{excerpt}",
        advice=f"\n{fault.advice}",
        place=(line, column),
    )


def unknown_terms(text: str, known: Collection[str]) -> list[str]:
    """Give the IRIs of our vocabulary that a text names and the ontology does not have: they give no rows, silently.

    Args:
        text: the query or the update.
        known: the IRIs of the terms that there are.
    """
    return [iri for iri in sparql.iris_below(text, OSTEO.iri) if iri not in known]


def told_unknown(unknown: Iterable[str], known: Collection[str]) -> list[str]:
    """Say of each of some IRIs that the ontology does not have it, and which term is nearest.

    Args:
        unknown: the IRIs.
        known: the IRIs of the terms that there are.
    """
    names = [iri.removeprefix(OSTEO.iri) for iri in known] if unknown else []
    told = []
    for iri in unknown:
        name = iri.removeprefix(OSTEO.iri)
        near = difflib.get_close_matches(name, names, 1)
        nearest = f"; the nearest is osteo:{near[0]}" if near else ""
        told.append(f"osteo:{name} is no term of the ontology{nearest}.")
    return told


def stays_inside(text: str) -> None:
    """Refuse a query or an update that reaches outside: Oxigraph follows it to any address and has no switch for it.

    Raises:
        QueryError: there is a `SERVICE` or a `LOAD`.
    """
    if keyword := sparql.elsewhere(text):
        raise QueryError(
            f"{keyword} is not answered here: it would reach outside this dataset.",
            advice="Ask about the graphs that are loaded.",
        )


def check_graphs(names: Iterable[str], loaded: Container[str]) -> None:
    """Refuse names of graphs that are not loaded.

    Raises:
        QueryError: there is no graph of such a name.
    """
    for name in names:
        if name not in loaded:
            raise QueryError(
                f"There is no graph <{name}> here.", advice="SELECT DISTINCT ?g { GRAPH ?g { } } lists them."
            )


def graph_iri(kind: str, patient: str) -> str:
    """Give the name of the graph of a case, or of its assessments (`cases`, `assessments`)."""
    return f"{GRAPH}{kind}/{quote(patient, safe='')}"


def inferred_iri(patient: str, guideline: str = DEFAULT_GUIDELINE) -> str:
    """Give the name of the graph of what follows about a patient, by a guideline that is named by its id or IRI."""
    named = guideline.removeprefix(GUIDELINE)
    return graph_iri("inferred" if named == DEFAULT_GUIDELINE else f"inferred/{named}", patient)


def build_dataset(
    knowledge_base: KnowledgeBase,
    cases: Iterable[Case] = (),
    *,
    on: datetime.date | str | None = None,
    guideline: str = DEFAULT_GUIDELINE,
) -> Dataset:
    """Load the knowledge, its inferences, the shapes, the decision table, and cases with their answers.

    Beside each case stands what follows about its patient. The decision table holds every settled situation, those that
    the cases are in, and all that these lead to across a threshold. A refused case has a graph of its own and no other.
    """
    day, engine = day_of_assessment(on), knowledge_base.engine(guideline)
    kept, writer = list(cases), AssessmentGraph(engine)
    knowledge = knowledge_base.knowledge
    graphs: dict[str, Sequence[ox.Triple]] = {
        GRAPH + "ontology": [t for content in knowledge.modules.values() for t in parsed(content)],
        GRAPH + "shapes": [t for content in knowledge.shapes.values() for t in parsed(content)],
        GRAPH + "inferred": engine.inferred(),
    }
    keys = dict.fromkeys(settled_keys(engine))
    prepared = [knowledge_base.prepare(case, on=day) for case in kept]
    answers = list(knowledge_base.assess_all(prepared, on=day, guideline=guideline))
    answered = [(case, each) for case, each in zip(prepared, answers, strict=True) if isinstance(each, Assessment)]
    for case in kept:
        graphs[graph_iri("cases", case.iri)] = with_fresh_blank_nodes(case.triples)
    for (ready, answer), follows in zip(answered, knowledge_base.conclusions(answered), strict=True):
        graphs |= graphs_of(ready.case, answer, follows)
        graphs[graph_iri("assessments", ready.case.iri)] = list(writer.triples(answer))
        keys[engine.space.parse(answer.situation_key)] = None
    graphs[GRAPH + "situations"] = list(situation_triples(engine, neighbours(engine, keys)))
    return Dataset(graphs)


def graphs_of(case: Case, answer: Assessment, follows: Sequence[ox.Triple]) -> dict[str, list[ox.Triple]]:
    """Give the graph of a case, and that of what follows about its patient, which share their nameless nodes."""
    triples = with_fresh_blank_nodes([*case.triples, *follows])
    stated = len(case.triples)
    return {
        graph_iri("cases", case.iri): triples[:stated],
        inferred_iri(case.iri, answer.guideline): triples[stated:],
    }


def parsed(content: bytes) -> list[ox.Triple]:
    """Read Turtle, literals as written."""
    return [quad.triple for quad in ox.parse(content, format=ox.RdfFormat.TURTLE)]
