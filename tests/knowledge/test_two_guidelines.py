"""Two guidelines that disagree on what is severe are loaded side by side, and each answers as if it were alone."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from osteo_kg.assessment.model import Assessment
from osteo_kg.errors import KnowledgeError, UsageError
from osteo_kg.knowledge import guideline_template, load_knowledge, packaged_knowledge
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from osteo_kg.rdf import GUIDELINE, OSTEO, OWL, RDF, RDFS
from tests.support.worked import ROOT

ON = datetime.date(2026, 11, 22)
SECOND = ROOT / "docs" / "how-to" / "second-guideline"
TREAT, NONE, OPEN = "treat", "no-treatment", "undetermined"
SITES = {  # of a fracture with a T-score of -1.5: what OIC-128-08-B says, and what hip-first says
    "distal-radius": ("specialist-opinion", TREAT),
    "proximal-tibia": (TREAT, NONE),
    "proximal-femur": (TREAT, TREAT),
    "femur": (TREAT, TREAT),
    "pelvis-or-femur": (TREAT, TREAT),
    "hand": (NONE, NONE),
    "multiple-ribs": (TREAT, NONE),
    "unspecified": (OPEN, OPEN),
}


def woman(site: str) -> dict[str, object]:
    return {
        "patient": site,
        "sex": "female",
        "menopausal_status": "postmenopausal",
        "age_years": 68,
        "t_score_total_hip": -1.5,
        "densitometry_date": "2026-09-01",
        "fractures": [{"site": site, "date": "2026-08-01"}],
        "treatment_history": [],
    }


@pytest.fixture(scope="module")
def both() -> KnowledgeBase:
    return KnowledgeBase(load_knowledge([SECOND]))


@pytest.fixture(scope="module")
def answers(both: KnowledgeBase) -> dict[str, dict[str, Assessment]]:
    women = both.read(json.dumps([woman(each) for each in SITES]), "json")
    prepared = [both.prepare(each, on=ON) for each in women]
    found = {}
    for guideline in (DEFAULT_GUIDELINE, "hip-first"):
        told = both.assess_all(prepared, on=ON, guideline=guideline)
        found[guideline] = {each.patient: each for each in told if isinstance(each, Assessment)}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("site", SITES)
def test_each_guideline_says_for_itself_what_is_severe(answers: dict[str, dict[str, Assessment]], site: str) -> None:
    told = tuple(answers[guideline][site].disposition for guideline in (DEFAULT_GUIDELINE, "hip-first"))
    assert told == SITES[site]


@pytest.mark.slow
def test_a_guideline_answers_as_if_it_were_alone(
    knowledge_base: KnowledgeBase, answers: dict[str, dict[str, Assessment]]
) -> None:
    women = knowledge_base.read(json.dumps([woman(each) for each in SITES]), "json")
    assert [*answers[DEFAULT_GUIDELINE].values()] == list(knowledge_base.assess_all(women, on=ON))


@pytest.mark.slow
def test_reasoning_on_the_case_answers_the_same(both: KnowledgeBase, answers: dict[str, dict[str, Assessment]]) -> None:
    women = both.read(json.dumps([woman(each) for each in ("femur", "distal-radius")]), "json")
    reasoned = both.assess_all(women, on=ON, guideline="hip-first", by="reasoning")
    assert list(reasoned) == [answers["hip-first"][each.patient] for each in women]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("site", "codes"),
    [
        ("femur", {"mechanism-assumed"}),
        ("hand", {"non-osteoporotic-site"}),
        ("multiple-ribs", {"mechanism-assumed"}),
        ("unspecified", {"mechanism-assumed"}),
    ],
)
def test_what_is_told_of_a_fracture_follows_the_guideline(
    answers: dict[str, dict[str, Assessment]], site: str, codes: set[str]
) -> None:
    told = answers["hip-first"][site]
    asked = {"mechanism-assumed", "non-osteoporotic-site", "severe-non-vertebral-fracture-recorded"}
    assert asked.intersection(each.code for each in (*told.warnings, *told.assumptions)) == codes


def test_a_guideline_is_told_apart_from_what_another_says() -> None:
    knowledge = load_knowledge([SECOND])
    packaged, hip_first = knowledge.of_guideline(DEFAULT_GUIDELINE), knowledge.of_guideline("hip-first")
    assert packaged.digest == packaged_knowledge().digest
    assert len(packaged.store) == len(packaged_knowledge().store)
    severe = hip_first.triples.subjects(RDF.type, OWL.Class)
    assert OSTEO.SevereFracture.value not in severe
    assert f"{GUIDELINE}hip-first/MajorFracture" in severe
    assert knowledge.of_guideline("hip-first") is hip_first


def test_the_core_says_of_no_site_what_it_counts_for() -> None:
    loaded = load_knowledge([SECOND]).of_guideline("hip-first")
    own = {f"{GUIDELINE}hip-first/{name}Fracture" for name in ("Major", "Minor", "Uncounted")}
    for site in loaded.terms.sites.values():
        above = {each for each in loaded.triples.objects(site, RDFS.subClassOf) if each.startswith("http")}
        assert above - own == {OSTEO.Fracture.value}


# Folders


def guideline_in(folder: Path, identifier: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "guideline.ttl").write_text(guideline_template(identifier), encoding="utf-8")
    return folder


def reading_of(identifier: str) -> str:
    interpretation = f"{GUIDELINE}{identifier}/I1"
    return f"<{interpretation}> <{OSTEO.iri}otherReadingAdds> <urn:g> . <urn:g> {{ <{interpretation}> a <urn:x> }}"


def test_two_folders_of_one_name_are_both_loaded(tmp_path: Path) -> None:
    folders = [guideline_in(tmp_path / each / "guidelines", each) for each in ("first", "second")]
    loaded = load_knowledge([*folders, folders[0]])
    assert len(loaded.modules) == len(packaged_knowledge().modules) + len(folders)
    known = loaded.triples.subjects(RDF.type, OSTEO.Guideline)
    assert known == [GUIDELINE + each for each in ("first", DEFAULT_GUIDELINE, "second")]


def test_two_files_of_one_module_are_refused(tmp_path: Path) -> None:
    folders = [guideline_in(tmp_path / each, "first") for each in ("a", "b")]
    load_knowledge(folders)  # alike to the letter
    (folders[1] / "guideline.ttl").write_text(guideline_template("first") + "\n# Another.\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"a/guideline\.ttl and b/guideline\.ttl both hold the module"):
        load_knowledge(folders)


def test_a_reading_is_named_with_its_guideline_where_another_has_one_of_that_name(tmp_path: Path) -> None:
    folders = [guideline_in(tmp_path / each, each) for each in ("first", "second")]
    for folder in folders:
        (folder / "readings.trig").write_text(reading_of(folder.name), encoding="utf-8")
    with pytest.raises(UsageError, match=r"Several guidelines have a reading I1\. Name one of: first/I1, second/I1\."):
        load_knowledge(folders, {"I1": "other"})
    loaded = load_knowledge(folders, {"second/I1": "other"})
    assert loaded.readings == ("second/I1",)
    assert loaded.of_guideline("second").readings == ("second/I1",)
    assert loaded.of_guideline("first").readings == ()


@pytest.mark.parametrize("identifier", ["core", DEFAULT_GUIDELINE, "Hip First", "", "a/b", "-"])
def test_a_template_is_not_called_what_something_else_is(identifier: str) -> None:
    with pytest.raises(UsageError):
        guideline_template(identifier)
