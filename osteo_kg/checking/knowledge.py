"""All documents of a check as one graph, and where in them a statement stands."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.bilingual import BilingualText
from osteo_kg.checking.documents import Document
from osteo_kg.checking.findings import KnowledgeFinding, Severity
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import KNOWN_PREFIXES, OWL, RDF, RDFS, Lookup, decimal_text

_NONE = frozenset[str]()
_PROPERTIES = {each.value for each in (OWL.AnnotationProperty, OWL.DatatypeProperty, OWL.ObjectProperty)}
Object = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


class CheckedKnowledge:
    """The modules that are checked, together with those that they stand among.

    Args:
        documents: every document, those that were given first.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        every = tuple(documents)
        self.documents = tuple(each for each in every if not each.holds_shapes)
        self.given = tuple(each for each in every if each.given)
        self._members: dict[ox.NamedNode, list[str]] = {}
        self.triples = [triple for each in self.documents for triple in each.triples]

    @functools.cached_property
    def changed(self) -> tuple[Document, ...]:
        """The documents of which something can have to be told: not packaged ones, as long as nothing is gone.

        A name that is no longer declared, or a property that is meant for something else now, may be used in any.
        """
        new = tuple(each for each in self.given if each.before is None or each.before.text != each.text)
        replaced = [each.before for each in new if each.before is not None]
        declared = {triple.subject for each in replaced for triple in each.triples if triple.predicate == RDF.type}
        gone = any(isinstance(each, ox.NamedNode) and each.value not in self.kinds for each in declared)
        properties = (each for document in new for each in document.edited if self.kinds.get(each, _NONE) & _PROPERTIES)
        return self.documents if gone or any(properties) else tuple(each for each in new if not each.holds_shapes)

    @functools.cached_property
    def store(self) -> ox.Store:
        """Every triple."""
        store = ox.Store()
        store.bulk_extend(ox.Quad(each.subject, each.predicate, each.object) for each in self.triples)
        return store

    @functools.cached_property
    def lookup(self) -> Lookup:
        """Look-ups over every triple."""
        return Lookup(self.store)

    @functools.cached_property
    def knowledge(self) -> Knowledge:
        """The same as the library would load it."""
        home = package_data.root() / "shapes"
        return Knowledge(
            modules={each.path: each.text.encode("utf-8") for each in self.documents},
            shapes={path.name: path.read_bytes() for path in sorted(home.rglob("*.ttl"))},
            store=self.store,
        )

    @functools.cached_property
    def by_subject(self) -> Mapping[str, Sequence[tuple[Document, ox.Triple]]]:
        """Every triple of a named subject, with its document, by the IRI of the subject."""
        found: dict[str, list[tuple[Document, ox.Triple]]] = defaultdict(list)
        for document in self.documents:
            for triple in document.triples:
                if isinstance(triple.subject, ox.NamedNode):
                    found[triple.subject.value].append((document, triple))
        return found

    @functools.cached_property
    def kinds(self) -> Mapping[str, frozenset[str]]:
        """The classes that each named subject is stated to be of."""
        found: dict[str, set[str]] = defaultdict(set)
        for quad in self.store.quads_for_pattern(None, RDF.type, None):
            if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.NamedNode):
                found[quad.subject.value].add(quad.object.value)
        return {subject: frozenset(kinds) for subject, kinds in found.items()}

    @functools.cached_property
    def superclasses(self) -> Mapping[str, frozenset[str]]:
        """The named classes above each, those included that it is defined to be a part of, and itself."""
        above: dict[str, set[str]] = defaultdict(set)
        for property_ in (RDFS.subClassOf, OWL.equivalentClass):
            for quad in self.store.quads_for_pattern(None, property_, None):
                if isinstance(quad.subject, ox.NamedNode):
                    above[quad.subject.value].update(self._named_parts(quad.object))
        return {each: frozenset(reached(each, above)) | {each} for each in above}

    def _named_parts(self, node: Object) -> Iterator[str]:
        """Give a class by its IRI, or the named classes that an intersection is one of."""
        if isinstance(node, ox.NamedNode):
            yield node.value
        elif isinstance(node, ox.BlankNode):
            for quad in self.store.quads_for_pattern(node, OWL.intersectionOf, None):
                yield from (each.value for each in self.listed(quad.object) if isinstance(each, ox.NamedNode))

    def listed(self, node: Object) -> Iterator[Object]:
        """Give the members of a list; one that leads back into itself ends there."""
        seen: set[Object] = set()
        while isinstance(node, ox.BlankNode | ox.NamedNode) and node != RDF.nil and node not in seen:
            seen.add(node)
            yield from (quad.object for quad in self.store.quads_for_pattern(node, RDF.first, None))
            node = next((quad.object for quad in self.store.quads_for_pattern(node, RDF.rest, None)), RDF.nil)

    def is_a(self, subject: str, kind: str) -> bool:
        """Whether something is stated to be of a class, or of one below it."""
        return any(kind == each or kind in self.superclasses.get(each, ()) for each in self.kinds.get(subject, ()))

    def members(self, kind: ox.NamedNode) -> list[str]:
        """Give what is stated to be of a class, or of one below it, by IRI."""
        if kind not in self._members:
            self._members[kind] = sorted(each for each in self.kinds if self.is_a(each, kind.value))
        return self._members[kind]

    def name(self, iri: str) -> str:
        """Write an IRI as people write it: with its prefix, where it has one."""
        for prefix, namespace in self._prefixes.items():
            if iri.startswith(namespace) and (local := iri[len(namespace) :]) and "/" not in local:
                return f"{prefix}:{local}"
        return iri

    @functools.cached_property
    def _prefixes(self) -> dict[str, str]:
        declared = {prefix: iri for each in self.given for prefix, iri in each.prefixes.items()}
        return dict(sorted((declared | KNOWN_PREFIXES).items(), key=lambda each: -len(each[1])))

    def shown(self, term: Object | None) -> str | None:
        """Write a term for people; nameless nodes are not shown."""
        if isinstance(term, ox.NamedNode):
            return self.name(term.value)
        return term.value if isinstance(term, ox.Literal) else None

    def place(
        self, subject: str, property_: str | None = None, value: str | None = None
    ) -> tuple[str | None, int | None]:
        """Give the file and the line of a statement, or of what comes nearest to it; given files come first."""
        homes = self._homes(subject)
        exact = [(subject, property_, value), (subject, None, value)] if value is not None else []
        for parts in exact:
            for document in homes:
                if (line := document.positions.line(*parts)) is not None:
                    return document.path, line
        for document in homes:
            line = document.positions.line(subject, property_) if property_ else None
            if (line := line or document.positions.line(subject)) is not None:
                return document.path, line
        return None, None

    def _homes(self, subject: str) -> list[Document]:
        """Give the documents that speak of a subject: first where it was edited, then where it is declared."""
        stated = self.by_subject.get(subject, ())
        declaring = {document.path for document, triple in stated if triple.predicate == RDF.type}
        homes = {document.path: document for document, _ in stated}.values()
        return sorted(homes, key=lambda each: (subject not in each.edited, not each.given, each.path not in declaring))

    def text_at(self, file: str | None, line: int | None) -> str:
        """Give the text of a line; nothing where there is no such line."""
        text = next((each.text for each in self.documents if each.path == file), "")
        return "".join(text.split("\n")[line - 1 : line]) if line else ""

    def finding(
        self,
        severity: Severity,
        code: str,
        subject: str,
        message: BilingualText,
        advice: BilingualText,
        *,
        property_: str | None = None,
        value: Object | None = None,
        shown: str | None = None,
        place: tuple[str | None, int | None] | None = None,
    ) -> KnowledgeFinding:
        """Tell something of a subject where it stands.

        Args:
            severity: how bad it is.
            code: the kind of finding.
            subject: what it is about, by IRI.
            message: what is wrong, as a sentence.
            advice: what to do, as a sentence.
            property_: the property that is meant, by IRI.
            value: the value that is meant.
            shown: what is shown for the value.
            place: file and line, where they are known.
        """
        lexical = value.value if isinstance(value, ox.NamedNode | ox.Literal) else None
        file, line = place or self.place(subject, property_, lexical)
        told = self.shown(value) if shown is None else shown
        return KnowledgeFinding(severity, code, file, line, None, self.name(subject), told, message, advice)


def decimal_of(term: ox.Literal) -> Decimal | None:
    """Give the number that a literal writes; None where it is none."""
    text = decimal_text(term.value)
    return None if text is None else Decimal(text)


def reached(start: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Give everything that some steps lead to; the start itself where they lead back to it."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found
