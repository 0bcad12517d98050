"""An assessment as FHIR R4: a GuidanceResponse that says what was found, and a RequestGroup that says what to do."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from osteo_kg.assessment.model import Assessment, Missing, Notice, OptionAssessment
from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.case import patient_iri
from osteo_kg.case.fhir.bundles import Resource
from osteo_kg.case.fhir.codings import OWN_SYSTEM
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, local_name
from osteo_kg.reasoning import NOT_ELIGIBLE, UNDETERMINED, UNKNOWN

#: Where a FHIR server is to look for a fact that is missing.
_TYPES = {
    OSTEO.RecordedSex.value: "Patient",
    OSTEO.AgeAtAssessment.value: "Patient",
    OSTEO.FractureHistory.value: "Condition",
    OSTEO.MedicalHistory.value: "Condition",
    OSTEO.TreatmentHistory.value: "MedicationStatement",
}
_DENSITOMETRY, _OUT_OF_SCOPE = "densitometry-required", "out-of-scope"
#: Dispositions that ask for a service; the others are a task of whoever treats her.
_SERVICES = (_DENSITOMETRY, "specialist-opinion")
#: How each kind of request names its patient, its subject matter, and its place in a group.
_REQUESTS = {
    "MedicationRequest": ("subject", "medicationCodeableConcept", "option"),
    "ServiceRequest": ("subject", "code", "proposal"),
    "Task": ("for", "code", "proposal"),
}
_TITLE = BilingualText("What to do", "Conduite à tenir")
_CHOICE = BilingualText(
    "Drug treatment: at most one of these, no order of preference",
    "Traitement médicamenteux : un seul au choix, sans ordre de préférence",
)


def guidance(assessment: Assessment, terms: Terms, language: Language) -> Iterator[Resource]:
    """Give the GuidanceResponse of an assessment, and its RequestGroup where there is anything to do."""
    writer = _Guidance(assessment, terms, language)
    yield writer.response()
    if assessment.disposition != _OUT_OF_SCOPE:
        yield writer.request()


def guidance_bundle(assessments: Iterable[Assessment], terms: Terms, language: Language) -> Resource:
    """Give one Bundle with the resources of every assessment."""
    resources = [each for assessment in assessments for each in guidance(assessment, terms, language)]
    entries = [{"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


class _Guidance:
    """Writes the resources of one assessment."""

    def __init__(self, assessment: Assessment, terms: Terms, language: Language) -> None:
        self._assessment = assessment
        self._terms = terms
        self._language = language

    def response(self) -> Resource:
        """Say what was found, what it rests on, and what is missing."""
        found = self._assessment
        response: Resource = {
            "resourceType": "GuidanceResponse",
            "id": self._id("response"),
            "language": self._language,
            "contained": [self._outcome(), self._parameters()],
            "moduleCanonical": found.guideline,
            "status": self._status(),
            "subject": self._subject(),
            "occurrenceDateTime": found.assessed_on.isoformat(),
            "reasonCode": [
                {"coding": [{"system": found.guideline, "code": local_name(rule.id)}], "text": self._say(rule.restates)}
                for rule in found.deciding
            ],
            "evaluationMessage": [{"reference": "#messages"}],
            "outputParameters": {"reference": "#answer"},
            "dataRequirement": [self._wanted(each) for each in found.missing],
        }
        if found.disposition != _OUT_OF_SCOPE:
            response["result"] = {"reference": f"urn:uuid:{self._id('request')}", "type": "RequestGroup"}
        return {key: value for key, value in response.items() if value != []}

    def request(self) -> Resource:
        """Say what to do: the disposition, the options, and the obligations.

        Each action stands for a request, contained and in draft, or for a group of actions: never for neither, never
        for both (invariant rqg-1).
        """
        found = self._assessment
        contained: list[Resource] = []
        actions = [self._disposition(contained), *self._choice(contained)]
        actions += [self._obligation(each.key, each.label, contained) for each in found.obligations]
        return {
            "resourceType": "RequestGroup",
            "id": self._id("request"),
            "language": self._language,
            "contained": contained,
            "instantiatesCanonical": [found.guideline],
            "status": "draft",
            "intent": "proposal",
            "subject": self._subject(),
            "authoredOn": found.assessed_on.isoformat(),
            "action": actions,
        }

    def _standing_for(self, kind: str, term: str, label: BilingualText, contained: list[Resource]) -> Resource:
        """Begin an action, and add to the contained resources the request of a kind that it stands for."""
        subject, matter, intent = _REQUESTS[kind]
        name, concept = term.removeprefix(OWN_SYSTEM), {**self._code(term), "text": self._say(label)}
        request = {"resourceType": kind, "id": name, "status": "draft", "intent": intent, matter: concept}
        contained.append({**request, subject: self._subject()})
        return {"title": self._say(label), "code": [self._code(term)], "resource": {"reference": f"#{name}"}}

    def _disposition(self, contained: list[Resource]) -> Resource:
        found = self._assessment
        kind = "ServiceRequest" if found.disposition in _SERVICES else "Task"
        term = self._terms.kinds[OSTEO.Disposition][found.disposition]
        action = self._standing_for(kind, term, found.disposition_label, contained)
        citations = [{"type": "citation", "resource": rule.id} for rule in found.deciding]
        action |= {"title": self._say(_TITLE), "description": self._say(found.disposition_label)}
        return {**action, "documentation": citations} if citations else action

    def _status(self) -> str:
        """Give `data-required` where nothing can be said without more, `data-requested` where more would say more."""
        if self._assessment.disposition in (UNDETERMINED, _DENSITOMETRY):
            return "data-required"
        return "data-requested" if self._assessment.missing else "success"

    def _outcome(self) -> Resource:
        """Give the notices as messages; every answer says that it was not reviewed."""
        notices = [("warning", each) for each in self._assessment.warnings]
        notices += [("information", each) for each in self._assessment.assumptions]
        issues = [self._issue(severity, notice) for severity, notice in notices]
        review = {"severity": "information", "code": "informational", "diagnostics": self._assessment.review}
        return {"resourceType": "OperationOutcome", "id": "messages", "issue": [review, *issues]}

    def _issue(self, severity: str, notice: Notice) -> Resource:
        coding = [self._coding(self._terms.kinds[OSTEO.NoticeCode][notice.code])]
        details = {"coding": coding, "text": self._say(notice.message)}
        return {"severity": severity, "code": "informational", "details": details}

    def _parameters(self) -> Resource:
        found = self._assessment
        named = [("disposition", found.disposition), ("strength", found.strength)]
        named += [("possible", each) for each in found.possible]
        parameters: list[Resource] = [{"name": name, "valueCode": value} for name, value in named if value]
        parameters += [{"name": "situation", "valueUri": found.situation}]
        parameters += [{"name": "knowledge", "valueString": found.version.knowledge}]
        return {"resourceType": "Parameters", "id": "answer", "parameter": parameters}

    def _choice(self, contained: list[Resource]) -> Iterator[Resource]:
        options = [self._option(each, contained) for each in self._assessment.options if each.status != NOT_ELIGIBLE]
        if options:
            yield {
                "title": self._say(_CHOICE),
                "groupingBehavior": "logical-group",
                "selectionBehavior": "at-most-one",
                "action": options,
            }

    def _option(self, option: OptionAssessment, contained: list[Resource]) -> Resource:
        words = [self._say(each.message) for each in (*option.contraindications, *option.cautions)]
        words += [f"{self._say(each.label)}: ?" for each in option.criteria if each.status == UNKNOWN]
        term = self._terms.kinds[OSTEO.TreatmentOption][option.treatment]
        action: Resource = {
            **self._standing_for("MedicationRequest", term, option.label, contained),
            "textEquivalent": option.status,
            "precheckBehavior": "no",
            "documentation": [{"type": "citation", "resource": rule} for rule in option.listed_by],
        }
        return {**action, "description": "\n".join(words)} if words else action

    def _obligation(self, key: str, label: BilingualText, contained: list[Resource]) -> Resource:
        term = self._terms.kinds[OSTEO.Obligation][key]
        return {**self._standing_for("Task", term, label, contained), "requiredBehavior": "must"}

    def _wanted(self, missing: Missing) -> Resource:
        """Say where a fact that is missing would be found, by our own code and the published ones."""
        fact = next(iri for iri, key in self._terms.record_keys.items() if key == missing.fact)
        kind = _TYPES.get(fact, "Observation")
        wanted: Resource = {"type": kind, "profile": [f"http://hl7.org/fhir/StructureDefinition/{kind}"]}
        if kind == "Patient":
            return {**wanted, "mustSupport": ["gender" if fact == OSTEO.RecordedSex.value else "birthDate"]}
        sites = self._terms.kinds[OSTEO.AxialSite].values() if fact == OSTEO.AxialTScore.value else ()
        published = [code for term in (fact, *sites) for code in self._terms.codes.of(term)]
        codes = [self._coding(fact), *({"system": code.system, "code": code.value} for code in published)]
        return wanted if kind != "Observation" else {**wanted, "codeFilter": [{"path": "code", "code": codes}]}

    def _subject(self) -> Resource:
        return {"identifier": {"system": OWN_SYSTEM, "value": patient_iri(self._assessment.patient)}}

    def _id(self, what: str) -> str:
        found = self._assessment
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{found.patient} {found.guideline} {found.assessed_on} {what}"))

    def _code(self, term: str) -> Resource:
        return {"coding": [self._coding(term)]}

    def _coding(self, term: str) -> Resource:
        display = self._say(self._terms.label(term))
        return {"system": OWN_SYSTEM, "code": term.removeprefix(OWN_SYSTEM), "display": display}

    def _say(self, text: BilingualText) -> str:
        return text.get(self._language)
