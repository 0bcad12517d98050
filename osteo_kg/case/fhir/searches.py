"""What is read of a FHIR record, as the searches that find it: by type of resource, and observations code by code.

The codes are the ontology's: one that gets a new meaning there is searched for without more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from osteo_kg.case.fhir.codings import OWN_SYSTEM, shown
from osteo_kg.case.fhir.observations import MEASURES, STATEMENTS
from osteo_kg.case.fhir.reader import SECTIONS_OF
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, local_name

_DENSITOMETRY = (OSTEO.Densitometry,)
#: The types of resource that are searched for whole, by group.
_WHOLE = {
    "conditions": "Condition",
    "statements": "MedicationStatement",
    "requests": "MedicationRequest",
    "administrations": "MedicationAdministration",
    "dispenses": "MedicationDispense",
    "allergies": "AllergyIntolerance",
    "lists": "List",
}


@dataclass(frozen=True, slots=True)
class Search:
    """A search for what a patient's record holds.

    Attributes:
        group: what is looked for, such as `conditions` or `t-score`; searches for one code each share one.
        kind: the type of resource.
        coding: the system and the code of the observations; None where every resource of the type is wanted.
        sections: the sections of a case that are open as long as this was not answered wholly (the reading, R9, R14).
    """

    group: str
    kind: str
    coding: tuple[str, str] | None = None
    sections: tuple[ox.NamedNode, ...] = ()

    @property
    def key(self) -> str:
        """The group, with the code where there is one."""
        return f"{self.group}-{self.coding[1]}" if self.coding else self.group


def searches(terms: Terms) -> tuple[Search, ...]:
    """Give every search, her Patient first; none finds what another asks for by the same code."""
    found = [Search("patient", "Patient")]
    found += [Search(group, kind, None, SECTIONS_OF.get(kind, ())) for group, kind in _WHOLE.items()]
    return (*found, *dict.fromkeys(_observations(terms)))


def _observations(terms: Terms) -> Iterator[Search]:
    axial = [*terms.kinds[OSTEO.AxialSite].values(), *terms.limits["readAs"]]
    peripheral = [each for each in terms.kinds[OSTEO.DensitometrySite].values() if each not in axial]
    menopause = [OSTEO.RecordedMenopausalStatus.value, *terms.kinds[OSTEO.MenopausalStatus].values()]
    yield from _coded("t-score", axial, terms, _DENSITOMETRY)
    yield from _coded("peripheral", peripheral, terms)
    yield from _coded("menopause", menopause, terms)
    yield from _coded("climacteric", [OSTEO.ClimactericDisorders.value], terms)
    yield from _coded("renal", MEASURES, terms)
    for code in sorted(terms.codes.all, key=lambda each: each.value):
        if terms.is_a(code.iri, OSTEO.DensitometryPanelCode):
            yield Search("panel", "Observation", (code.system, code.value), _DENSITOMETRY)
    own = [OSTEO.RecordedMenopausalStatus.value, *(each.value for each in STATEMENTS), *MEASURES]
    for term in own:
        yield Search("stated", "Observation", (OWN_SYSTEM, local_name(term)))
    yield Search("stated", "Observation", (OWN_SYSTEM, local_name(OSTEO.tScore.value)), _DENSITOMETRY)


def _coded(
    group: str, sought: Iterable[str], terms: Terms, sections: tuple[ox.NamedNode, ...] = ()
) -> Iterator[Search]:
    """Search for the published codes of some terms that an observation may have.

    A code that nests stands for those below it, and a search for it finds none of them.
    """
    for value, code in sorted({code.value: code for term in sought for code in terms.codes.of(term)}.items()):
        if not terms.codes.nests(code.system) and not terms.is_a(code.iri, OSTEO.BodySiteCode):
            yield Search(group, "Observation", (code.system, value), sections)


def titled_searches(found: Iterable[Search], terms: Terms) -> str:
    """Name searches for one type of resource as a person would, by their codes where they have any."""
    every = list(found)
    codes = ", ".join(shown(each.coding, terms) for each in every if each.coding)
    return f"{every[0].kind} ({codes})" if codes else every[0].kind
