"""Whose resource is it? Resources of bundles, NDJSON and single ones, gathered by patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from osteo_kg.case.fhir.elements import each, first, text

Resource = dict[str, Any]
_SUBJECTS = ("subject", "patient", "beneficiary", "for", "individual")


@dataclass
class Gathered:
    """The resources of one patient, in the order of the input; `url` is that of her entry in a bundle."""

    patient: Resource
    url: str = ""
    resources: list[Resource] = field(default_factory=list)


@dataclass(frozen=True)
class Input:
    """What one input holds.

    Attributes:
        patients: each patient with her resources.
        unassigned: the resources that belong to no patient of the input.
        medications: the Medication resources, by every way to refer to them.
        unreadable: where something stands that is no resource.
        cut: whether a Bundle goes on in a page that is not here.
    """

    patients: tuple[Gathered, ...]
    unassigned: tuple[Resource, ...]
    medications: Mapping[str, Resource]
    unreadable: tuple[str, ...] = ()
    cut: bool = False


def gather(documents: Iterable[Any]) -> Input:
    """Gather the resources of documents by patient."""
    unreadable: list[str] = []
    given = list(documents)
    found = [pair for document in given for pair in _resources(document, unreadable)]
    patients: dict[str, Gathered] = {}
    people: list[Gathered] = []
    medications: dict[str, Resource] = {}
    others: list[Resource] = []
    for url, resource in found:
        names = names_of(resource, url)
        if resource["resourceType"] == "Patient":
            _add_patient(Gathered(resource, url), names, patients, people)
        elif resource["resourceType"] == "Medication":
            medications |= dict.fromkeys(names, resource)
        else:
            others.append(resource)
    unassigned = [other for other in others if not _give(other, patients)]
    cut = any("next" in each(document, "link", "relation") for document in given)
    return Input(tuple(people), tuple(unassigned), medications, tuple(unreadable), cut)


def _add_patient(person: Gathered, names: list[str], patients: dict[str, Gathered], people: list[Gathered]) -> None:
    """Add a patient; one who stands in the input again is the same, and her second resource is one of hers."""
    known = next((patients[name] for name in names if name in patients), None)
    if known is not None:
        known.resources.append(person.patient)
        return
    people.append(person)
    patients.update(dict.fromkeys(names, person))


def _give(resource: Resource, patients: dict[str, Gathered]) -> bool:
    """Give a resource to the patient whom it names; False where she is not here."""
    for name in _spellings(subject_of(resource)):
        if name in patients:
            patients[name].resources.append(resource)
            return True
    return False


def subject_of(resource: Resource) -> str:
    """Give the reference to the patient of a resource, as written; empty where there is none."""
    return next((found for key in _SUBJECTS if (found := text(resource, key, "reference"))), "")


def kinship(name: str) -> str:
    """Give what a name of a resource has in common with every reference that names it.

    >>> kinship("Patient/1") == kinship("https://hospital.example/fhir/Patient/1/_history/2")
    True
    """
    return list(_spellings(name))[-1] if name else ""


def _resources(
    document: Any, unreadable: list[str], url: str = "", where: str = "resource"
) -> Iterator[tuple[str, Resource]]:
    """Give every resource with the URL of its entry, bundles inside bundles included; note what is none."""
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        unreadable.append(where)
    elif document["resourceType"] != "Bundle":
        yield url, document
    else:
        for number, entry in enumerate(each(document, "entry"), 1):
            if not _says_no_resource(entry):
                yield from _resources(first(entry, "resource"), unreadable, text(entry, "fullUrl"), f"entry {number}")


def _says_no_resource(entry: Any) -> bool:
    """Whether an entry has no resource by right: it is what was asked, or answered."""
    return isinstance(entry, dict) and "resource" not in entry and not entry.keys().isdisjoint(("request", "response"))


def names_of(resource: Resource, url: str = "") -> list[str]:
    """Give the ways to refer to a resource: the URL of its entry, and its type and id."""
    own = text(resource, "id")
    return [name for name in (url, f"{resource['resourceType']}/{own}" if own else "") if name]


def _spellings(reference: str) -> Iterator[str]:
    """Give a reference as written, without a version, and by type and id alone."""
    if reference:
        yield reference
        bare = reference.partition("/_history/")[0]
        yield bare
        yield "/".join(bare.rsplit("/", 2)[-2:])


def resolved(reference: str, table: Mapping[str, Resource]) -> Resource | None:
    """Give the resource that a reference names."""
    return next((table[name] for name in _spellings(reference) if name in table), None)
