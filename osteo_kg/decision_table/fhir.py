"""A guideline as a FHIR R4 PlanDefinition, out of the ontology: a rule is an action, a criterion its condition."""

from __future__ import annotations

from collections.abc import Iterable

from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.case.fhir.bundles import Resource
from osteo_kg.case.fhir.codings import OWN_SYSTEM
from osteo_kg.knowledge import Guideline, Knowledge, Listing, Rule
from osteo_kg.package_data import software_version
from osteo_kg.rdf import OSTEO

_TYPE = {"system": "http://terminology.hl7.org/CodeSystem/plan-definition-type", "code": "eca-rule"}
_SPAN = BilingualText(
    "Characters {start} to {end} of the source, SHA-256 {sha256}.",
    "Caractères {start} à {end} de la source, SHA-256 {sha256}.",
)
_REVIEW = BilingualText("Review by a clinician: {review}.", "Relecture par un clinicien : {review}.")


def plan_definition(guideline: Guideline, knowledge: Knowledge, language: Language) -> Resource:
    """Give a guideline as a PlanDefinition, with its sentences in one language."""
    return _Plan(guideline, knowledge, language).definition()


class _Plan:
    """Writes one guideline."""

    def __init__(self, guideline: Guideline, knowledge: Knowledge, language: Language) -> None:
        self._guideline = guideline
        self._terms = knowledge.terms
        self._digest = knowledge.digest
        self._language = language

    def definition(self) -> Resource:
        """Give the whole of it: a draft for use in trials, as long as no clinician has reviewed it."""
        found = self._guideline
        review = self._terms.label(self._terms.kinds[OSTEO.ReviewStatus][found.review])
        return {
            "resourceType": "PlanDefinition",
            "id": found.id,
            "language": self._language,
            "url": found.iri,
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:sha256:{self._digest}"}],
            "version": software_version(),
            "name": "".join(part.capitalize() for part in found.id.split("-")),
            "title": self._say(found.label),
            "type": {"coding": [_TYPE]},
            "status": "draft",
            "experimental": True,
            "description": self._say(_REVIEW.filled({"review": review})),
            "action": [
                *(self._rule(rule) for rule in found.rules),
                *(self._action(each.iri, each.label) for each in found.obligations),
            ],
        }

    def _rule(self, rule: Rule) -> Resource:
        span = {"start": f"{rule.cites.start}", "end": f"{rule.cites.end}", "sha256": rule.cites.sha256}
        disposition = self._terms.kinds[OSTEO.Disposition][rule.disposition]
        action = {
            **self._action(rule.iri, rule.label),
            "description": self._say(rule.restates),
            "code": [self._code(disposition)],
            "documentation": [{"type": "citation", "citation": self._say(_SPAN.filled(span))}],
            "condition": [self._condition(each) for each in rule.criteria],
        }
        if listed := [each for each in self._guideline.listings.values() if each.rule == rule.iri]:
            return {**action, "selectionBehavior": "at-most-one", "action": self._listed(listed)}
        return action

    def _listed(self, listings: Iterable[Listing]) -> list[Resource]:
        options = {option.iri: option for option in self._guideline.options}
        places = list(options)
        found = sorted(listings, key=lambda each: places.index(each.option))
        return [self._option(each, options[each.option].label) for each in found]

    def _option(self, listing: Listing, label: BilingualText) -> Resource:
        action = {**self._action(listing.iri, label), "code": [self._code(listing.option)]}
        if listing.line:
            action["textEquivalent"] = self._say(
                self._terms.label(self._terms.kinds[OSTEO.TreatmentLine][listing.line])
            )
        conditions = [self._condition(each) for each in listing.reserved_by]
        return {**action, "condition": conditions} if conditions else action

    def _condition(self, criterion: str) -> Resource:
        """Give a criterion by its IRI, where the ontology says it in full, and in words."""
        words = self._say(self._guideline.criteria[criterion].label)
        expression = {"description": words, "language": "text/turtle", "reference": criterion}
        return {"kind": "applicability", "expression": expression}

    def _action(self, iri: str, label: BilingualText) -> Resource:
        return {"id": iri.rsplit("/", 1)[-1], "title": self._say(label)}

    def _code(self, term: str) -> Resource:
        display = self._say(self._terms.label(term))
        return {"coding": [{"system": OWN_SYSTEM, "code": term.removeprefix(OWN_SYSTEM), "display": display}]}

    def _say(self, text: BilingualText) -> str:
        return text.get(self._language)
