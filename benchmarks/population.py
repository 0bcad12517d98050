"""A cohort of any size with a seed: women after the menopause, as a French registry of densitometry might hold them.

Where the figures come from, rounded on purpose, since a benchmark needs the shape and not the decimals:

- ages: women of 50 and over by five-year band, age pyramid of France, INSEE 2024;
- T-scores: mean and spread of femoral neck and total hip by age, after Looker et al., Osteoporosis International 1998
  (NHANES III); the lumbar spine, which was not measured there, is assumed to lose less with age and to vary more; the
  three sites of one woman are assumed to go together with a correlation of about 0.7;
- fractures: prevalence by age and share of each site after van Staa et al., Bone 2001, and Curtis et al., Bone 2016;
  mechanisms, dates and counts are assumed;
- treatments: about one woman in eight, two thirds of them bisphosphonates: assumed, no source gives the past.

What a registry leaves out is left out here too, by assumption: one value in ten or so, more for climacteric disorders
and risk.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox

from osteo_kg.case.fhir import bundle_of
from osteo_kg.case.record import record_case
from osteo_kg.knowledge.loading import packaged_knowledge
from osteo_kg.knowledge.terms import Terms
from osteo_kg.rdf.terms import OSTEO, RDF, XSD

ON = datetime.date(2026, 11, 22)
_NS = OSTEO.iri
GROUP = 100_000  # patients made and written at a time
_BANDS = {50: 2.25, 55: 2.25, 60: 2.15, 65: 2.05, 70: 1.95, 75: 1.6, 80: 1.05, 85: 0.85, 90: 0.65}  # millions
_SITES = {
    "distal-radius": 0.22,
    "vertebra": 0.20,
    "proximal-femur": 0.12,
    "proximal-humerus": 0.09,
    "ankle": 0.09,
    "rib": 0.06,
    "pelvis": 0.05,
    "metatarsal": 0.04,
    "hand": 0.03,
    "tibial-shaft": 0.02,
    "forearm": 0.02,
    "patella": 0.02,
    "unspecified": 0.02,
    "toe": 0.01,
    "multiple-ribs": 0.01,
}
_DRUGS = {
    "alendronate": 0.30,
    "risedronate": 0.22,
    "zoledronate": 0.14,
    "denosumab": 0.10,
    "raloxifene": 0.08,
    "menopausal-hormone-therapy": 0.08,
    "teriparatide": 0.05,
    "strontium-ranelate": 0.03,
}
_OUTCOMES = ["completed", "ongoing", "intolerance", "failure", None]
_MECHANISMS = ["low-energy", None, "high-energy", "pathological"]
_TYPES = ("Patient", "Condition", "Observation", "MedicationStatement", "List", "Encounter")
_VISITS = 2
_FRACTURE = pa.struct([("site", pa.string()), ("mechanism", pa.string()), ("date", pa.date32()), ("count", pa.int32())])
_TREATMENT = pa.struct([("drug", pa.string()), ("outcome", pa.string())])


def write_parquet(path: Path, size: int, seed: int = 1) -> None:
    """Write a cohort of `size` patients as Parquet, a group at a time."""
    writer: pq.ParquetWriter | None = None
    for table in tables(size, seed):
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None, "a cohort has one patient at least"
    writer.close()


def write_triples(path: Path, size: int, seed: int = 1) -> None:
    """Write a cohort as N-Triples: of each woman one measurement, her fractures, and what is said of herself."""
    terms = packaged_knowledge().terms
    with path.open("w", encoding="utf-8") as file:
        for table in tables(size, seed):
            for row in table.to_pylist():
                file.writelines(_statements(row, terms))


def _statements(row: dict[str, Any], terms: Terms) -> Iterator[str]:
    def coded(kind: str, key: str) -> str:
        return f"<{terms.kinds[ox.NamedNode(_NS + kind)][key]}>"

    def says(subject: str, name: str, value: str) -> str:
        return f"{subject} <{name if name.startswith('http') else _NS + name}> {value} .\n"

    patient = f"<urn:case:{row['patient']}>"
    yield says(patient, RDF.type.value, f"<{_NS}Patient>")
    for key, name, kind in (("sex", "hasSex", "Sex"), ("menopausal_status", "hasMenopausalStatus", "MenopausalStatus")):
        if row[key]:
            yield says(patient, name, coded(kind, row[key]))
    if row["age_years"] is not None:
        yield says(patient, "ageInYears", f'"{row["age_years"]}"^^<{XSD.iri}integer>')
    if row["t_score_femoral_neck"] is not None:
        node = f"_:{row['patient']}d"
        yield says(patient, "hasBoneDensitometry", node)
        yield says(node, RDF.type.value, f"<{_NS}BoneDensitometry>")
        yield says(node, "hasSite", f"<{_NS}FemoralNeck>")
        yield says(node, "tScore", f'"{row["t_score_femoral_neck"]}"^^<{XSD.iri}decimal>')
    for number, entry in enumerate(row["fractures"] or []):
        node = f"_:{row['patient']}f{number}"
        yield says(patient, "hasFracture", node)
        yield says(node, RDF.type.value, coded("Fracture", entry["site"]))
        if entry["mechanism"]:
            yield says(node, "hasMechanism", coded("FractureMechanism", entry["mechanism"]))


def tables(size: int, seed: int = 1) -> Iterator[pa.Table]:
    """Make a cohort a group at a time; the same seed gives the same cohort."""
    for start in range(0, size, GROUP):
        yield _group(start, min(GROUP, size - start), np.random.default_rng([seed, start]))


def _group(start: int, size: int, random: np.random.Generator) -> pa.Table:
    ages = _ages(size, random)
    shared = random.normal(size=size)
    measured = random.random(size) > 0.08
    days = np.datetime64(ON) - random.integers(0, 5 * 365, size)
    columns = {
        "patient": pa.array([f"w{number:08d}" for number in range(start, start + size)]),
        "sex": _sometimes(np.full(size, "female"), 0.98, random),
        "menopausal_status": _sometimes(np.full(size, "postmenopausal"), 0.95, random),
        "age_years": pa.array(ages, pa.int32(), mask=random.random(size) < 0.02),
        **{name: _scores(name, ages, shared, measured, random) for name in _MEASURED},
        "densitometry_date": pa.array(days, pa.date32(), mask=~measured | (random.random(size) < 0.1)),
        "fractures": _fractures(ages, random),
        "treatment_history": _treatments(size, random),
        "conditions": _conditions(size, random),
        "climacteric_disorders": pa.array(random.random(size) < 0.2, mask=random.random(size) < 0.4),
        "low_peripheral_fracture_risk": pa.array(random.random(size) < 0.5, mask=random.random(size) < 0.5),
    }
    return pa.table(columns)


#: For each site: mean at 50, loss for each year after, spread, and how often it is measured.
_MEASURED = {
    "t_score_lumbar_spine": (-0.9, 0.015, 1.3, 0.9),
    "t_score_femoral_neck": (-0.8, 0.042, 0.9, 0.9),
    "t_score_total_hip": (-0.3, 0.042, 1.0, 0.8),
}


def _ages(size: int, random: np.random.Generator) -> np.ndarray:
    weights = np.array(list(_BANDS.values()))
    starts = random.choice(list(_BANDS), size, p=weights / weights.sum())
    return starts + random.integers(0, 5, size)


def _scores(
    name: str, ages: np.ndarray, shared: np.ndarray, measured: np.ndarray, random: np.random.Generator
) -> pa.Array:
    mean, loss, spread, often = _MEASURED[name]
    own = random.normal(size=len(ages))
    scores = mean - loss * (ages - 50) + spread * (0.84 * shared + 0.54 * own)
    return pa.array(np.round(scores.clip(-6, 4), 1), mask=~measured | (random.random(len(ages)) > often))


def _sometimes(values: np.ndarray, often: float, random: np.random.Generator) -> pa.Array:
    return pa.array(values, mask=random.random(len(values)) > often)


def _lists(counts: np.ndarray, unknown: np.ndarray, entries: pa.Array) -> pa.Array:
    """Cut entries into lists of these lengths; a list that is unknown is null."""
    offsets = np.concatenate([[0], np.cumsum(np.where(unknown, 0, counts))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets, mask=np.append(unknown, False)), entries)


def _fractures(ages: np.ndarray, random: np.random.Generator) -> pa.Array:
    counts = random.poisson(0.15 + 0.012 * (ages - 50)).clip(0, 4)
    unknown = random.random(len(ages)) < 0.12
    number = int(counts[~unknown].sum())
    sites = random.choice(list(_SITES), number, p=list(_SITES.values()) / np.sum(list(_SITES.values())))
    spine = sites == "vertebra"
    entries = pa.StructArray.from_arrays(
        [
            pa.array(sites),
            pa.array(random.choice(np.array(_MECHANISMS, object), number, p=[0.6, 0.25, 0.12, 0.03]), pa.string()),
            pa.array(np.datetime64(ON) - random.integers(0, 20 * 365, number), mask=random.random(number) < 0.3),
            pa.array(random.integers(1, 4, number), pa.int32(), mask=~spine | (random.random(number) < 0.5)),
        ],
        fields=list(_FRACTURE),
    )
    return _lists(counts, unknown, entries)


def _treatments(size: int, random: np.random.Generator) -> pa.Array:
    counts = random.choice(3, size, p=[0.87, 0.10, 0.03])
    unknown = random.random(size) < 0.15
    number = int(counts[~unknown].sum())
    entries = pa.StructArray.from_arrays(
        [
            pa.array(random.choice(list(_DRUGS), number, p=list(_DRUGS.values()))),
            pa.array(random.choice(np.array(_OUTCOMES, object), number, p=[0.35, 0.3, 0.15, 0.1, 0.1]), pa.string()),
        ],
        fields=list(_TREATMENT),
    )
    return _lists(counts, unknown, entries)


def _conditions(size: int, random: np.random.Generator) -> pa.Array:
    counts = random.choice(2, size, p=[0.93, 0.07])
    unknown = random.random(size) < 0.3
    number = int(counts[~unknown].sum())
    kinds = random.choice(["long-term-glucocorticoid-treatment", "secondary-osteoporosis-cause"], number)
    return _lists(counts, unknown, pa.array(kinds))


def write_fhir(folder: Path, size: int, seed: int = 1) -> None:
    """Write a cohort as a FHIR bulk export: a file for each type of resource, each woman with visits and weights.

    Visits and weights decide nothing; an export is full of such.
    """
    terms = packaged_knowledge().terms
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        files = {kind: stack.enter_context((folder / f"{kind}.ndjson").open("w", encoding="utf-8")) for kind in _TYPES}
        for record in records(size, seed):
            for resource in _resources(record, terms):
                files[resource["resourceType"]].write(json.dumps(resource, default=float) + "\n")


def records(size: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Make a cohort as flat records: what is known, with exact numbers and days as text."""
    for table in tables(size, seed):
        yield from map(_stated, table.to_pylist())


def _resources(record: dict[str, Any], terms: Terms) -> Iterator[dict[str, Any]]:
    case = record_case(record, "", terms)
    name = record["patient"]
    for number, entry in enumerate(bundle_of([case], terms)["entry"]):
        resource = entry["resource"]
        if resource["resourceType"] == "Patient":
            yield {**{key: value for key, value in resource.items() if key != "identifier"}, "id": name}
            continue
        subject = {"reference": f"Patient/{name}"}
        yield {**resource, "id": f"{name}-{number}", "subject": subject}
    for number in range(_VISITS):
        visited = f"{ON.year - number}-03-01T09:30:00Z"
        own = {"id": f"{name}-visit-{number}", "subject": {"reference": f"Patient/{name}"}}
        kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
        yield {"resourceType": "Encounter", **own, "status": "finished", "class": kind, "period": {"start": visited}}
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body weight"}]}
        weight = {"value": 60 + number, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
        known = {"status": "final", "code": code, "effectiveDateTime": visited, "valueQuantity": weight}
        yield {"resourceType": "Observation", **own, "id": f"{name}-weight-{number}", **known}


def _stated(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stated(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_stated(each) for each in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Decimal(repr(value)) if is_number else value
