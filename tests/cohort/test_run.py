"""A cohort says of every patient what the library says of her alone: nothing more, nothing less, nobody lost."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from osteo_kg.case import read_case
from osteo_kg.cli.main import main
from osteo_kg.cohort import assess_cohort
from osteo_kg.cohort.abstraction.columns import months_before
from osteo_kg.cohort.request import Request
from osteo_kg.cohort.results import files
from osteo_kg.cohort.run import assess
from osteo_kg.errors import KnowledgeError, UnreadableCaseError, UsageError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import cohorts
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow


@settings(cohorts.QUICK, max_examples=3)
@given(
    batch=st.lists(cohorts.any_records(), min_size=20, max_size=20),
    assume=st.sampled_from([(), ("fractures", "conditions")]),
)
def test_a_cohort_says_what_is_said_of_each_patient_alone(
    knowledge_base: KnowledgeBase,
    tmp_path_factory: pytest.TempPathFactory,
    batch: list[dict[str, Any]],
    assume: tuple[str, ...],
) -> None:
    """Dispositions, options, missing facts, situations, notices, refusals and their reports."""
    folder = tmp_path_factory.mktemp("cohort")
    source = cohorts.write_json_lines(folder / "records.jsonl", batch)
    rows, summary, reports = cohorts.run(knowledge_base, source, folder, assume_complete=assume)
    cases = knowledge_base.read(source.read_bytes(), name=source.name)
    expected, refused = cohorts.expected(knowledge_base, cases, assume_complete=assume)
    assert rows == expected
    assert cohorts.without_place(reports) == refused
    assert (summary.patients, summary.decided, summary.rejected) == (len(batch), len(rows), len(reports))


def _seeded(size: int) -> list[dict[str, Any]]:
    """Make records with what the strategies leave rare, the same ones every time."""
    chance = random.Random(5)
    sites = ["vertebra", "pelvis", "rib", "distal-radius", "hand", "unspecified", "femur-unspecified"]
    made = []
    for number in range(size):
        record: dict[str, Any] = {
            "patient": f"w{number}",
            "sex": chance.choice(["female", None]),
            "menopausal_status": chance.choice(["postmenopausal", None]),
            "birth_date": chance.choice(["1976-11-22", "1976-11-23", "1966-11-22", "1965-11-21", None]),
            "t_score_total_hip": chance.choice(
                [Decimal("-3"), Decimal("-2.95"), Decimal("-1.25"), Decimal("0.853"), None]
            ),
            "densitometry_date": chance.choice(["2023-11-22", "2023-11-21", None]),
            "fractures": chance.choice(
                [None, [], [{"site": site, "mechanism": chance.choice([None, "high-energy"])} for site in sites[:2]]]
            ),
            "low_peripheral_fracture_risk": chance.choice([True, False, None]),
        }
        if record["t_score_total_hip"] is None:
            record["densitometry_date"] = None  # a graph cannot hold the date of no measurement
        made.append({key: value for key, value in record.items() if value is not None})
    return made


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_compressed_text_says_what_it_says_uncompressed(
    knowledge_base: KnowledgeBase, tmp_path: Path, ending: str
) -> None:
    plain = cohorts.write_csv(tmp_path / "women.csv", _seeded(30))
    packed = tmp_path / f"women.csv.{ending}"
    with pa.output_stream(packed) as stream:
        stream.write(plain.read_bytes())
    assert cohorts.run(knowledge_base, packed, tmp_path)[0] == cohorts.run(knowledge_base, plain, tmp_path)[0]


def test_a_patient_of_whom_triples_say_more_than_a_flat_record_can_is_decided_all_the_same(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    [case] = knowledge_base.read((ROOT / "examples" / "two-vertebral-fractures.ttl").read_bytes(), "ttl")
    more = (
        f'<{case.iri}> <https://w3id.org/osteo-kg/ns/isDeceased> "true"^^<http://www.w3.org/2001/XMLSchema#boolean> .\n'
    )
    path = cohorts.write_triples(tmp_path / "records.nt", [case])
    path.write_text(path.read_text() + more)
    [row], _, _ = cohorts.run(knowledge_base, path, tmp_path)
    assert "deceased" in row["warnings"]


def test_rows_keep_their_order_and_repeated_names_their_rows(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    batch = [{"patient": f"same{number % 2}", "age_years": 40 + number} for number in range(40)]
    rows, summary, _ = cohorts.run(
        knowledge_base, cohorts.write_json_lines(tmp_path / "records.jsonl", batch), tmp_path
    )
    assert [row["patient"] for row in rows] == [record["patient"] for record in batch]
    assert summary.patients == 40


def test_an_unreadable_line_is_refused_and_the_others_are_decided(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    source = tmp_path / "records.jsonl"
    source.write_text('{"sex": "female"}\nnonsense\n\n{"sex": "male"}\n')
    rows, _, [report] = cohorts.run(knowledge_base, source, tmp_path)
    assert [row["patient"] for row in rows] == ["records.jsonl#1", "records.jsonl#3"]
    assert report["record"] == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [("patient,wieght\nanna,60\n", "wieght"), ("patient,sex\n", "holds no patient"), ("", "is empty")],
)
def test_a_table_that_cannot_be_read_is_refused_whole(
    knowledge_base: KnowledgeBase, tmp_path: Path, content: str, said: str
) -> None:
    source = tmp_path / "records.csv"
    source.write_text(content)
    with pytest.raises(UnreadableCaseError, match=said):
        cohorts.run(knowledge_base, source, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["records.csv"]


@pytest.mark.parametrize(("begins", "named"), [(b"PK\x03\x04", ".xlsx"), (b"PAR1", ".parquet")])
def test_what_is_no_text_is_not_taken_for_another_encoding(
    knowledge_base: KnowledgeBase, tmp_path: Path, begins: bytes, named: str
) -> None:
    (tmp_path / "records.csv").write_bytes(begins + bytes(range(256)))
    with pytest.raises(UnreadableCaseError, match="is no text") as refused:
        cohorts.run(knowledge_base, tmp_path / "records.csv", tmp_path)
    assert refused.value.advice == f"Name it {named}."


@pytest.mark.parametrize(
    "text",
    [
        '[{"patient": "anna"}, {"patient": "berta"}]',
        '{\n"patient": "anna"\n}\n{\n"patient": "berta"\n}',
        '[{\n"patient": "anna"}]',
        '{"patient": "anna"}\n'.encode("utf-16-le").decode("latin-1"),
    ],
)
def test_json_that_is_not_one_object_a_line_is_no_single_patient_who_is_refused(
    knowledge_base: KnowledgeBase, tmp_path: Path, text: str
) -> None:
    source = tmp_path / "records.jsonl"
    source.write_text(text)
    for read in (lambda: cohorts.run(knowledge_base, source, tmp_path), lambda: read_case(text, "jsonl")):
        with pytest.raises(UnreadableCaseError, match=r"is JSON, and not one object a line|is not text in UTF-8"):
            read()


def test_parquet_without_a_row_is_refused_and_beside_others_holds_nobody(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    table = pa.table({"patient": ["anna"], "sex": ["female"]})
    (tmp_path / "in").mkdir()
    pq.write_table(table.slice(0, 0), tmp_path / "in" / "empty.parquet")
    with pytest.raises(UnreadableCaseError, match="holds no patient"):
        cohorts.run(knowledge_base, tmp_path / "in" / "empty.parquet", tmp_path)
    pq.write_table(table, tmp_path / "in" / "one.parquet")
    rows, _, _ = cohorts.run(knowledge_base, tmp_path / "in", tmp_path)
    assert [row["patient"] for row in rows] == ["anna"]


def test_a_column_of_a_type_that_its_key_cannot_have_is_refused(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    pq.write_table(pa.table({"t_score_total_hip": ["-2.5"]}), tmp_path / "records.parquet")
    with pytest.raises(UnreadableCaseError, match="t_score_total_hip"):
        cohorts.run(knowledge_base, tmp_path / "records.parquet", tmp_path)


def test_patients_who_are_numbered_are_named_by_their_numbers(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """One of them is refused, and so read by herself."""
    table = pa.table({"patient": [1007, None, 2**53 + 1], "age_years": [61, 62, 200]})
    pq.write_table(table, tmp_path / "records.parquet")
    rows, _, [report] = cohorts.run(knowledge_base, tmp_path / "records.parquet", tmp_path)
    assert [row["patient"] for row in rows] == ["1007", "records.parquet#2"]
    assert report["patient"] == "9007199254740993"


def test_columns_of_other_names_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("AGE_AT_VISIT,fn_tscore\n71,-3.1\n")
    (tmp_path / "names.yaml").write_text("t_score_femoral_neck: fn_tscore\n")
    asked = ["--map", "age_years=AGE_AT_VISIT", "--map", str(tmp_path / "names.yaml"), "--on", "2026-11-22"]
    result = tmp_path / "result.csv"
    done = CliRunner().invoke(main, ["cohort", str(tmp_path / "visits.csv"), "--output", str(result), *asked])
    assert done.exit_code == 0, done.output
    assert "age_years=above_60;t_score=to_-3" in result.read_text()


def test_refusals_without_a_file_for_them_end_with_status_2(tmp_path: Path) -> None:
    source = cohorts.write_json_lines(tmp_path / "records.jsonl", [{"sex": "F"}, {"sex": "female"}])
    asked = ["cohort", str(source), "--output", str(tmp_path / "result.csv"), "--on", "2026-11-22"]
    assert CliRunner().invoke(main, asked).exit_code == 2
    assert CliRunner().invoke(main, [*asked, "--rejected", str(tmp_path / "rejected.jsonl")]).exit_code == 0


def test_a_failure_leaves_nothing_that_looks_whole(
    knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KnowledgeError("The disk is full.")

    source = cohorts.write_json_lines(tmp_path / "records.jsonl", [{"sex": "female"}])
    monkeypatch.setattr(files, "write", fail)
    with pytest.raises(KnowledgeError):
        cohorts.run(knowledge_base, source, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_another_guideline_needs_no_other_program(tmp_path: Path) -> None:
    knowledge_base = KnowledgeBase.load([ROOT / "tests" / "second-guideline"])
    scores = [Decimal("-2.41"), Decimal("-2.4"), Decimal("-2.39"), Decimal("-2.34"), None]
    batch = [
        {key: value for key, value in {"age_years": age, "t_score_total_hip": score}.items() if value is not None}
        for age in (64, 65, None)
        for score in scores
    ]
    source = cohorts.write_json_lines(tmp_path / "records.jsonl", batch)
    rows, _, _ = cohorts.run(knowledge_base, source, tmp_path, guideline="second")
    cases = knowledge_base.read(source.read_bytes(), name=source.name)
    assert rows == cohorts.expected(knowledge_base, cases, guideline="second")[0]
    assert {row["disposition"] for row in rows} == {"treat", "no-treatment", "densitometry-required"}


def test_decisions_as_triples_can_be_asked(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    source = cohorts.write_json_lines(tmp_path / "records.jsonl", _seeded(30))
    rows, _, _ = cohorts.run(knowledge_base, source, tmp_path)
    for name, form in (("out.nt", ox.RdfFormat.N_TRIPLES), ("out.nq", ox.RdfFormat.N_QUADS)):
        assess(knowledge_base, Request((str(source),), tmp_path / name, ON))
        store = ox.Store()
        store.load(path=str(tmp_path / name), format=form)
        treated = store.query(
            "PREFIX osteo: <https://w3id.org/osteo-kg/ns/> SELECT ?a { ?a osteo:hasDisposition osteo:Treat }",
            use_default_graph_as_union=True,
        )
        assert isinstance(treated, ox.QuerySolutions)
        assert len(list(treated)) == sum(row["disposition"] == "treat" for row in rows)


def test_a_decision_is_explained_by_its_situation(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    source = cohorts.write_json_lines(tmp_path / "records.jsonl", _seeded(30))
    result, explanations = tmp_path / "result.jsonl", tmp_path / "explanations.jsonl"
    report = tmp_path / "report.html"
    assess(knowledge_base, Request((str(source),), result, ON, explanations=explanations, report=report))
    told = [json.loads(line) for line in explanations.read_text(encoding="utf-8").splitlines()]
    rows = [json.loads(line) for line in result.read_text(encoding="utf-8").splitlines()]
    assert {each["situation"] for each in told} == {row["situation"] for row in rows}
    assert report.read_text(encoding="utf-8").count("<svg") > 1
    asked = ["explain", str(result), "--patient", rows[0]["patient"], "--format", "json", "--explanations"]
    found = json.loads(CliRunner().invoke(main, [*asked, str(explanations)]).output)
    assert found["explanation"]["disposition"] == found["decision"]["disposition"]
    shown = CliRunner().invoke(main, ["explain", str(result), "--patient", rows[0]["patient"]])
    assert shown.exit_code == 0, shown.output


@pytest.mark.parametrize(("name", "said"), [("result.xlsx", "not known"), ("nowhere/result.csv", "no folder")])
def test_an_output_that_cannot_be_written_is_refused_at_once(
    knowledge_base: KnowledgeBase, tmp_path: Path, name: str, said: str
) -> None:
    source = cohorts.write_json_lines(tmp_path / "women.jsonl", [{"age_years": 60}])
    with pytest.raises(UsageError, match=said):
        assess(knowledge_base, Request((str(source),), tmp_path / name, ON))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"output": "women.jsonl"}, "women.jsonl is also read as an input"),
        ({"rejected": "women.jsonl"}, "women.jsonl is also read as an input"),
        ({"rejected": "result.jsonl"}, "result.jsonl is also named for another output"),
        ({"report": "page.html", "explanations": "page.html"}, "page.html is also named for another output"),
        ({"report": "nowhere/page.html"}, "There is no folder"),
    ],
)
def test_no_output_takes_the_place_of_another_file(
    knowledge_base: KnowledgeBase, tmp_path: Path, more: dict[str, str], said: str
) -> None:
    source = cohorts.write_json_lines(tmp_path / "women.jsonl", [{"age_years": 60}])
    before = source.read_bytes()
    places: dict[str, Any] = {name: tmp_path / place for name, place in {"output": "result.jsonl", **more}.items()}
    with pytest.raises(UsageError, match=said):
        assess(knowledge_base, Request((str(source),), on=ON, **places))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_what_is_hidden_in_a_folder_is_not_read(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    left = tmp_path / "in" / ".result.parquet.unfinished.d"
    left.mkdir(parents=True)
    for folder in (left, left.parent):
        cohorts.write_json_lines(folder / "women.jsonl", [{"age_years": 60}])
    summary = assess(knowledge_base, Request((str(left.parent),), tmp_path / "result.csv", ON)).summary
    assert summary.patients == 1


def test_a_cohort_is_assessed_from_python(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    source = cohorts.write_json_lines(tmp_path / "records.jsonl", [{"sex": "male"}])
    summary = assess_cohort([source], tmp_path / "result.csv", on=ON, knowledge_base=knowledge_base).summary
    assert summary.dispositions == {"out-of-scope": 1}


def test_a_month_without_that_day_ends_earlier() -> None:
    assert months_before(ON.replace(month=3, day=31), 1) == ON.replace(month=2, day=28)


def test_other_commands_do_not_load_duckdb() -> None:
    code = "import sys, osteo_kg.cli; sys.exit(any(name in sys.modules for name in ('duckdb', 'ibis', 'pyarrow')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
