"""Medication resources and allergies: which drug, what became of it, and whether the product is the one meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.bundles import Resource, gather, resolved
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import OWN_SYSTEM, Meaning, is_known, meanings, of_kind, shown
from osteo_kg.case.fhir.elements import RULED_OUT, codings, concept_of, each, status, statuses, text, words
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, node_of

#: What a status says of the outcome; a status that is not here says that the drug was not taken, or not that it was.
_OUTCOMES: dict[str, ox.NamedNode | None] = {
    "active": OSTEO.Ongoing,
    "in-progress": OSTEO.Ongoing,
    "stopped": None,
    "on-hold": None,
    "unknown": None,
}
_COURSES = ("MedicationStatement", "MedicationRequest")  # completed, they are a whole course; a dose is not
_NO_ORDERS = ("proposal", "plan", "option")
#: Statuses that say that nothing was given; of any other that is not known, nothing is certain.
_NOT_GIVEN = ("intended", "not-taken", "not-done", "declined", "preparation")
#: Drugs of which the words name what the body makes, and laboratories measure, as well.
_ALSO_HORMONES = (OSTEO.MenopausalHormoneTherapy, OSTEO.Calcitonin)
_NEVER_MEANT = ("entered-in-error", "draft", "cancelled")  # every other record of a drug may be a treatment with it


#: Where a Medication says what is in it, in FHIR R4 and R5.
_INGREDIENTS = tuple(
    ("ingredient", *path)
    for path in (("itemCodeableConcept",), ("itemReference",), ("item", "concept"), ("item", "reference"))
)
_MILLIGRAMS = re.compile(r"(?<![\d.,/])(\d{1,9}(?:[.,]\d{1,9})?) ?mg\b", re.ASCII | re.IGNORECASE)


class Treatments:
    """The treatments that were read of one patient; a drug with one outcome is told once."""

    def __init__(self, medications: Mapping[str, Resource]) -> None:
        self._medications = medications
        self._told: set[tuple[str, ox.NamedNode | None]] = set()
        self._mentions: list[tuple[Resource, str, tuple[str, ...]]] = []

    @property
    def is_mentioned(self) -> bool:
        """Whether words name a drug, which may be one that was read."""
        return bool(self._mentions)

    def mentioned(self, resource: Resource, said: str, terms: Terms) -> None:
        """Take note of words that name a drug or a class of ours, elsewhere than in a medication itself."""
        products = {"text": terms.other_use_names.taken_out(said)}
        hormones = {drug.value for drug in _ALSO_HORMONES}
        if named := tuple(drug for drug in _named(products, terms) if drug not in hormones):
            self._mentions.append((resource, said, named))

    def coded(self, resource: Resource, concept: Any, terms: Terms) -> None:
        """Take note of codes that stand for a drug or a class of ours, elsewhere than in a medication itself."""
        drugs = of_kind(meanings(concept, terms), OSTEO.Drug, terms)
        if drugs and not _is_of_other_use(concept, drugs, terms):
            told = " / ".join(words(concept)) or ", ".join(shown(drug.coding, terms) for drug in drugs)
            self._mentions.append((resource, told, tuple(drug.term for drug in drugs)))

    def settle(self, builder: CaseBuilder) -> None:
        """Keep the treatment history open for every drug that is only mentioned, and was not read."""
        read = {drug for drug, _ in self._told}
        for resource, said, named in self._mentions:
            new = [each for each in named if read.isdisjoint(_drugs_in((each,), builder.terms))]
            if new:
                builder.open(OSTEO.TreatmentHistory, resource, concept={"text": said})
            for drug in sorted(set(new) & builder.terms.keys.keys()):
                builder.perhaps(drug, resource, {"text": said})

    @property
    def marks(self) -> frozenset[str]:
        """What another treatment shares with one of these, where either bears on how the other is read."""
        return frozenset(f"{drug} {outcome}" for drug, outcome in self._told)

    def read_medication(self, resource: Resource, builder: CaseBuilder, doubt: str = "") -> bool:
        """Read a MedicationStatement, MedicationRequest, MedicationAdministration or MedicationDispense.

        What names a drug or a class of ours and is no treatment for certain keeps the treatment history open, or, where
        its status says that nothing was given, only says that there may have been the drug (the reading, R13, R14).
        """
        concept = self.drug_concept(resource)
        drugs = of_kind(meanings(concept, builder.terms), OSTEO.Drug, builder.terms)
        single = [drug for drug in drugs if drug.term in builder.terms.keys]
        if _is_of_other_use(concept, drugs, builder.terms):
            self._tell_other_use(resource, concept, [drug.term for drug in drugs], builder)
        elif doubt and status(resource, "status") not in _NEVER_MEANT:
            self._leave_open(resource, concept, doubt, builder)
        elif not _was_given(resource):
            builder.ignore(resource, OSTEO.StatusRulesOut, _why_not(resource), concept=concept)
            if status(resource, "status") not in _NEVER_MEANT and resource.get("doNotPerform") is not True:
                if drugs and not (_is_no_order(resource) or status(resource, "status") in _NOT_GIVEN):
                    builder.open(OSTEO.TreatmentHistory, resource, _why_not(resource), concept=concept)
                self._perhaps([drug.term for drug in single] or _named(concept, builder.terms), resource, builder)
        elif not is_known(concept, builder.terms):
            self._leave_open(resource, concept, doubt, builder)
        elif single:
            if self.is_meant(resource, single[0], builder):
                for outcome in _outcomes(resource, builder):
                    self._add(single[0], outcome, resource, builder)
            else:
                self._perhaps([single[0].term], resource, builder)
        elif drugs:
            builder.ignore(resource, OSTEO.GroupOfDrugs, concept=concept)
            builder.open(OSTEO.TreatmentHistory, resource, concept=concept)
        else:
            builder.ignore(resource, OSTEO.ValueNotUsable, concept=concept)
        return bool(drugs)

    def _leave_open(self, resource: Resource, concept: Any, doubt: str, builder: CaseBuilder) -> None:
        """Keep the treatment history open for a medication whose words name a drug of ours, or that has none."""
        named = {each.term for each in of_kind(meanings(concept, builder.terms), OSTEO.Drug, builder.terms)}
        named |= set(_named(concept, builder.terms))
        if not is_known(concept, builder.terms):
            builder.unread(resource, concept, *([doubt] if doubt else []))
        if named or not words(concept):
            builder.open(OSTEO.TreatmentHistory, resource, *([doubt] if doubt else []), concept=concept)
        self._perhaps(named, resource, builder)

    def _tell_other_use(self, resource: Resource, concept: Any, coded: Iterable[str], builder: CaseBuilder) -> None:
        """Note a product for another use: no treatment of bone, and yet the drug was recorded (the reading, R13).

        Words alone that name the drug beside the product state nothing, and leave the treatment history open.
        """
        builder.ignore(resource, OSTEO.OtherProduct, concept=concept)
        if status(resource, "status") in _NEVER_MEANT or resource.get("doNotPerform") is True:
            return
        products = builder.terms.other_use_names
        beside = {"text": " ".join(products.taken_out(said) for said in words(concept))}
        named = _named(beside, builder.terms)
        given = not (_is_no_order(resource) or status(resource, "status") in _NOT_GIVEN)
        if named and given and not is_known(concept, builder.terms):
            builder.open(OSTEO.TreatmentHistory, resource, concept=concept)
        of_products = (drug for said in words(concept) for drug in products.found_in(said))
        self._perhaps([*coded, *named, *of_products], resource, builder)

    def _perhaps(self, drugs: Iterable[str], resource: Resource, builder: CaseBuilder) -> None:
        for drug in sorted(set(drugs) & builder.terms.keys.keys()):
            builder.perhaps(drug, resource, self.drug_concept(resource))

    def read_allergy(self, resource: Resource, builder: CaseBuilder, doubt: str = "") -> bool:
        """Read an AllergyIntolerance; one to a drug is an intolerance of it, one to a group of every drug in it."""
        concepts = [resource.get("code"), *each(resource, "reaction", "substance")]
        found = [(concept, meanings(concept, builder.terms)) for concept in concepts]
        said = [meaning for _, known in found for meaning in known]
        verified = statuses(resource, "verificationStatus")
        ruled_out = ", ".join(sorted(verified & RULED_OUT))
        uncertain = doubt or ", ".join(sorted(verified if "confirmed" not in verified else ()))
        for concept, known in found:
            if not known and (concept or not said):
                builder.unread(resource, concept)
                if not ruled_out and _named(concept, builder.terms):
                    builder.open(OSTEO.TreatmentHistory, resource, concept=concept)
        if said and ruled_out:
            builder.ignore(resource, OSTEO.StatusRulesOut, ruled_out)
        elif said and uncertain:
            builder.ignore(resource, OSTEO.NotCertain, uncertain)
            if of_kind(said, OSTEO.Drug, builder.terms):
                builder.open(OSTEO.TreatmentHistory, resource, uncertain)
        elif said:
            self._add_intolerances([_narrowest(known, builder.terms) for _, known in found], resource, builder)
        return bool(said)

    def _add_intolerances(self, found: list[list[Meaning]], resource: Resource, builder: CaseBuilder) -> None:
        """Add those of the drugs of every concept, each once."""
        drugs = {each.term: each for of_one in found for each in of_one}
        if not drugs:
            builder.ignore(resource, OSTEO.ValueNotUsable)
        for drug in drugs.values():
            self._add(drug, OSTEO.Intolerance, resource, builder)

    def drug_concept(self, resource: Resource) -> Any:
        """Give the concept of the drug: stated, or that of the medication that is referred to."""
        if stated := concept_of(resource):
            return stated
        reference = text(resource, "medicationReference", "reference") or text(
            resource, "medication", "reference", "reference"
        )
        contained = {f"#{text(found, 'id')}": found for found in each(resource, "contained") if isinstance(found, dict)}
        medication = contained.get(reference) or resolved(reference, self._medications)
        if medication is None:  # what the reference is said to lead to is all that there is
            return {"text": text(resource, "medicationReference", "display")}
        return [medication.get("code"), *(found for path in _INGREDIENTS for found in each(medication, *path))]

    def is_meant(self, resource: Resource, drug: Meaning, builder: CaseBuilder) -> bool:
        """Whether dose and route are those of the product meant; where they tell nothing, the doubt is noted."""
        doses = frozenset((*_milligrams(resource), *_milligrams_named(self.drug_concept(resource))))
        routes = frozenset(_routes(resource, builder))
        other_doses = {Decimal(dose) for dose in builder.terms.limits["otherUseDoseInMilligrams"].get(drug.term, ())}
        other_routes = builder.terms.limits["otherUseRoute"].get(drug.term, frozenset())
        if doses & other_doses or routes & other_routes:
            builder.ignore(resource, OSTEO.OtherProduct, concept=self.drug_concept(resource))
            return False
        told = (doses and other_doses) or (routes and other_routes)
        if drug.says("namesOtherProducts") and not told:
            builder.remark("doubtfulProduct", resource, concept=self.drug_concept(resource))
        return True

    def _add(self, drug: Meaning, outcome: ox.NamedNode | None, resource: Resource, builder: CaseBuilder) -> None:
        key = drug.term, outcome
        if key in self._told and not drug.own:
            builder.ignore(resource, OSTEO.SameEntryTwice, concept=self.drug_concept(resource))
            return
        self._told.add(key)
        entry = builder.entry(OSTEO.hasPastTreatment, OSTEO.PastTreatment)
        builder.say(entry, OSTEO.withDrug, node_of(drug.term))
        if outcome is not None:
            builder.say(entry, OSTEO.hasOutcome, outcome)


def _narrowest(found: list[Meaning], terms: Terms) -> list[Meaning]:
    """Give the single drugs that a concept names, or else those of the group that it names."""
    drugs = of_kind(found, OSTEO.Drug, terms)
    single = [each for each in drugs if each.term in terms.keys]
    return single or [member for each in drugs for member in members(each, terms)]


def members(group: Meaning, terms: Terms) -> list[Meaning]:
    """Give the drugs of a group, each as if it were named."""
    return [replace(group, term=drug) for drug in sorted(terms.kinds.get(node_of(group.term), {}).values())]


def _was_given(resource: Resource) -> bool:
    stated = status(resource, "status") if text(resource, "taken") != "n" else "not-taken"
    return not _is_no_order(resource) and (stated in _OUTCOMES or stated == "completed")


def _is_no_order(resource: Resource) -> bool:
    return text(resource, "intent") in _NO_ORDERS or resource.get("doNotPerform") is True


def _why_not(resource: Resource) -> str:
    if resource.get("doNotPerform") is True:
        return "doNotPerform true"
    if text(resource, "intent") in _NO_ORDERS:
        return f"intent {text(resource, 'intent')}"
    return f"status {status(resource, 'status') or '?'}"


def _outcomes(resource: Resource, builder: CaseBuilder) -> list[ox.NamedNode | None]:
    """Give the outcomes: those that are stated as reasons, or what the status says."""
    stated: list[Meaning] = []
    is_unread = False
    for reason in each(resource, "statusReason"):
        said = of_kind(meanings(reason, builder.terms), OSTEO.TreatmentOutcome, builder.terms)
        stated += said
        if not said:
            is_unread = True
            builder.ignore(resource, OSTEO.CodeNotRead, "statusReason", concept=reason)
    if stated:
        return [node_of(term) for term in dict.fromkeys(each.term for each in stated)]
    if status(resource, "status") == "completed":
        return [OSTEO.Completed if resource["resourceType"] in _COURSES and not is_unread else None]
    return [_OUTCOMES.get(status(resource, "status"))]


def _dosages(resource: Resource) -> Iterator[Any]:
    yield from (*each(resource, "dosage"), *each(resource, "dosageInstruction"))


def _milligrams(resource: Resource) -> Iterator[Decimal]:
    """Give every dose that is stated in milligrams."""
    for dosage in _dosages(resource):
        for dose in (
            *each(dosage, "doseAndRate", "doseQuantity"),
            *each(dosage, "dose"),
            *each(dosage, "doseQuantity"),
        ):
            value = dose.get("value") if isinstance(dose, dict) else None
            if isinstance(value, Decimal) and "mg" in (text(dose, "code"), text(dose, "unit")):
                yield value


def _milligrams_named(concept: Any) -> Iterator[Decimal]:
    """Give every strength in milligrams that the words of a drug name."""
    for said in words(concept):
        yield from (Decimal(found.replace(",", ".")) for found in _MILLIGRAMS.findall(said))


def _routes(resource: Resource, builder: CaseBuilder) -> Iterator[str]:
    """Give every route that is stated, by the project's own code or by a word that its label has."""
    routes = builder.terms.kinds[OSTEO.RouteOfAdministration]
    for route in (found for dosage in _dosages(resource) for found in each(dosage, "route")):
        said = " ".join((text(route, "text"), *(f"{word}" for word in each(route, "coding", "display")))).casefold()
        yield from (
            meaning.term
            for meaning in of_kind(meanings(route, builder.terms), OSTEO.RouteOfAdministration, builder.terms)
        )
        yield from (iri for key, iri in routes.items() if key in said)


# Orders that nobody has carried out: of which drug each is, and whether that can be told at all.


@dataclass(frozen=True, slots=True)
class Order:
    """What an order is of.

    Attributes:
        drugs: the drugs of ours that it is of, by IRI; none where it is of another.
        perhaps: the drugs of ours that it may be of, where that cannot be told.
        told: whether it can be told which drug it is of, ours or not.
        silent: whether it says nothing at all of its drug, or refers to what is not here.
    """

    drugs: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    told: bool = True
    silent: bool = False


def read_order(order: Resource, beside: Iterable[Any], terms: Terms) -> Order:
    """Read a MedicationRequest as if it were carried out.

    Args:
        order: the request, of whatever status.
        beside: what it may refer to.
        terms: the vocabulary, with its codes.
    """
    treatments, builder = Treatments(gather(beside).medications), CaseBuilder("urn:case:order", terms)
    concept = treatments.drug_concept(order)
    if order.get("doNotPerform") is True:
        return Order()
    drugs = of_kind(meanings(concept, terms), OSTEO.Drug, terms)
    single = [each for each in drugs if each.term in terms.keys]
    if _is_of_other_use(concept, drugs, terms):
        return Order()
    if single:
        return Order(tuple(dict.fromkeys(each.term for each in single if treatments.is_meant(order, each, builder))))
    if drugs:
        return Order(perhaps=tuple(each.term for group in drugs for each in members(group, terms)), told=False)
    named = _drugs_in(_named(concept, terms), terms)
    written = list(codings(concept))
    told = not named and any(system == OWN_SYSTEM or terms.codes.knows(system) for system, _ in written)
    return Order(perhaps=named, told=told, silent=not written and not words(concept))


def _named(concept: Any, terms: Terms) -> tuple[str, ...]:
    """Give the drugs and the classes of ours that the words of a concept name; its codes do not."""
    return tuple(sorted({drug for said in words(concept) for drug in terms.drug_names.found_in(said)}))


def _drugs_in(named: Iterable[str], terms: Terms) -> tuple[str, ...]:
    """Give drugs, and those of classes, that words name."""
    groups = [
        sorted(terms.kinds.get(node_of(each), {}).values()) if each not in terms.keys else [each] for each in named
    ]
    return tuple(dict.fromkeys(drug for group in groups for drug in group))


def _is_of_other_use(concept: Any, drugs: Iterable[Meaning], terms: Terms) -> bool:
    """Whether the codes or the words of a concept name a product for another use than bone health."""
    coded = any(drug.says("isOfOtherUse") for drug in drugs)
    return coded or any(terms.other_use_names.found_in(said) for said in words(concept))
