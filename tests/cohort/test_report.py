"""The report of a cohort: what stands on it, in both languages, and that it tells nobody's count."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from osteo_kg.bilingual import LANGUAGES, BilingualText, Language
from osteo_kg.cli.main import main
from osteo_kg.cohort.results.methods import About
from osteo_kg.cohort.results.page import page
from osteo_kg.cohort.results.persons import RepeatedIds
from osteo_kg.cohort.results.shown_counts import ShownCounts
from osteo_kg.cohort.results.small_cells import Cell
from osteo_kg.cohort.results.summary import Profile, Summary

_WORDS = {
    "treat": BilingualText("treatment indicated", "traitement indiqué"),
    "no-treatment": BilingualText("no drug treatment", "pas de traitement médicamenteux"),
    "undetermined": BilingualText("undetermined", "indéterminée"),
    "imperative": BilingualText("treatment imperative", "traitement impératif"),
    "proposed": BilingualText("treatment proposed", "traitement proposé"),
    "denosumab": BilingualText("denosumab", "dénosumab"),
    "sex": BilingualText("sex", "sexe"),
    "fractures": BilingualText("fracture history", "antécédents de fracture"),
    "not-reviewed": BilingualText("not reviewed by a clinician", "non validé par un clinicien"),
    "old-densitometry": BilingualText("old densitometry", "ostéodensitométrie ancienne"),
}
_STATUSES = {
    "eligible": BilingualText("eligible", "option possible"),
    "not-eligible": BilingualText("not eligible", "option non retenue"),
    "undetermined": BilingualText("not determined", "option à préciser"),
}
_ABOUT = About(
    guideline=BilingualText("Guideline <1>", "Recommandation <1>"),
    edition="1.0.0",
    inputs=("women & men.parquet",),
    files=1,
    size=1_234_567,
    formats=("parquet",),
    sections=("fractures",),
    assumed_age=60,
    profile="registry.yaml",
)


def _profile(*cells: Cell, decided: bool = True) -> Profile:
    return frozenset([("read",), ("decided",) if decided else ("refused",), *cells])


def _treated(strength: str, status: str) -> Profile:
    cells = (("disposition", "treat"), ("strength", "treat", strength), ("options",), ("option", "denosumab", status))
    return _profile(*cells)


def _undetermined(*facts: str) -> Profile:
    missing = (("missing", fact) for fact in facts)
    return _profile(("disposition", "undetermined"), ("strength", "undetermined", ""), *missing)


_PROFILES = [
    _profile(decided=False),
    _treated("imperative", "eligible"),
    _treated("imperative", "not-eligible"),
    _treated("proposed", "undetermined"),
    _profile(("disposition", "no-treatment"), ("strength", "no-treatment", "")),
    _undetermined("sex"),
    _undetermined("sex", "fractures"),
]


def _summary(counts: list[int], language: Language = "en") -> Summary:
    """Make the summary of a run in which so many records had each profile."""
    profiles = {profile: count for profile, count in zip(_PROFILES, counts, strict=True) if count}
    cells: Counter[Cell] = Counter()
    for profile, count in profiles.items():
        cells.update(dict.fromkeys(profile, count))

    def table(*name: str) -> dict[str, int]:
        return {cell[-1]: count for cell, count in cells.items() if cell[:-1] == name and cell != name}

    return Summary(
        on=datetime.date(2026, 11, 22),
        guideline="https://example.org/guideline",
        software="1.2.3",
        knowledge="abc" * 20,
        review="not-reviewed",
        patients=sum(counts),
        persons=sum(counts) - 5,
        rows_without_id=7,
        repeated_ids=RepeatedIds(5, 10, 5),
        decided=sum(counts[1:]),
        rejected=counts[0],
        situations=len(profiles),
        dispositions=table("disposition"),
        strengths={},
        options={"denosumab": table("option", "denosumab")} if table("option", "denosumab") else {},
        missing=table("missing"),
        warnings={"old-densitometry": cells["disposition", "treat"]} if cells["disposition", "treat"] else {},
        assumptions={},
        words=_WORDS,
        statuses=_STATUSES,
        profiles=profiles,
        language=language,
    )


def _page(summary: Summary, about: About = _ABOUT) -> ElementTree.Element:
    """Write a page, and read it, which it is only where it is well-formed."""
    scores = {"a branch": {"treat": Counter({-2.5: 40, -3.1: 3, 9.0: 6})}}
    text = page(summary, scores if summary.dispositions.get("treat", 0) >= 49 else {}, about)
    return ElementTree.fromstring(text.partition("\n")[2])


def _text(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _lines(found: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """Give the first two cells of each line of every table."""
    for line in found.findall(".//tbody/tr"):
        yield str(line.findtext("th")), str(line.findtext("td"))


_MANY = [30, 200, 80, 60, 1234, 40, 25]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_a_page_for_everybody(language: Language) -> None:
    """It says its language, fits a telephone, names every table and figure, and its headings leave out no step."""
    found = _page(_summary(_MANY, language))
    assert found.attrib["lang"] == language
    assert "width=device-width" in [each.get("content", "").split(",")[0] for each in found.iter("meta")]
    assert all(table.findtext("caption") for table in found.iter("table"))
    assert all(line.find("th") is not None for line in found.iter("tr"))
    figures = list(found.iter("svg"))
    assert len(figures) == 4
    assert all(each.get("role") == "img" and each.findtext("title") and each.findtext("desc") for each in figures)
    levels = [int(each.tag[1]) for each in found.iter() if re.fullmatch("h[1-6]", each.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_fetches_and_runs_nothing(language: Language) -> None:
    found = _page(_summary(_MANY, language))
    tags = {each.tag for each in found.iter()}
    assert tags & {"script", "link", "img", "iframe", "object", "image", "use"} == set()
    attributes = {name for each in found.iter() for name in each.attrib}
    assert attributes & {"src", "href", "srcset", "action", "data", "poster"} == set()
    assert [name for name in attributes if name.startswith("on")] == []
    assert re.findall(r"url\s*\(|@import", str(found.findtext("head/style"))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_a_figure_stand_in_its_frame(language: Language) -> None:
    """As wide as letters are at most on the average."""
    for figure in _page(_summary([each * 10_000 for each in _MANY], language)).iter("svg"):
        width, height = (float(each) for each in figure.attrib["viewBox"].split()[2:])
        for each in figure.iter("text"):
            x, y, long = float(each.attrib["x"]), float(each.attrib["y"]), 7.2 * len(str(each.text))
            start = x - {"start": 0, "middle": long / 2, "end": long}[each.attrib["text-anchor"]]
            assert 0 <= y <= height
            assert start >= -8
            assert start + long <= width + 8, each.text


def test_counts_and_shares_are_those_of_the_summary() -> None:
    summary = _summary(_MANY)
    lines = [tuple(_text(cell) for cell in line) for line in _page(summary).findall(".//tbody/tr")]
    assert ("Records read", "1,669") in lines
    assert ("Persons", "1,664") in lines
    assert ("Persons with several records", "5") in lines
    assert ("No drug treatment", "1,234", "73.9%") in lines
    assert ("Treatment imperative", "280", "82.4%") in lines
    assert ("Denosumab", "200 (58.8%)", "60 (17.6%)", "80 (23.5%)") in lines
    assert ("Sex", "65", "4.0%") in lines
    assert ("Old densitometry", "340", "20.7%") in lines


def test_french_counts_are_written_as_french_writes_them() -> None:
    lines = [tuple("".join(cell.itertext()) for cell in line) for line in _page(_summary(_MANY, "fr")).iter("tr")]
    assert ("Pas de traitement médicamenteux", "1\u202f234", "73,9\u00a0%") in lines
    assert ("Dossiers lus", "1\u202f669") in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_names_what_it_rests_on(language: Language) -> None:
    text = _text(_page(_summary(_MANY, language)))
    for named in ("women & men.parquet", "Parquet", "1.2.3", "abc" * 20, "<1>", "1.0.0", "registry.yaml", "60"):
        assert named in text
    assert ("1,2 Mo" if language == "fr" else "1.2 MB") in text
    assert ("22/11/2026" if language == "fr" else "22 November 2026") in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_paragraph_for_the_methods_section_stands_in_both_languages(language: Language) -> None:
    found = {str(each.get("lang")): _text(each) for each in _page(_summary(_MANY, language)).iter("blockquote")}
    assert list(found) == sorted(LANGUAGES, key=lambda each: each != language)
    english, french = found["en"], found["fr"]
    assert "Of 1,669 records of 1,664 persons, 1,639 were decided and 30 refused" in english
    assert "What these sections did not list was taken as absent: fracture history." in english
    assert "Women of 60 years or more" in english
    assert "Counts from 1 to 4 were suppressed" in english
    assert "Sur 1 669 dossiers de 1 664 personnes, 1 639 ont été évalués et 30 refusés" in french
    assert "antécédents de fracture" in french
    assert "de 1 à 4 ont été masqués" in french


def test_a_report_that_suppresses_nothing_says_so() -> None:
    summary = _summary([1, 1, 1, 1, 1, 1, 1])
    shown = _text(_page(summary, dataclasses.replace(_ABOUT, small_cells=0)))
    assert "suppressed in this report: it is not for publication" in shown
    assert "(14.3%)" in shown


def test_few_persons_with_several_records_are_not_told_by_how_many_persons_there_are() -> None:
    summary = dataclasses.replace(_summary(_MANY), persons=1668, repeated_ids=RepeatedIds(1, 2, 1), rows_without_id=2)
    found = dict(_lines(_page(summary)))
    names = ("Persons", "Persons with several records", "Records of these persons")
    assert {found[name] for name in names} == {"suppressed"}
    assert "1,668" not in _text(_page(summary))


def test_a_notice_that_all_but_a_few_have_is_suppressed() -> None:
    summary = dataclasses.replace(_summary(_MANY), warnings={"old-densitometry": 1637})
    assert dict(_lines(_page(summary)))["Old densitometry"] == "suppressed"


@settings(deadline=None, max_examples=20)
@given(counts=st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 9, 14, 60]), min_size=7, max_size=7).filter(any))
def test_a_report_shows_no_count_that_is_suppressed(counts: list[int]) -> None:
    """Neither in a table nor where a bar ends, and every small one is."""
    summary = _summary(counts)
    shown = ShownCounts(summary, 5)
    found = _page(summary)
    for name, key in (("Treatment indicated", "treat"), ("No drug treatment", "no-treatment")):
        count = shown.of(("disposition", key))
        if summary.dispositions.get(key):
            told = next(count for line, count in _lines(found) if line == name)
            assert told == ("suppressed" if count is None else f"{count:,}")
    tables = [table for table in found.iter("table") if table.find("thead") is not None]
    cells = [_text(cell).split(" ")[0] for table in tables for cell in table.iter("td")]
    assert [cell for cell in cells if cell in {"1", "2", "3", "4"}] == []
    titles = [_text(each) for each in found.iterfind(".//svg/rect/title")]
    assert [each for each in titles if re.search(r": [1-4] \(", each)] == []


@pytest.mark.slow
def test_a_report_of_the_command_holds_the_counts_of_its_summary(tmp_path: Path) -> None:
    """Of women of whom one stands on two rows, and one has no id."""
    source, report = tmp_path / "femmes.csv", tmp_path / "rapport.html"
    source.write_text(
        "patient,sex,menopausal_status,t_score_total_hip,fractures\n"
        "anna,female,postmenopausal,-3.2,none\nanna,female,postmenopausal,-1.2,none\n"
        ",female,postmenopausal,-2.2,none\nmaria,female,,,\nspoiled,F,,,\n"
    )
    asked = ["cohort", str(source), "--output", str(tmp_path / "result.csv"), "--on", "2026-11-22", "--language", "fr"]
    asked += ["--rejected", str(tmp_path / "rejected.jsonl"), "--report", str(report), "--format", "json"]
    done = CliRunner().invoke(main, [*asked, "--small-cells", "0"])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["persons"], summary["rows_without_id"]) == (4, 1)
    assert summary["repeated_ids"] == {"ids": 1, "rows": 2, "several_dispositions": 1}
    found = ElementTree.fromstring(report.read_text(encoding="utf-8").partition("\n")[2])
    told = dict(reversed(list(_lines(found))))
    assert told["Dossiers lus"] == str(summary["patients"])
    assert told["Dossiers évalués"] == str(summary["decided"])
    assert told["Personnes"] == "4"
    assert told["Traitement indiqué"] == str(summary["dispositions"]["treat"])
    assert told["Données"] == "femmes.csv"
    assert told["Version de sa lecture"] == "2.0.0"
    suppressed = CliRunner().invoke(main, asked)
    assert suppressed.exit_code == 0, suppressed.output
    assert json.loads(suppressed.stdout) == summary  # what is printed is for whoever runs it
    shown = ElementTree.fromstring(report.read_text(encoding="utf-8").partition("\n")[2])
    assert {count for name, count in _lines(shown) if name in ("Traitement indiqué", "Personnes")} == {"masqué"}
