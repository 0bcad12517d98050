"""From FHIR R4 to cases: bundles, single resources and NDJSON.

What is not used is named with its reason; what is not valid is named, and read for what is needed.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from osteo_kg.bilingual import BilingualText
from osteo_kg.case.fhir.bundles import Gathered, Input, Resource, gather
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import meanings, of_kind, shown
from osteo_kg.case.fhir.conditions import Fractures, read_condition
from osteo_kg.case.fhir.elements import each, text
from osteo_kg.case.fhir.medications import Treatments
from osteo_kg.case.fhir.observations import read_observation
from osteo_kg.case.fhir.patient import MenopauseStatements, assume_postmenopausal, name_of, read_patient
from osteo_kg.case.fhir.validity import keys_twice, problems
from osteo_kg.case.model import Case, normalised, patient_iri, reserved, violation
from osteo_kg.case.report import Finding
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, node_of, period_of

_READ = (
    "Patient",
    "Condition",
    "Observation",
    "MedicationStatement",
    "MedicationRequest",
    "MedicationAdministration",
    "AllergyIntolerance",
    "List",
)


@dataclass(frozen=True, slots=True)
class Assumption:
    """That a woman is post-menopausal from an age on, reckoned on the day of assessment."""

    least_age: int
    on: datetime.date


def read_fhir(
    documents: Iterable[Any], name: str, terms: Terms, postmenopausal: Assumption | None = None
) -> tuple[Case, ...]:
    """Read the case of every patient of some FHIR documents: bundles or single resources.

    Args:
        documents: each as parsed JSON, with exact decimals.
        name: what to call the input in messages.
        terms: the vocabulary, with its codes.
        postmenopausal: what to assume of a woman whose menopausal status is not recorded; nothing when None.

    Raises:
        UnreadableCaseError: there is no patient.
    """
    found = gather(documents)
    if not found.patients:
        raise UnreadableCaseError(
            f"{name} holds no Patient resource.",
            advice="Send a Bundle with the Patient and the resources that refer to her.",
        )
    reader = Reader(terms, postmenopausal)
    return tuple(reader.case(person, f"{name}#{number}", found) for number, person in enumerate(found.patients, 1))


@dataclass(frozen=True)
class Reader:
    """Reads patients whose resources were gathered.

    Attributes:
        terms: the vocabulary, with its codes.
        postmenopausal: what to assume of a woman whose menopausal status is not recorded; nothing when None.
        problems: what gives the elements of a resource that are not valid.
    """

    terms: Terms
    postmenopausal: Assumption | None = None
    problems: Callable[[Resource], tuple[str, ...]] = problems

    def case(self, person: Gathered, fallback: str, found: Input) -> Case:
        """Read the case of one patient of an input; `fallback` names her where nothing else does."""
        name = name_of(person, fallback)
        builder = CaseBuilder(patient_iri(name), self.terms)
        self._read(person, found, builder)
        _tell_unassigned(found, builder)
        return _case(name, person, builder)

    def _read(self, person: Gathered, found: Input, builder: CaseBuilder) -> None:
        fractures, menopause, treatments = Fractures(), MenopauseStatements(), Treatments(found.medications)
        readers: dict[str, Callable[[Resource], bool]] = {
            "Condition": lambda resource: read_condition(resource, builder, fractures, menopause),
            "Observation": lambda resource: read_observation(resource, builder, menopause),
            "MedicationStatement": lambda resource: treatments.read_medication(resource, builder),
            "MedicationRequest": lambda resource: treatments.read_medication(resource, builder),
            "MedicationAdministration": lambda resource: treatments.read_medication(resource, builder),
            "AllergyIntolerance": lambda resource: treatments.read_allergy(resource, builder),
            "List": lambda resource: read_list(resource, builder),
        }
        read_patient(person.patient, builder)
        self._check(person.patient, builder)
        for resource in person.resources:
            self._read_one(resource, readers, builder)
        fractures.settle(builder)
        menopause.settle(builder)
        assumed = self.postmenopausal
        if assumed is not None and not menopause:
            assume_postmenopausal(person.patient, builder, assumed.least_age, assumed.on)

    def _read_one(
        self, resource: Resource, readers: dict[str, Callable[[Resource], bool]], builder: CaseBuilder
    ) -> None:
        reader = readers.get(resource["resourceType"])
        if twice := tuple(dict.fromkeys(keys_twice(resource))):
            builder.ignore(resource, OSTEO.KeyTwice, ", ".join(twice))
        elif resource["resourceType"] == "Patient":
            builder.ignore(resource, OSTEO.SameEntryTwice)
        elif reader is None:
            builder.unread_type(resource)
        elif reader(resource):
            self._check(resource, builder)

    def _check(self, resource: Resource, builder: CaseBuilder) -> None:
        if found := self.problems(resource):
            builder.invalid(resource, found)


def _case(name: str, person: Gathered, builder: CaseBuilder) -> Case:
    refused = [reserved(name)] if builder.patient.value.startswith(OSTEO.iri) else []
    refused += [_twice(name, key) for key in dict.fromkeys(keys_twice(person.patient))]
    return Case(
        name,
        builder.patient.value,
        normalised(builder.triples),
        findings=tuple(refused),
        remarks=builder.remarks,
        born_between=period_of(person.patient.get("birthDate")),
    )


def _twice(name: str, key: str) -> Finding:
    return violation(
        name,
        key,
        None,
        BilingualText(
            f"{key!r} stands twice in the Patient resource.", f"{key!r} figure deux fois dans la ressource Patient."
        ),
        BilingualText("Keep one of the two.", "En garder un des deux."),
    )


def _tell_unassigned(found: Input, builder: CaseBuilder) -> None:
    """Tell of what belongs to nobody; of what speaks of no patient at all only where there is one patient."""
    if found.cut:
        builder.ignore({"resourceType": "Bundle"}, OSTEO.PageNotGiven)
    if found.unreadable:
        builder.invalid({"resourceType": "Bundle"}, found.unreadable)
    for resource in found.unassigned:
        if resource["resourceType"] in _READ:
            builder.unread_type(resource, OSTEO.OtherPatient)
        elif len(found.patients) == 1:
            builder.unread_type(resource)


# List: whether a section of the record is complete, which only the project's own code system can say.

_NONE_KNOWN = "nilknown"


def read_list(resource: dict[str, Any], builder: CaseBuilder) -> bool:
    """Read a List of a section: current, and with entries or empty because none is known to exist."""
    found = of_kind(meanings(resource.get("code"), builder.terms), OSTEO.RecordSection, builder.terms)
    if not found:
        builder.unread(resource, resource.get("code"))
        return False
    none_known = _NONE_KNOWN in each(resource, "emptyReason", "coding", "code")
    if text(resource, "status") == "current" and (none_known or any(each(resource, "entry"))):
        builder.say(builder.patient, OSTEO.isCompleteFor, node_of(found[0].term))
    else:
        builder.ignore(resource, OSTEO.SectionNotClosed, shown(found[0].coding, builder.terms))
    return True
