"""FHIR that nobody here wrote gives the answers that its readers were promised."""

from __future__ import annotations

import gzip
import json

import pytest

from osteo_kg import Case, UnreadableCaseError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import NO_FRACTURE, POSTMENOPAUSAL, assess, bundle, fractures, patient, reasons, said, told
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow


FHIR = ROOT / "tests" / "fhir"
FOREARM, HIP, NO_FRACTURES = (
    "forearm-fractures-forearm-tscore",
    "hip-fracture-no-densitometry",
    "no-fracture-forearm-tscore",
)
US_CORE = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((FHIR / "us-core").glob("*.json"))]


def synthea(knowledge_base: KnowledgeBase, name: str, least_age: int | None = None) -> Case:
    """Read one of the Synthea bundles."""
    data = gzip.decompress((FHIR / "synthea" / f"{name}.json.gz").read_bytes())
    [case] = knowledge_base.read(data, name=f"{name}.json", assume_postmenopausal_from=least_age, on=ON)
    return case


def test_every_file_was_found() -> None:
    """No folder of samples is empty."""
    assert len(list((FHIR / "synthea").glob("*.gz"))) == 3
    assert len(US_CORE) == 2


@pytest.mark.parametrize("name", [FOREARM, HIP, NO_FRACTURES])
def test_without_a_menopausal_status_the_answer_is_undetermined(knowledge_base: KnowledgeBase, name: str) -> None:
    """Nothing in the bundle says that she is post-menopausal, and nothing is assumed unasked."""
    assessment = knowledge_base.assess(synthea(knowledge_base, name), on=ON)
    assert assessment.disposition == "undetermined"
    assert assessment.possible == ("densitometry-required", "out-of-scope")


@pytest.mark.parametrize("name", [FOREARM, HIP, NO_FRACTURES])
def test_with_the_assumption_she_needs_a_densitometry(knowledge_base: KnowledgeBase, name: str) -> None:
    """The caller's age makes her post-menopausal, and the answer says so."""
    assessment = knowledge_base.assess(synthea(knowledge_base, name, 60), on=ON)
    assert assessment.disposition == "densitometry-required"
    assert told(assessment, "postmenopausal-assumed")


def test_both_forearm_t_scores_are_named_with_the_reason(knowledge_base: KnowledgeBase) -> None:
    """38265-5 is a forearm T-score: it never decides."""
    assessment = knowledge_base.assess(synthea(knowledge_base, FOREARM, 60), on=ON)
    lines = [line for line in told(assessment, "element-ignored") if "LOINC 38265-5" in line]
    assert len(lines) == 2
    assert all("not used for the decision" in line for line in lines)
    assert len(told(assessment, "densitometry-site-ignored")) == 2
    assert told(assessment, "already-treated")


def test_an_osteoporotic_fracture_is_the_forearm_fracture_of_its_date(knowledge_base: KnowledgeBase) -> None:
    """443165006 of 2020 shares its date with a forearm fracture, which says where."""
    case = synthea(knowledge_base, FOREARM)
    assert fractures(case) == ["ForearmFracture", "ForearmFracture"]
    assert "443165006" in reasons(case)["SiteSaidElsewhere"][0]


def test_a_deceased_patient_with_a_hip_fracture_is_said_to_be_deceased(knowledge_base: KnowledgeBase) -> None:
    """443165006 shares its date with the hip fracture; the death is warned of."""
    case = synthea(knowledge_base, HIP, 60)
    assert fractures(case) == ["ProximalFemurFracture"]
    assert told(knowledge_base.assess(case, on=ON), "deceased")


def test_no_recorded_fracture_is_not_none_unless_the_caller_says_so(knowledge_base: KnowledgeBase) -> None:
    """The history stays open, and is closed by --assume-complete."""
    case = synthea(knowledge_base, NO_FRACTURES, 60)
    assert fractures(case) == said(case, "isCompleteFor") == []
    assert knowledge_base.assess(case, on=ON, assume_complete=["fractures"]).disposition == "densitometry-required"


def test_every_type_that_is_not_read_is_named(knowledge_base: KnowledgeBase) -> None:
    """Whatever stands in the bundle and is not used is told, with how often."""
    data = json.loads(gzip.decompress((FHIR / "synthea" / f"{FOREARM}.json.gz").read_bytes()))
    found = reasons(synthea(knowledge_base, FOREARM))
    types = {entry["resource"]["resourceType"] for entry in data["entry"]} - {"Patient"}
    elements = " ".join(element for listed in found.values() for element in listed)
    assert {kind for kind in types if kind not in elements} == set()
    assert any("Claim ×126" in told for told in found["TypeNotRead"])


@pytest.mark.parametrize("observation", US_CORE, ids=lambda each: str(each["id"]))
def test_an_observation_alone_is_refused_with_a_sentence(
    knowledge_base: KnowledgeBase, observation: dict[str, object]
) -> None:
    """There is no patient in it."""
    with pytest.raises(UnreadableCaseError, match="holds no Patient resource"):
        knowledge_base.read(json.dumps(observation), "json")


def test_the_us_core_observations_decide_with_the_hip(knowledge_base: KnowledgeBase) -> None:
    """A post-menopausal woman of 70 without fractures: -1.62 is above -2."""
    assessment = assess(knowledge_base, POSTMENOPAUSAL, NO_FRACTURE, *US_CORE)
    assert assessment.disposition == "no-treatment"
    assert "-1.48" in told(assessment, "densitometry-site-assumed")[0]
    evidence = [e for rule in assessment.rules for c in rule.criteria for e in c.evidence if e.fact.startswith("t_")]
    assert {(each.fact, str(each.value)) for each in evidence} == {("t_score_total_hip", "-1.62")}


@pytest.mark.parametrize("kind", ["collection", "searchset", "transaction", "document"])
def test_every_kind_of_bundle_is_read(knowledge_base: KnowledgeBase, kind: str) -> None:
    """The type of the bundle does not matter."""
    [case] = knowledge_base.read(bundle(patient(), POSTMENOPAUSAL, *US_CORE, kind=kind), "json")
    assert case.patient == "example"
    assert said(case, "hasSide") == ["LeftSide", "LeftSide"]
