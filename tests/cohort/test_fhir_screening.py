"""A row that is filled in from what was read of others is the row that reading her own resources gives."""

from __future__ import annotations

import copy
import datetime
import itertools
import json
import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osteo_kg.case.fhir import Assumption
from osteo_kg.case.fhir.exports import Beside
from osteo_kg.cohort.abstraction.extra_facts import MeasuredEntries
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.sources import fhir_shapes
from osteo_kg.cohort.sources.fhir_files import keep, parsed, pieces
from osteo_kg.cohort.sources.fhir_partitions import Partitions
from osteo_kg.cohort.sources.fhir_rows import PatientReader, Plan, flat_row
from osteo_kg.cohort.sources.fhir_shapes import Shapes
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from tests.cohort.test_fhir import _resources, _whole, expected, run, write_lines
from tests.support.bundles import (
    ATC,
    ICD_CM,
    LOINC,
    NO_FRACTURE,
    POSTMENOPAUSAL,
    RENAL,
    RENAL_BESIDE_UNREAD,
    SNOMED,
    Resource,
    coded,
    condition,
    medication,
    nothing_known,
    patient,
    t_score,
)
from tests.support.strategies import records
from tests.support.worked import ON, exact_json

_settings = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
_LISTS = ("open_sections", "spared", "spared_numbers")  # in which the order says nothing
_FIRST_DAY = datetime.date(2015, 1, 1)


def plan_of(knowledge_base: KnowledgeBase, path: Path, assumption: Assumption | None = None) -> Plan:
    """Plan to read one file."""
    folder = path.parent / "sorted"
    folder.mkdir()
    parts = LibraryProbe(knowledge_base, DEFAULT_GUIDELINE, ON, ())
    measured = MeasuredEntries(knowledge_base.knowledge.terms, parts.months_apart)
    return Plan((path,), (str(path.parent),), folder, 1, measured, assumption)


def read_both_ways(plan: Plan) -> Iterator[tuple[Any, Any]]:
    """Give for each patient the row that is filled in, or None, and the row of her own resources, or None."""
    reader, partitions = PatientReader(plan), Partitions(plan.folder, 1)
    for piece in pieces(0, plan.files[0]):
        reader.sort(piece)
    keep(partitions.medications(), plan.medications)
    for owner, lines in partitions.owners(0):
        screened = reader._screening.row(lines)
        for person in reader.people(0, Beside(), {owner}):
            yield screened and comparable(screened[0]), comparable(flat_row(reader.case(person, ""), plan.measured))


def comparable(row: Mapping[str, Any] | None) -> Any:
    """Give what a row says, whatever the order of what has none."""
    if row is None:
        return None
    said = {key: value for key, value in row.items() if value is not None}
    return {key: sorted(value) if key in _LISTS else value for key, value in said.items()}


def another(resources: list[Resource], name: str, chance: random.Random) -> list[Resource]:
    """Give the resources of a patient as those of another, with days and numbers of her own."""
    days = [f"{_FIRST_DAY + datetime.timedelta(chance.randrange(4_000))}" for _ in range(3)]
    numbers = [Decimal(chance.choice(["-3.4", "-2.5", "-2.50", "0", "-0.0", "1.0", "-2", "-4.25", "12", "60"]))] * 2
    numbers.append(Decimal(chance.randrange(-60, 40)) / 10)

    def changed(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {inner: changed(each, inner) for inner, each in value.items()}
        if isinstance(value, list):
            return [changed(each, key) for each in value]
        if key == "value" and isinstance(value, Decimal):
            return chance.choice(numbers)
        is_day = isinstance(value, str) and key.endswith(("Date", "DateTime", "issued", "start", "end"))
        return chance.choice(days) + value[10:] if is_day and len(value) >= 10 else value

    return named(changed(resources, ""), name)


def named(resources: list[Resource], name: str) -> list[Resource]:
    """Give resources as those of a patient of this name."""
    found = copy.deepcopy(resources)
    for number, each in enumerate(found):
        each |= {"id": name} if each["resourceType"] == "Patient" else {"id": f"{name}-{number}"}
        if "subject" in each:
            each["subject"] = {"reference": f"Patient/{name}"}
    return found


_MORE: tuple[Resource, ...] = (
    {"resourceType": "Encounter", "status": "finished", "reasonCode": [{"text": "fracture du col"}]},
    {"resourceType": "Encounter", "status": "finished", "reasonReference": [{"reference": "Condition/c-263102004"}]},
    {"resourceType": "Procedure", "status": "completed", "code": coded((SNOMED, "263102004"))},
    {"resourceType": "Encounter", "status": "finished", "type": [{"text": "fracture du col"}]},
    {
        "resourceType": "CarePlan",
        "category": [{"text": "Fracture care"}],
        "addresses": [{"reference": "Condition/c-263102004"}],
    },
    {"resourceType": "MedicationUsage", "medication": {"concept": coded((ATC, "M05BA04"))}},
    {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "DXA"},
        "presentedForm": [{"url": "https://x/1.pdf"}],
        "result": [{"reference": "Observation/o-38267-1--3.2"}],
    },
    {**condition(SNOMED, "263102004", "2019-02-03"), "note": [{"text": "fracture consolidée"}]},
    {"resourceType": "Condition", "code": {"text": "x"}, "evidence": [{"code": [{"text": "tassement L1"}]}]},
    {"resourceType": "Condition", "code": {"text": "antécédent de fracture"}},
    {"resourceType": "Condition", "code": {"text": "x"}, "verificationStatus": {"text": "refuted"}},
    {"resourceType": "Observation", "status": "final", "code": {"text": "T-score"}, "valueQuantity": {"value": -3}},
    {"resourceType": "Immunization", "status": "completed", "contained": [condition(SNOMED, "263102004")]},
    {"resourceType": "MedicationRequest", "status": "active", "medicationReference": {"reference": "Medication/m"}},
    {"resourceType": "AllergyIntolerance", "code": coded((ATC, "M05BA04"))},
    medication("MedicationStatement", "active", ATC, "M05BA04"),
    medication(
        "MedicationStatement",
        "active",
        ATC,
        "M05BX04",
        dosage=[{"doseAndRate": [{"doseQuantity": {"value": Decimal(120), "code": "mg"}}]}],
    ),
    condition(ICD_CM, "M80.08XA", "2020-01-01"),
    condition(ICD_CM, "M80.08XD", "2021-05-01"),
    condition(SNOMED, "263102004", "2019"),
    t_score("38265-5", Decimal("-3.4")),
    t_score("38267-1", Decimal("-3.2"), "2024-02-01"),
    t_score("38267-1", Decimal("-3.9"), "2018-07-01"),
    t_score("38263-0", Decimal("-2.6"), issued="2026-01-01T10:00:00Z"),
    {**t_score("38263-0", Decimal("-2.6")), "effectivePeriod": {"start": "2020-01-01", "end": "2020-01-03"}},
    {**t_score("38263-0", Decimal("-2.6")), "focus": [{"reference": "Patient/p0"}]},
    {**t_score("38263-0", Decimal("-2.6")), "meta": {"lastUpdated": "2026-01-01T10:00:00Z"}},
    RENAL,
    *RENAL_BESIDE_UNREAD["a comparator"][0],
    POSTMENOPAUSAL,
    NO_FRACTURE,
)


@settings(_settings, max_examples=30)
@given(record=records(), seed=st.integers(0, 2**32), least_age=st.sampled_from([None, 60]))
def test_a_row_that_is_filled_in_is_the_row_that_her_own_resources_give(
    knowledge_base: KnowledgeBase,
    tmp_path_factory: pytest.TempPathFactory,
    record: dict[str, Any],
    seed: int,
    least_age: int | None,
) -> None:
    """Patients of whom the same is said, with days and numbers of their own, in any order and some of them equal."""
    chance = random.Random(seed)
    one = _resources(knowledge_base, record, "p0", chance)
    one += [{**copy.deepcopy(each), "subject": {"reference": "Patient/p0"}} for each in chance.sample(_MORE, 4)]
    people = [one, *(another(one, f"p{number}", chance) for number in range(1, 7))]
    path = tmp_path_factory.mktemp("export") / "export.ndjson"
    write_lines(path, *itertools.chain(*people))
    assumption = None if least_age is None else Assumption(least_age, ON)
    for filled, own in read_both_ways(plan_of(knowledge_base, path, assumption)):
        assert filled is None or filled == own


HER_RESOURCES = [
    patient(),
    t_score("38267-1", Decimal("-3.2")),
    t_score("38263-0", Decimal("-1.2"), "2024-02-01"),
    condition(SNOMED, "263102004", "2024-11-30"),
    condition(SNOMED, "42942008"),
    medication("MedicationStatement", "active", ATC, "M05BA04"),
    {"resourceType": "Encounter", "status": "finished", "subject": {"reference": "Patient/example"}},
    POSTMENOPAUSAL,
    NO_FRACTURE,
]


def test_what_a_usual_export_says_is_filled_in(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    chance = random.Random(1)
    people = [another(HER_RESOURCES, f"p{number}", chance) for number in range(60)]
    path = write_lines(tmp_path / "export.ndjson", *itertools.chain(*people))
    plan = plan_of(knowledge_base, path)
    both = list(read_both_ways(plan))
    assert len(both) == len(people)
    assert all(filled == own for filled, own in both)
    reader = PatientReader(plan)
    assert reader.lay(0)[1] == len(people)
    assert len(reader._screening._groups) < len(people)


_OWN = "https://w3id.org/osteo-kg/ns/"
_SCORE = t_score("38267-1", -3.2)
_SPINE = condition(SNOMED, "42942008", "2024-11-30")


@pytest.mark.parametrize(
    "hers",
    [
        pytest.param([condition(_OWN, "DistalRadiusFracture", "2024-11-30")] * 2, id="one own entry twice"),
        pytest.param([condition(_OWN, "VertebralFracture", "2024-11-30"), _SPINE], id="a vertebra, own and published"),
        pytest.param([_SPINE, _SPINE, condition(SNOMED, "263102004")], id="two vertebrae"),
        pytest.param([condition(SNOMED, "263102004", "2024-11-30")] * 3, id="one bone, perhaps of one day"),
        pytest.param(
            [condition(SNOMED, "125605004", "2024-11-30"), condition(SNOMED, "263102004", "2024-11-30")],
            id="a site that is said elsewhere",
        ),
        pytest.param(
            [condition(ICD_CM, code, "2024-11-30") for code in ("S72.001A", "S72.001D", "S52.501A")],
            id="encounters of one fracture",
        ),
        pytest.param([condition(SNOMED, "263102004", "2024-11"), condition(SNOMED, "263102004", "2024")], id="months"),
        pytest.param([medication("MedicationStatement", "active", ATC, "M05BA04")] * 2, id="one drug twice"),
        pytest.param(
            [medication("MedicationStatement", each, ATC, "M05BA04") for each in ("active", "stopped", "active")],
            id="one drug, three times, two outcomes",
        ),
        pytest.param(
            [{"resourceType": "AllergyIntolerance", "code": coded((ATC, code))} for code in ("M05BA", "M05BA04")],
            id="intolerances of a group and of a drug",
        ),
    ],
)
def test_what_may_bear_on_something_else_is_read_with_it(
    knowledge_base: KnowledgeBase, tmp_path: Path, hers: list[Resource]
) -> None:
    chance = random.Random(2)
    subject = {"subject": {"reference": "Patient/p"}}
    own = [patient(), *({**each, **subject} for each in hers), NO_FRACTURE]
    people = [another(own, f"p{number}", chance) for number in range(12)]
    path = write_lines(tmp_path / "export.ndjson", *itertools.chain(*people))
    both = list(read_both_ways(plan_of(knowledge_base, path)))
    assert len(both) == len(people)
    assert all(filled is None or filled == own for filled, own in both)


_NUMBERS = (15, 29, 32, 45, 60)


@pytest.mark.slow
def test_renal_function_beside_an_unread_value_is_told_in_an_export_as_in_a_bundle(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    """Of several patients of each kind, with days and numbers of their own, some of them equal."""
    chance, people = random.Random(4), []
    for kind, (tests, _) in enumerate(RENAL_BESIDE_UNREAD.values()):
        for number in range(4):
            text = json.dumps(tests).replace('"value": 60', f'"value": {chance.choice(_NUMBERS)}')
            history = [nothing_known("MedicalHistory")] if number % 2 else []
            hers = [patient(), _SCORE, POSTMENOPAUSAL, NO_FRACTURE, *history, *json.loads(text)]
            name = f"p{kind}-{number}"
            people.append(another(hers, name, chance) if number > 1 else named(hers, name))
    path = write_lines(tmp_path / "export.ndjson", *itertools.chain(*people))
    both = list(read_both_ways(plan_of(knowledge_base, path)))
    assert len(both) == len(people)
    assert all(filled in (None, own) for filled, own in both)
    assert sum(filled is None for filled, _ in both) == 2 * 4  # a focus is looked up
    rows, _, reports = run(knowledge_base, [path], tmp_path)
    cases = [case for hers in people for case in knowledge_base.read(_whole(hers), "fhir")]
    assert (rows, reports) == expected(knowledge_base, cases)
    assert reports == []


@pytest.mark.parametrize("first", ["-0.0", "0.0", "1.0", "2.0", "-2.5"])
def test_no_number_of_one_patient_keeps_those_of_others_from_being_filled_in(
    knowledge_base: KnowledgeBase, tmp_path: Path, first: str
) -> None:
    """The number of decimals, and texts, may hold the number of the first."""
    numbers = [first, "-1.5", "-0.0", "0.5", "1.0", "-2.4", "0.0", "2.5", *(f"-3.{each}" for each in range(10))]
    people = [
        another([patient(), {**t_score("38267-1", Decimal(0)), "subject": {}}], f"p{place}", random.Random(1))
        for place in range(len(numbers))
    ]
    for (_, score), number in zip(people, numbers, strict=True):
        score["valueQuantity"]["value"] = Decimal(number)
    path = write_lines(tmp_path / "export.ndjson", *itertools.chain(*people))
    plan = plan_of(knowledge_base, path)
    assert all(filled == own for filled, own in read_both_ways(plan))
    reader = PatientReader(plan)
    reader.lay(0)
    assert len(reader._screening._groups) < len(numbers) / 2


@pytest.mark.parametrize(
    "line",
    [
        b'{"resourceType": "Observation", "id": "a-1", "subject": {"reference": "Patient/p"}, "valueQuantity": '
        b'{"value": -2.50}, "effectiveDateTime": "2024-02-29T10:00:00+01:00"}',
        b'{"id":"p","resourceType":"Patient","birthDate":"1950-01-01"}',
        '{"resourceType":"Encounter","id":"é","subject":{"reference":"Patient/p"}}'.encode(),
    ],
)
def test_shape_and_holes_are_the_line_again(tmp_path: Path, line: bytes) -> None:
    shapes = Shapes(tmp_path / "shapes", parsed)
    found = shapes.divided(line)
    if found is None:
        assert "é".encode() in line  # an id that is none
        return
    _, shape, held = found
    assert shape.whole(held) == line
    assert shape.owner_of(held) == b"Patient/p"
    shapes.keep()
    [kept] = fhir_shapes.kept(tmp_path / "shapes", parsed, {})
    assert (kept.pieces, kept.holes, kept.owner) == (shape.pieces, shape.holes, shape.owner)


@pytest.mark.parametrize(
    "line",
    [
        b'{"resourceType": "Observation", "id": "a", "subject": {"display": "she"}}',
        b'{"resourceType": "Bundle", "id": "a", "entry": []}',
        b'{"resourceType": "Medication", "id": "a"}',
        b'{"resourceType": "Patient"}',
        b'{"id": "a"}',
        b'{"resourceType":\0 "Patient", \0"id": "a"}',
        b'{"resourceType": "Patient", "id": "a",}',
        b'{"resourceType": "Patient", "id": "a", "name": [{"text": "\xff"}]}',
        b'{"resourceType": "Observation", "id": "a", "subject": {"reference": "urn:uuid:1"}}',
        b'{"resourceType": "Observation", "subject": {"reference": "Patient/p"}, "code": {"text": "2020-01-01"}}',
    ],
)
def test_what_is_no_resource_of_one_patient_has_no_shape(tmp_path: Path, line: bytes) -> None:
    assert Shapes(tmp_path / "shapes", parsed).divided(line) is None


def test_a_line_is_divided_alike_whatever_stood_before_it(tmp_path: Path) -> None:
    """Lines are compared first with shapes that follow each other often."""
    begins = b'{"resourceType": "Observation", "id": "%s", "subject": {"reference": "Patient/p"}'
    ends = [
        b"}",
        b', "issued": "2024-02-29T10:00:00Z"}',
        b', "valueQuantity": {"value": -2.5 }}',
        b', "status": "final"}',
    ]
    odd = [
        b', "issued": "2024-02"}',
        b', "valueQuantity": {"value": 1e5}}',
        b', "id": "b"}',
        b', "valueQuantity": {}',
        b"\0}",
    ]
    shapes, chance = Shapes(tmp_path / "shapes", parsed), random.Random(1)
    for number in range(2_000):
        line = begins % b"a%d" % number + chance.choice(ends if chance.random() < 0.9 else odd)
        found, alone = shapes.divided(line), Shapes(tmp_path / "alone", parsed).divided(line)
        assert (found is None) == (alone is None)
        if found is not None and alone is not None:
            assert (found[1].pieces, found[2]) == (alone[1].pieces, alone[2])
            assert found[1].whole(found[2]) == line


def test_codes_of_a_shape_are_the_same(tmp_path: Path) -> None:
    """What differs in more than ids, references, days and numbers is another shape."""
    shapes = Shapes(tmp_path / "shapes", parsed)
    lines = [exact_json(t_score(code, Decimal("-1"))).encode() for code in ("38267-1", "38263-0", "38267-1")]
    first, second, third = (shapes.divided(line) for line in lines)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first[1] is third[1] is not second[1]
    assert LOINC.encode() in b"".join(first[1].pieces)
