"""What a source may say of a patient beyond her flat record: columns of truth values, which raise notices only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyoxigraph as ox

from osteo_kg.cases import BOOLEAN, DECIMAL, Case, Remark, patient_iri
from osteo_kg.knowledge import Terms
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
#: The column of whether a site that never decides was measured.
MEASURED = "has_site_that_never_decides"
#: The column of whether a site counts that is read as another.
READ_AS = "has_site_read_as_another"
#: The column of whether a property of another vocabulary was passed over.
IGNORED = "has_ignored_property"
COLUMNS = (*STATED, *REMARKED, MEASURED, READ_AS, IGNORED)
_PLAUSIBLE = "0.0"


def parts(terms: Terms) -> Mapping[str, Case]:
    """Give for each column a case that says this alone."""
    return dict(_parts(terms))


def _parts(terms: Terms) -> Iterator[tuple[str, Case]]:
    patient = ox.NamedNode(patient_iri(_PART))
    kind = ox.Triple(patient, RDF_TYPE, ox.NamedNode(str(OSTEO.Patient)))
    for column, property_ in STATED.items():
        stated = ox.Triple(patient, ox.NamedNode(property_), ox.Literal("true", datatype=BOOLEAN))
        yield column, Case(_PART, patient.value, (kind, stated))
    for column, remark in REMARKED.items():
        yield column, Case(_PART, patient.value, (kind,), remarks=(remark,))
    yield IGNORED, Case(_PART, patient.value, (kind,), ignored=(_PART,))
    never = (iri for iri in sorted(terms.types) if str(OSTEO.PeripheralSite) in terms.types[iri] - {iri})
    for column, sites in {MEASURED: never, READ_AS: iter(sorted(terms.limits["readAs"]))}.items():
        yield column, Case(_PART, patient.value, (kind, *_measured(patient, next(sites))))


def _measured(patient: ox.NamedNode, site: str) -> Iterator[ox.Triple]:
    entry = ox.BlankNode("entry")
    yield ox.Triple(patient, ox.NamedNode(str(OSTEO.hasBoneDensitometry)), entry)
    yield ox.Triple(entry, RDF_TYPE, ox.NamedNode(str(OSTEO.BoneDensitometry)))
    yield ox.Triple(entry, ox.NamedNode(str(OSTEO.hasSite)), ox.NamedNode(site))
    yield ox.Triple(entry, ox.NamedNode(str(OSTEO.tScore)), ox.Literal(_PLAUSIBLE, datatype=DECIMAL))
