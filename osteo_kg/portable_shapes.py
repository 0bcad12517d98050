"""The shapes of a case as other engines of SHACL can use them: for one day of assessment, complete in themselves.

`shapes/case.ttl` speaks of facts that the library derives, and of values that its reader has brought to one form. Here
each of its refusals is put so that SHACL Core says it of a document as it is written, and `shapes/document.ttl` adds
what the reader itself refuses. Nothing is stated a second time: limits and words stay those of the shapes.

Two things are beyond SHACL Core: whether two entries share both a site and a day, and of which vocabulary a property
is. Constraints in SPARQL say them, where they are asked for.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import pyoxigraph as ox

from osteo_kg.case import ANNOTATIONS, KIND_OF_PROPERTY, OWN_VOCABULARIES
from osteo_kg.errors import UsageError
from osteo_kg.knowledge import Knowledge, nested_turtle
from osteo_kg.rdf import DCTERMS, KNOWN_PREFIXES, LIFTED, OSTEO, OWL, RDF, SH, XSD, Node, Vocabulary
from osteo_kg.rdf.day_patterns import born_at, born_within, up_to

_Term = ox.NamedNode | ox.BlankNode | ox.Literal
_Said = tuple[ox.NamedNode, _Term]
_Rule = Callable[[_Term, _Term], Iterable[_Said]]

SHAPE = Vocabulary("https://w3id.org/osteo-kg/shapes/")
_FILES = ("case.ttl", "document.ttl")
_TARGETS = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf)
_BOUNDS = (SH.minInclusive, SH.maxInclusive)
_WITH_EXPONENT = "-2.7E0"  # a number as rdflib or Jena may write it
_PREFIXES = {**KNOWN_PREFIXES, "shape": SHAPE.iri}


def portable_shapes(
    knowledge: Knowledge, on: datetime.date, *, sparql: bool = False, ignored: Iterable[str] = ()
) -> str:
    """Write the shapes that refuse what the library refuses, in Turtle.

    Args:
        knowledge: the knowledge whose shapes they are.
        on: the day of assessment, which stands in them.
        sparql: whether to add constraints in SPARQL, for what SHACL Core cannot say.
        ignored: the properties of other vocabularies that are to be passed over, by IRI; with SPARQL all of them are.

    Raises:
        UsageError: a property to be passed over is no IRI, or is one that the library reads or refuses.
    """
    passed_over = [_foreign(each) for each in ignored]
    return nested_turtle(_Portable(knowledge, on, sparql, passed_over).triples(), _PREFIXES)


class _Source:
    """What the shapes say, and what is made of it on the way."""

    def __init__(self, files: Iterable[bytes]) -> None:
        self._said: dict[Node, list[_Said]] = defaultdict(list)
        for content in files:
            for quad in ox.parse(content, format=ox.RdfFormat.TURTLE):
                assert not isinstance(quad.subject, ox.Triple)
                assert not isinstance(quad.object, ox.Triple)
                self._said[quad.subject].append((quad.predicate, quad.object))

    def of(self, node: _Term) -> list[_Said]:
        """Give what is said of a node."""
        return [] if isinstance(node, ox.Literal) else self._said.get(node, [])

    def nodes(self) -> list[Node]:
        """Give every node of which something is said."""
        return list(self._said)

    def values(self, node: _Term, property_: ox.NamedNode) -> list[_Term]:
        """Give the values of a property of a node."""
        return [value for name, value in self.of(node) if name == property_]

    def value(self, node: _Term, property_: ox.NamedNode) -> _Term | None:
        """Give the value of a property that has one at most."""
        return next(iter(self.values(node, property_)), None)

    def members(self, listed: _Term) -> Iterator[_Term]:
        """Give the members of a list."""
        while (first := self.value(listed, RDF.first)) is not None:
            yield first
            [listed] = self.values(listed, RDF.rest)

    def node(self, *said: _Said) -> ox.BlankNode:
        """Make a nameless node."""
        made = ox.BlankNode()
        self._said[made] = list(said)
        return made

    def listing(self, members: Iterable[_Term]) -> Node:
        """Make a list."""
        rest: Node = RDF.nil
        for member in reversed(list(members)):
            rest = self.node((RDF.first, member), (RDF.rest, rest))
        return rest


class _Portable:
    """Puts each shape that refuses in the terms of a document."""

    def __init__(self, knowledge: Knowledge, on: datetime.date, sparql: bool, ignored: Iterable[_Term]) -> None:
        self._on, self._sparql, self._ignored = on, sparql, tuple(ignored)
        self._shapes = _Source(knowledge.shapes[name] for name in _FILES)
        self._tolerance = int(knowledge.triples.decimal(OSTEO.AgeAtAssessment, OSTEO.tolerance) or 0)
        self._as_written = {
            datatype: shape
            for shape in self._shapes.nodes()
            for datatype in self._shapes.values(shape, LIFTED.inPlaceOf)
        }
        self._stands_for = self._terms(knowledge)
        self._rules: Mapping[ox.NamedNode, _Rule] = {
            **{each: functools.partial(self._target, each) for each in _TARGETS},
            LIFTED.notAfter: lambda _, __: [(SH.pattern, ox.Literal(up_to(on)))],
            LIFTED.inPlaceOf: lambda _, __: [],
            OSTEO.atLeast: functools.partial(self._bound, SH.minInclusive),
            OSTEO.atMost: functools.partial(self._bound, SH.maxInclusive),
            SH.datatype: self._datatype,
            SH["in"]: self._in,
            SH.pattern: self._pattern,
            SH.maxCount: self._max_count,
            SH.closed: lambda shape, _: self._closed(shape),
            SH.ignoredProperties: lambda _, __: [],
            SH.path: self._path,
        }

    def triples(self) -> Iterator[ox.Triple]:
        """Give the shapes with all that they name, and a header that says of which day they are."""
        waiting: list[_Term] = [shape for shape in self._shapes.nodes() if self._refuses(shape)]
        done: set[_Term] = set()
        while waiting:
            node = waiting.pop()
            if node in done:
                continue
            assert not isinstance(node, ox.Literal)  # of which nothing can be said
            done.add(node)
            said = list(self._told(node))
            yield from (ox.Triple(node, property_, value) for property_, value in said)
            waiting += [value for _, value in said if self._shapes.of(value)]
        yield from self._header()

    def _header(self) -> Iterator[ox.Triple]:
        own = SHAPE[f"case/{self._on.isoformat()}"]
        yield ox.Triple(own, RDF.type, OWL.Ontology)
        yield ox.Triple(own, DCTERMS.valid, ox.Literal(self._on.isoformat(), datatype=XSD.date))
        yield ox.Triple(own, DCTERMS.isVersionOf, SHAPE.case)
        for property_ in (DCTERMS.title, DCTERMS.license, OWL.versionInfo):
            yield from (ox.Triple(own, property_, value) for value in self._shapes.values(SHAPE.case, property_))

    def _refuses(self, shape: _Term) -> bool:
        """Whether a shape refuses documents by itself, in what these shapes may be written in."""
        said = functools.partial(self._shapes.values, shape)
        if SH.Violation not in said(SH.severity) or not any(said(each) for each in _TARGETS):
            return False
        if LIFTED.conflictingDensitometry in said(SH.path):  # a constraint in SPARQL says it of documents
            return False
        if LIFTED.leastAge in said(SH.path):  # the shape of the greatest age says both
            return False
        if RDF.type in said(SH.path) and said(SH.qualifiedMinCount):  # the reader gives a fracture of no class one
            return False
        return self._sparql or not said(SH.sparql)

    def _told(self, node: _Term) -> Iterator[_Said]:
        said = self._shapes.of(node)
        path, compared = self._shapes.value(node, SH.path), self._shapes.value(node, SH.lessThanOrEquals)
        if node == SHAPE.document:
            said = [each for each in said if each[0] == SH.declare]
        elif path == LIFTED.ageFromBirthDate:
            said = [*_but(said, SH.path, SH.minInclusive, SH.maxInclusive, *_TARGETS), *self._born(node)]
        elif compared == LIFTED.greatestAge:
            said = [*_but(said, RDF.type, SH.path, SH.lessThanOrEquals, *_TARGETS), *self._aged()]
        for property_, value in said:
            rule = self._rules.get(property_)
            yield from rule(node, value) if rule else [(property_, value)]

    def _born(self, shape: _Term) -> Iterator[_Said]:
        """Say of a birth date that it gives an age within the bounds of a shape."""
        least, greatest = (_number(self._shapes.value(shape, each)) for each in _BOUNDS)
        patterns = born_within(least, greatest, self._on)
        yield SH.path, OSTEO.birthDate
        yield SH.targetSubjectsOf, OSTEO.birthDate
        yield SH["and"], self._shapes.listing([self._shapes.node((SH.pattern, ox.Literal(each))) for each in patterns])

    def _aged(self) -> Iterator[_Said]:
        """Say of a patient that her birth date gives the age stated, within the tolerance."""
        least, greatest = (_number(self._shapes.value(SHAPE.AgeFromBirthDate, each)) for each in _BOUNDS)
        unstated = self._shapes.node((SH.property, self._of(OSTEO.ageInYears, (SH.maxCount, _whole(0)))))
        yield RDF.type, SH.NodeShape
        yield SH.targetSubjectsOf, OSTEO.birthDate
        yield SH["or"], self._shapes.listing([unstated, *(self._aged_at(age) for age in range(least, greatest + 1))])

    def _aged_at(self, age: int) -> Node:
        """Say of a patient that she was born so many years ago, and that the age stated is near to it."""
        born = self._of(OSTEO.birthDate, (SH.pattern, ox.Literal(born_at(age, self._on))))
        bounds = zip(_BOUNDS, (age - self._tolerance, age + self._tolerance), strict=True)
        stated = self._of(OSTEO.ageInYears, *((bound, _whole(years)) for bound, years in bounds))
        return self._shapes.node((SH.property, born), (SH.property, stated))

    def _of(self, path: _Term, *said: _Said) -> Node:
        """Make a property shape."""
        return self._shapes.node((SH.path, path), *said)

    def _datatype(self, shape: _Term, datatype: _Term) -> Iterator[_Said]:
        """Let a value be written as the reader reads it; what is nameless says so already."""
        written = self._as_written.get(datatype) if isinstance(shape, ox.NamedNode) else None
        yield (SH.node, written) if written else (SH.datatype, datatype)

    def _in(self, shape: _Term, listed: _Term) -> Iterator[_Said]:
        """Let a class of another vocabulary stand beside ours."""
        if self._shapes.value(shape, SH.path) != RDF.type:
            yield SH["in"], listed
            return
        ours = self._shapes.node((SH["in"], listed))
        yield SH["or"], self._shapes.listing([ours, SHAPE.HarmlessClass, SHAPE.ForeignClass])

    def _pattern(self, shape: _Term, pattern: _Term) -> Iterator[_Said]:
        """Let a number have an exponent where it is to hold nothing but digits."""
        if not self._is_number(shape) or re.search(pattern.value, _WITH_EXPONENT):
            yield SH.pattern, pattern
            return
        plain = self._shapes.node((SH.pattern, pattern))
        yield SH["or"], self._shapes.listing([plain, self._as_written[XSD.decimal]])

    def _bound(self, bound: ox.NamedNode, shape: _Term, number: _Term) -> Iterator[_Said]:
        """Compare a number that the pattern of a shape leaves alone."""
        is_left = SHAPE.WithoutExponent if self._kind(shape) == "decimal" else SHAPE.WithoutPoint
        double = ox.Literal(number.value, datatype=XSD.double)  # which Python compares with what is not a number
        yield SH["or"], self._shapes.listing([is_left, self._shapes.node((bound, double))])

    def _max_count(self, shape: _Term, count: _Term) -> Iterator[_Said]:
        """Let one number be written in several ways, such as -2.7 and -2.70: none of them is above another."""
        path = self._shapes.value(shape, SH.path)
        same = count == _whole(1) and path is not None and self._is_number(shape)
        yield (SH.lessThanOrEquals, path) if same and path else (SH.maxCount, count)

    def _is_number(self, shape: _Term) -> bool:
        return self._kind(shape) in ("decimal", "whole")

    def _kind(self, shape: _Term) -> str | None:
        path = self._shapes.value(shape, SH.path)
        return KIND_OF_PROPERTY.get(path.value) if isinstance(path, ox.NamedNode) else None

    def _closed(self, shape: _Term) -> Iterator[_Said]:
        """Refuse what does not belong to a node: in SPARQL what is ours, in Core whatever is not named."""
        annotations = [ox.NamedNode(each) for each in sorted(ANNOTATIONS)]
        known = [*self._belonging(shape), *annotations]
        if self._sparql:
            yield SH.sparql, self._shapes.node((RDF.type, SH.SPARQLConstraint), (SH.select, _select(known)))
            return
        yield SH.closed, ox.Literal("true", datatype=XSD.boolean)
        yield SH.ignoredProperties, self._shapes.listing(dict.fromkeys([*known, *self._ignored]))

    def _belonging(self, shape: _Term) -> Iterator[_Term]:
        """Give the properties that a closed shape lets a document state."""
        for listed in self._shapes.values(shape, SH.ignoredProperties):
            yield from (each for each in self._shapes.members(listed) if not _is_of(each, LIFTED))

    def _terms(self, knowledge: Knowledge) -> dict[_Term, list[_Term]]:
        """Give what stands for the names of several properties or classes in `shapes/document.ttl`."""
        closed = [shape for shape in self._shapes.nodes() if self._shapes.values(shape, SH.closed)]
        entries = [shape for shape in closed if self._shapes.values(shape, SH.targetObjectsOf)]
        classes = (ox.NamedNode(each) for each in sorted(knowledge.triples.subjects(RDF.type, OWL.Class)))
        own: dict[_Term, Iterator[_Term]] = {
            LIFTED.listing: (each for shape in entries for each in self._shapes.values(shape, SH.targetObjectsOf)),
            LIFTED.entryProperty: (each for shape in entries for each in self._belonging(shape)),
            LIFTED.patientProperty: (
                each for shape in closed if shape not in entries for each in self._belonging(shape)
            ),
            LIFTED.entryClass: (each for each in classes if _is_of(each, OSTEO) and each != OSTEO.Patient),
        }
        found = {name: [each for each in dict.fromkeys(terms) if each != RDF.type] for name, terms in own.items()}
        inverse: list[_Term] = [self._shapes.node((SH.inversePath, each)) for each in found[LIFTED.listing]]
        return {**found, LIFTED.listedBy: inverse}

    def _target(self, target: ox.NamedNode, _: _Term, named: _Term) -> Iterator[_Said]:
        yield from ((target, each) for each in self._stands_for.get(named, [named]))

    def _path(self, _: _Term, path: _Term) -> Iterator[_Said]:
        """Put any of several properties in the place of the name that stands for them."""
        several = self._stands_for.get(path)
        yield SH.path, path if several is None else self._of_any(several)

    def _of_any(self, paths: Iterable[_Term]) -> Node:
        return self._shapes.node((SH.alternativePath, self._shapes.listing(paths)))


def _foreign(iri: str) -> ox.NamedNode:
    if iri.startswith(OWN_VOCABULARIES):
        raise UsageError(
            f"{iri} is of a vocabulary that a case is read by, and is never passed over.",
            advice="Name properties of other vocabularies.",
        )
    try:
        return ox.NamedNode(iri)
    except ValueError as error:
        raise UsageError(
            f"{iri!r} is no IRI.", advice="Write it whole, such as http://xmlns.com/foaf/0.1/name."
        ) from error


def _but(said: Iterable[_Said], *left_out: ox.NamedNode) -> list[_Said]:
    return [each for each in said if each[0] not in left_out]


def _is_of(term: _Term, vocabulary: Vocabulary) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith(vocabulary.iri)


def _whole(number: int) -> ox.Literal:
    return ox.Literal(str(number), datatype=XSD.integer)


def _number(bound: _Term | None) -> int:
    assert isinstance(bound, ox.Literal)
    return int(bound.value)


def _select(known: Iterable[_Term]) -> ox.Literal:
    """Ask for what a node states in our vocabularies beside what belongs to it."""
    ours = " || ".join(f'STRSTARTS(STR(?path), "{each}")' for each in OWN_VOCABULARIES)
    names = ", ".join(str(each) for each in known)
    return ox.Literal(
        f"SELECT $this ?path ?value WHERE {{ $this ?path ?value . FILTER ({ours}) FILTER (?path NOT IN ({names})) }}"
    )
