"""Fractures in FHIR, and what a record says of none."""

from __future__ import annotations

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    ICD_CM,
    ICD_WHO,
    LOINC,
    NO_FRACTURE,
    OWN,
    POSTMENOPAUSAL,
    SNOMED,
    assess,
    coded,
    condition,
    fractures,
    read,
    reasons,
    said,
    t_score,
    told,
)

# Fractures


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("T08+0", ["VertebralFracture"]),
        ("S22+1", ["UnspecifiedSiteFracture"]),
        ("S72+", ["FemurFracture"]),
        ("m80.9†", ["UnspecifiedSiteFracture"]),
        ("S7201", ["ProximalFemurFracture"]),
    ],
)
def test_a_filler_or_a_dagger_is_no_part_of_a_code(knowledge_base: KnowledgeBase, code: str, kind: list[str]) -> None:
    assert fractures(read(knowledge_base, condition(ICD_WHO, code))) == kind


@pytest.mark.parametrize(
    ("system", "code", "site"),
    [
        (SNOMED, "5913000", "ProximalFemurFracture"),
        (SNOMED, "263102004", "DistalRadiusFracture"),
        (SNOMED, "79546008", "MultipleRibFracture"),
        (SNOMED, "39335003", "MultipleRibFracture"),
        (SNOMED, "1261007", "UnspecifiedSiteFracture"),
        (SNOMED, "71620000", "FemurFracture"),
        (SNOMED, "443165006", "UnspecifiedSiteFracture"),
        (ICD_CM, "S72.001A", "ProximalFemurFracture"),
        (ICD_CM, "S52.501A", "DistalRadiusFracture"),
        (ICD_CM, "S52.201A", "ForearmFracture"),
        (ICD_CM, "M80.051A", "FemurFracture"),
        (OWN, "MetatarsalFracture", "MetatarsalFracture"),
    ],
)
def test_a_code_says_the_site(knowledge_base: KnowledgeBase, system: str, code: str, site: str) -> None:
    """In a classification the narrowest category above the code counts."""
    assert fractures(read(knowledge_base, condition(system, code))) == [site]


def test_a_code_without_its_system_says_nothing(knowledge_base: KnowledgeBase) -> None:
    """The system is part of the code."""
    case = read(knowledge_base, condition(LOINC, "5913000"), condition("", "5913000"))
    assert fractures(case) == []
    assert any("LOINC 5913000" in told for told in reasons(case)["CodeNotRead"])


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("S72.001A", ["ProximalFemurFracture"]),
        ("S22.040A", ["VertebralFracture"]),
        ("S22.010A", []),
        ("S62.101A", []),
        ("M80.08XA", []),
        ("S5260XA", []),
    ],
)
def test_an_american_code_under_the_name_of_the_who_edition_says_what_both_say(
    knowledge_base: KnowledgeBase, code: str, found: list[str]
) -> None:
    """A seventh character is of the American edition alone; where the two differ, the history is open."""
    case = read(knowledge_base, condition(ICD_WHO, code))
    assert fractures(case) == found
    assert ("FractureHistory" in said(case, "isOpenFor")) is not bool(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((SNOMED, "263199001"), (ICD_WHO, "S62.3")),
        ((SNOMED, "71642004"), (ICD_WHO, "S72.0")),
        ((SNOMED, "443165006"), (ICD_WHO, "S62.3")),
    ],
)
def test_codes_that_disagree_on_whether_a_site_counts_leave_the_history_open(
    knowledge_base: KnowledgeBase, one: tuple[str, str], other: tuple[str, str]
) -> None:
    case = read(knowledge_base, {**condition(*one), "code": coded(one, other)})
    assert (fractures(case), said(case, "isOpenFor")) == ([], ["FractureHistory"])


@pytest.mark.parametrize(
    ("system", "code", "text", "is_open"),
    [
        (SNOMED, "263199001", "Fracture of hip", True),
        (ICD_WHO, "S52.5", "Fracture du poignet et du col du fémur", True),
        (ICD_WHO, "S62.3", "Fracture de hanche", True),
        (ICD_WHO, "S22.3", "Fracture de côte, tassement vertébral T8", True),
        (ICD_WHO, "S72.0", "Fracture du col du fémur et de la vertèbre L1", True),
        (ICD_WHO, "S72.3", "Fracture de la hanche", False),
        (ICD_WHO, "S12.1", "Fracture de la deuxième vertèbre cervicale", False),
        (ICD_WHO, "S52.5", "Fracture du radius distal à déplacement dorsal", False),
        (SNOMED, "443165006", "Osteoporotic fracture of hip", False),
    ],
)
def test_words_that_name_another_place_than_their_code_leave_the_history_open(
    knowledge_base: KnowledgeBase, system: str, code: str, text: str, *, is_open: bool
) -> None:
    """The code decides what it states, and the words may tell of another fracture."""
    case = read(knowledge_base, {**condition(system, code), "code": coded((system, code), text=text)})
    assert len(fractures(case)) == 1
    assert ("FractureHistory" in said(case, "isOpenFor")) is is_open
    assert (text in " ".join(reasons(case).get("WordsContradictCode", []))) is is_open


def test_the_who_edition_is_not_the_american_one(knowledge_base: KnowledgeBase) -> None:
    """A fifth character means another place there, and a title other bones."""
    for code, here, there in (
        ("M80.05", "PelvisOrFemurFracture", "FemurFracture"),
        ("M80.08", "UnspecifiedSiteFracture", "VertebralFracture"),
        ("S22.01", "VertebralFracture", "UpperThoracicSpineFracture"),
        ("S32.8", "UnspecifiedSiteFracture", "PelvicFracture"),
    ):
        assert fractures(read(knowledge_base, condition(ICD_WHO, code))) == [here]
        assert fractures(read(knowledge_base, condition(ICD_CM, code))) == [there]


@pytest.mark.parametrize("code", ["5291005", "66931009", "45564002"])
def test_an_unverified_code_says_nothing(knowledge_base: KnowledgeBase, code: str) -> None:
    """It stays out of the ontology until somebody checks it."""
    assert code in reasons(read(knowledge_base, condition(SNOMED, code)))["CodeNotRead"][0]


@pytest.mark.parametrize("code", ["50448004", "42942008", "84138006", "240198002", "203450003", "203451004"])
def test_an_open_vertebral_level_is_assumed(knowledge_base: KnowledgeBase, code: str) -> None:
    """T4 to L5 is assumed, and said."""
    assert code in told(assess(knowledge_base, condition(SNOMED, code)), "vertebral-level-assumed")[0]
    assert not told(assess(knowledge_base, condition(SNOMED, "125608002")), "vertebral-level-assumed")


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
@pytest.mark.parametrize("old", [False, True])
def test_a_refuted_condition_is_dropped(knowledge_base: KnowledgeBase, status: str, old: bool) -> None:
    """The status of newer FHIR is a concept, that of older FHIR a word."""
    written = status if old else coded(("http://terminology.hl7.org/CodeSystem/condition-ver-status", status))
    case = read(knowledge_base, condition(SNOMED, "5913000", verificationStatus=written))
    assert fractures(case) == []
    assert status in reasons(case)["StatusRulesOut"][0]


@pytest.mark.parametrize("status", ["resolved", "inactive", "remission"])
def test_a_fracture_of_the_past_counts(knowledge_base: KnowledgeBase, status: str) -> None:
    """History is what a fracture history is made of."""
    healed = condition(SNOMED, "5913000", clinicalStatus=coded(("http://x", status)), abatementDateTime="2020")
    assert fractures(read(knowledge_base, healed)) == ["ProximalFemurFracture"]


def test_two_conditions_of_one_code_and_date_are_one_fracture(knowledge_base: KnowledgeBase) -> None:
    """A problem list and an encounter both hold it; the project's own codes are entries each."""
    twice = [condition(SNOMED, "5913000", day) for day in ("2020-01-02", "2020-01-02T08:00:00Z", "2021-05-05")]
    case = read(knowledge_base, *twice)
    assert fractures(case) == ["ProximalFemurFracture", "ProximalFemurFracture"]
    assert "5913000" in reasons(case)["SameEntryTwice"][0]
    own = [condition(OWN, "VertebralFracture", "2020-01-02", id=name) for name in ("a", "b")]
    assert fractures(read(knowledge_base, *own)) == ["VertebralFracture", "VertebralFracture"]


@pytest.mark.parametrize(
    ("broad", "other", "left"),
    [
        ("443165006", "263102004", ["DistalRadiusFracture"]),
        ("443165006", "71642004", ["SkullFracture", "UnspecifiedSiteFracture"]),  # the skull is never osteoporotic
        ("71620000", "5913000", ["ProximalFemurFracture"]),
        ("71620000", "263102004", ["DistalRadiusFracture", "FemurFracture"]),  # a wrist is no femur
        ("1261007", "79546008", ["MultipleRibFracture"]),
    ],
)
def test_another_fracture_of_the_same_date_may_say_where(
    knowledge_base: KnowledgeBase, broad: str, other: str, left: list[str]
) -> None:
    """Only a site that the broad code can mean says where."""
    day = "2022-02-02"
    assert fractures(read(knowledge_base, condition(SNOMED, broad, day), condition(SNOMED, other, day))) == left
    apart = fractures(read(knowledge_base, condition(SNOMED, broad, "2022-02-03"), condition(SNOMED, other, day)))
    assert len(apart) == 2
    assert ("FemurFracture" if broad == "71620000" else "UnspecifiedSiteFracture") in apart


def test_of_several_codings_the_one_that_says_most_counts(knowledge_base: KnowledgeBase) -> None:
    """The body site counts too."""
    double = condition(SNOMED, "443165006")
    double["code"]["coding"].append({"system": ICD_CM, "code": "S72.001A"})
    assert fractures(read(knowledge_base, double)) == ["ProximalFemurFracture"]
    at = condition(SNOMED, "443165006", bodySite=[coded((OWN, "ToeFracture"))])
    assert fractures(read(knowledge_base, at)) == ["ToeFracture"]


def test_an_empty_list_closes_a_section(knowledge_base: KnowledgeBase) -> None:
    """None known to exist closes it; not asked does not."""
    assert said(read(knowledge_base, NO_FRACTURE), "isCompleteFor") == ["FractureHistory"]
    asked = {**NO_FRACTURE, "emptyReason": coded(("http://x", "notasked"))}
    assert "SectionNotClosed" in reasons(read(knowledge_base, asked))


def test_no_recorded_fracture_is_not_none(knowledge_base: KnowledgeBase) -> None:
    """What FHIR does not hold is unknown."""
    assessment = assess(knowledge_base, t_score("38267-1", -2.5), POSTMENOPAUSAL)
    assert "fractures" in {each.fact for each in assessment.missing}


def test_an_onset_that_gives_no_day_is_told(knowledge_base: KnowledgeBase) -> None:
    """The fracture counts all the same."""
    for onset in ({"onsetAge": {"value": 60, "unit": "a"}}, {"onsetString": "in spring"}, {"onsetDateTime": "2020"}):
        case = read(knowledge_base, condition(SNOMED, "5913000", **onset))
        assert fractures(case) == ["ProximalFemurFracture"]
        [told] = reasons(case)["DateNotWhole"]
        assert next(iter(onset)) in told or "onset 2020-01-01/2020-12-31" in told or "onset in spring" in told
