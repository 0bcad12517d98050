"""Random cohorts, how each format of files holds them, and what the library says of each patient alone."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from osteo_kg import Assessment, Case
from osteo_kg.case.fhir import bundle_of
from osteo_kg.case.fields import KEYS
from osteo_kg.cohort.request import Request
from osteo_kg.cohort.results.summary import Summary
from osteo_kg.cohort.run import assess
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO, XSD
from tests.support.strategies import fractures, records
from tests.support.worked import ON, exact_json

Record = dict[str, Any]
QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
#: What is refused, what lies on a limit, and what columns cannot hold.
SPOILED: list[Record] = [
    {"sex": "male", "menopausal_status": "postmenopausal"},
    {"t_score_total_hip": Decimal("-10.01")},
    {"t_score_total_hip": Decimal("-2.9999999999999999")},
    {"t_score_lumbar_spine": Decimal("0.850")},
    {"t_score_femoral_neck": Decimal("-0.0005")},
    {"age_years": 121},
    {"age_years": 50, "birth_date": "1960-01-01"},
    {"age_years": 66, "birth_date": "1960-11-22"},
    {"birth_date": "1906-11-22"},
    {"birth_date": "1905-11-22"},
    {"birth_date": "1950-02-30"},
    {"birth_date": "1976-11-22"},
    {"birth_date": "1976-11-23"},
    {"birth_date": "1966-02-28"},
    {"birth_date": "1965-11-22"},
    {"birth_date": "1965-11-21"},
    {"densitometry_date": "2026-11-23"},
    {"densitometry_date": "2026-12"},
    {"densitometry_date": "2026"},
    {"densitometry_date": "2023-11"},
    {"densitometry_date": "2026-13"},
    {"open_sections": ["unheard-of"]},
    {"open_sections": []},
    {"t_score_total_hip": Decimal("0.80"), "t_score_lumbar_spine": Decimal("-2.5")},
    {"t_score_total_hip": Decimal("2.5"), "t_score_lumbar_spine": Decimal("-2.97")},
    {"t_score_total_hip": Decimal("-7"), "t_score_lumbar_spine": Decimal("-7.5")},
    {"densitometry_date": "2023-11-22", "t_score_total_hip": Decimal("-2.95")},
    {"densitometry_date": "2023-11-21", "t_score_total_hip": Decimal("-2.95")},
    {"fractures": [{"site": "hip"}]},
    {"fractures": [{"site": "rib", "date": "2024-02-29"}] * 3},
    {"fractures": [{"site": "vertebra", "count": 0}]},
    {"fractures": [{"site": "pelvis", "date": "2030-01-01"}]},
    {"fractures": ["vertebra", "unspecified"]},
    {"fractures": []},
    {"treatment_history": [{"drug": "aspirin"}]},
    {"conditions": ["unheard-of"]},
    {"patient": "https://w3id.org/osteo-kg/ns/Female"},
    {"sex": "F"},
    {"weight": 60},
    {"t_score_total_hip": Decimal("-0.0")},
    {"densitometry_date": "2026-02-03T10:30:00+01:00", "t_score_total_hip": Decimal("-2.4")},
    {"densitometry_date": "2030-05"},
    {"renal_function_date": "2025-03"},
    {"renal_function_date": "2025-03-01"},
    {"renal_function_date": "2026-12-24", "egfr": Decimal(32)},
    {"egfr": Decimal(0), "creatinine_clearance": Decimal("35.000")},
    {"egfr": Decimal("-0.0")},
    {"egfr": Decimal("300.01")},
    {"creatinine_clearance": Decimal(-1)},
    {"egfr": Decimal(32), "conditions": ["chronic-kidney-disease-stage-3b"]},
    {"egfr": Decimal(32), "conditions": ["chronic-kidney-disease-stage-3", "hypocalcaemia"]},
    {"creatinine_clearance": Decimal(32), "egfr": Decimal(28), "conditions": []},
]
#: Lines that are no record, or say something twice.
_LINES = [
    "nonsense",
    "[1]",
    '{"sex": "female", "sex": "male"}',
    '{"age_years": "71"}',
    '{"t_score_total_hip": -2.5e0, "age_years": 7.1e1}',
    '{"t_score_total_hip": -2.50, "fractures": [{"site": "pelvis", "site": "hand"}]}',
    '{"patient": 7}',
    '{"fractures": "pelvis", "sex": "female"}',
    '{"conditions": [null]}',
    "{}",
]
#: Statements that only a graph can make of a patient: contradictions, foreign ones, other types, other sites.
_STATEMENTS = [
    "{p} <{ns}ageInYears> {age} .",
    "{p} <{ns}ageInYears> {whole} .",
    "{p} <{ns}hasSex> <{ns}Male> .",
    "{p} <{ns}hasSex> <{ns}Nobody> .",
    "{p} <{ns}isDeceased> {true} .",
    "{p} <{ns}isCompleteFor> <{ns}FractureHistory> .",
    "{p} <{ns}isCompleteFor> <{ns}TreatmentHistory> .",
    "{p} <{ns}birthDate> {moment} .",
    '{p} <urn:registry:visit> "7" .',
    "{p} <{ns}hasCondition> <{ns}LongTermGlucocorticoidTreatment> .",
    "{p} <{ns}hasBoneDensitometry> {n} .\n{n} <{a}> <{ns}BoneDensitometry> .\n"
    "{n} <{ns}hasSite> <{ns}FemoralNeck> .\n{n} <{ns}tScore> {score} .",
    "{p} <{ns}hasBoneDensitometry> {n} .\n{n} <{a}> <{ns}BoneDensitometry> .\n"
    "{n} <{ns}hasSite> <{ns}Forearm> .\n{n} <{ns}tScore> {score} .",
    "{p} <{ns}hasFracture> {n} .\n{n} <{a}> <{ns}VertebralFracture> .\n{n} <{ns}occurredOn> {moment} .",
    *(
        "{p} <{ns}hasBoneDensitometry> {n} .\n{n} <{a}> <{ns}BoneDensitometry> .\n"
        f"{{n}} <{{ns}}hasSite> <{{ns}}{site}> .\n{{n}} <{{ns}}tScore> {{score}} ." + more
        for site, more in (
            ("TotalHip", "\n{n} <{ns}performedOn> {moment} ."),
            ("LumbarSpine", "\n{n} <{ns}performedOn> {late} ."),
            ("UnspecifiedFemurSite", "\n{n} <{ns}performedOn> {late} ."),
            ("FemoralNeck", "\n{n} <{ns}hasSide> <{ns}LeftSide> ."),
            ("FemoralNeck", "\n{n} <{ns}performedFrom> {january} .\n{n} <{ns}performedUntil> {december} ."),
        )
    ),
    *(
        "{p} <{ns}hasRenalFunctionTest> {n} .\n{n} <{a}> <{ns}RenalFunctionTest> .\n"
        f"{{n}} <{{ns}}{measure}> {{filtration}} ." + more
        for measure, more in (
            ("estimatedGfr", ""),
            ("estimatedGfr", "\n{n} <{ns}performedOn> {late} ."),
            ("creatinineClearance", "\n{n} <{ns}performedOn> {moment} ."),
        )
    ),
]
_XSD = "http://www.w3.org/2001/XMLSchema#"
_WORDS = {
    "ns": OSTEO.iri,
    "a": "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "age": '"70"',
    "whole": f'"70"^^<{_XSD}integer>',
    "true": f'"true"^^<{_XSD}boolean>',
    "moment": f'"1950-03-04T00:00:00"^^<{_XSD}dateTime>',
    "late": f'"2026-11-01T00:00:00"^^<{_XSD}dateTime>',
    "january": f'"2026-01-01T00:00:00"^^<{_XSD}dateTime>',
    "december": f'"2026-12-31T00:00:00"^^<{_XSD}dateTime>',
    "score": f'"-2.95"^^<{_XSD}decimal>',
    "filtration": f'"33.0"^^<{_XSD}decimal>',
}


@st.composite
def of_one_day(draw: st.DrawFn) -> list[Record]:
    """Several fractures, most of them ribs of one day."""
    entries = draw(st.lists(fractures(), min_size=2, max_size=5))
    dated = [each | {"date": "2024-02-29"} if draw(st.integers(0, 3)) else each for each in entries]
    return [_rib(each) if draw(st.integers(0, 3)) else each for each in dated]


def _rib(entry: Record) -> Record:
    return {key: value for key, value in entry.items() if not key.startswith("count")} | {"site": "rib"}


@st.composite
def any_records(draw: st.DrawFn) -> Record:
    """A random record, sometimes with fractures of one day, or with something that is refused or lies on a limit."""
    record = draw(records())
    if draw(st.integers(0, 7)) == 0:
        record["fractures"] = draw(of_one_day())
    return record | draw(st.sampled_from(SPOILED)) if draw(st.integers(0, 4)) == 0 else record


@functools.cache
def sample(size: int, number: int) -> list[Record]:
    """Draw random records, the same ones for the same number; all but the spoiled names are different."""
    drawn: list[Record] = []

    @seed(number)
    @settings(QUICK, database=None, max_examples=size, phases=[Phase.generate])
    @given(any_records())
    def draw(record: Record) -> None:
        drawn.append(record)

    draw()
    return [each | {"patient": f"w{place}"} if _is_unnamed(each) else each for place, each in enumerate(drawn)]


def _is_unnamed(record: Record) -> bool:
    return not str(record.get("patient")).startswith(OSTEO.iri)


# files


def write_json_lines(path: Path, batch: Iterable[Record]) -> Path:
    """Write records as JSON Lines."""
    path.write_text("\n".join(exact_json(record) for record in batch), encoding="utf-8")
    return path


def write_spoiled_json_lines(path: Path, batch: Sequence[Record]) -> Path:
    """Write records as JSON Lines, and among them lines that are none."""
    lines = [*(exact_json(record) for record in batch)]
    for place, line in zip(range(5, len(lines), 50), cycle(_LINES)):
        lines[place] = line
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_csv(path: Path, batch: Iterable[Record]) -> Path:
    """Write records as CSV, and among them some rows with a cell too many."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(KEYS)
        for number, record in enumerate(batch):
            writer.writerow([_cell(record.get(key)) for key in KEYS] + ["more"] * (number % 500 == 7))
    return path


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(_cell(each) for each in value) or "none"
    if isinstance(value, dict):
        return ":".join(f"x{each}" if key == "count" else str(each) for key, each in value.items())
    return "" if value is None else value if isinstance(value, str) else exact_json(value)


def write_parquet(path: Path, batch: Iterable[Record]) -> Path:
    """Write records as Parquet, with columns of the types that registries use; other keys are left out."""
    held = [_held(record) for record in batch]
    columns = {key: pa.array([record.get(key) for record in held], _TYPES[key]) for key in KEYS}
    columns["menopausal_status"] = columns["menopausal_status"].dictionary_encode()
    pq.write_table(pa.table(columns), path, row_group_size=5_000)
    return path


def _held(record: Record) -> Record:
    return {key: _as_column(key, value) for key, value in record.items()}


def _as_column(key: str, value: Any) -> Any:
    if key == "fractures":
        return [{"site": entry} if isinstance(entry, str) else entry for entry in value]
    return float(value) if isinstance(value, Decimal) and _TYPES[key] in _FLOATS else value


_FRACTURE = pa.struct(
    [
        *((name, pa.string()) for name in ("site", "mechanism", "date")),
        *((name, pa.int32()) for name in ("count", "count_at_most")),
    ]
)
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(KEYS, pa.string()),
    "age_years": pa.int16(),
    "t_score_lumbar_spine": pa.float64(),
    "t_score_femoral_neck": pa.decimal128(20, 18),
    "t_score_total_hip": pa.float32(),
    "fractures": pa.list_(_FRACTURE),
    "treatment_history": pa.list_(pa.struct([("drug", pa.string()), ("outcome", pa.string())])),
    "conditions": pa.list_(pa.string()),
    "open_sections": pa.list_(pa.string()),
    "climacteric_disorders": pa.bool_(),
    "low_peripheral_fracture_risk": pa.bool_(),
    "creatinine_clearance": pa.float64(),
    "egfr": pa.float64(),
}
_FLOATS = (pa.float32(), pa.float64())


def in_parquet(batch: Iterable[Record]) -> list[Record]:
    """Give records as Parquet holds them: scores as the digits that the types of their columns show."""
    return [{key: _shown(key, value) for key, value in _held(record).items() if key in KEYS} for record in batch]


def _shown(key: str, value: Any) -> Any:
    if key == "t_score_femoral_neck":
        return value.normalize() + 0 if value else Decimal(0)
    if key == "t_score_total_hip":
        return Decimal(repr(float(str(np.float32(value)))))
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


def write_triples(path: Path, cases: Iterable[Case]) -> Path:
    """Write the cases in one graph, their blank nodes apart, and contradict some of them."""
    path.write_text("".join(_lines(cases)), encoding="utf-8")
    return path


def _lines(cases: Iterable[Case]) -> Iterator[str]:
    more = cycle(_STATEMENTS)
    for number, case in enumerate(cases):
        for triple in case.triples:
            subject, object_ = (_apart(term, number) for term in (triple.subject, triple.object))
            yield f"{subject} {triple.predicate} {object_} .\n"
        if number % 5 == 3:
            yield next(more).format(p=f"<{case.iri}>", n=f"_:more{number}", **_WORDS) + "\n"


def _apart(term: Any, number: int) -> Any:
    return ox.BlankNode(f"{term.value}p{number}") if isinstance(term, ox.BlankNode) else term


def write_bundles(path: Path, cases: Sequence[Case], knowledge_base: KnowledgeBase) -> tuple[Path, Sequence[Case]]:
    """Write each case as a Bundle, some with measurements of the one before, and some of patients who have died."""
    lines = [exact_json(each) for each in _bundles(cases, knowledge_base)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path, [case for line in lines for case in knowledge_base.read(line, "fhir", on=ON)]


def _bundles(cases: Sequence[Case], knowledge_base: KnowledgeBase) -> Iterator[Record]:
    before: list[Record] = []
    for number, case in enumerate(cases):
        made = [entry["resource"] for entry in bundle_of([case], knowledge_base.knowledge.terms)["entry"]]
        own = [each for each in made if each["resourceType"] == "Observation"]
        for place, each in enumerate(made := [*made, *(before if number % 3 == 1 else [])]):
            if each["resourceType"] == "Patient":
                each |= {"id": f"p{number}"} | ({"deceasedBoolean": True} if number % 7 == 0 else {})
                del each["identifier"]
            else:
                each |= {"id": f"r{place}", "subject": {"reference": f"Patient/p{number}"}}
        yield {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in made]}
        before = [dict(each) for each in own]


# what is said of them


def run(
    knowledge_base: KnowledgeBase, source: Path | Sequence[Path], folder: Path, **asked: Any
) -> tuple[list[Record], Summary, list[Record]]:
    """Give the rows of the result, the summary, and the reports of those refused."""
    result, rejected = folder / "result.parquet", folder / "rejected.jsonl"
    inputs = (str(source),) if isinstance(source, Path) else tuple(map(str, source))
    summary = assess(knowledge_base, Request(inputs, result, ON, rejected=rejected, **asked)).summary
    reports = [json.loads(line) for line in rejected.read_text(encoding="utf-8").splitlines()]
    return pq.read_table(result).to_pylist(), summary, reports


def expected(knowledge_base: KnowledgeBase, cases: Sequence[Case], **asked: Any) -> tuple[list[Record], list[Record]]:
    """Give the rows and the reports of cases that are assessed one by one."""
    answers = list(knowledge_base.assess_all(cases, on=ON, **asked))
    rows = [_row(knowledge_base, each) for each in answers if isinstance(each, Assessment)]
    return rows, [each.to_json() for each in answers if not isinstance(each, Assessment)]


def has_more_digits_than_columns(case: Case) -> bool:
    """Whether a case states a number with more digits than a float has."""
    numbers = (t.object for t in case.triples if isinstance(t.object, ox.Literal) and t.object.datatype == XSD.decimal)
    return any(Decimal(repr(float(each.value))) != Decimal(each.value) for each in numbers)


def has_a_number_with_an_exponent(case: Case) -> bool:
    """Whether a case states a number that Java writes with an exponent, which Spark cannot tell from a refused one."""
    numbers = (t.object for t in case.triples if isinstance(t.object, ox.Literal) and t.object.datatype == XSD.decimal)
    sizes = (abs(Decimal(each.value)) for each in numbers)
    return any(size and not Decimal("1e-3") <= size < Decimal("1e7") for size in sizes)


class Alone:
    """What the library says of each patient alone; of patients of whom two formats say the same it says it once."""

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self._knowledge_base = knowledge_base
        self._rows: dict[Any, Record] = {}

    def expected(self, cases: Sequence[Case]) -> tuple[list[Record], list[Record]]:
        """Give the rows and the reports, as they are given of cases that are assessed one by one."""
        keys = [_said_of(case) for case in cases]
        new = {key: case for key, case in zip(keys, cases, strict=True) if key not in self._rows}
        reports = {}
        answers = self._knowledge_base.assess_all(new.values(), on=ON)
        for (key, case), answer in zip(new.items(), answers, strict=True):
            if isinstance(answer, Assessment):
                self._rows[key] = _row(self._knowledge_base, answer)
            else:
                reports[case.patient, key] = answer
        refused = [case for key, case in zip(keys, cases, strict=True) if key not in self._rows]
        named = [reports.get((case.patient, _said_of(case))) for case in refused]
        told = [
            report or self._knowledge_base.validate(case, on=ON) for report, case in zip(named, refused, strict=True)
        ]
        rows = [
            self._rows[key] | {"patient": c.patient} for key, c in zip(keys, cases, strict=True) if key in self._rows
        ]
        return rows, [report.to_json() for report in told]


def _said_of(case: Case) -> Any:
    """Give all that a case says but the names of the patient and of her entries."""
    entries: dict[Any, list[tuple[str, str]]] = {}
    for triple in case.triples:
        entries.setdefault(triple.subject, []).append((str(triple.predicate), str(triple.object)))
    written = {node: str(sorted(said)) for node, said in entries.items() if str(node) != f"<{case.iri}>"}
    own = sorted(
        (str(t.predicate), written.get(t.object, str(t.object)))
        for t in case.triples
        if str(t.subject) == f"<{case.iri}>"
    )
    remarks = sorted((each.kind, each.reason or "") for each in case.remarks)
    return str((own, remarks, bool(case.ignored), case.born_between, [str(each) for each in case.findings]))


def _row(knowledge_base: KnowledgeBase, answer: Assessment) -> Record:
    """Give the row of one assessment, column by column."""
    statuses = {each.treatment: each.status for each in answer.options}
    options = knowledge_base.engine(answer.guideline).guideline.options
    return {
        "patient": answer.patient,
        "disposition": answer.disposition,
        "strength": answer.strength,
        "possible": list(answer.possible),
        **{each.key.replace("-", "_"): statuses.get(each.key) for each in options},
        "missing": [each.fact for each in answer.missing],
        "situation": answer.situation,
        "warnings": sorted({each.code for each in answer.warnings}),
        "assumptions": sorted({each.code for each in answer.assumptions}),
    }


def without_place(found: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Give reports without the file and the number that a cohort adds to them."""
    return [{key: value for key, value in report.items() if key not in ("file", "record")} for report in found]


def files(
    knowledge_base: KnowledgeBase, batch: Sequence[Record]
) -> Mapping[str, Callable[[Path], tuple[Path, Sequence[Case]]]]:
    """Give for each format what writes a cohort to a folder, and the cases that the library reads in that file."""

    def read(path: Path) -> tuple[Path, Sequence[Case]]:
        return path, knowledge_base.read(path.read_bytes(), name=path.name)

    def held(name: str, batch: Iterable[Record]) -> Sequence[Case]:
        return knowledge_base.read("\n".join(map(exact_json, batch)), "jsonl", name=name)

    def sound() -> list[Case]:
        return [each for each in held("women", batch) if not each.findings]

    return {
        "parquet": lambda folder: (
            write_parquet(folder / "women.parquet", batch),
            held("women.parquet", in_parquet(batch)),
        ),
        "csv": lambda folder: read(write_csv(folder / "women.csv", batch)),
        "jsonl": lambda folder: read(write_spoiled_json_lines(folder / "women.jsonl", batch)),
        "nt": lambda folder: read(write_triples(folder / "women.nt", sound())),
        "fhir": lambda folder: write_bundles(folder / "women.ndjson", sound(), knowledge_base),
    }
