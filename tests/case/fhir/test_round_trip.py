"""A case written as a FHIR Bundle and read again is the same case, and has the same answer."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import HealthCheck, given, settings

from osteo_kg import Case
from osteo_kg.case.record_export import record_of
from osteo_kg.case.writing import check_fits, write_cases
from osteo_kg.errors import OsteoError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import strategies
from tests.support.worked import ON, ROOT, Worked, answered, exact_json


def again(knowledge_base: KnowledgeBase, case: Case) -> Case:
    """Write a case as FHIR, and read it."""
    terms = knowledge_base.knowledge.terms
    check_fits(case, "fhir", terms)
    [found] = knowledge_base.read(write_cases([case], "fhir", terms), "fhir", on=ON)
    return found


def same_answer(knowledge_base: KnowledgeBase, case: Case) -> None:
    """Assess a case before and after."""
    if not knowledge_base.validate(case, on=ON).conforms:
        return
    assert knowledge_base.assess(again(knowledge_base, case), on=ON) == knowledge_base.assess(case, on=ON)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=strategies.records())
def test_a_random_case_has_the_same_answer_after_a_round_trip(
    knowledge_base: KnowledgeBase, record: dict[str, Any]
) -> None:
    """Whatever a flat record can say travels in FHIR."""
    [case] = knowledge_base.read(exact_json(record), "json", name="random.json")
    same_answer(knowledge_base, case)


@pytest.mark.parametrize("worked", answered(), ids=lambda worked: str(worked.id))
def test_a_worked_case_is_the_same_after_a_round_trip(knowledge_base: KnowledgeBase, worked: Worked) -> None:
    """Its triples are, so its answer is."""
    case = worked.case(knowledge_base)
    if not case.ignored:
        assert again(knowledge_base, case).findings == ()


@pytest.mark.parametrize(
    "sites", [["vertebra", "ankle"], ["ankle", "vertebra", "vertebra", "rib"], ["rib", "ankle", "rib"]]
)
def test_fractures_come_back_in_the_order_of_the_record(knowledge_base: KnowledgeBase, sites: list[str]) -> None:
    """Vertebrae are counted together, and still stand where they stood."""
    [case] = knowledge_base.read(json.dumps({"fractures": sites}), "json")
    found = record_of(again(knowledge_base, case), knowledge_base.knowledge.terms)
    assert [each["site"] for each in found["fractures"]] == sites


EXAMPLES = sorted((ROOT / "examples").glob("*.ttl"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.stem))
def test_an_example_is_a_valid_bundle_with_the_same_answer(knowledge_base: KnowledgeBase, path: Path) -> None:
    """The models of R4 accept what is written."""
    [case] = knowledge_base.read(path.read_bytes(), "ttl")
    Bundle.model_validate(json.loads(write_cases([case], "fhir", knowledge_base.knowledge.terms), parse_float=Decimal))
    same_answer(knowledge_base, case)


RARE = """
@prefix osteo: <https://w3id.org/osteo-kg/ns/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<urn:case:rare> a osteo:Patient ; osteo:hasSex osteo:Female ; osteo:isDeceased true ;
  osteo:birthDate "1950-02-03T00:00:00"^^xsd:dateTime ;
  osteo:hasMenopausalStatus osteo:Postmenopausal ; osteo:menopausalStatusAssumed true ;
  osteo:hasBoneDensitometry
    [ osteo:hasSite osteo:TotalHip ; osteo:hasSide osteo:LeftSide ; osteo:tScore -1.0000001 ] ,
    [ osteo:hasSite osteo:TotalHip ; osteo:hasSide osteo:RightSide ; osteo:tScore -1.50 ] ,
    [ osteo:hasSite osteo:UnspecifiedFemurSite ; osteo:tScore -2.0 ] ,
    [ osteo:hasSite osteo:WardsTriangle ; osteo:tScore -4.0 ] ;
  osteo:hasFracture [ a osteo:UnspecifiedSiteFracture ] , [ a osteo:UnspecifiedSiteFracture ] ,
    [ a osteo:VertebralFracture ; osteo:fracturedVertebraCount 2 ; osteo:hasMechanism osteo:LowEnergyTrauma ] ;
  osteo:isCompleteFor osteo:FractureHistory , osteo:TreatmentHistory .
"""


def test_what_no_flat_record_can_hold_travels_too(knowledge_base: KnowledgeBase) -> None:
    """Sides, sites that never decide, assumptions, a death."""
    [case] = knowledge_base.read(RARE, "ttl")
    same_answer(knowledge_base, case)
    assert knowledge_base.validate(case, on=ON).conforms


def test_several_cases_share_a_bundle(knowledge_base: KnowledgeBase) -> None:
    """Each patient keeps what is hers, even where two have one name."""
    [case] = knowledge_base.read(RARE, "ttl")
    text = write_cases([case, case], "fhir", knowledge_base.knowledge.terms)
    assert [each.iri for each in knowledge_base.read(text, "fhir")] == [case.iri, case.iri]


def test_a_published_code_stands_beside_our_own(knowledge_base: KnowledgeBase) -> None:
    """Ours comes first."""
    text = write_cases(knowledge_base.read(RARE, "ttl"), "fhir", knowledge_base.knowledge.terms)
    codings = [
        entry["resource"]["code"]["coding"] for entry in json.loads(text)["entry"][1:] if "code" in entry["resource"]
    ]
    assert all(coding[0]["system"] == "https://w3id.org/osteo-kg/ns/" for coding in codings)
    assert {"80946-7", "80945-9", "38263-0", "161712005"} - {coding[-1]["code"] for coding in codings} == set()


@pytest.mark.parametrize("extra", ["osteo:hasFracture <urn:x> . <urn:x> a osteo:HandFracture"])
def test_what_would_change_is_refused(knowledge_base: KnowledgeBase, extra: str) -> None:
    """An entry with a name of its own would lose it."""
    [case] = knowledge_base.read(RARE.rstrip(" .\n") + f" ; {extra} .", "ttl")
    with pytest.raises(OsteoError, match="reads back as another case"):
        check_fits(case, "fhir", knowledge_base.knowledge.terms)
