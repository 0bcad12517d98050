"""An assessment as a graph: the content of its JSON, in triples beside guideline and patient (design.md 3.4).

What is written can be read back into an equal assessment; the time stamp stands outside equality.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from osteo_kg.assessment import Assessment, Caution, CriterionAssessment, Notice, OptionAssessment
from osteo_kg.cases import BOOLEAN, DATE_TIME, INTEGER, patient_iri
from osteo_kg.engine import Engine
from osteo_kg.sources import day_term
from osteo_kg.texts import LANGUAGES, Text
from osteo_kg.triples import RDF_TYPE
from osteo_kg.vocabulary import ONTOLOGY, OSTEO, local_name

PROV, DCTERMS = "http://www.w3.org/ns/prov#", "http://purl.org/dc/terms/"
Subject = ox.NamedNode | ox.BlankNode
_BY_STATUS = {"eligible": "isEligibleFor", "not-eligible": "isNotEligibleFor", "undetermined": "mayBeEligibleFor"}


def term(name: str) -> ox.NamedNode:
    """Give a term of our vocabulary."""
    return ox.NamedNode(f"{OSTEO._NS}{name}")


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
        self._version = knowledge.triples.value(ONTOLOGY + "osteo-kg", _VERSION_IRI) or ONTOLOGY + "osteo-kg"

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
        yield ox.Triple(node, term("assessedOn"), day_term(assessment.assessed_on))
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
        return ox.NamedNode(self._kinds[f"{OSTEO._NS}{kind}"][key])

    def _option(self, node: Subject, option: OptionAssessment) -> Iterator[ox.Triple]:
        part = ox.BlankNode()
        yield ox.Triple(node, term("hasOptionAssessment"), part)
        yield from _typed(part, term("OptionAssessment"))
        yield ox.Triple(part, term("ofOption"), self._options[option.treatment])
        if option.line:
            yield ox.Triple(part, term("hasLine"), self._coded("TreatmentLine", option.line))
        if option.listed is not None:
            yield ox.Triple(part, term("isListed"), ox.Literal(str(option.listed).lower(), datatype=BOOLEAN))
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
                yield ox.Triple(fact, term("displayOrder"), ox.Literal(str(number), datatype=INTEGER))
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

    def _told(self, node: Subject, part: ox.BlankNode, kind: str, code: str, message: Text) -> Iterator[ox.Triple]:
        yield ox.Triple(node, term("hasNotice"), part)
        yield from _typed(part, term(kind))
        yield ox.Triple(part, term("hasNoticeCode"), self._coded("NoticeCode", code))
        for language in LANGUAGES:
            yield ox.Triple(part, term("message"), ox.Literal(message.in_(language), language=language))

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
            stamp = ox.Literal(ended.isoformat(timespec="seconds"), datatype=DATE_TIME)
            yield ox.Triple(activity, ox.NamedNode(PROV + "endedAtTime"), stamp)


def _typed(node: Subject, *classes: ox.NamedNode) -> Iterator[ox.Triple]:
    for each in classes:
        yield ox.Triple(node, RDF_TYPE, each)


_VERSION_IRI = "http://www.w3.org/2002/07/owl#versionIRI"
