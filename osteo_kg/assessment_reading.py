"""Read an assessment back from its graph: equal to the one that was written."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Iterable

import pyoxigraph as ox

from osteo_kg.assessment import (
    Assessment,
    Caution,
    CriterionAssessment,
    Evidence,
    Missing,
    Notice,
    Obligation,
    OptionAssessment,
    RuleAssessment,
)
from osteo_kg.engine import Engine
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.safety_statements import SafetyStatements
from osteo_kg.texts import Text
from osteo_kg.triples import RDF_TYPE
from osteo_kg.vocabulary import OSTEO

_NS, _DCTERMS = str(OSTEO._NS), "http://purl.org/dc/terms/"
_DAY = len("2026-11-22")
Node = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


class AssessmentReader:
    """Reads assessments of one guideline out of triples.

    Args:
        engine: the guideline at work, for labels, keys and the order of its parts.
    """

    def __init__(self, engine: Engine) -> None:
        self._terms = engine.knowledge.terms
        self._guideline = engine.guideline
        self._places = engine.space.places
        self._safety = SafetyStatements(engine.knowledge)

    def read(self, triples: Iterable[ox.Triple]) -> tuple[Assessment, ...]:
        """Read every assessment of this guideline, in the order of patients and days.

        Raises:
            UnreadableCaseError: the triples hold none.
        """
        graph = _Graph(triples)
        nodes = [n for n in graph.instances("Assessment") if graph.iri(n, "appliesGuideline") == self._guideline.iri]
        if not nodes:
            raise UnreadableCaseError("The graph holds no assessment.", advice="Give one written by `osteo-kg assess`.")
        return tuple(sorted((self._assessment(graph, n) for n in nodes), key=lambda a: (a.patient, a.assessed_on)))

    def _assessment(self, graph: _Graph, node: Node) -> Assessment:
        key, label = self._terms.key, self._terms.label
        disposition, strength = graph.iri(node, "hasDisposition"), graph.iri_or_none(node, "hasStrength")
        options = {graph.iri(part, "ofOption"): part for part in graph.nodes(node, "hasOptionAssessment")}
        rules = {graph.iri(part, "ofRule"): part for part in graph.nodes(node, "hasRuleAssessment")}
        due = {key(iri) for iri in graph.iris(node, "hasObligation")}
        return Assessment(
            patient=graph.text(node, "identifier", _DCTERMS),
            guideline=self._guideline.iri,
            software=graph.text(node, "softwareVersion"),
            knowledge=graph.text(node, "knowledgeDigest"),
            review=key(graph.iri(node, "hasReviewStatus")),
            assessed_on=datetime.date.fromisoformat(graph.text(node, "assessedOn")[:_DAY]),
            situation=graph.iri(node, "hasSituation"),
            disposition=key(disposition),
            disposition_label=label(disposition),
            strength=key(strength) if strength else None,
            strength_label=label(strength) if strength else None,
            possible=tuple(sorted(key(iri) for iri in graph.iris(node, "hasPossibleDisposition"))),
            options=tuple(
                self._option(graph, options[o.iri], n) for n, o in enumerate(self._guideline.options) if options
            ),
            missing=tuple(self._missing(graph, node)),
            obligations=tuple(Obligation(o.key, o.label) for o in self._guideline.obligations if o.key in due),
            rules=tuple(self._rule(graph, rules[rule.iri], n) for n, rule in enumerate(self._guideline.rules)),
            warnings=tuple(self._notices(graph, node, "Warning")),
            assumptions=tuple(self._notices(graph, node, "Assumption")),
            cautions=tuple(self._cautions(graph, node)),
            adverse_events=self._safety.informing(
                (drug for option in self._guideline.options for drug in option.drugs),
                set(graph.iris(node, "informsOf")),
            ),
        )

    def _option(self, graph: _Graph, part: Node, number: int) -> OptionAssessment:
        option, listed = self._guideline.options[number], graph.literals(part, "isListed")
        line = graph.iri_or_none(part, "hasLine")
        by = set(graph.iris(part, "listedByRule"))
        return OptionAssessment(
            treatment=option.key,
            label=option.label,
            status=self._terms.key(graph.iri(part, "hasStatus")),
            line=self._terms.key(line) if line else None,
            listed=listed[0].value == "true" if listed else None,
            listed_by=tuple(rule.iri for rule in self._guideline.rules if rule.iri in by),
            interpretations=self._interpretations(graph, part),
            drugs=option.drugs,
            drug_labels=tuple(self._terms.label(drug) for drug in option.drugs),
            criteria=self._criteria(graph, part),
            cautions=tuple(self._cautions(graph, part)),
            contraindications=tuple(self._cautions(graph, part, "ContraindicationNotice")),
        )

    def _rule(self, graph: _Graph, part: Node, number: int) -> RuleAssessment:
        rule = self._guideline.rules[number]
        return RuleAssessment(
            id=rule.iri,
            label=rule.label,
            status=self._terms.key(graph.iri(part, "hasStatus")),
            disposition=rule.disposition,
            restates=rule.restates,
            cites=rule.cites,
            criteria=self._criteria(graph, part),
            interpretations=self._interpretations(graph, part),
        )

    def _criteria(self, graph: _Graph, part: Node) -> tuple[CriterionAssessment, ...]:
        nodes = {graph.iri(inner, "ofCriterion"): inner for inner in graph.nodes(part, "hasCriterionAssessment")}
        return tuple(
            CriterionAssessment(
                iri,
                self._guideline.criteria[iri].label,
                self._terms.key(graph.iri(nodes[iri], "hasStatus")),
                self._evidence(graph, nodes[iri]),
            )
            for iri in sorted(nodes)
        )

    def _evidence(self, graph: _Graph, criterion: Node) -> tuple[Evidence, ...]:
        parts = sorted(graph.nodes(criterion, "hasEvidence"), key=lambda part: int(graph.text(part, "displayOrder")))
        return tuple(
            Evidence(self._terms.record_keys[graph.iri(part, "ofFact")], json.loads(graph.text(part, "evidenceValue")))
            for part in parts
        )

    def _interpretations(self, graph: _Graph, part: Node) -> tuple[str, ...]:
        named = set(graph.iris(part, "restsOnInterpretation"))
        return tuple(each.key for each in self._guideline.interpretations if each.iri in named)

    def _missing(self, graph: _Graph, node: Node) -> Iterable[Missing]:
        items = {option.key: option.label for option in self._guideline.options}
        order = ["disposition", "strength", *items]
        found = {graph.iri(part, "ofFact"): part for part in graph.nodes(node, "hasMissingFact")}
        for fact in sorted(found, key=self._places.__getitem__):
            settles = sorted((each.value for each in graph.literals(found[fact], "wouldSettle")), key=order.index)
            labels = (items.get(each) or self._terms.label(f"{_NS}{each.capitalize()}") for each in settles)
            yield Missing(self._terms.record_keys[fact], self._terms.label(fact), tuple(settles), tuple(labels))

    def _notices(self, graph: _Graph, node: Node, kind: str) -> Iterable[Notice]:
        found = []
        for part in graph.nodes(node, "hasNotice"):
            if graph.is_a(part, kind):
                interpretations = self._interpretations(graph, part)
                code = self._terms.key(graph.iri(part, "hasNoticeCode"))
                found.append(Notice(code, graph.both(part, "message"), next(iter(interpretations), None)))
        return sorted(found, key=lambda notice: (notice.code, notice.message.en))

    def _cautions(self, graph: _Graph, node: Node, kind: str = "Caution") -> Iterable[Caution]:
        found = []
        for part in graph.nodes(node, "hasNotice"):
            if graph.is_a(part, kind):
                code = self._terms.key(graph.iri(part, "hasNoticeCode"))
                drug, stated = graph.iri_or_none(part, "concernsDrug"), graph.text(part, "source", _DCTERMS)
                sources = tuple(sorted(graph.iris(part, "hasSafetySource")))
                source = self._safety.cited(sources) if sources else Text(stated, stated)
                found.append(Caution(code, graph.both(part, "message"), drug, source, sources))
        return sorted(found, key=lambda caution: caution.order)


class _Graph:
    """Look-ups in a handful of triples, blank nodes included."""

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self._objects: dict[tuple[Node, str], list[Node]] = defaultdict(list)
        self._instances: dict[Node, list[Node]] = defaultdict(list)
        for triple in dict.fromkeys(triples):
            self._objects[triple.subject, triple.predicate.value].append(triple.object)
            if triple.predicate == RDF_TYPE:
                self._instances[triple.object].append(triple.subject)

    def instances(self, name: str) -> list[Node]:
        return self._instances[ox.NamedNode(_NS + name)]

    def is_a(self, node: Node, name: str) -> bool:
        return ox.NamedNode(_NS + name) in self._objects[node, RDF_TYPE.value]

    def nodes(self, node: Node, name: str) -> list[Node]:
        return self._objects[node, _NS + name]

    def iris(self, node: Node, name: str) -> list[str]:
        return [each.value for each in self.nodes(node, name) if isinstance(each, ox.NamedNode)]

    def iri(self, node: Node, name: str) -> str:
        found = self.iri_or_none(node, name)
        if found is None:
            raise UnreadableCaseError(f"An assessment lacks osteo:{name}.", advice="Give it whole, as it was written.")
        return found

    def iri_or_none(self, node: Node, name: str) -> str | None:
        return next(iter(self.iris(node, name)), None)

    def literals(self, node: Node, name: str, namespace: str = _NS) -> list[ox.Literal]:
        return [each for each in self._objects[node, namespace + name] if isinstance(each, ox.Literal)]

    def text(self, node: Node, name: str, namespace: str = _NS) -> str:
        found = self.literals(node, name, namespace)
        if not found:
            raise UnreadableCaseError(f"An assessment lacks {name}.", advice="Give it whole, as it was written.")
        return found[0].value

    def both(self, node: Node, name: str) -> Text:
        found = {each.language: each.value for each in self.literals(node, name)}
        return Text(found.get("en", ""), found.get("fr", ""))
