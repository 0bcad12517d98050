"""An assessment as a graph: the content of its JSON, in triples beside guideline and patient (contracts, section 4).

One table says how each attribute stands in the graph, for both directions: what is written is read back into an equal
assessment. The time stamp stands outside equality.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyoxigraph as ox

from osteo_kg.assessment.evidence import EvidenceTerms, shown_fact
from osteo_kg.assessment.model import (
    AdverseEvents,
    Assessment,
    Caution,
    CriterionAssessment,
    Evidence,
    Missing,
    Notice,
    OptionAssessment,
    RaisedObligation,
    RuleAssessment,
    Version,
)
from osteo_kg.assessment.notices import described
from osteo_kg.assessment.readings import taken_readings
from osteo_kg.assessment.safety_statements import SafetyStatements
from osteo_kg.bilingual import LANGUAGES, BilingualText, joined
from osteo_kg.case import patient_iri
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.rdf import DCTERMS, ONTOLOGY, OSTEO, OWL, PROV, RDF, XSD, Node, day_of, day_text, local_name
from osteo_kg.reasoning import Engine

Term = ox.NamedNode | ox.BlankNode | ox.Literal
_SHORTCUTS = {
    "eligible": OSTEO.isEligibleFor,
    "not-eligible": OSTEO.isNotEligibleFor,
    "undetermined": OSTEO.mayBeEligibleFor,
}


def assessment_iri(patient: str, guideline: str, on: datetime.date) -> str:
    """Give the IRI of the assessment of a patient, named by her IRI or a local id."""
    return f"{patient_iri(patient)}/assessment/{local_name(guideline)}/{on.isoformat()}"


@dataclass(frozen=True)
class _Value:
    """How a value stands in the graph, and its order among others of one attribute."""

    write: Callable[[Any], Term]
    read: Callable[[Term], Any]
    order: Callable[[Any], Any] = str


@dataclass(frozen=True)
class _Row:
    """How an attribute stands in the graph.

    Attributes:
        number: how many values it has; of `texts` one in each language.
        part: the class of its values, where they are parts with attributes of their own.
        kind: the class of a part in the graph, where it is not that of its table.
        order: the order of parts; `displayOrder` is written where it is None.
    """

    attribute: str
    property: ox.NamedNode
    value: _Value | None = None
    number: Literal["one", "optional", "many", "texts"] = "one"
    part: type | None = None
    kind: ox.NamedNode | None = None
    order: Callable[[Any], Any] | None = None


def _parts(
    attribute: str,
    property_: ox.NamedNode,
    part: type,
    order: Callable[[Any], Any] | None = None,
    kind: ox.NamedNode | None = None,
) -> _Row:
    return _Row(attribute, property_, None, "many", part, kind, order)


def _in_order(notice: Notice | Caution) -> Any:
    return notice.order if isinstance(notice, Caution) else (notice.code, notice.message.en)


class AssessmentGraph:
    """Writes assessments of one guideline as triples, and reads them back.

    Args:
        engine: the guideline at work, which knows labels, keys and the order of everything.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._terms, self._guideline = engine.knowledge.terms, engine.guideline
        self._safety = SafetyStatements(engine.knowledge)
        self._evidence = EvidenceTerms(self._terms)
        self._options = {option.key: option for option in self._guideline.options}
        self._rules = {rule.iri: rule for rule in self._guideline.rules}
        self._settled = ("disposition", "strength", *self._options)
        self._version = engine.knowledge.triples.value(ONTOLOGY + "osteo-kg", OWL.versionIRI) or ONTOLOGY + "osteo-kg"
        self._tables = self._made_tables()

    # what stands how

    def _coded(self, *kinds: ox.NamedNode) -> _Value:
        iris = {key: iri for kind in kinds for key, iri in self._terms.kinds[kind].items()}
        return _Value(lambda key: ox.NamedNode(iris[key]), lambda node: self._terms.key(_iri(node)))

    def _named(self, iris: Mapping[str, str]) -> _Value:
        """Let keys stand by their IRIs, in the order in which they are given."""
        keys, places = {iri: key for key, iri in iris.items()}, list(iris)
        return _Value(lambda key: ox.NamedNode(iris[key]), lambda node: keys[_iri(node)], places.index)

    def _made_tables(self) -> Mapping[type, tuple[ox.NamedNode, Sequence[_Row]]]:
        terms, guideline, places = self._terms, self._guideline, self._engine.space.places
        interpretations = self._named({each.key: each.iri for each in guideline.interpretations})
        rules, options = (
            self._named({iri: iri for iri in self._rules}),
            self._named({key: option.iri for key, option in self._options.items()}),
        )
        dispositions, strengths = self._coded(OSTEO.Disposition), self._coded(OSTEO.Strength)
        settled = _Value(ox.Literal, _text, self._settled.index)
        fact = _Row("fact", OSTEO.ofFact, self._named(terms.fact_of))
        status = _Row("status", OSTEO.hasStatus, self._coded(OSTEO.AssessmentStatus))
        rests_on = _Row("interpretations", OSTEO.restsOnInterpretation, interpretations, "many")
        criteria = _parts("criteria", OSTEO.hasCriterionAssessment, CriterionAssessment, lambda each: each.id)
        code = _Row("code", OSTEO.hasNoticeCode, self._coded(OSTEO.NoticeCode, OSTEO.SafetyStatement))
        message = _Row("message", OSTEO.message, number="texts")
        facts = self._named({terms.record_keys[fact]: fact for fact in places})
        cautions = _parts("cautions", OSTEO.hasNotice, Caution, _in_order)
        whole = (
            _Row("patient", DCTERMS.identifier, _TEXT),
            _Row("guideline", OSTEO.appliesGuideline, _IRI),
            _Row("review", OSTEO.hasReviewStatus, self._coded(OSTEO.ReviewStatus)),
            _Row("assessed_on", OSTEO.assessedOn, _DAY),
            _Row("situation", OSTEO.hasSituation, _IRI),
            _Row("disposition", OSTEO.hasDisposition, dispositions),
            _Row("strength", OSTEO.hasStrength, strengths, "optional"),
            _Row("possible", OSTEO.hasPossibleDisposition, dispositions, "many"),
            _Row("readings", OSTEO.takesOtherReadingOf, self._readings(), "many"),
            _parts("options", OSTEO.hasOptionAssessment, OptionAssessment, lambda each: options.order(each.treatment)),
            _parts("missing", OSTEO.hasMissingFact, Missing, lambda each: places[terms.fact_of[each.fact]]),
            _Row("obligations", OSTEO.hasObligation, self._due(), "many"),
            _parts("rules", OSTEO.hasRuleAssessment, RuleAssessment, lambda each: rules.order(each.id)),
            _parts("warnings", OSTEO.hasNotice, Notice, _in_order, OSTEO.Warning),
            _parts("assumptions", OSTEO.hasNotice, Notice, _in_order, OSTEO.Assumption),
            cautions,
        )
        option = (
            _Row("treatment", OSTEO.ofOption, options),
            status,
            _Row("line", OSTEO.hasLine, self._coded(OSTEO.TreatmentLine), "optional"),
            _Row("listed", OSTEO.isListed, _TRUTH, "optional"),
            _Row("listed_by", OSTEO.listedByRule, rules, "many"),
            rests_on,
            criteria,
            _Row("open_facts", OSTEO.isLeftOpenBy, facts, "many"),
            cautions,
            _parts("contraindications", OSTEO.hasNotice, Caution, _in_order, OSTEO.ContraindicationNotice),
        )
        caution = (
            code,
            message,
            _Row("drug", OSTEO.concernsDrug, _IRI, "optional"),
            _Row("source", DCTERMS.source, _ENGLISH),
            _Row("sources", OSTEO.hasSafetySource, _IRI, "many"),
            _Row("conditions", OSTEO.concernsCondition, _IRI, "many"),
            _Row("found", OSTEO.foundInRecord, number="texts"),
        )
        rule = (_Row("id", OSTEO.ofRule, rules), status, criteria, rests_on)
        evidence = _parts("evidence", OSTEO.hasEvidence, Evidence)
        rests_on_one = _Row("interpretation", OSTEO.restsOnInterpretation, interpretations, "optional")
        return {
            Assessment: (OSTEO.Assessment, whole),
            OptionAssessment: (OSTEO.OptionAssessment, option),
            RuleAssessment: (OSTEO.RuleAssessment, rule),
            CriterionAssessment: (OSTEO.CriterionAssessment, (_Row("id", OSTEO.ofCriterion, _IRI), status, evidence)),
            Evidence: (OSTEO.Evidence, (fact,)),
            Missing: (OSTEO.MissingFact, (fact, _Row("would_settle", OSTEO.wouldSettle, settled, "many"))),
            Notice: (OSTEO.Warning, (code, message, rests_on_one)),
            Caution: (OSTEO.Caution, caution),
        }

    def _readings(self) -> _Value:
        """Let readings that were switched stand by the IRIs of their interpretations."""
        known = {each.key: each for each in self._guideline.interpretations}
        every = {
            each.interpretation: each for each in taken_readings(self._guideline, (each.iri for each in known.values()))
        }
        places = {key: place for place, key in enumerate(known)}
        return _Value(
            lambda each: ox.NamedNode(known[each.interpretation].iri),
            lambda node: every[self._terms.key(_iri(node))],
            lambda each: places[each.interpretation],
        )

    def _due(self) -> _Value:
        """Let obligations stand by their IRIs."""
        known = {each.iri: each for each in self._guideline.obligations}
        iris = {each.key: iri for iri, each in known.items()}
        return _Value(
            lambda each: ox.NamedNode(iris[each.key]),
            lambda node: RaisedObligation(known[_iri(node)].key, known[_iri(node)].label),
            lambda each: list(iris).index(each.key),
        )

    # written

    def triples(self, assessment: Assessment, ended: datetime.datetime | None = None) -> Iterator[ox.Triple]:
        """Write one assessment; `ended` is when it was made, where that is to be told."""
        patient = ox.NamedNode(patient_iri(assessment.patient))
        node = ox.NamedNode(assessment_iri(assessment.patient, assessment.guideline, assessment.assessed_on))
        for option in assessment.options:
            yield ox.Triple(patient, _SHORTCUTS[option.status], ox.NamedNode(self._options[option.treatment].iri))
        yield ox.Triple(node, RDF.type, PROV.Entity)
        yield ox.Triple(node, OSTEO.assesses, patient)
        yield from self._written(node, assessment)
        for missing in assessment.missing:
            yield ox.Triple(node, OSTEO.isMissing, ox.NamedNode(self._terms.fact_of[missing.fact]))
        for events in assessment.adverse_events:
            yield ox.Triple(node, OSTEO.informsOf, ox.NamedNode(events.statement))
        yield from self._provenance(node, patient, assessment.version, ended)

    def _written(self, node: Node, value: object, kind: ox.NamedNode | None = None) -> Iterator[ox.Triple]:
        """Write a value by its table."""
        class_, rows = self._tables[type(value)]
        yield ox.Triple(node, RDF.type, kind or class_)
        for row in rows:
            found = getattr(value, row.attribute)
            if row.part is not None:
                yield from self._parts(node, row, found)
            elif isinstance(found, BilingualText) and row.number == "texts":
                for language in LANGUAGES if found.en else ():
                    yield ox.Triple(node, row.property, ox.Literal(found.get(language), language=language))
            elif row.value is not None:
                for each in found if row.number == "many" else () if found is None else (found,):
                    yield ox.Triple(node, row.property, row.value.write(each))
        if isinstance(value, Evidence):
            yield from self._evidence.written(node, value.fact, value.value)

    def _parts(self, node: Node, row: _Row, parts: Iterable[object]) -> Iterator[ox.Triple]:
        for number, each in enumerate(parts):
            part = ox.BlankNode()
            yield ox.Triple(node, row.property, part)
            yield from self._written(part, each, row.kind)
            if row.order is None:
                yield ox.Triple(part, OSTEO.displayOrder, ox.Literal(str(number), datatype=XSD.integer))

    def _provenance(
        self, node: Node, patient: ox.NamedNode, version: Version, ended: datetime.datetime | None
    ) -> Iterator[ox.Triple]:
        activity = ox.BlankNode()
        yield ox.Triple(node, PROV.wasDerivedFrom, patient)
        yield ox.Triple(node, OSTEO.softwareVersion, ox.Literal(version.software))
        yield ox.Triple(node, OSTEO.knowledgeDigest, ox.Literal(version.knowledge))
        yield ox.Triple(node, PROV.wasGeneratedBy, activity)
        yield ox.Triple(activity, RDF.type, PROV.Activity)
        yield ox.Triple(activity, PROV.used, ox.NamedNode(self._version))
        if ended is not None:
            stamp = ox.Literal(ended.isoformat(timespec="seconds"), datatype=XSD.dateTime)
            yield ox.Triple(activity, PROV.endedAtTime, stamp)

    # read back

    def read(self, triples: Iterable[ox.Triple]) -> tuple[Assessment, ...]:
        """Read every assessment of this guideline, in the order of patients and days.

        Raises:
            UnreadableCaseError: the triples hold none, or one that is not whole.
        """
        graph = _Graph(triples)
        own = ox.NamedNode(self._guideline.iri)
        nodes = [
            node for node in graph.instances(OSTEO.Assessment) if own in graph.values(node, OSTEO.appliesGuideline)
        ]
        if not nodes:
            raise UnreadableCaseError("The graph holds no assessment.", advice="Give one written by `osteo-kg assess`.")
        found = [self._assessment(graph, node) for node in nodes]
        return tuple(sorted(found, key=lambda each: (each.patient, each.assessed_on)))

    def _assessment(self, graph: _Graph, node: Node) -> Assessment:
        software = _text(graph.value(node, OSTEO.softwareVersion))
        version = Version(software, _text(graph.value(node, OSTEO.knowledgeDigest)))
        found = self._values(graph, node, Assessment) | {
            "version": version,
            "adverse_events": self._events(graph, node),
        }
        strength = found["strength"]
        found["disposition_label"] = self._label(OSTEO.Disposition, found["disposition"])
        found["strength_label"] = self._label(OSTEO.Strength, strength) if strength else None
        return Assessment(**found)

    def _values(self, graph: _Graph, node: Node, class_: type) -> dict[str, Any]:
        """Read the attributes of a value by its table."""
        _, rows = self._tables[class_]
        return {row.attribute: self._attribute(graph, node, row) for row in rows}

    def _attribute(self, graph: _Graph, node: Node, row: _Row) -> Any:
        if row.number == "texts":
            return graph.texts(node, row.property)
        if row.part is not None:
            kind = row.kind or self._tables[row.part][0]
            parts = [part for part in graph.nodes(node, row.property) if graph.is_a(part, kind)]
            if row.order is None:
                parts.sort(key=lambda part: int(_text(graph.value(part, OSTEO.displayOrder))))
            made = [self._part(graph, part, row.part) for part in parts]
            return tuple(sorted(made, key=row.order) if row.order else made)
        assert row.value is not None  # it is no part
        if row.number == "one":
            return row.value.read(graph.value(node, row.property))
        found = [row.value.read(each) for each in graph.values(node, row.property)]
        return tuple(sorted(found, key=row.value.order)) if row.number == "many" else next(iter(found), None)

    def _part(self, graph: _Graph, node: Node, class_: type) -> Any:
        found = self._values(graph, node, class_)
        if class_ is Evidence:
            found["value"] = self._evidence.read(node, found["fact"], graph.values)
        return class_(**found | _DERIVED[class_](self, found)) if class_ in _DERIVED else class_(**found)

    def _of_caution(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Name its sources in both languages again, where it is one of the safety layer, and its conditions."""
        condition = joined(map(self._terms.label, found["conditions"]))
        return {"condition": condition} | ({"source": self._safety.cited(found["sources"])} if found["sources"] else {})

    def _label(self, kind: ox.NamedNode, key: str) -> BilingualText:
        return self._terms.label(self._terms.kinds[kind][key])

    def _events(self, graph: _Graph, node: Node) -> tuple[AdverseEvents, ...]:
        drugs = (drug for option in self._guideline.options for drug in option.drugs)
        return self._safety.informing(drugs, {_iri(each) for each in graph.values(node, OSTEO.informsOf)})

    def _of_option(self, found: Mapping[str, Any]) -> dict[str, Any]:
        option = self._options[found["treatment"]]
        labels = tuple(map(self._terms.label, option.drugs))
        return {"label": option.label, "drugs": option.drugs, "drug_labels": labels}

    def _of_rule(self, found: Mapping[str, Any]) -> dict[str, Any]:
        rule = self._rules[found["id"]]
        return {name: getattr(rule, name) for name in ("label", "disposition", "restates", "cites")}

    def _of_criterion(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"label": self._guideline.criteria[found["id"]].label}

    def _of_missing(self, found: Mapping[str, Any]) -> dict[str, Any]:
        options = {key: option.label for key, option in self._options.items()}
        settled = (options.get(each) or self._terms.label(OSTEO[each.capitalize()]) for each in found["would_settle"])
        return {"label": self._terms.label(self._terms.fact_of[found["fact"]]), "would_settle_labels": tuple(settled)}

    def _of_evidence(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"shown": shown_fact(found["fact"], found["value"], self._terms)}

    def _of_notice(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(("label", "is_red_flag"), described(found["code"], self._terms), strict=True))


#: What a part says beside what is written: what the guideline says of it.
_DERIVED: Mapping[type, Callable[[AssessmentGraph, Mapping[str, Any]], dict[str, Any]]] = {
    OptionAssessment: AssessmentGraph._of_option,
    RuleAssessment: AssessmentGraph._of_rule,
    CriterionAssessment: AssessmentGraph._of_criterion,
    Missing: AssessmentGraph._of_missing,
    Caution: AssessmentGraph._of_caution,
    Evidence: AssessmentGraph._of_evidence,
    Notice: AssessmentGraph._of_notice,
}


def _iri(node: Term) -> str:
    if not isinstance(node, ox.NamedNode):
        raise UnreadableCaseError(
            f"An assessment has {node} where an IRI belongs.", advice="Give it as it was written."
        )
    return node.value


def _text(node: Term) -> str:
    if not isinstance(node, ox.Literal):
        raise UnreadableCaseError(
            f"An assessment has {node} where a text belongs.", advice="Give it as it was written."
        )
    return node.value


_IRI = _Value(ox.NamedNode, _iri)
_TEXT = _Value(ox.Literal, _text)
_ENGLISH = _Value(lambda text: ox.Literal(text.en), lambda node: BilingualText(_text(node), _text(node)))
_TRUTH = _Value(lambda truth: ox.Literal(str(truth).lower(), datatype=XSD.boolean), lambda node: _text(node) == "true")
_DAY = _Value(day_of, lambda node: datetime.date.fromisoformat(day_text(_text(node))))


class _Graph:
    """Look-ups in a handful of triples, blank nodes included."""

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self._objects: dict[tuple[Any, ox.NamedNode], list[Any]] = defaultdict(list)
        self._instances: dict[Any, list[Any]] = defaultdict(list)
        for triple in dict.fromkeys(triples):
            self._objects[triple.subject, triple.predicate].append(triple.object)
            if triple.predicate == RDF.type:
                self._instances[triple.object].append(triple.subject)

    def instances(self, kind: ox.NamedNode) -> list[Node]:
        return self._instances[kind]

    def is_a(self, node: Node, kind: ox.NamedNode) -> bool:
        return kind in self._objects[node, RDF.type]

    def values(self, node: Node, property_: ox.NamedNode) -> list[Term]:
        return self._objects[node, property_]

    def nodes(self, node: Node, property_: ox.NamedNode) -> list[Node]:
        return [each for each in self.values(node, property_) if not isinstance(each, ox.Literal)]

    def value(self, node: Node, property_: ox.NamedNode) -> Term:
        found = self.values(node, property_)
        if not found:
            name = local_name(property_)
            raise UnreadableCaseError(f"An assessment lacks {name}.", advice="Give it whole, as it was written.")
        return found[0]

    def texts(self, node: Node, property_: ox.NamedNode) -> BilingualText:
        literals = (each for each in self.values(node, property_) if isinstance(each, ox.Literal))
        found = {each.language: each.value for each in literals}
        return BilingualText(found.get("en", ""), found.get("fr", ""))
