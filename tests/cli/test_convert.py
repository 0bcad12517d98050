"""Records to graphs and back without loss, and the empty record."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import Graph
from rdflib.compare import isomorphic

from osteo_kg import Case, KnowledgeBase, UsageError, read_case
from osteo_kg.case.fields import KEYS, RENAL_FUNCTION, SCORES, measured
from osteo_kg.case.record_export import record_of
from osteo_kg.case.writing import OUTPUT_FORMATS, RDF_OUTPUT_FORMATS, check_fits, write_cases
from osteo_kg.cli.main import main
from osteo_kg.knowledge.loading import packaged_knowledge
from tests.support.commands import run
from tests.support.strategies import how_many, records_with_birth_dates
from tests.support.worked import ON, ROOT, exact_json

pytestmark = pytest.mark.slow


TERMS = packaged_knowledge().terms
EXAMPLES = ROOT / "examples"
BATCH = 25
#: Numbers that share a date with others go together.
SCANNED = (*SCORES, "densitometry_date", *(field.key for field in measured(RENAL_FUNCTION)), "renal_function_date")
PREFIXES = """
    @prefix osteo: <https://w3id.org/osteo-kg/ns/> .
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
    @prefix foaf: <http://xmlns.com/foaf/0.1/> .
"""
_settings = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


def _digits(items: list[dict[str, Any]]) -> list[str]:
    """Give records as text, in which -2.7 and -2.70 differ."""
    return [exact_json({key: record[key] for key in KEYS if key in record}) for record in items]


# The round trip


def _round_trip(batch: list[dict[str, Any]], form: str) -> None:
    named = [{**record, "patient": f"urn:case:{number}"} for number, record in enumerate(batch)]
    cases = read_case(exact_json(named), "json")
    for case in cases:
        check_fits(case, form, TERMS)
    again = read_case(write_cases(cases, form, TERMS), form)
    assert _digits([record_of(case, TERMS) for case in again]) == _digits(named)


@settings(_settings, max_examples=how_many(20))
@given(batch=st.lists(records_with_birth_dates(), min_size=BATCH, max_size=BATCH), seed=st.integers(0, 2**32))
def test_two_thousand_records_come_back_from_turtle_as_they_were(batch: list[dict[str, Any]], seed: int) -> None:
    _round_trip(_recombined(batch, 100, random.Random(seed)), "ttl")


def _recombined(batch: list[dict[str, Any]], number: int, chance: random.Random) -> list[dict[str, Any]]:
    """Make more records of a few, each key from any of them."""
    scanned = [tuple(each.get(key) for key in SCANNED) for each in batch]
    for _ in range(number):
        record = {key: chance.choice(batch).get(key) for key in KEYS}
        record |= dict(zip(SCANNED, chance.choice(scanned), strict=True))
        batch = [*batch, {key: value for key, value in record.items() if value is not None}]
    return batch[-number:]


@pytest.mark.parametrize("form", [each for each in OUTPUT_FORMATS if each != "ttl"])
def test_hundreds_of_records_come_back_from_every_other_format(form: str) -> None:
    @settings(_settings, max_examples=400 // BATCH)
    @given(batch=st.lists(records_with_birth_dates(), min_size=BATCH, max_size=BATCH))
    def check(batch: list[dict[str, Any]]) -> None:
        _round_trip(batch, form)

    check()


def test_completeness_beside_entries_goes_without_saying_and_is_told() -> None:
    example = ROOT / "examples" / "wrist-fracture.ttl"
    result = CliRunner().invoke(main, ["convert", str(example), "--to", "json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["fractures"]
    assert "fractures is complete goes without saying" in result.stderr


def test_a_date_of_no_densitometry_is_not_lost_in_silence() -> None:
    record = {"patient": "urn:case:anna", "densitometry_date": "2026-05-01"}
    [case] = read_case(json.dumps(record), "json")
    with pytest.raises(UsageError, match="densitometry_date"):
        record_of(case, TERMS)


def test_a_record_is_written_in_full() -> None:
    record = {
        "patient": "ward 3/12",
        "fractures": ["vertebra", {"date": "2026-02-01"}],
        "treatment_history": ["alendronate"],
        "conditions": [],
        "t_score_total_hip": -3,
    }
    [case] = read_case(json.dumps(record), "json")
    assert record_of(case, TERMS) == {
        "patient": "ward 3/12",
        "t_score_total_hip": -3,
        "fractures": [{"site": "vertebra"}, {"site": "unspecified", "date": "2026-02-01"}],
        "treatment_history": [{"drug": "alendronate"}],
        "conditions": [],
    }
    [again] = read_case(write_cases([case], "nt", TERMS), "nt")
    assert record_of(again, TERMS)["patient"] == "urn:case:ward%203%2F12"


@pytest.mark.parametrize("target", RDF_OUTPUT_FORMATS)
def test_every_example_keeps_its_triples_in_every_rdf_format(target: str) -> None:
    """Read by another library than the one that wrote them, and than our own reader."""
    for path in sorted(EXAMPLES.glob("*.ttl")):
        cases = read_case(path.read_bytes(), name=path.name)
        text = write_cases(cases, target, TERMS)
        if target == "jsonld":
            context = json.loads((ROOT / "ontology" / "context.jsonld").read_text(encoding="utf-8"))
            text = json.dumps({**json.loads(text), **context})
        graph = Graph().parse(data=text, format={"jsonld": "json-ld", "rdf": "xml"}.get(target, target))
        expected = Graph().parse(data="".join(f"{triple} .\n" for case in cases for triple in case.triples))
        assert isomorphic(graph, expected)


def test_a_shared_node_a_loop_and_an_ill_typed_value_are_kept_in_every_rdf_format() -> None:
    text = f"""{PREFIXES}
        <urn:p> a osteo:Patient ; osteo:hasFracture _:a ; osteo:hasPastTreatment _:a ; osteo:tScore "low"@en ;
          osteo:hasSex "female", osteo:id, <urn:q>, osteo:Female ; osteo:unknown 1, true, <urn:q>, [ osteo:x _:a ] ;
          osteo:ageInYears 70, "007"^^<urn:type>, 1234567890123456789 ; osteo:climactericDisorders "yes" ;
          osteo:hasCondition _:a , <http://example.org/c> .
        _:a a osteo:VertebralFracture ; osteo:hasFracture _:a , <urn:f> . <urn:f> osteo:tScore -2.10 .
    """
    cases = read_case(text, "ttl")
    for form in RDF_OUTPUT_FORMATS:
        check_fits(cases[0], form, TERMS)


# What does not fit


def _patient(says: str, beside: str = "") -> str:
    return f"{PREFIXES}<urn:case:anna> a osteo:Patient ; {says} . {beside}"


def _scan(says: str) -> str:
    return f"osteo:hasBoneDensitometry [ a osteo:BoneDensitometry ; {says} ]"


DAY = '"2026-05-01T00:00:00"^^xsd:dateTime'
HIP = "osteo:hasSite osteo:TotalHip ; osteo:tScore -2.1"
UNFIT = {
    "two of one site": (f"{_scan(HIP)} ; {_scan(HIP)}", "several results of a densitometry: t_score_total_hip"),
    "two dates": (
        f"{_scan(HIP)} ; {_scan(f'osteo:hasSite osteo:LumbarSpine ; osteo:tScore -1 ; osteo:performedOn {DAY}')}",
        "differ in their date",
    ),
    "a side": (_scan(f"{HIP} ; osteo:hasSide osteo:LeftSide"), "osteo:hasSide"),
    "a peripheral site": (_scan("osteo:hasSite osteo:Calcaneus ; osteo:tScore -1"), "this site: calcaneus"),
    "a femur site": (
        _scan("osteo:hasSite osteo:UnspecifiedFemurSite ; osteo:tScore -1"),
        "this site: femur, site not stated",
    ),
    "a site that is none": (_scan("osteo:hasSite osteo:RecordedSex ; osteo:tScore -1"), "this site: sex"),
    "no site": (_scan("osteo:tScore -1"), "no stated site"),
    "two sites": (_scan(f"{HIP} ; osteo:hasSite osteo:LumbarSpine"), "2 values of osteo:hasSite"),
    "no T-score": (_scan("osteo:hasSite osteo:TotalHip"), "a densitometry without a number"),
    "a T-score in words": (_scan('osteo:hasSite osteo:TotalHip ; osteo:tScore "-2.1"'), "'-2.1' as osteo:tScore"),
    "a section that is none": ("osteo:isCompleteFor osteo:Patient", "the section"),
    "a fracture of two sites": ("osteo:hasFracture [ a osteo:AnkleFracture , osteo:RibFracture ]", "of 2 classes"),
    "a bare class": ("osteo:hasFracture [ a osteo:SevereFracture ]", "SevereFracture"),
    "a count that is none": (
        "osteo:hasFracture [ a osteo:VertebralFracture ; osteo:fracturedVertebraCount 1.5 ]",
        "'1.5' as osteo:fracturedVertebraCount",
    ),
    "a treatment without drug": ("osteo:hasPastTreatment [ a osteo:PastTreatment ]", "without a drug"),
    "a treatment with more": (
        f"osteo:hasPastTreatment [ osteo:withDrug osteo:Alendronate ; osteo:performedOn {DAY} ]",
        "osteo:performedOn",
    ),
    "a densitometry of another class": (_scan(f"{HIP} ; a osteo:PastTreatment"), "the class osteo:PastTreatment"),
    "a death": ("osteo:isDeceased true", "osteo:isDeceased"),
    "an assumed status": ("osteo:menopausalStatusAssumed true", "osteo:menopausalStatusAssumed"),
    "two sexes": ("osteo:hasSex osteo:Female , osteo:Male", "2 values of osteo:hasSex"),
    "a sex that is none": ("osteo:hasSex osteo:Postmenopausal", "not a known sex"),
    "an age in words": ('osteo:ageInYears "sixty"', "'sixty' as osteo:ageInYears"),
    "a day that is none": ('osteo:birthDate "1958-02-30"^^xsd:dateTime', "'1958-02-30' as osteo:birthDate"),
    "a truth that is none": ('osteo:climactericDisorders "yes"', "'yes' as osteo:climactericDisorders"),
    "a condition that is none": ("osteo:hasCondition osteo:Alendronate", "not a known medical condition"),
    "a patient of another class": ("a osteo:Woman", "the class osteo:Woman"),
    "a foreign property": ('foaf:name "Anna"', "http://xmlns.com/foaf/0.1/name"),
    "a named entry": ("osteo:hasFracture <urn:f> . <urn:f> a osteo:AnkleFracture", "the name of an entry: urn:f"),
    "an entry of two sections": ("osteo:hasFracture _:a ; osteo:hasPastTreatment _:a", "without a drug"),
    "a refused case": (
        "<http://www.w3.org/2002/07/owl#sameAs> <urn:q>",
        "what the reader refuses: A case may not hold",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_has_no_place_in_a_flat_record_is_refused_by_name(name: str) -> None:
    says, named = UNFIT[name]
    [case] = read_case(_patient(says), "ttl")
    with pytest.raises(UsageError, match=re.escape(named)) as caught:
        record_of(case, TERMS)
    assert "Convert to an RDF format instead" in caught.value.advice


def test_everything_that_does_not_fit_is_named_at_once() -> None:
    [case] = read_case(_patient('osteo:isDeceased true ; foaf:name "A" ; osteo:hasFracture <urn:f>'), "ttl")
    with pytest.raises(UsageError) as caught:
        record_of(case, TERMS)
    assert [word in caught.value.message for word in ("isDeceased", "foaf", "urn:f")] == [True] * 3


@pytest.mark.parametrize(
    ("form", "data", "named"),
    [
        ("csv", '{"patient": " anna "}', "csv would hold reads back as another case"),
        ("csv", '{"patient": "none"}', None),
        ("csv", '{"patient": "a, \\"b\\"\\r\\n;c:d"}', None),
        ("jsonl", '{"patient": "a\\nb\\u2028"}', None),
        ("jsonld", '{"patient": "osteo:anna"}', "jsonld would hold reads back as another case"),
        ("ttl", '{"patient": "osteo:anna"}', None),
        ("rdf", '{"patient": "anna", "birth_date": "\\u0001"}', "rdf would hold reads back as another case"),
        ("rdf", '{"patient": "anna", "birth_date": "a\\rb"}', "rdf would hold reads back as another case"),
        ("nt", '{"patient": "anna", "birth_date": "\\u0001\\r"}', None),
    ],
)
def test_what_a_format_would_change_is_refused(form: str, data: str, named: str | None) -> None:
    result = run("convert", "-", "--input-format", "json", "--to", form, stdin=data)
    if named is None:
        assert (result.exit_code, result.stderr) == (0, "")
    else:
        assert (result.exit_code, result.stdout) == (2, "")
        assert named in result.stderr


# The command


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
@pytest.mark.parametrize("name", ["patients.csv", "patients.json"])
def test_the_example_records_give_the_same_answers_in_every_format(
    knowledge_base: KnowledgeBase, name: str, form: str
) -> None:
    result = run("convert", EXAMPLES / name, "--to", form)
    assert (result.exit_code, result.stderr) == (0, "")
    before = _answers(knowledge_base, read_case((EXAMPLES / name).read_bytes(), name=name))
    assert before
    assert _answers(knowledge_base, read_case(result.stdout_bytes, form)) == before


def _answers(knowledge_base: KnowledgeBase, cases: tuple[Case, ...]) -> dict[str, Any]:
    return {case.patient: knowledge_base.assess(case, on=ON).to_json() for case in cases}


def test_one_record_is_an_object_and_several_are_an_array(tmp_path: Path) -> None:
    one = run("convert", EXAMPLES / "specialist.ttl", "--to", "json").stdout
    two = run("convert", EXAMPLES / "specialist.ttl", EXAMPLES / "man-with-hip-fracture.ttl", "--to", "json").stdout
    assert json.loads(one)["patient"] == "urn:case:specialist"
    assert [each["patient"] for each in json.loads(two)] == ["urn:case:specialist", "urn:case:man-with-hip-fracture"]


def test_a_record_that_is_refused_leaves_nothing_and_the_others_are_written() -> None:
    data = '[{"patient": "a", "sx": "female", "age_years": 7}, {"patient": "b"}, {"patient": "c", "sex": "x"}]'
    result = run("convert", "-", "--input-format", "json", "--to", "ttl", stdin=data)
    assert result.exit_code == 2
    assert [case.iri for case in read_case(result.stdout, "ttl")] == ["urn:case:b"]
    assert result.stderr.count("osteo-kg: ") == 2
    assert "'sx'" in result.stderr


def test_what_does_not_fit_leaves_nothing_and_the_others_are_written(tmp_path: Path) -> None:
    path = tmp_path / "two.ttl"
    path.write_text(_patient("osteo:isDeceased true", "<urn:case:b> a osteo:Patient ."))
    result = run("convert", path, "--to", "jsonl")
    assert (result.exit_code, result.stdout) == (2, '{"patient": "urn:case:b"}\n')
    assert "urn:case:anna: a flat record has no place for osteo:isDeceased." in result.stderr


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
def test_foreign_properties_are_not_lost_in_silence(form: str) -> None:
    data = _patient('foaf:name "Anna"')
    result = run("convert", "-", "--input-format", "ttl", "--to", form, stdin=data)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "<http://xmlns.com/foaf/0.1/name>" in result.stderr


@pytest.mark.parametrize(
    ("form", "left"), [*((form, ["urn:case:b"]) for form in RDF_OUTPUT_FORMATS), ("jsonl", ["a", "b", "a"])]
)
def test_rows_of_one_patient_do_not_run_together_in_a_graph(form: str, left: list[str]) -> None:
    data = '{"patient": "a"}\n{"patient": "b"}\n{"patient": "a", "sex": "female"}\n'
    result = run("convert", "-", "--input-format", "jsonl", "--to", form, stdin=data)
    assert [case.patient for case in read_case(result.stdout, form)] == left
    assert result.exit_code == (2 if form in RDF_OUTPUT_FORMATS else 0)
    assert result.stderr.count("urn:case:a. In one graph they would run together") == (2 if result.exit_code else 0)


def test_entries_of_one_name_and_different_files_do_not_run_together(tmp_path: Path) -> None:
    fracture = "osteo:hasFracture <urn:f> . <urn:f> a osteo:AnkleFracture"
    for name, says in {"a": fracture, "b": fracture.replace("Ankle", "Rib"), "c": "osteo:ageInYears 7"}.items():
        (tmp_path / f"{name}.ttl").write_text(_patient(says).replace("anna", name))
    result = run("convert", *sorted(tmp_path.iterdir()), "--to", "ttl")
    assert result.exit_code == 2
    assert [case.iri for case in read_case(result.stdout, "ttl")] == ["urn:case:c"]


def test_patients_who_share_an_entry_keep_sharing_it() -> None:
    data = f"{PREFIXES} <urn:a> a osteo:Patient ; osteo:hasFracture <urn:f> . <urn:f> a osteo:RibFracture ."
    result = run("convert", "-", "--input-format", "ttl", "--to", "nt", stdin=data + data.replace("urn:a", "urn:b"))
    assert result.exit_code == 0
    assert [len(case.triples) for case in read_case(result.stdout, "nt")] == [3, 3]


def test_a_file_that_cannot_be_opened_is_told_and_the_others_are_written() -> None:
    result = run("convert", EXAMPLES / "nobody.csv", EXAMPLES / "specialist.ttl", "--to", "jsonl")
    assert (result.exit_code, len(result.stdout.splitlines())) == (2, 1)
    assert "nobody.csv cannot be opened" in result.stderr


def test_columns_are_ignored_by_name() -> None:
    words = ("convert", "-", "--input-format", "csv", "--to", "jsonl")
    data = "patient,ward,bed\na,3,4\n"
    assert run(*words, stdin=data).exit_code == 2
    assert run(*words, "--ignore-columns", "ward, bed", stdin=data).stdout == '{"patient": "a"}\n'
    assert run(*words, "--ignore-columns", "all", stdin=data).stdout == '{"patient": "a"}\n'


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_template_reads_back_as_a_patient_of_whom_nothing_is_known(form: str) -> None:
    text = run("template", form).stdout_bytes
    [case] = read_case(text, form, name="x")
    assert (case.findings, record_of(case, TERMS)) == ((), {"patient": "x#1"})
    keys = list(json.loads(text)) if form == "json" else next(csv.reader(io.StringIO(text.decode())))
    assert tuple(keys) == KEYS
