"""What a source may say of a patient beyond her flat record: columns of truth values, which raise notices only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyoxigraph as ox

from osteo_kg.cases import BOOLEAN, Case, Remark, patient_iri
from osteo_kg.triples import RDF_TYPE
from osteo_kg.vocabulary import OSTEO

_PART = "part"
#: The columns of what a source says by a statement that is true, with its property.
STATED = {"is_deceased": str(OSTEO.isDeceased), "menopausal_status_assumed": str(OSTEO.menopausalStatusAssumed)}
#: The columns of what its reader remarked, with a remark of that kind.
REMARKED = {
    "has_ignored_element": Remark("ignoredElement", _PART, str(OSTEO.TypeNotRead)),
    "has_invalid_element": Remark("invalidElement", _PART),
    "has_open_level": Remark("openLevel", _PART),
    "has_doubtful_product": Remark("doubtfulProduct", _PART),
}
COLUMNS = (*STATED, *REMARKED)


def parts() -> Mapping[str, Case]:
    """Give for each column a case that says this alone."""
    return dict(_parts())


def _parts() -> Iterator[tuple[str, Case]]:
    patient = ox.NamedNode(patient_iri(_PART))
    kind = ox.Triple(patient, RDF_TYPE, ox.NamedNode(str(OSTEO.Patient)))
    for column, property_ in STATED.items():
        stated = ox.Triple(patient, ox.NamedNode(property_), ox.Literal("true", datatype=BOOLEAN))
        yield column, Case(_PART, patient.value, (kind, stated))
    for column, remark in REMARKED.items():
        yield column, Case(_PART, patient.value, (kind,), remarks=(remark,))
