"""What the shapes of guidelines and of style say of modules, with the file and the line of it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText, joined
from osteo_kg.checking.findings import KnowledgeFinding
from osteo_kg.checking.knowledge import CheckedKnowledge, decimal_of
from osteo_kg.rdf import OSTEO, OWL, RDF, RDFS, XSD, local_name
from osteo_kg.validation import ModuleShapes, ShapeResult

_SEVERITIES = {"violation": "error", "warning": "warning"}
_SIGNS = {OSTEO.above: ">", OSTEO.atLeast: "≥", OSTEO.atMost: "≤", OSTEO.below: "<"}


def shape_findings(knowledge: CheckedKnowledge, passed_over: Iterable[str | None]) -> Iterator[KnowledgeFinding]:
    """Check the guidelines of all modules, and the style of those terms that the given modules speak of.

    Args:
        knowledge: the documents.
        passed_over: values, as they are shown, that were found undeclared: what is wrong with them is told already.
    """
    told = frozenset(passed_over)
    edited = {each for document in knowledge.given for each in document.edited}
    shapes = knowledge.knowledge.shapes
    found = _read(shapes["guideline.ttl"]).results(knowledge.triples, knowledge.store)
    style = _read(shapes["style.ttl"]).results(_spoken_of(knowledge, edited), knowledge.store)
    for result in (*found, *(each for each in style if each.focus.value in edited)):
        if result.value is None or knowledge.shown(result.value) not in told:
            yield _Told(knowledge, result).finding()


@functools.lru_cache(4)
def _read(content: bytes) -> ModuleShapes:
    return ModuleShapes(content)


def _spoken_of(knowledge: CheckedKnowledge, edited: Iterable[str]) -> list[ox.Triple]:
    """Give the statements about what the given modules say otherwise than before, and the kinds of what those name.

    Style is a matter of one term; what nobody edited needs no second look.
    """
    subjects = {ox.NamedNode(each) for each in edited}
    found = [triple for triple in knowledge.triples if triple.subject in subjects]
    named = {triple.object for triple in found} - subjects
    kinds = (triple for triple in knowledge.triples if triple.predicate == RDF.type and triple.subject in named)
    classes = (triple for triple in knowledge.triples if triple.predicate == RDFS.subClassOf)
    return [*found, *(each for each in kinds if not str(each.object).startswith(f"<{OWL.iri}")), *classes]


class _Told:
    """Tells one result of a shape.

    Args:
        knowledge: the documents.
        result: the result.
    """

    def __init__(self, knowledge: CheckedKnowledge, result: ShapeResult) -> None:
        self._knowledge, self._result = knowledge, result

    def finding(self) -> KnowledgeFinding:
        """Give the finding, at the line of the value, else of the property, else of the subject."""
        result, subject = self._result, self._result.focus.value
        bound = self._bound()
        place = self._knowledge.place(*bound) if bound else None
        return self._knowledge.finding(
            _SEVERITIES[result.severity],  # type: ignore[arg-type]
            local_name(result.shape),
            subject,
            result.message,
            self._advice(),
            property_=result.path,
            value=result.value,
            shown=self._shown(),
            place=place,
        )

    def _advice(self) -> BilingualText:
        """Add what is likely meant where a number was written with a decimal comma: that makes two numbers of it."""
        result = self._result
        if not isinstance(result.value, ox.Literal):
            return result.advice
        line = self._knowledge.text_at(*self._knowledge.place(result.focus.value, result.path, result.value.value))
        commas = _COMMA.findall(line) if result.value.datatype == XSD.integer else []
        if not commas:
            return result.advice
        more = _TWO_NUMBERS.filled({"written": commas[0], "point": commas[0].replace(",", ".")})
        return joined([result.advice, more], " ")

    def _shown(self) -> str | None:
        """Show a rule with the range that it requires, beside that of the other, so that the numbers are told."""
        value = self._result.value
        if bound := self._bound():
            return bound[-1]  # as it was written
        if not isinstance(value, ox.NamedNode) or not self._knowledge.is_a(value.value, OSTEO.Rule.value):
            return self._knowledge.shown(value)
        ranges = [self._range(each) for rule in (self._result.focus, value) for each in self._ranges(rule.value)]
        return f"{self._knowledge.name(value.value)}: {' / '.join(ranges)}"

    def _bound(self) -> tuple[str, str, str] | None:
        """Give the bound that a rule is told of: the number stands with the criterion that it requires."""
        value = self._result.value
        if not isinstance(value, ox.Literal) or decimal_of(value) is None:
            return None
        for criterion in self._ranges(self._result.focus.value):
            for triple in self._bounds(criterion):
                if isinstance(triple.object, ox.Literal) and decimal_of(triple.object) == decimal_of(value):
                    return criterion, triple.predicate.value, triple.object.value
        return None

    def _ranges(self, rule: str) -> list[str]:
        required = self._knowledge.lookup.objects(rule, OSTEO.requires)
        return [each for each in required if self._knowledge.is_a(each, OSTEO.RangeCriterion.value)]

    def _range(self, criterion: str) -> str:
        return " ".join(
            f"{_SIGNS[each.predicate]} {self._knowledge.shown(each.object)}" for each in self._bounds(criterion)
        )

    def _bounds(self, criterion: str) -> list[ox.Triple]:
        stated = self._knowledge.by_subject.get(criterion, ())
        return sorted((each for _, each in stated if each.predicate in _SIGNS), key=str)


_COMMA = re.compile(r"[+-]?\d+,\d+")
_TWO_NUMBERS = BilingualText(
    "{written} is two numbers in Turtle: write {point}.", "{written} fait deux nombres en Turtle : écrire {point}."
)
