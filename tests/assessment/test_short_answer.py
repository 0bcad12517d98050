"""The short answer: a page that is read in ten seconds, whoever the patient is."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from osteo_kg import Assessment, Language
from osteo_kg.assessment import Line, short_answer, short_lines
from osteo_kg.bilingual import LANGUAGES
from osteo_kg.case import ValidationReport
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO
from tests.support.strategies import how_many, records
from tests.support.worked import ON, ROOT, answered, exact_json

_MOST_LINES = 25
_WARNED_ABOVE = {"patient": 0, "headline": 1}


@pytest.fixture(scope="module")
def worked(knowledge_base: KnowledgeBase) -> list[Assessment]:
    """The answers of every worked patient and of every example."""
    cases = [(each.case(knowledge_base), each.on, each.assume_complete) for each in answered()]
    files = [
        path
        for path in sorted((ROOT / "examples").rglob("*"))
        if path.suffix in (".ttl", ".json", ".csv") and path.parent.name != "tables"
    ]
    files = [path for path in files if "refused" not in path.parts and "questions" not in path.parts]
    read = [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    found = [knowledge_base.assess(case, on=on, assume_complete=complete) for case, on, complete in cases]
    found += [each for each in knowledge_base.assess_all(read, on=ON) if not isinstance(each, ValidationReport)]
    assert len(found) > len(cases)
    return found


def _laid_out(assessments: list[Assessment]) -> Iterator[tuple[Assessment, Language, list[Line]]]:
    for each in assessments:
        for language in LANGUAGES:
            yield each, language, short_lines(short_answer(each, language))


def _of(knowledge_base: KnowledgeBase, **record: object) -> Assessment:
    known = {"sex": "female", "menopausal_status": "postmenopausal", **record}
    [case] = knowledge_base.read(exact_json(known), "json", name="her.json")
    return knowledge_base.assess(case, on=ON)


def _shown(assessment: Assessment, language: Language = "en") -> list[str]:
    return [line.text for line in short_lines(short_answer(assessment, language))]


def _check(keys: re.Pattern[str], assessment: Assessment, language: Language, lines: list[Line]) -> None:
    assert len(lines) <= _MOST_LINES
    assert not any("\n" in line.text for line in lines)
    flagged = [line for line in lines if line.role == "flag"]
    assert lines[2 : 2 + len(flagged)] == flagged  # directly under the headline
    told = " ".join(line.text for line in flagged)
    raised = [each for each in assessment.warnings if each.is_red_flag]
    for each in short_answer(assessment, language).red_flags:
        assert " ".join(each.split()) in " ".join(told.split())
    assert len(short_answer(assessment, language).red_flags) >= len({each.code for each in raised})
    options = [line for line in lines if line.role in ("eligible", "not-eligible", "undetermined") and line.indent > 1]
    assert len(options) == len(assessment.options)
    if language == "fr":
        spoken = "\n".join(line.text for line in lines[1:])  # the first names the patient, as the record does
        assert keys.findall(spoken) == []


@pytest.fixture(scope="module")
def keys(knowledge_base: KnowledgeBase) -> re.Pattern[str]:
    """Every key of the vocabulary that is no word of French."""
    terms = knowledge_base.knowledge.terms
    french = " ".join(text.fr for text in terms.labels.values())
    names = {*terms.keys.values(), *terms.record_keys.values()}
    unfit = sorted(name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", french))
    assert {"proximal-femur", "multiple-ribs", "treatment_history", "failure"} - set(unfit) == set()
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, unfit))})(?![\w-])")


def test_no_worked_patient_takes_more_lines_or_speaks_in_keys(worked: list[Assessment], keys: re.Pattern[str]) -> None:
    for assessment, language, lines in _laid_out(worked):
        _check(keys, assessment, language, lines)


@pytest.mark.slow
@settings(max_examples=how_many(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=records())
def test_no_random_patient_takes_more_lines_or_speaks_in_keys(
    knowledge_base: KnowledgeBase, keys: re.Pattern[str], record: dict[str, object]
) -> None:
    [case] = knowledge_base.read(exact_json(record), "json", name="random.json")
    [answer] = knowledge_base.assess_all([case], on=ON)
    if isinstance(answer, Assessment):
        for assessment, language, lines in _laid_out([answer]):
            _check(keys, assessment, language, lines)


def test_every_red_flag_is_a_notice_of_the_ontology(knowledge_base: KnowledgeBase) -> None:
    terms = knowledge_base.knowledge.terms
    assert {terms.key(iri) for iri in terms.red_flags} == {
        *("already-treated", "deceased", "denosumab-rebound", "possible-bone-density", "positive-t-score"),
        *("implausible-t-score", "section-open", "densitometry-unread", "exclude-atypical-femoral-fracture"),
    }
    assert all(terms.is_a(iri, OSTEO.NoticeCode) for iri in terms.red_flags)


def test_where_there_is_too_much_to_say_only_the_rest_is_left_out(knowledge_base: KnowledgeBase) -> None:
    her = _of(
        knowledge_base,
        t_score_lumbar_spine=-3,
        t_score_total_hip=2.5,
        t_score_femoral_neck=-8.5,
        fractures=[{"site": "vertebra", "mechanism": "low-energy"}, {"site": "femoral-shaft"}, "skull", "toe"],
        treatment_history=[{"drug": "denosumab"}, {"drug": "alendronate", "outcome": "failure"}, {"drug": "tibolone"}],
        conditions=["hypocalcaemia", "pregnancy"],
        open_sections=["fractures", "treatments", "conditions", "densitometry"],
    )
    answer = short_answer(her)
    lines = short_lines(answer, 18)
    assert len(lines) == 18
    assert len(short_lines(answer)) <= _MOST_LINES
    told = " ".join(line.text for line in lines)
    assert [flag for flag in answer.red_flags if flag not in told] == []
    assert [option.label.en for option in her.options if option.label.en not in told] == []
    assert re.search(r"[Aa]nd \d+ more", told)


def test_a_contraindicated_drug_is_named_under_the_headline_and_beside_its_option(
    knowledge_base: KnowledgeBase,
) -> None:
    her = _of(knowledge_base, t_score_total_hip=-3.2, fractures=[], conditions=["hypocalcaemia"])
    shown = _shown(her)
    assert shown[2].startswith("!! Contraindication on record: alendronate, risedronate, zoledronate, denosumab")
    assert all("!!" in line for line in shown if line.startswith(("+ oral", "+ injectable", "? denosumab")))


def test_the_days_and_numbers_of_a_french_answer_are_french(knowledge_base: KnowledgeBase) -> None:
    her = _of(
        knowledge_base,
        t_score_total_hip=-2.5,
        densitometry_date="2021-03-04",
        fractures=[{"site": "ankle", "mechanism": "low-energy", "date": "2025-08-30"}],
    )
    told = "\n".join(_shown(her, "fr"))
    assert [part for part in ("−2,5", "04/03/2021", "30/08/2025", "22/11/2026") if part not in told] == []
    assert re.findall(r"-\d|\d\.\d|\d{4}-\d\d", told) == []
    assert re.findall(r" [:;?!»]|« ", told) == []


def test_a_month_or_a_year_is_said_as_such() -> None:
    from osteo_kg.bilingual import shown_day

    assert (shown_day("2026-05").en, shown_day("2026-05").fr, shown_day("2021").fr) == ("May 2026", "05/2026", "2021")


def test_who_may_be_a_man_is_not_called_a_patient_in_the_feminine(knowledge_base: KnowledgeBase) -> None:
    [case] = knowledge_base.read('{"patient": "jean", "sex": "male"}', "json", name="his.json")
    his = knowledge_base.assess(case, on=datetime.date(2026, 11, 27))
    assert _shown(his, "fr")[0] == "Dossier jean – évaluation du 27/11/2026"
