"""Small inputs from the field: what each must give is told beside them, and stands here as facts."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.worked import ON

FIELD = Path(__file__).resolve().parents[4] / "shared" / "cases" / "field"

pytestmark = pytest.mark.skipif(not FIELD.is_dir(), reason="the inputs from the field are not beside this project")

#: Each input of `clinic`: the dispositions that remain, the status of teriparatide where it is told, and notices.
CLINIC: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
    "broad-vertebral-code-beside-wrist": ("treat imperative", None, ("vertebral-level-assumed",)),
    "unread-hip-text-beside-wrist": ("undetermined", None, ("section-open",)),
    "unread-hip-text-beside-wrist-good-bone": ("no-treatment/specialist-opinion", None, ("section-open",)),
    "differential-hip": ("no-treatment/specialist-opinion/treat", None, ("section-open",)),
    "icd10cm-femur-unspecified": ("treat imperative", None, ()),
    "history-of-fragility-fracture": ("undetermined", None, ()),
    "cim-10-hip": ("treat imperative", None, ()),
    "unit-sd": ("treat initiated", None, ()),
    "femoral-neck-structure": ("treat initiated", None, ()),
    "total-femur-text": ("treat initiated", None, ()),
    "neck-abbreviated": ("treat initiated", None, ()),
    "vertebrae-and-l1-l4": ("specialist-opinion", None, ("single-vertebra-ignored",)),
    "single-vertebra-alone": ("densitometry-required", None, ("single-vertebra-ignored",)),
    "newer-by-month-lower": ("treat initiated", None, ()),
    "issued-only": ("no-treatment not-recommended", None, ("densitometry-date-assumed",)),
    "observation-about-her-mother": ("densitometry-required", None, ()),
    "one-vertebra-in-two-systems": ("treat imperative", "undetermined", ("vertebral-count-open",)),
    "initial-and-subsequent-encounter": ("treat imperative", "not-eligible", ()),
    "two-levels": ("treat imperative", "eligible", ()),
    "first-thoracic-vertebra": ("no-treatment not-recommended", None, ("non-osteoporotic-site",)),
    "m80-vertebra": ("treat imperative", None, ()),
    "tibial-shaft": ("treat proposed", None, ()),
    "pelvis-unspecified-part": ("undetermined", None, ()),
    "icd-without-dot": ("treat imperative", None, ()),
    "loinc-by-oid": ("treat initiated", None, ()),
    "denosumab-stopped": ("treat initiated", None, ("denosumab-rebound",)),
    "denosumab-status-unknown": ("treat initiated", None, ("denosumab-rebound",)),
    "deleted-in-history": ("densitometry-required", None, ()),
    "contained-t-score": ("treat", None, ()),
    "medication-statement-r5": ("treat", None, ("section-open",)),
    "parameters-wrapper": ("out-of-scope/treat", None, ()),
}


@pytest.mark.parametrize("name", CLINIC)
def test_a_record_from_the_clinic_gives_what_is_told_of_it(knowledge_base: KnowledgeBase, name: str) -> None:
    [case] = knowledge_base.read((FIELD / "clinic" / f"{name}.json").read_bytes(), "fhir", on=ON)
    answer = knowledge_base.assess(case, on=ON)
    outcome, teriparatide, notices = CLINIC[name]
    said = {answer.disposition, f"{answer.disposition} {answer.strength}", "/".join(answer.possible)}
    assert outcome in said
    statuses = {option.treatment: option.status for option in answer.options}
    assert teriparatide in (None, statuses.get("teriparatide"))
    assert set(notices) <= {each.code for each in (*answer.warnings, *answer.assumptions)}


def test_two_servers_with_one_id_are_two_patients(knowledge_base: KnowledgeBase) -> None:
    cases = knowledge_base.read((FIELD / "clinic" / "two-servers-one-id.json").read_bytes(), "fhir", on=ON)
    assert len({case.patient for case in cases}) == 2


def test_every_record_from_the_clinic_is_told_of_here() -> None:
    found = {path.stem for path in (FIELD / "clinic").glob("*.json")}
    assert found == {*CLINIC, "two-servers-one-id"}
