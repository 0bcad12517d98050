"""What a variant changes, by situation and by patient."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import random
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from benchmarks import population
from osteo_kg import KnowledgeBase
from osteo_kg.cli.main import main
from osteo_kg.comparison import (
    SAME,
    Difference,
    Variant,
    compare_patients,
    compare_situations,
    csv_of,
    html_of,
    json_of,
    text_of,
)
from osteo_kg.comparison.changes import Side, change, order_of
from osteo_kg.comparison.situations import JointSpace
from osteo_kg.comparison.variants import is_variant
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE
from tests.support.worked import ON

SIDE = Side(
    "treat", ("treat",), "proposed", ("r",), (("a", "eligible"), ("b", "not-eligible")), (("a", None), ("b", None)), ()
)


def _side(**changed: object) -> Side:
    return dataclasses.replace(SIDE, **changed)  # type: ignore[arg-type]


def _decided(disposition: str) -> Side:
    return _side(disposition=disposition, possible=(disposition,), strength=None, options=(), lines=())


def _open(*possible: str) -> Side:
    return _side(disposition="undetermined", possible=possible, strength=None, options=(), lines=())


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (SIDE, SIDE, ()),
        (SIDE, _decided("specialist-opinion"), ("weaker",)),
        (_decided("no-treatment"), SIDE, ("stronger",)),  # through what lies between
        (_decided("out-of-scope"), SIDE, ("other",)),
        (SIDE, _open("specialist-opinion", "treat"), ("undetermined",)),
        (_open("specialist-opinion", "treat"), SIDE, ("decided",)),
        (_open("no-treatment", "treat"), _open("no-treatment", "specialist-opinion", "treat"), ("wider",)),
        (_open("no-treatment", "specialist-opinion", "treat"), _open("no-treatment", "treat"), ("narrower",)),
        (SIDE, _side(strength="imperative"), ("stronger",)),
        (SIDE, _side(strength=None), ("strength",)),
        (SIDE, _side(options=(("a", "eligible"), ("b", "eligible"))), ("more-options",)),
        (SIDE, _side(options=(("a", "not-eligible"), ("b", "not-eligible"))), ("fewer-options",)),
        (SIDE, _side(options=(("a", "undetermined"), ("b", "not-eligible"))), ("options-undetermined",)),
        (_side(options=(("a", "undetermined"), ("b", "not-eligible"))), SIDE, ("options-decided",)),
        (SIDE, _side(lines=(("a", "second"), ("b", None))), ("line",)),
        (SIDE, _side(lines=(("a", None), ("b", "second"))), ()),  # of an option that is none
        (SIDE, _side(obligations=("announce",)), ("obligations",)),
    ],
)
def test_a_change_is_called_by_what_it_is(
    before: Side, after: Side, kinds: tuple[str, ...], knowledge_base: KnowledgeBase
) -> None:
    assert change(before, after, order_of(knowledge_base.knowledge)).kinds == kinds


@pytest.fixture(scope="module")
def packaged(knowledge_base: KnowledgeBase) -> Variant:
    return Variant("packaged", knowledge_base, DEFAULT_GUIDELINE)


@pytest.fixture(scope="module")
def other() -> Variant:
    return Variant("I15=other", KnowledgeBase.load(readings={"I15": "other"}), DEFAULT_GUIDELINE)


@pytest.fixture(scope="module")
def by_situation(packaged: Variant, other: Variant) -> Difference:
    return compare_situations(packaged, other)


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    rows = [("a", "-2.5", "distal-radius"), ("b", "-3.5", "distal-radius"), ("c", "-2.5", ""), ("d", "soup", "")]
    path = tmp_path / "cohort.csv"
    lines = [f"{name},female,postmenopausal,{score},{site}" for name, score, site in rows]
    path.write_text("\n".join(["patient,sex,menopausal_status,t_score_total_hip,fractures", *lines]) + "\n")
    return path


def test_a_variant_beside_itself_changes_nothing(packaged: Variant) -> None:
    found = compare_situations(packaged, packaged)
    assert (found.changed, found.rows) == (0, [])
    assert found.total == sum(1 for _ in packaged.engine.space.all_keys())


@pytest.mark.slow
def test_no_change_of_a_situation_is_passed_over(packaged: Variant, other: Variant, by_situation: Difference) -> None:
    told = {row.situations for row in by_situation.rows}
    keys = list(JointSpace(packaged.engine, other.engine).every())
    assert len(keys) == by_situation.total
    for pair in random.Random(1).sample(keys, 3000):
        texts = tuple(each.engine.space.text(key) for each, key in zip((packaged, other), pair, strict=True))
        [before], [after] = (each.engine.decided([key]) for each, key in zip((packaged, other), pair, strict=True))
        assert (before.decided != after.decided or before.obligations != after.obligations) == (texts in told)


@pytest.mark.slow
def test_a_threshold_that_moves_cuts_the_situations_of_both(packaged: Variant) -> None:
    moved = Variant("I6=other", KnowledgeBase.load(readings={"I6": "other"}), DEFAULT_GUIDELINE)
    space = JointSpace(packaged.engine, moved.engine)
    place = [each.fact.rpartition("/")[2] for each in packaged.engine.space.dimensions].index("AgeAtAssessment")
    ages = {(before[place], after[place]) for before, after in space.every()}
    assert ages == {
        ("below_50", "to_50"),
        ("from_50_to_60", "to_50"),
        ("from_50_to_60", "above_50_below_60"),
        ("from_50_to_60", "from_60"),
        ("above_60", "from_60"),
        ("unknown", "unknown"),
    }


def test_patients_are_compared_row_by_row(packaged: Variant, other: Variant, cohort: Path) -> None:
    found = compare_patients(packaged, other, cohort)
    assert [row.patient for row in found.rows] == ["a", "b", "c"]
    assert found.refused == 1
    assert found.rows[0].change.kinds[0] == "weaker"
    assert found.rows[1].change.kinds == ()


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["I3", "I5", "I6", "I15", "I18"])
def test_no_change_of_a_patient_is_passed_over(packaged: Variant, reading: str) -> None:
    """Situations that answer alike in every way that they may turn out are not combined: each row tells whether so."""
    moved = Variant(f"{reading}=other", KnowledgeBase.load(readings={reading: "other"}), DEFAULT_GUIDELINE)
    found = compare_patients(packaged, moved, pa.concat_tables(population.tables(20_000)), on=ON)
    kinds = Counter(kind for row in found.rows for kind in row.change.kinds)
    assert kinds == {kind: number for kind, number in found.kinds.items() if kind != SAME}
    assert found.changed == sum(bool(row.change.kinds) for row in found.rows) > 0


def test_every_format_says_the_same_number(by_situation: Difference) -> None:
    lines = list(csv.reader(io.StringIO("".join(csv_of(by_situation, only_changed=True)))))
    told = json_of(by_situation, "en")
    assert len(lines) - 1 == told["changed"] == by_situation.changed > 0
    assert sum(each["count"] for each in told["groups"]) == by_situation.changed
    assert told["after"]["readings"] == ["I15"]
    assert f"{by_situation.changed:,} changed" in "\n".join(text_of(by_situation, "en"))
    assert f"{by_situation.changed:,} changed" in html_of(by_situation, "en")
    assert "Autre interprétation retenue" in "\n".join(text_of(by_situation, "fr"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["I9=other"], "I9 cannot be switched"),
        (["packaged", "I15=other", "nowhere.csv"], "nowhere.csv"),
        (["no-such"], "no variant 'no-such'"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_sentence(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["diff", *arguments])
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_the_command_compares_a_cohort_with_the_packaged_knowledge(cohort: Path) -> None:
    result = CliRunner().invoke(main, ["diff", "I15=other", str(cohort), "--format", "json"])
    told = json.loads(result.stdout)
    assert (told["compared"], told["total"], told["refused"]) == ("patients", 3, 1)


def test_a_cohort_is_told_from_a_variant(tmp_path: Path, cohort: Path) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "a.ttl").write_text("")
    assert [is_variant(each) for each in ("packaged", "I15=other", DEFAULT_GUIDELINE, str(modules), str(cohort))] == [
        *(True, True, True, True),
        False,
    ]
