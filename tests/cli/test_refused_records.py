"""The records that are refused: each for the fact that is wrong, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run
from tests.support.worked import Worked, exact_json, refused

pytestmark = pytest.mark.slow

REFUSED = refused()


def test_there_are_records_that_are_refused() -> None:
    assert len(REFUSED) >= 70


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """The report of every record, by its id and the language; each was refused by itself."""
    folder = tmp_path_factory.mktemp("refused")
    found = {}
    for item in REFUSED:
        (folder / f"{item.id}.json").write_text(exact_json(item.record), encoding="utf-8")
    for language in ("en", "fr"):
        for day in {item.on for item in REFUSED}:
            items = [item for item in REFUSED if item.on == day]
            names = [str(folder / f"{item.id}.json") for item in items]
            result = run("assess", *names, "--on", day.isoformat(), "--format", "jsonl", "--language", language)
            assert result.exit_code == 2
            for item, line in zip(items, result.stdout.splitlines(), strict=True):
                found[item.id, language] = json.loads(line)
    return found


@pytest.mark.parametrize("item", REFUSED, ids=lambda item: item.id)
def test_a_record_is_refused_for_the_fact_that_is_wrong(
    item: Worked, reports: dict[tuple[str, str], dict[str, Any]]
) -> None:
    english, french = (reports[item.id, language] for language in ("en", "fr"))
    assert english["conforms"] is False
    violations = [each for each in english["results"] if each["severity"] == "violation"]
    assert {each["path"] for each in violations} == {item.fact}
    assert all(each["message"] and each["advice"] for each in (*english["results"], *french["results"]))
    assert [each["path"] for each in french["results"]] == [each["path"] for each in english["results"]]
    assert not {each["message"] for each in violations} & {each["message"] for each in french["results"]}


@pytest.mark.parametrize("place", [0, 35, -1])
def test_one_refused_record_exits_with_2(place: int, tmp_path: Path) -> None:
    item = REFUSED[place]
    file = tmp_path / "case.json"
    file.write_text(exact_json(item.record), encoding="utf-8")
    result = run("assess", str(file), "--on", item.on.isoformat(), "--format", "json")
    assert result.exit_code == 2
    assert item.fact
    assert item.fact in result.stderr
