"""An assessment as a graph: the content of its JSON, in triples beside guideline and patient (design.md 3.4).

What is written can be read back into an equal assessment; the time stamp stands outside equality.
"""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from osteo_kg.assessment.model import (
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
from osteo_kg.assessment.safety_statements import SafetyStatements
from osteo_kg.bilingual import LANGUAGES, BilingualText
from osteo_kg.case.model import patient_iri
from osteo_kg.case.remarks import day_of
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.rdf.terms import ONTOLOGY, OSTEO, OWL, RDF, XSD, day_text, local_name
from osteo_kg.reasoning.engine import Engine

PROV, DCTERMS = "http://www.w3.org/ns/prov#", "http://purl.org/dc/terms/"
Subject = ox.NamedNode | ox.BlankNode
_BY_STATUS = {"eligible": "isEligibleFor", "not-eligible": "isNotEligibleFor", "undetermined": "mayBeEligibleFor"}


def term(name: str) -> ox.NamedNode:
    """Give a term of our vocabulary."""
    return ox.NamedNode(f"{OSTEO.iri}{name}")


def assessment_iri(patient: str, guideline: str, on: datetime.date) -> str:
    """Give the IRI of the assessment of a patient, named by her IRI or a local id."""
    return f"{patient_iri(patient)}/assessment/{local_name(guideline)}/{on.isoformat()}"


class AssessmentWriter:
    """Writes assessments of one guideline as triples.

    Args:
        engine: the guideline at work, which knows the IRI of every key.
    """

    def __init__(self, engine: Engine) -> None:
        knowledge, guideline = engine.knowledge, engine.guideline
        self._kinds = knowledge.terms.kinds
        self._facts = {key: iri for iri, key in knowledge.terms.record_keys.items()}
        self._interpretations = {each.key: each.iri for each in guideline.interpretations}
        self._options = {option.key: ox.NamedNode(option.iri) for option in guideline.options}
        self._version = knowledge.triples.value(ONTOLOGY + "osteo-kg", OWL.versionIRI) or ONTOLOGY + "osteo-kg"

    def triples(self, assessment: Assessment, ended: datetime.datetime | None = None) -> Iterator[ox.Triple]:
        """Write one assessment; `ended` is when it was made, where that is to be told."""
        patient = ox.NamedNode(patient_iri(assessment.patient))
        node = ox.NamedNode(assessment_iri(assessment.patient, assessment.guideline, assessment.assessed_on))
        for option in assessment.options:
            yield ox.Triple(patient, term(_BY_STATUS[option.status]), self._options[option.treatment])
        yield from _typed(node, term("Assessment"), ox.NamedNode(PROV + "Entity"))
        yield ox.Triple(node, term("assesses"), patient)
        yield ox.Triple(node, ox.NamedNode(DCTERMS + "identifier"), ox.Literal(assessment.patient))
        yield ox.Triple(node, term("appliesGuideline"), ox.NamedNode(assessment.guideline))
        yield ox.Triple(node, term("assessedOn"), day_of(assessment.assessed_on))
        yield ox.Triple(node, term("hasSituation"), ox.NamedNode(assessment.situation))
        yield ox.Triple(node, term("hasReviewStatus"), self._coded("ReviewStatus", assessment.review))
        yield ox.Triple(node, term("hasDisposition"), self._coded("Disposition", assessment.disposition))
        for possible in assessment.possible:
            yield ox.Triple(node, term("hasPossibleDisposition"), self._coded("Disposition", possible))
        if assessment.strength:
            yield ox.Triple(node, term("hasStrength"), self._coded("Strength", assessment.strength))
        for each in assessment.options:
            yield from self._option(node, each)
        for rule in assessment.rules:
            part = ox.BlankNode()
            yield ox.Triple(node, term("hasRuleAssessment"), part)
            yield from _typed(part, term("RuleAssessment"))
            yield ox.Triple(part, term("ofRule"), ox.NamedNode(rule.id))
            yield from self._weighed(part, rule.status, rule.criteria, rule.interpretations)
        for missing in assessment.missing:
            yield from self._missing(node, missing.fact, missing.would_settle)
        for obligation in assessment.obligations:
            yield ox.Triple(node, term("hasObligation"), self._coded("Obligation", obligation.key))
        for notice in assessment.warnings:
            yield from self._notice(node, "Warning", notice)
        for notice in assessment.assumptions:
            yield from self._notice(node, "Assumption", notice)
        for caution in assessment.cautions:
            yield from self._caution(node, caution)
        for events in assessment.adverse_events:
            yield ox.Triple(node, term("informsOf"), ox.NamedNode(events.statement))
        yield from self._provenance(node, patient, assessment, ended)

    def _coded(self, kind: str, key: str) -> ox.NamedNode:
        return ox.NamedNode(self._kinds[OSTEO[kind]][key])

    def _option(self, node: Subject, option: OptionAssessment) -> Iterator[ox.Triple]:
        part = ox.BlankNode()
        yield ox.Triple(node, term("hasOptionAssessment"), part)
        yield from _typed(part, term("OptionAssessment"))
        yield ox.Triple(part, term("ofOption"), self._options[option.treatment])
        if option.line:
            yield ox.Triple(part, term("hasLine"), self._coded("TreatmentLine", option.line))
        if option.listed is not None:
            yield ox.Triple(part, term("isListed"), ox.Literal(str(option.listed).lower(), datatype=XSD.boolean))
        for rule in option.listed_by:
            yield ox.Triple(part, term("listedByRule"), ox.NamedNode(rule))
        yield from self._weighed(part, option.status, option.criteria, option.interpretations)
        for caution in option.cautions:
            yield from self._caution(part, caution)
        for each in option.contraindications:
            yield from self._caution(part, each, "ContraindicationNotice")

    def _weighed(
        self,
        part: Subject,
        status: str,
        criteria: Iterable[CriterionAssessment],
        interpretations: Iterable[str],
    ) -> Iterator[ox.Triple]:
        yield ox.Triple(part, term("hasStatus"), self._status(status))
        for key in interpretations:
            yield ox.Triple(part, term("restsOnInterpretation"), ox.NamedNode(self._interpretations[key]))
        for criterion in criteria:
            inner = ox.BlankNode()
            yield ox.Triple(part, term("hasCriterionAssessment"), inner)
            yield from _typed(inner, term("CriterionAssessment"))
            yield ox.Triple(inner, term("ofCriterion"), ox.NamedNode(criterion.id))
            yield ox.Triple(inner, term("hasStatus"), self._status(criterion.status))
            for number, evidence in enumerate(criterion.evidence):
                fact = ox.BlankNode()
                yield ox.Triple(inner, term("hasEvidence"), fact)
                yield from _typed(fact, term("Evidence"))
                yield ox.Triple(fact, term("displayOrder"), ox.Literal(str(number), datatype=XSD.integer))
                yield ox.Triple(fact, term("ofFact"), ox.NamedNode(self._facts[evidence.fact]))
                yield ox.Triple(fact, term("evidenceValue"), ox.Literal(json.dumps(evidence.value)))

    def _status(self, key: str) -> ox.NamedNode:
        return self._coded("AssessmentStatus", key)

    def _missing(self, node: Subject, fact: str, would_settle: Iterable[str]) -> Iterator[ox.Triple]:
        part, named = ox.BlankNode(), ox.NamedNode(self._facts[fact])
        yield ox.Triple(node, term("isMissing"), named)
        yield ox.Triple(node, term("hasMissingFact"), part)
        yield from _typed(part, term("MissingFact"))
        yield ox.Triple(part, term("ofFact"), named)
        for item in would_settle:
            yield ox.Triple(part, term("wouldSettle"), ox.Literal(item))

    def _notice(self, node: Subject, kind: str, notice: Notice) -> Iterator[ox.Triple]:
        part = ox.BlankNode()
        yield from self._told(node, part, kind, notice.code, notice.message)
        if notice.interpretation:
            interpretation = ox.NamedNode(self._interpretations[notice.interpretation])
            yield ox.Triple(part, term("restsOnInterpretation"), interpretation)

    def _caution(self, node: Subject, caution: Caution, kind: str = "Caution") -> Iterator[ox.Triple]:
        part = ox.BlankNode()
        yield from self._told(node, part, kind, caution.code, caution.message)
        yield ox.Triple(part, ox.NamedNode(DCTERMS + "source"), ox.Literal(caution.source.en))
        for source in caution.sources:
            yield ox.Triple(part, term("hasSafetySource"), ox.NamedNode(source))
        if caution.drug:
            yield ox.Triple(part, term("concernsDrug"), ox.NamedNode(caution.drug))

    def _told(
        self, node: Subject, part: ox.BlankNode, kind: str, code: str, message: BilingualText
    ) -> Iterator[ox.Triple]:
        yield ox.Triple(node, term("hasNotice"), part)
        yield from _typed(part, term(kind))
        yield ox.Triple(part, term("hasNoticeCode"), self._coded("NoticeCode", code))
        for language in LANGUAGES:
            yield ox.Triple(part, term("message"), ox.Literal(message.get(language), language=language))

    def _provenance(
        self, node: Subject, patient: ox.NamedNode, assessment: Assessment, ended: datetime.datetime | None
    ) -> Iterator[ox.Triple]:
        activity = ox.BlankNode()
        yield ox.Triple(node, ox.NamedNode(PROV + "wasDerivedFrom"), patient)
        yield ox.Triple(node, term("softwareVersion"), ox.Literal(assessment.software))
        yield ox.Triple(node, term("knowledgeDigest"), ox.Literal(assessment.knowledge))
        yield ox.Triple(node, ox.NamedNode(PROV + "wasGeneratedBy"), activity)
        yield from _typed(activity, ox.NamedNode(PROV + "Activity"))
        yield ox.Triple(activity, ox.NamedNode(PROV + "used"), ox.NamedNode(self._version))
        if ended is not None:
            stamp = ox.Literal(ended.isoformat(timespec="seconds"), datatype=XSD.dateTime)
            yield ox.Triple(activity, ox.NamedNode(PROV + "endedAtTime"), stamp)


def _typed(node: Subject, *classes: ox.NamedNode) -> Iterator[ox.Triple]:
    for each in classes:
        yield ox.Triple(node, RDF.type, each)


# Read an assessment back from its graph: equal to the one that was written.

_NS, _DCTERMS = OSTEO.iri, "http://purl.org/dc/terms/"
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
            assessed_on=datetime.date.fromisoformat(day_text(graph.text(node, "assessedOn"))),
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
                source = self._safety.cited(sources) if sources else BilingualText(stated, stated)
                found.append(Caution(code, graph.both(part, "message"), drug, source, sources))
        return sorted(found, key=lambda caution: caution.order)


class _Graph:
    """Look-ups in a handful of triples, blank nodes included."""

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self._objects: dict[tuple[Node, str], list[Node]] = defaultdict(list)
        self._instances: dict[Node, list[Node]] = defaultdict(list)
        for triple in dict.fromkeys(triples):
            self._objects[triple.subject, triple.predicate.value].append(triple.object)
            if triple.predicate == RDF.type:
                self._instances[triple.object].append(triple.subject)

    def instances(self, name: str) -> list[Node]:
        return self._instances[ox.NamedNode(_NS + name)]

    def is_a(self, node: Node, name: str) -> bool:
        return ox.NamedNode(_NS + name) in self._objects[node, RDF.type.value]

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

    def both(self, node: Node, name: str) -> BilingualText:
        found = {each.language: each.value for each in self.literals(node, name)}
        return BilingualText(found.get("en", ""), found.get("fr", ""))
