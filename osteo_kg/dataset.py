"""The dataset (contracts.md, section 7): knowledge, decision table, cases and answers in named graphs, under one query.

The triples as loaded are the truth; an Oxigraph store beside them is the index that answers queries. It rewrites
literals (`"1.50"` becomes `1.5`), so graphs are handed out from the triples, never from the index.
"""

from __future__ import annotations

import datetime
import functools
import io
from collections.abc import Container, Iterable, Mapping, Sequence
from urllib.parse import quote

import pyoxigraph as ox

from osteo_kg.assessment.model import Assessment
from osteo_kg.assessment.rdf import AssessmentGraph
from osteo_kg.case import Case
from osteo_kg.decision_table.rdf import situation_triples
from osteo_kg.decision_table.table import settled_keys
from osteo_kg.errors import OsteoError
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from osteo_kg.rdf import GRAPH_FORMATS, SOLUTION_FORMATS, ResultKind, sparql, with_fresh_blank_nodes, write_solutions

GRAPH = "https://w3id.org/osteo-kg/graph/"


class QueryError(OsteoError):
    """A query is not SPARQL, or asks for what is outside the dataset."""


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
        """
        formats: Mapping[str, ox.QueryResultsFormat | ox.RdfFormat]
        formats = GRAPH_FORMATS if self.kind == "graph" else SOLUTION_FORMATS
        if format_name not in formats or (self.kind == "boolean" and format_name in ("csv", "tsv")):
            raise QueryError(
                f"A result of kind {self.kind} cannot be written as {format_name}.",
                advice=f"Ask for one of: {', '.join(formats)}.",
            )
        if isinstance(self._found, ox.QuerySolutions):
            stream = io.BytesIO()
            write_solutions(self._found, stream, format_name, self._columns)
            return stream.getvalue()
        return self._found.serialize(format=formats[format_name]) or b""  # type: ignore[arg-type]


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
        given = default_graphs is not None or named_graphs is not None
        names = [*(default_graphs or ()), *(named_graphs or ())]
        self._known(names)
        try:
            found = self._index.query(
                text,
                base_iri=GRAPH,
                use_default_graph_as_union=not given and not head.dataset,
                default_graph=[ox.NamedNode(name) for name in default_graphs or ()] if given else None,
                named_graphs=[ox.NamedNode(name) for name in named_graphs or ()] if given else None,
            )
        except (SyntaxError, ValueError, OSError) as error:
            raise QueryError(f"The query is not SPARQL 1.1: {error}.", advice="Correct it there.") from error
        return Result(found, head.columns)

    @functools.cached_property
    def _index(self) -> ox.Store:
        index = ox.Store()
        for name, triples in self.graphs.items():
            graph = ox.NamedNode(name)
            index.bulk_extend(ox.Quad(t.subject, t.predicate, t.object, graph) for t in triples)
        return index

    def _known(self, names: Iterable[str]) -> None:
        check_graphs(names, self.graphs)


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


def build_dataset(
    knowledge_base: KnowledgeBase,
    cases: Iterable[Case] = (),
    *,
    on: datetime.date | None = None,
    guideline: str = DEFAULT_GUIDELINE,
) -> Dataset:
    """Load the knowledge, its inferences, the shapes, the decision table, and cases with their answers.

    The decision table holds every settled situation, and those that the cases are in. A refused case has a graph of its
    own and no assessment.
    """
    day, engine = on or datetime.date.today(), knowledge_base.engine(guideline)
    kept, writer = list(cases), AssessmentGraph(engine)
    knowledge = knowledge_base.knowledge
    graphs: dict[str, Sequence[ox.Triple]] = {
        GRAPH + "ontology": [t for content in knowledge.modules.values() for t in parsed(content)],
        GRAPH + "shapes": [t for content in knowledge.shapes.values() for t in parsed(content)],
        GRAPH + "inferred": engine.inferred(),
    }
    keys = dict.fromkeys(settled_keys(engine))
    for case, answer in zip(kept, knowledge_base.assess_all(kept, on=day, guideline=guideline), strict=True):
        graphs[graph_iri("cases", case.iri)] = with_fresh_blank_nodes(case.triples)
        if isinstance(answer, Assessment):
            graphs[graph_iri("assessments", case.iri)] = list(writer.triples(answer))
            keys[engine.space.parse(answer.situation.rsplit("/", 1)[-1])] = None
    graphs[GRAPH + "situations"] = list(situation_triples(engine, keys))
    return Dataset(graphs)


def parsed(content: bytes) -> list[ox.Triple]:
    """Read Turtle, literals as written."""
    return [quad.triple for quad in ox.parse(content, format=ox.RdfFormat.TURTLE)]
