"""From FHIR R4 to cases: bundles, single resources and NDJSON.

What is not used is named with its reason; what is not valid is named, and read for what is needed.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.case.fhir.bundles import (
    ABOUT_OTHERS,
    REFERRED_TO,
    Gathered,
    Input,
    Resource,
    gather,
    kinship,
    names_of,
    subject_of,
)
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import meanings, of_kind
from osteo_kg.case.fhir.conditions import read_condition
from osteo_kg.case.fhir.elements import OF_NO_PATIENT, each, extension, is_resource, modifiers, text
from osteo_kg.case.fhir.fractures import Fractures
from osteo_kg.case.fhir.medications import Treatments
from osteo_kg.case.fhir.observations import Observed, read_observation
from osteo_kg.case.fhir.other_resources import is_read_by_itself, read_mentions
from osteo_kg.case.fhir.patient import MenopauseStatements, assume_postmenopausal, name_of, read_patient
from osteo_kg.case.fhir.validity import keys_twice, problems, release_of
from osteo_kg.case.model import Case, normalised, patient_iri, reserved, violation
from osteo_kg.case.report import Finding
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, node_of, period_of

_MEDICATIONS = ("MedicationStatement", "MedicationRequest", "MedicationAdministration", "MedicationDispense")
#: The sections that resources of a type belong in.
SECTIONS_OF: dict[str, tuple[ox.NamedNode, ...]] = {
    "Condition": (OSTEO.FractureHistory, OSTEO.MedicalHistory),
    "Observation": (OSTEO.Densitometry,),
    "AllergyIntolerance": (OSTEO.TreatmentHistory,),
} | dict.fromkeys(_MEDICATIONS, (OSTEO.TreatmentHistory,))
_EVERY_SECTION = {section for sections in SECTIONS_OF.values() for section in sections}
_READ = ("Patient", "List", *SECTIONS_OF)
_OF_NOBODY = "no patient is named"
_Linked = Mapping[int, list[Resource]]  # the Patient resources that are linked with one, by its identity in memory


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
    return tuple(Reader(terms, postmenopausal).cases(found, name))


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

    def cases(self, found: Input, name: str, before: int = 0) -> Iterator[Case]:
        """Read every patient of an input; `before` of the same name were read before her."""
        linked = _linked(found)
        for number, person in enumerate(found.patients, before + 1):
            yield self.case(person, f"{name}#{number}", found, linked)

    def case(self, person: Gathered, fallback: str, found: Input, linked: _Linked | None = None) -> Case:
        """Read the case of one patient of an input; `fallback` names her where nothing else does.

        Args:
            person: the patient.
            fallback: her name where nothing else names her.
            found: the input.
            linked: which of its Patient resources are linked, where that is known already.
        """
        name = name_of(person, fallback)
        builder = CaseBuilder(patient_iri(name), self.terms)
        self._read(person, found, _linked(found) if linked is None else linked, builder)
        _tell_unassigned(found, builder)
        return _case(name, person, builder)

    def _read(self, person: Gathered, found: Input, linked: _Linked, builder: CaseBuilder) -> None:
        names = frozenset(name for resource in person.resources for name in names_of(resource)) | person.urls
        record = Record(builder, found.medications, names)
        read_patient(person.patient, builder)
        self._check(person.patient, builder)
        record.mention(person.patient, is_read=True)
        for resource in person.resources:
            self.read_one(resource, record)
        for resource, deleted in person.dropped:
            builder.ignore(resource, OSTEO.ElementDeleted if deleted else OSTEO.OlderVersion)
        if len(found.patients) == 1:
            for resource in found.unassigned:
                if not subject_of(resource) and _may_be_of_a_patient(resource):
                    for one in (resource, *filter(is_resource, each(resource, "contained"))):
                        reader = record.readers.get(one["resourceType"])
                        record.mention(one, is_read=reader is not None and reader(one, _OF_NOBODY))
        _open_what_is_cut(found, record)
        _open_what_is_linked(person, linked, record)
        record.settle()
        assumed = self.postmenopausal
        if assumed is not None and not record.menopause:
            assume_postmenopausal(person.patient, builder, assumed.least_age, assumed.on)

    def read_one(self, resource: Resource, record: Record) -> None:
        """Read one resource of a patient into her record."""
        kind, builder = resource["resourceType"], record.builder
        reader = record.readers.get(kind)
        is_read = False
        if twice := tuple(dict.fromkeys(keys_twice(resource))):
            builder.ignore(resource, OSTEO.KeyTwice, ", ".join(twice))
            reader = None
            for section in SECTIONS_OF.get(kind, ()):
                record.open(section, resource, ", ".join(twice))
        elif kind == "Patient":
            builder.ignore(resource, OSTEO.SameEntryTwice)
        elif _is_about_somebody_else(resource):
            builder.ignore(resource, OSTEO.AboutSomebodyElse)
            return
        elif reader is None:
            builder.unread_type(resource)
        elif release := release_of(resource):
            builder.ignore(resource, OSTEO.OtherRelease, f"FHIR {release}")
            is_read = reader(resource, f"FHIR {release}")
        elif is_read := reader(resource, _doubt(resource)):
            self._check(resource, builder)
        record.mention(resource, is_read=is_read)

    def _check(self, resource: Resource, builder: CaseBuilder) -> None:
        if found := self.problems(resource):
            builder.invalid(resource, found)


class Record:
    """What is read of one patient, by kind, until all is read and can be settled."""

    def __init__(self, builder: CaseBuilder, medications: Mapping[str, Resource], names: frozenset[str]) -> None:
        self.builder = builder
        self.names = names
        self.fractures = Fractures()
        self.menopause = MenopauseStatements()
        self.observed = Observed(self.menopause)
        self.densitometry = self.observed.densitometry
        self.treatments = Treatments(medications)
        self.readers: dict[str, Callable[[Resource, str], bool]] = {
            "Condition": self._condition,
            "Observation": self._observation,
            "AllergyIntolerance": lambda resource, doubt: self.treatments.read_allergy(resource, builder, doubt),
            "List": lambda resource, doubt: read_list(resource, builder, doubt, names),
        }
        for kind in _MEDICATIONS:
            self.readers[kind] = lambda resource, doubt: self.treatments.read_medication(resource, builder, doubt)

    def _condition(self, resource: Resource, doubt: str) -> bool:
        return read_condition(resource, self.builder, self.fractures, self.menopause, doubt)

    def _observation(self, resource: Resource, doubt: str) -> bool:
        return read_observation(resource, self.builder, self.observed, doubt)

    def open(self, section: ox.NamedNode, resource: Resource, *details: str) -> None:
        """Keep a section open, since what belongs there may be missing; where observations may, renal function may."""
        self.builder.open(section, resource, *details)
        if section in SECTIONS_OF["Observation"]:
            self.observed.renal_function.may_be_missing()

    def mention(self, resource: Resource, *, is_read: bool) -> None:
        """Take note of what a resource names beside what is read of it."""
        told = (self.fractures, self.densitometry, self.treatments)
        read_mentions(resource, *told, self.builder, is_read=is_read, hers=self.names)

    def settle(self) -> None:
        """Write what could be told only once all was read."""
        self.fractures.settle(self.builder)
        self.densitometry.settle(self.builder)
        self.observed.renal_function.settle(self.builder)
        self.treatments.settle(self.builder)
        self.menopause.settle(self.builder)


def _may_be_of_a_patient(resource: Resource) -> bool:
    """Whether a resource that names no patient may tell of one: it is no definition, and no person or thing."""
    kind = resource["resourceType"]
    return not (kind in ABOUT_OTHERS or kind in REFERRED_TO or kind in OF_NO_PATIENT or kind.endswith("Definition"))


def _is_about_somebody_else(resource: Resource) -> bool:
    """Whether a resource has a focus that is not its own patient."""
    focus = [kinship(f"{reference}") for reference in each(resource, "focus", "reference")]
    return bool(focus) and kinship(subject_of(resource)) not in focus


def _doubt(resource: Resource) -> str:
    """Give what makes it uncertain what a resource says, or of whom; empty where nothing does."""
    unnamed = any(each(resource, "focus")) and not any(each(resource, "focus", "reference"))
    return ", ".join([*modifiers(resource), *(["focus"] if unnamed else [])])


def _open_what_is_cut(found: Input, record: Record) -> None:
    """Keep open what the further pages of a Bundle may hold; of a search for one type, what that type tells."""
    for types in found.cut:
        known = types & SECTIONS_OF.keys()
        sections = {section for kind in known or SECTIONS_OF for section in SECTIONS_OF[kind]}
        for section in sorted(sections if known == types else _EVERY_SECTION, key=lambda each: each.value):
            record.open(section, {"resourceType": "Bundle"})


def _open_what_is_linked(person: Gathered, linked: _Linked, record: Record) -> None:
    """Keep open what another Patient resource of hers holds, since two records of one woman are read apart."""
    for other in linked.get(id(person.patient), ()):
        for section in sorted(_EVERY_SECTION, key=lambda each: each.value):
            record.open(section, other, "link")


def _linked(found: Input) -> _Linked:
    """Give for each Patient resource those that it replaces, or is replaced by, whichever of them says so."""
    patients = [each.patient for each in found.patients]
    places = defaultdict[str, set[int]](set)
    for place, patient in enumerate(patients):
        for name in names_of(patient):
            places[name].add(place)
    linked = defaultdict[int, set[int]](set)
    for place, patient in enumerate(patients):
        for other in set[int]().union(*(places.get(name, ()) for name in _replaced(patient))):
            linked[place].add(other)
            linked[other].add(place)
    return {id(patients[place]): [patients[other] for other in sorted(others)] for place, others in linked.items()}


def _replaced(patient: Resource) -> set[str]:
    """Give the names of the Patient resources that one replaces, or is replaced by."""
    links = [link for link in each(patient, "link") if text(link, "type") in ("replaces", "replaced-by")]
    return {kinship(text(link, "other", "reference")) for link in links}


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


def read_list(
    resource: dict[str, Any], builder: CaseBuilder, doubt: str = "", hers: frozenset[str] = frozenset()
) -> bool:
    """Read a List of a section: current, and with entries or empty because none is known to exist.

    One that is not certain to be hers (`doubt` says why) closes nothing; one that lists what is not `hers`, by type and
    id, leaves its section open.
    """
    found = of_kind(meanings(resource.get("code"), builder.terms), OSTEO.RecordSection, builder.terms)
    if not found:
        builder.unread(resource, resource.get("code"))
        return False
    section = node_of(found[0].term)
    kept = [entry for entry in each(resource, "entry") if isinstance(entry, dict) and entry.get("deleted") is not True]
    unread = [item for entry in kept for item in each(entry, "item") if not is_read_by_itself(item, hers)]
    missing = [text(item, "reference") or text(item, "display") or "?" for item in unread]
    if doubt:
        builder.ignore(resource, OSTEO.NotCertain, doubt)
    elif missing:
        builder.open(section, resource, *missing)
    elif extension(resource, OSTEO.isOpenFor.value, "valueBoolean") is True:
        builder.say(builder.patient, OSTEO.isOpenFor, section)
    elif text(resource, "status") == "current" and (
        _NONE_KNOWN in each(resource, "emptyReason", "coding", "code") or any(each(resource, "entry"))
    ):
        builder.say(builder.patient, OSTEO.isCompleteFor, section)
    else:
        builder.ignore(resource, OSTEO.SectionNotClosed)
    return True
