"""A result says of itself what it was decided with, and `explain` takes it from there."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from osteo_kg import KnowledgeBase, OsteoError
from osteo_kg.cli.main import main
from osteo_kg.cohort import Profile, assess_cohort
from osteo_kg.cohort.request import Request
from osteo_kg.cohort.results.metadata import ResultMetadata, metadata_of, written_beside
from osteo_kg.cohort.run import assess
from osteo_kg.package_data import software_version
from tests.support import cohorts
from tests.support.worked import ON

pytestmark = pytest.mark.slow

_WOMAN = {"patient": "anna", "sex": "female", "menopausal_status": "postmenopausal", "age_years": 71}


@pytest.fixture(scope="module", autouse=True)
def loaded(knowledge_base: KnowledgeBase) -> Iterator[None]:
    """Every command finds the knowledge loaded."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(KnowledgeBase, "load", lambda *_, **__: knowledge_base)
        yield


@pytest.fixture(scope="module")
def results(knowledge_base: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one result in each format."""
    folder = tmp_path_factory.mktemp("results")
    source = cohorts.write_json_lines(folder / "women.jsonl", [_WOMAN])
    for ending in ("parquet", "csv", "jsonl", "nt"):
        assess_cohort(source, folder / f"decided.{ending}", on=ON, knowledge_base=knowledge_base)
    return folder


def _explain(result: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["explain", str(result), "--patient", "anna", *more])


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl", "nt"])
def test_a_result_says_what_it_was_decided_with(knowledge_base: KnowledgeBase, results: Path, ending: str) -> None:
    engine = knowledge_base.engine()
    expected = ResultMetadata(ON, engine.guideline.iri, software_version(), engine.knowledge.digest)
    assert metadata_of(results / f"decided.{ending}") == expected
    assert written_beside(results / f"decided.{ending}").exists() == (ending != "parquet")


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_a_patient_is_explained_for_the_day_of_the_result(results: Path, ending: str) -> None:
    shown = _explain(results / f"decided.{ending}")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "22 November 2026" in shown.stdout


def test_another_day_than_that_of_the_result_is_told(results: Path) -> None:
    shown = _explain(results / "decided.csv", "--on", "2020-01-01")
    assert "decided.csv was decided on 2026-11-22, and is explained for that day, not for 2020-01-01" in shown.stderr
    assert "22 November 2026" in shown.stdout


def test_other_knowledge_than_that_of_the_result_is_told(results: Path, tmp_path: Path) -> None:
    result = tmp_path / "decided.csv"
    result.write_bytes((results / "decided.csv").read_bytes())
    told = json.loads(written_beside(results / "decided.csv").read_text())
    written_beside(result).write_text(json.dumps(told | {"knowledge": "f" * 64, "later": 1}))
    shown = _explain(result)
    assert shown.exit_code == 0
    assert "decided.csv was decided with knowledge ffffffffffff by osteo-kg" in shown.stderr


def test_a_result_that_says_nothing_of_itself_is_explained_for_the_day_that_is_asked_for(
    results: Path, tmp_path: Path
) -> None:
    """As one of an earlier version."""
    result = tmp_path / "decided.parquet"
    pq.write_table(pq.read_table(results / "decided.parquet").replace_schema_metadata({}), result)
    assert _explain(result, "--on", "2020-01-02").stdout.startswith("anna, assessed 2 January 2020")
    shown = _explain(result)
    assert "does not say on which day it was decided; it is explained for today. Give --on." in shown.stderr
    assert str(datetime.date.today().year) in shown.stdout


@pytest.mark.parametrize(
    "content", ["nonsense", "[]", "{}", '{"assessed_on": "soon"}', '{"assessed_on": "2026-11-22"}']
)
def test_metadata_that_cannot_be_read_are_told(tmp_path: Path, content: str) -> None:
    written_beside(tmp_path / "decided.csv").write_text(content)
    with pytest.raises(OsteoError, match=r"What decided\.csv says of itself cannot be read"):
        metadata_of(tmp_path / "decided.csv")


def test_metadata_hold_any_text(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """A profile is text of its writer: quotes, backslashes, lines."""
    profile = Profile(values={"sex": {"l'\"\\n {x}": "female"}}, missing=("é\n",))
    source = cohorts.write_json_lines(tmp_path / "women.jsonl", [_WOMAN])
    assess(knowledge_base, Request((str(source),), tmp_path / "d.parquet", ON, profile=profile))
    told = metadata_of(tmp_path / "d.parquet")
    assert told is not None
    assert told.profile == profile.text
