"""A cohort that came as FHIR is told what each patient is told of her own Bundle, however the export was split."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import shutil
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osteo_kg import Case
from osteo_kg.case.fhir import bundle_of
from osteo_kg.case.fhir.validity import Checks, problems
from osteo_kg.cli.main import main
from osteo_kg.cohort.request import Request
from osteo_kg.cohort.results.summary import Summary
from osteo_kg.cohort.run import assess
from osteo_kg.cohort.sources import fhir, fhir_files
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import cohorts
from tests.support.bundles import (
    LOINC,
    NO_FRACTURE,
    POSTMENOPAUSAL,
    RENAL,
    SNOMED,
    Resource,
    coded,
    condition,
    medication,
    patient,
    t_score,
)
from tests.support.strategies import records
from tests.support.worked import ON, ROOT, exact_json

pytestmark = pytest.mark.slow


SYNTHEA = ROOT / "tests" / "fhir" / "synthea"
_settings = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


def run(knowledge_base: KnowledgeBase, inputs: Iterable[Path], folder: Path, **asked: Any) -> tuple[Any, Summary, Any]:
    """Give the rows of the result and the reports of those refused, by patient, with the summary between them."""
    rows, summary, reports = cohorts.run(knowledge_base, list(inputs), folder, **asked)
    return _by_patient(rows), summary, _by_patient(cohorts.without_place(reports))


def _by_patient(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda each: str(each["patient"]))


def expected(knowledge_base: KnowledgeBase, cases: Iterable[Case], **asked: Any) -> tuple[Any, Any]:
    """Give the rows and the reports that the library gives of each patient alone."""
    rows, reports = cohorts.expected(knowledge_base, list(cases), **asked)
    return _by_patient(rows), _by_patient(reports)


# Random exports


def _partial_date(resource: Resource, chance: random.Random) -> None:
    for key in ("birthDate", "onsetDateTime", "effectiveDateTime"):
        if key in resource:
            resource[key] = resource[key][: chance.choice([4, 7])]


def _moment(resource: Resource, chance: random.Random) -> None:
    for key in ("onsetDateTime", "effectiveDateTime"):
        if key in resource:
            resource[key] += chance.choice(["T23:30:00-05:00", "T10:00:00Z", "T08:00:00.123+01:00", "T25:00:00Z", " "])


def _wrong(resource: Resource, chance: random.Random) -> None:
    in_error = coded(("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error"))
    name = "verificationStatus" if resource["resourceType"] == "Condition" else "status"
    resource[name] = in_error if name == "verificationStatus" else chance.choice(["entered-in-error", "corrected", 5])


def _unit(resource: Resource, chance: random.Random) -> None:
    if "valueQuantity" in resource:
        resource["valueQuantity"]["unit"] = chance.choice(["g/cm2", "1", "{T-score}"])


def _value(resource: Resource, chance: random.Random) -> None:
    if "valueQuantity" in resource:
        written = chance.choice(["-2.50", "-3.5776262476366476", "12", "0.853", "-1.0", "-2.95", "-1e0"])
        resource["valueQuantity"]["value"] = Decimal(written)


def _published(resource: Resource, chance: random.Random) -> None:
    """Leave the codes of published terminologies alone, as a hospital sends them."""
    for key in ("code", "medicationCodeableConcept", "valueCodeableConcept"):
        codings = resource.get(key, {}).get("coding", [])
        if len(codings) > 1:
            resource[key]["coding"] = codings[1:]
    resource.pop("bodySite", None)


def _unknown_code(resource: Resource, chance: random.Random) -> None:
    if "code" in resource:
        resource["code"] = coded((chance.choice([SNOMED, LOINC, "urn:local"]), "0000"))


def _absolute(resource: Resource, chance: random.Random) -> None:
    if "subject" in resource:
        reference = resource["subject"]["reference"]
        resource["subject"]["reference"] = f"https://hospital.example/fhir/{reference}/_history/{chance.randint(1, 3)}"


def _otherwise(resource: Resource, chance: random.Random) -> None:
    """Change what the models refuse, and what they do not look at."""
    resource |= chance.choice(
        [{"id": "a" * 65}, {"language": "fr"}, {"subjekt": 1}, {"note": [{"text": "naïve\ttab"}]}]
    )
    if resource["resourceType"] == "Patient":
        resource.pop("id", None)


_CHANGES: tuple[Callable[[Resource, random.Random], None], ...] = (
    _partial_date,
    _moment,
    _wrong,
    _unit,
    _value,
    _published,
    _unknown_code,
    _absolute,
)
_HERS: tuple[Resource, ...] = (
    t_score("38265-5", Decimal("-3.4")),
    t_score("38263-0", Decimal("-2.6")),
    t_score("80946-7", Decimal("-1.2"), "2025-07-01"),
    t_score("38267-1", Decimal("-3.9"), "2018-07-01"),
    t_score("38264-8", Decimal("-0.2"), "2026-07-01"),
    t_score("24966-4", Decimal("0.9"), unit="g/cm2"),
    condition(SNOMED, "443165006", "2024-11-30"),
    condition(SNOMED, "263102004", "2024-11-30"),
    condition(SNOMED, "42942008"),
    medication("MedicationStatement", "active", "http://www.nlm.nih.gov/research/umls/rxnorm", "993449"),
    {"resourceType": "MedicationRequest", "status": "active", "medicationReference": {"reference": "Medication/m"}},
    {"resourceType": "Encounter", "status": "finished"},
    POSTMENOPAUSAL,
    NO_FRACTURE,
)
_MEDICATION: Resource = {
    "resourceType": "Medication",
    "id": "m",
    "code": coded(("http://www.nlm.nih.gov/research/umls/rxnorm", "46041")),
}


def _resources(knowledge_base: KnowledgeBase, record: Resource, name: str, chance: random.Random) -> list[Resource]:
    """Make the resources of a random patient, some of them changed, some added, some twice."""
    [case] = knowledge_base.read(exact_json(record), "json")
    made = [entry["resource"] for entry in bundle_of([case], knowledge_base.knowledge.terms)["entry"]]
    made += [dict(each) for each in chance.sample(_HERS, chance.choice([0, 0, 1, 3]))]
    made = [json.loads(exact_json(each), parse_float=Decimal) for each in made]
    her = {"reference": f"Patient/{name}"}
    whole = chance.choice([0, 0, 0.1, 0.5])
    for number, each in enumerate(made):
        is_patient = each["resourceType"] == "Patient"
        each |= {"id": name} if is_patient else {"id": f"{name}-{number}", "subject": her}
        if is_patient:
            del each["identifier"]
            each |= chance.choice([{}, {}, {"deceasedDateTime": "2026-01-01"}])
        for change in _CHANGES:
            if chance.random() < whole / len(_CHANGES) or (change is _published and whole == 0.5):
                change(each, chance)
        if not is_patient and chance.random() < whole / len(_CHANGES):
            _otherwise(each, chance)
    return made + chance.choice([[], [], [made[0]], [made[-1]]])


def _whole(resources: Iterable[Resource]) -> str:
    return exact_json({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": e} for e in resources]})


def _by_type(folder: Path, people: list[list[Resource]], chance: random.Random) -> None:
    """Write a file or two for each type of resource, some of them compressed."""
    files: dict[str, list[Resource]] = {"Medication.ndjson": [_MEDICATION]}
    for resource in itertools.chain(*people):
        kind, part = resource["resourceType"], chance.choice([0, 0, 1])
        files.setdefault(f"{kind}.00{part}.ndjson{'.gz' if part else ''}", []).append(resource)
    for name, resources in files.items():
        text = "\n".join(exact_json(each) for each in resources).encode()
        (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)


def _mixed(folder: Path, people: list[list[Resource]], chance: random.Random) -> None:
    lines = [exact_json(each) for each in (_MEDICATION, *itertools.chain(*people))]
    chance.shuffle(lines)
    (folder / "export.ndjson").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def _bundle_a_line(folder: Path, people: list[list[Resource]], chance: random.Random) -> None:
    lines = [_whole([*resources, _MEDICATION]) for resources in people]
    (folder / "bundles.ndjson").write_text("\n".join(lines), encoding="utf-8")


def _bundle_a_file(folder: Path, people: list[list[Resource]], chance: random.Random) -> None:
    (folder / "inside").mkdir()
    for number, resources in enumerate(people):
        over_lines = "{\n" + _whole([*resources, _MEDICATION]).removeprefix("{")
        (folder / "inside" / f"{number}.json").write_text(over_lines, encoding="utf-8")
    (folder / "manifest.json").write_text('{"output": []}')


def _read_in_order(knowledge_base: KnowledgeBase, folder: Path, people: list[list[Resource]], **asked: Any) -> Any:
    """Read each patient's own Bundle, her resources in the order of the files."""
    order: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "manifest.json":
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
            for line in text.split("\n"):
                order.setdefault(line, len(order))
    for resources in people:
        own = sorted(resources, key=lambda each: order.get(exact_json(each), 0))
        yield from knowledge_base.read(_whole([*own, _MEDICATION]), "fhir", on=ON, **asked)


@settings(_settings, max_examples=12)
@given(
    batch=st.lists(records(), min_size=8, max_size=8),
    seed=st.integers(0, 2**32),
    write=st.sampled_from([_by_type, _mixed, _bundle_a_line, _bundle_a_file]),
    asked=st.sampled_from([{}, {"assume_postmenopausal_from": 60}]),
    sections=st.sampled_from([(), ("fractures", "treatments")]),
)
def test_a_cohort_says_what_is_said_of_each_patients_own_bundle(
    knowledge_base: KnowledgeBase,
    tmp_path_factory: pytest.TempPathFactory,
    batch: list[dict[str, Any]],
    seed: int,
    write: Callable[[Path, list[list[Resource]], random.Random], None],
    asked: dict[str, int],
    sections: tuple[str, ...],
) -> None:
    """Dispositions, options, missing facts, situations, notices, refusals and their reports."""
    chance, folder = random.Random(seed), tmp_path_factory.mktemp("export")
    people = [_resources(knowledge_base, record, f"p{number}", chance) for number, record in enumerate(batch)]
    write(folder, people, chance)
    cases = list(_read_in_order(knowledge_base, folder, people, **asked))
    rows, summary, reports = run(
        knowledge_base, [folder], tmp_path_factory.mktemp("result"), assume_complete=sections, **asked
    )
    assert (rows, reports) == expected(knowledge_base, cases, assume_complete=sections)
    assert (summary.patients, summary.decided, summary.rejected) == (len(batch), len(rows), len(reports))


# What is read, and what is said of the rest


def write_lines(path: Path, *resources: Resource) -> Path:
    """Write resources, one a line."""
    path.write_text("\n".join(exact_json(each) for each in resources), encoding="utf-8")
    return path


HER_TEST = t_score("38267-1", Decimal("-3.2"))


def _of_another(resource: Resource, reference: str) -> Resource:
    return {**resource, "subject": {"reference": reference}}


@pytest.mark.parametrize(("least_age", "wanted"), [(None, "undetermined"), (60, "densitometry-required")])
def test_synthea_bundles_are_a_cohort(
    knowledge_base: KnowledgeBase, tmp_path: Path, least_age: int | None, wanted: str
) -> None:
    """A folder of compressed Bundles, one file for each patient."""
    rows, _, _ = run(knowledge_base, [SYNTHEA], tmp_path, assume_postmenopausal_from=least_age)
    assert [row["disposition"] for row in rows] == [wanted] * 3
    assert [("postmenopausal-assumed" in row["assumptions"]) for row in rows] == [least_age is not None] * 3


def test_what_belongs_to_no_patient_is_counted_and_said(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    of_another = _of_another(HER_TEST, "Patient/other")
    others = [of_another, of_another | {"id": "second"}, HER_TEST | {"subject": {"display": "she"}}]
    write_lines(tmp_path / "export.ndjson", patient(), *others, {"resourceType": "Organization"}, of_another)
    [row], summary, _ = run(knowledge_base, [tmp_path], tmp_path)
    assert row["disposition"] == "undetermined"
    assert summary.remarks == (
        "Resources of patients who are not there: Observation ×2.",
        "Resources that speak of no patient: Observation ×1, Organization ×1.",
    )
    assert set(summary.remarks) - set(summary.lines()) == set()


def test_resources_without_any_patient_are_refused(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    write_lines(tmp_path / "Observation.ndjson", HER_TEST)
    with pytest.raises(UnreadableCaseError, match="no Patient resource"):
        run(knowledge_base, [tmp_path], tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "line 3 is not JSON"),
        ('{"resourceType": "Patient", "id"', "line 3 is not JSON"),
        ('{"resourceType": "Patient", "id": "\\ud800"}', "line 3 holds half a character"),
        ("[" * 100_000, "line 3 is nested too deeply"),
    ],
)
def test_a_line_that_is_not_json_stops_the_run_by_its_number(
    knowledge_base: KnowledgeBase, tmp_path: Path, line: str, said: str
) -> None:
    """Whose line it was cannot be told, and nobody is decided on half of her record."""
    path = tmp_path / "export.ndjson"
    path.write_text(f"\ufeff{exact_json(patient())}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(UnreadableCaseError, match=said):
        run(knowledge_base, [path], tmp_path)
    assert not (tmp_path / "result.parquet").exists()


def test_a_file_that_was_cut_off_is_refused(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    whole = gzip.compress("\n".join([exact_json(patient())] * 500).encode())
    (tmp_path / "Patient.ndjson.gz").write_bytes(whole[:-20])
    with pytest.raises(UnreadableCaseError):
        run(knowledge_base, [tmp_path], tmp_path)


def test_flat_records_and_fhir_are_told_apart_by_what_they_hold(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "flat.jsonl").write_text('{"patient": "flat", "sex": "male"}\n')
    write_lines(tmp_path / "fhir.jsonl", patient())
    rows, summary, _ = run(knowledge_base, [tmp_path], tmp_path)
    assert [row["patient"] for row in rows] == ["example", "flat"]
    assert summary.patients == 2


def test_json_that_is_not_fhir_is_no_fhir_even_where_it_is_called_so(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    path = tmp_path / "flat.json"
    path.write_text('{"patient": "flat", "sex": "male"}\n')
    with pytest.raises(UnreadableCaseError, match="no Patient resource"):
        run(knowledge_base, [path], tmp_path, input_format="fhir")


def test_columns_cannot_be_mapped_in_fhir(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "export.ndjson", patient())
    asked = ["cohort", str(path), "--output", str(tmp_path / "result.csv"), "--map", "age_years=AGE"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2
    assert "FHIR has no columns to map" in done.output


def test_the_age_of_the_menopause_can_be_given_on_the_command_line(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "export.ndjson", patient(), HER_TEST, NO_FRACTURE)
    asked = ["cohort", str(path), "--on", "2026-11-22", "--output", str(tmp_path / "result.csv")]
    done = CliRunner().invoke(main, [*asked, "--assume-postmenopausal-from", "60"])
    assert "treatment indicated: 1 (100.0%)" in done.output
    assert "postmenopausal-assumed" in (tmp_path / "result.csv").read_text()


def test_an_id_means_something_within_one_export_alone(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    for name, score in (("here", "-3.2"), ("there", "-0.5")):
        (tmp_path / name).mkdir()
        write_lines(tmp_path / name / "Patient.ndjson", patient())
        found = t_score("38267-1", Decimal(score))
        write_lines(tmp_path / name / "others.ndjson", found, POSTMENOPAUSAL, NO_FRACTURE)
    files = sorted(tmp_path.rglob("*.ndjson"))
    for inputs in ([tmp_path / "here", tmp_path / "there"], files):
        rows, _, _ = run(knowledge_base, inputs, tmp_path)
        assert sorted(row["disposition"] for row in rows) == ["no-treatment", "treat"]


def test_a_patient_without_a_name_is_called_by_file_and_row(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    nameless = {key: value for key, value in patient(birthDate="1956").items() if key != "id"}
    lines = [patient(), patient(), {**nameless, "birthDate": "1956-01-01"}, nameless]
    write_lines(tmp_path / "Patient.ndjson", *lines)
    rows, summary, _ = run(knowledge_base, [tmp_path], tmp_path)
    assert [row["patient"] for row in rows] == ["Patient.ndjson#2", "Patient.ndjson#3", "example"]
    assert summary.patients == 3
    assert "element-ignored" in rows[2]["warnings"]  # she stands there twice


def _counted(folder: Path, knowledge_base: KnowledgeBase, inputs: Path, **asked: Any) -> int:
    """Give how many were assessed by themselves."""
    counts = [0]
    assess(
        knowledge_base,
        Request((str(inputs),), folder / "result.csv", ON, rejected=folder / "rejected.jsonl", **asked),
        lambda what, done, _: counts.append(done) if what == "One by one" else None,
    )
    return max(counts)


def test_what_a_flat_record_can_say_is_decided_in_columns(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """With elements that were ignored or not valid, a death, and assumptions beside it."""
    more = [
        {"resourceType": "Encounter", "subject": HER_TEST["subject"]},
        {**POSTMENOPAUSAL, "id": "a" * 65},
        condition(SNOMED, "42942008"),
        medication("MedicationStatement", "active", "http://www.nlm.nih.gov/research/umls/rxnorm", "993449"),
    ]
    inputs = write_lines(tmp_path / "export.ndjson", patient(deceasedBoolean=True), HER_TEST, NO_FRACTURE, *more)
    assert _counted(tmp_path, knowledge_base, inputs) == 0
    apart = t_score("38264-8", Decimal("-3.1"), "2020-01-01")
    inputs = write_lines(tmp_path / "export.ndjson", patient(), HER_TEST, apart)
    assert _counted(tmp_path, knowledge_base, inputs, assume_postmenopausal_from=60) == 0


# Pieces of files, and processes that read them


@pytest.mark.parametrize("ending", ["\n", ""])
def test_every_line_is_in_one_piece(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lines"
    lines = [b"x" * length for length in (1, 5, 2, 9, 1, 1, 30, 3)]
    path.write_bytes(b"\n".join(lines) + ending.encode())
    for size in range(1, path.stat().st_size + 2):
        monkeypatch.setattr(fhir_files, "_PIECE", size)
        found = [line for piece in fhir_files.pieces(0, path) for line in piece.lines()]
        assert [line for _, line in found] == lines, size
        assert [offset for offset, _ in found] == [sum(map(len, lines[:n])) + n for n in range(len(lines))]


def test_helpers_find_the_same(knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, export = random.Random(3), tmp_path / "export"
    export.mkdir()
    hers = [HER_TEST, POSTMENOPAUSAL, NO_FRACTURE]
    people = [
        [patient(id=f"p{number}"), *(_of_another(each, f"Patient/p{number}") for each in hers[: number % 4])]
        for number in range(40)
    ]
    _by_type(export, people, chance)
    shutil.copy(next(SYNTHEA.glob("*.gz")), export)
    alone = run(knowledge_base, [export], tmp_path)
    monkeypatch.setattr(fhir, "_WORTH_HELP", 0)
    monkeypatch.setattr(fhir, "_PARTITION", 2000)
    monkeypatch.setattr(fhir, "_HELPERS", 3)
    monkeypatch.setattr(fhir_files, "_PIECE", 1000)
    assert run(knowledge_base, [export], tmp_path) == alone


def test_what_a_helper_finds_wrong_is_said(
    knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fhir, "_WORTH_HELP", 0)
    monkeypatch.setattr(fhir, "_HELPERS", 2)
    (tmp_path / "export.ndjson").write_text(f"{exact_json(patient())}\nnonsense\n")
    with pytest.raises(UnreadableCaseError, match="line 2 is not JSON"):
        run(knowledge_base, [tmp_path], tmp_path)


# Resources of one outline


@settings(_settings, max_examples=60)
@given(record=records(), seed=st.integers(0, 2**32))
def test_resources_of_one_outline_have_the_same_problems(
    knowledge_base: KnowledgeBase, record: dict[str, Any], seed: int
) -> None:
    checks, chance = Checks(), random.Random(seed)
    for name in ("first", "second"):
        for resource in _resources(knowledge_base, record, name, chance):
            assert checks.problems(resource) == problems(resource)


# Entries that decide nothing


def _egfr(value: str, day: str = "2026-01-01") -> Resource:
    unit = {"value": Decimal(value), "unit": "mL/min/{1.73_m2}"}
    return {**t_score("62238-1", 0, day), "id": f"egfr-{value}", "valueQuantity": unit}


def _forearm(value: str, day: str = "2026-01-01") -> Resource:
    return t_score("38265-5", Decimal(value), day)


@pytest.mark.parametrize(
    ("more", "alone", "refused"),
    [
        ((_egfr("45.2"), RENAL, _forearm("-3.4"), _forearm("-3.4", "2020-01-01")), 0, 0),
        ((_egfr("45.2"), _egfr("80", "2020-05-05")), 0, 0),  # a limit is set in the clearance
        ((RENAL,), 0, 0),
        ((_egfr("900"),), 1, 1),
        ((RENAL, _egfr("900")), 1, 1),
        ((_egfr("45", "2026-11-23"),), 1, 1),
        ((RENAL, _egfr("45", "2026-11-22")), 0, 0),
        ((_forearm("-30"),), 1, 1),
        ((_forearm("-3"), _forearm("-2")), 1, 1),
        ((t_score("38267-1", Decimal("-0.3"), "2019-01-01"), t_score("38267-1", Decimal("-1"), "2020-01-01")), 0, 0),
        ((t_score("38267-1", Decimal("30"), "2019-01-01"),), 1, 1),
        ((t_score("38263-0", Decimal("-3.3")), t_score("80946-7", Decimal("-1.2"))), 0, 0),
        ((t_score("80946-7", Decimal("-1.2")), t_score("80945-9", Decimal("-1.3"))), 0, 0),
    ],
)
def test_entries_that_decide_nothing_leave_a_patient_in_the_columns(
    knowledge_base: KnowledgeBase, tmp_path: Path, more: tuple[Resource, ...], alone: int, refused: int
) -> None:
    """Renal function, sites that never decide, older scores, sides; what is refused stays so."""
    resources = [patient(), HER_TEST, POSTMENOPAUSAL, NO_FRACTURE, *more]
    inputs = write_lines(tmp_path / "export.ndjson", *resources)
    assert _counted(tmp_path, knowledge_base, inputs) == alone
    rows, _, reports = run(knowledge_base, [inputs], tmp_path)
    assert (rows, reports) == expected(knowledge_base, knowledge_base.read(_whole(resources), "fhir"))
    assert len(reports) == refused
