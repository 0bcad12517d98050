"""How far the reading of one resource reaches: which parts of a case it bears on, whatever else the record holds.

Resources that have no part in common are read apart as they are read together, and one without any part says the same
of every patient. It is found out by reading it, not by a second set of rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from osteo_kg.case.fhir.bundles import Gathered, Resource, gather, kinship, names_of, subject_of
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.elements import each
from osteo_kg.case.fhir.reader import Reader, Record
from osteo_kg.case.model import patient_iri
from osteo_kg.rdf import OSTEO, local_name

#: The parts of a case that are settled over several resources.
FRACTURES, MENOPAUSE, MEASUREMENTS, TREATMENTS = "fractures", "menopause", "measurements", "treatments"
_PATIENT = "patient"
#: The parts in which dates are looked at: one may be the newer, or two may be the same.
DATED = frozenset((FRACTURES, MENOPAUSE, MEASUREMENTS, _PATIENT))
_AGE = local_name(OSTEO.ageInYears.value)
_PART_OF = {
    OSTEO.hasBoneDensitometry.value: MEASUREMENTS,
    OSTEO.hasRenalFunctionTest.value: MEASUREMENTS,
    OSTEO.hasPastTreatment.value: TREATMENTS,
}
#: Statements that a resource makes for itself: another one may only make them too.
_ADDED = (OSTEO.isOpenFor.value, OSTEO.isCompleteFor.value)


@dataclass(frozen=True, slots=True)
class Reach:
    """On what the reading of a resource bears.

    Attributes:
        parts: the parts of the case that it may change, or in which another resource may change what it says; and the
            local names of the properties that it states of her.
        says: whether anything is read of it, or kept open for it, rather than that it was not used.
        is_checked: whether its validity is told.
        alone: whether this can be told of it by itself; not where it looks at other resources of the input.
        marks: what another resource of its only part shares with it, if not a day, where either bears on how the other
            is read; None where any other of that part may.
        stands_for_itself: whether another one of which this is so bears on it in no way.
    """

    parts: frozenset[str] = frozenset()
    says: bool = True
    is_checked: bool = True
    alone: bool = True
    marks: frozenset[str] | None = None
    stands_for_itself: bool = False


def reach_of(resource: Resource, reader: Reader) -> Reach:
    """Tell on what the reading of a resource bears that names its patient."""
    if resource["resourceType"] == "Patient":
        assuming = {MENOPAUSE, _AGE} if reader.postmenopausal is not None else set()
        record = Record(CaseBuilder(patient_iri(_PATIENT), reader.terms), {}, frozenset())
        record.mention(resource, is_read=True)
        names_more = record.fractures or record.densitometry or record.treatments.is_mentioned
        return Reach(frozenset({_PATIENT, *assuming}), alone=not (resource.get("link") or names_more))
    person = _person(resource)
    if person is None:
        return Reach(alone=False)
    checked: list[Resource] = []

    def noted(found: Resource) -> tuple[str, ...]:
        checked.append(found)
        return ()

    looked_up, hers = _LookedUp(), _LookedAt()
    builder = CaseBuilder(patient_iri(_PATIENT), reader.terms)
    record = Record(builder, looked_up, hers)
    begun = len(builder.triples)
    for found in person.resources:
        replace(reader, problems=noted).read_one(found, record)
    parts = frozenset((*_settled(record), *_stated(builder)))
    said = bool(parts) or len(builder.triples) > begun
    looked = looked_up.was_asked or (hers.was_asked and (FRACTURES in parts or _lists(person.resources)))
    return Reach(
        parts,
        said,
        bool(checked),
        not (looked or record.densitometry.is_mentioned or record.treatments.is_mentioned)
        and not _is_apart(person.resources),
        _marks(record, parts),
        parts == {FRACTURES} and record.fractures.stand_for_themselves,
    )


def _person(resource: Resource) -> Gathered | None:
    """Give the patient of a resource with it, and with what it contains of hers."""
    kind, _, name = kinship(subject_of(resource)).partition("/")
    patient = {"resourceType": "Patient", "id": name}
    if kind != "Patient" or names_of(patient) != [f"{kind}/{name}"]:
        return None
    found = gather([patient, resource]).patients
    return found[0] if len(found) == 1 and found[0].resources else None


def _settled(record: Record) -> Iterator[str]:
    if record.fractures:
        yield FRACTURES
    if record.menopause:
        yield MENOPAUSE
    if record.densitometry or record.observed.renal_function:
        yield MEASUREMENTS
    if record.treatments.is_mentioned:
        yield TREATMENTS


def _marks(record: Record, parts: frozenset[str]) -> frozenset[str] | None:
    if parts == {FRACTURES}:
        return record.fractures.marks
    return record.treatments.marks if parts == {TREATMENTS} else None


def _stated(builder: CaseBuilder) -> Iterator[str]:
    for triple in builder.triples[1:]:
        property_ = triple.predicate.value
        if triple.subject == builder.patient and property_ not in _ADDED:
            yield _PART_OF.get(property_, local_name(property_))


def _lists(resources: list[Resource]) -> bool:
    """Whether a resource is a list, which may name what is not in the record."""
    return any(resource["resourceType"] == "List" for resource in resources)


def _is_apart(resources: list[Resource]) -> bool:
    """Whether a resource names whom it is about, or one inside it does, or one inside it is referred to."""
    inside = [found for resource in resources for found in each(resource, "contained") if isinstance(found, dict)]
    named = any(subject_of(found) or found.get("resourceType") == "Medication" for found in inside)
    return named or any(resource.get("focus") for resource in (*resources, *inside))


class _LookedUp(Mapping[str, Resource]):
    """No resources that may be referred to, and whether one was asked for."""

    def __init__(self) -> None:
        self.was_asked = False

    def __contains__(self, name: object) -> bool:
        self.was_asked = True
        return False

    def __getitem__(self, name: str) -> Resource:
        self.was_asked = True
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        self.was_asked = True
        return iter(())

    def __len__(self) -> int:
        self.was_asked = True
        return 0


class _LookedAt(frozenset[str]):
    """No names of resources of hers, and whether one was asked for."""

    was_asked = False

    def __contains__(self, name: object) -> bool:
        self.was_asked = True
        return False
