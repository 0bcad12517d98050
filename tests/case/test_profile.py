"""An import profile says what a table of another making means, and nothing that it does not say."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from osteo_kg import KnowledgeBase, UnreadableCaseError, UsageError, read_case
from osteo_kg.case import ColumnsRead, Profile, profile_of, proposed, read_profile
from osteo_kg.case.tables.dates import DateOrder
from osteo_kg.cli.main import main
from osteo_kg.knowledge import Terms, packaged_knowledge


@pytest.fixture(scope="module")
def terms() -> Terms:
    """The vocabulary that travels with the library."""
    return packaged_knowledge().terms


def test_every_word_of_a_profile_is_taken_as_it_is_written(tmp_path: Path, terms: Terms) -> None:
    text = (
        "values: {oui: true, no: false, 1: true, sex: {F: female}}\nmissing: [NA, NULL, -9, ., ~]\ndates: JJ/MM/AAAA\n"
    )
    (tmp_path / "p.yaml").write_text(text + "separator: tab\nignore: all\n", encoding="utf-8")
    profile = read_profile(tmp_path / "p.yaml", terms)
    assert profile.values == {"oui": "true", "no": "false", "1": "true", "sex": {"F": "female"}}
    assert profile.missing == ("NA", "NULL", "-9", ".", "~")
    assert (profile.separator, profile.dates, profile.ignore) == ("\t", "DD/MM/YYYY", ("all",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seperator: x", "'seperator'.*'separator'"),
        ("columns: {sexe: sexx}", "'sexx'.*'sex'"),
        ("columns: {a: sex, b: sex}", "two columns are to be 'sex'"),
        ("values: {F: femal}", "'femal'"),
        ("values: {sex: {F: premenopausal}}", "'premenopausal', which is no value here.*female, male"),
        ("values: {wrong: {F: female}}", "'wrong', which is neither a key"),
        ("values: [F]", "values does not say"),
        ("separator: ab", "not one sign"),
        ("decimal: ;", "neither a point nor a comma"),
        ("encoding: utf-99", "no encoding 'utf-99'"),
        ("encoding: rot13", "no encoding 'rot13'"),
        ("dates: DD/MM/YY", "no order of dates"),
        ("dates: {unheard: DD/MM/YYYY}", "'unheard'"),
        ("ignore: {a: b}", "ignore is not a list"),
        ("a: 1\na: 2", "stands twice"),
        ("[1, 2]", "has no keys"),
        ("a: [", "not YAML"),
    ],
)
def test_what_no_profile_says_is_refused_with_what_to_write(tmp_path: Path, terms: Terms, text: str, said: str) -> None:
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=f"(?s){said}"):
        read_profile(tmp_path / "p.yaml", terms)
    assert profile_of(Profile(), "none", terms) == Profile()


@pytest.mark.parametrize(
    ("order", "stated", "day"),
    [
        ("DD/MM/YYYY", "01/02/2026", "2026-02-01"),
        ("MM/DD/YYYY", "01/02/2026", "2026-01-02"),
        ("DD.MM.YYYY", "1.2.2026 23:59:00", "2026-02-01"),
        ("YYYYMMDD", "20260201", "2026-02-01"),
        ("DD/MM/YYYY", "02/2026", "2026-02"),
        ("DD/MM/YYYY", "2026-02-01", "2026-02-01"),
        ("DD/MM/YYYY", "13/13/2026", "13/13/2026"),
        ("DD/MM/YYYY", "01/02/26", "01/02/26"),
    ],
)
def test_a_date_is_read_in_the_order_that_is_stated(order: str, stated: str, day: str) -> None:
    assert DateOrder(order).read(stated) == day


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"patient;sex\na;female\n", 'separator: ";"'),
        (b"patient\tsex\na\tfemale\n", "separator: tab"),
        (b"sep=;\r\npatient;sex\r\na;female\r\n", 'separator: ";"'),
        ("patient,sex\nÉve,female\n".encode("cp1252"), "encoding: cp1252"),
        ("patient,sex\nÉve,female\n".encode("utf-16"), "encoding: utf-16"),
        ("patient,sex\nÉve,female\n".encode("utf-16-le"), "encoding: utf-16-le"),
        (b"patient,sex\nEve,female\n".decode().encode("utf-16-be"), "encoding: utf-16-be"),
        ("patient,sex\nHélène,female\n".encode("mac_roman"), "encoding: mac_roman"),
        ("patient,sex\nHélène,female\n".encode("cp850"), "encoding: cp850"),
        ("patient,sex\nHÉLÈNE,female\n".encode("latin-1"), "encoding: cp1252"),
        (b"\n \npatient;sex\na;female\n", 'separator: ";"'),
        (b'patient,t_score_total_hip\na,"-2,5"\nb,"-1,5"\n', 'decimal: ","'),
    ],
)
def test_a_table_of_another_dialect_is_refused_with_the_lines_that_read_it(
    tmp_path: Path, terms: Terms, data: bytes, said: str
) -> None:
    with pytest.raises(UnreadableCaseError) as refused:
        read_case(data, name="t.csv")
    assert said in refused.value.advice
    advised = [line for line in refused.value.advice.splitlines() if line.startswith(("separator", "encod", "decimal"))]
    (tmp_path / "p.yaml").write_text("\n".join(advised), encoding="utf-8")
    cases = read_case(data, name="t.csv", profile=read_profile(tmp_path / "p.yaml", terms))
    assert [case.findings for case in cases] == [()] * len(cases)
    assert {case.patient for case in cases} <= {"a", "b", "Eve", "Éve", "Hélène", "HÉLÈNE"}


@pytest.mark.parametrize("name", ["sex ", "\u00a0sex", "\ufeffsex", " sex\u200b"])
def test_space_that_nobody_sees_is_no_part_of_a_name_or_of_a_cell(name: str) -> None:
    cells = [name.replace("sex", each) for each in ("a", "female")]
    [case] = read_case(f"{name.replace('sex', 'patient')},{name}\n{','.join(cells)}\n", "csv")
    assert (case.patient, case.findings) == ("a", ())


@pytest.mark.parametrize("above", ["Registre 2026", "Registre,ward,,", "Identité,,DMO,"])
def test_the_names_of_columns_stand_above_all_else(above: str, terms: Terms) -> None:
    """Else a profile that passes over the words of a title would read nothing of anybody, and say so of nobody."""
    table = f"{above}\npatient,sex,age_years,ward\na,female,71,7\n"
    for ignored in ([], ["all"]):
        with pytest.raises(UnreadableCaseError, match="names of its columns below a row that begins with '"):
            read_case(table, "csv", ignore_columns=ignored)
    with pytest.raises(UnreadableCaseError, match="below a row"):
        proposed(table.encode(), "t.csv", terms)


@pytest.mark.parametrize("table", ["ward,unit\n3,4\n", "ward\n3\n"])
def test_a_table_without_any_column_of_the_record_is_refused(table: str) -> None:
    with pytest.raises(UnreadableCaseError, match="no column of the flat record"):
        read_case(table, "csv", ignore_columns=["all"])


@pytest.mark.parametrize("column", ["note, libre", "note ", "à voir", "a'b"])
def test_what_is_advised_to_pass_over_a_column_does_so(tmp_path: Path, column: str, terms: Terms) -> None:
    (tmp_path / "t.csv").write_text(f'patient,"{column}","x"\na,1,2\n', encoding="utf-8")
    refused = CliRunner().invoke(main, ["validate", str(tmp_path / "t.csv")])
    advice = refused.stderr.partition("To pass over them: ")[2].strip().removesuffix(".")
    options = shlex.split(advice)
    if not options[0].startswith("-"):
        (tmp_path / "p.yaml").write_text(advice.partition(" in a profile")[0], encoding="utf-8")
        options = ["--profile", str(tmp_path / "p.yaml")]
    result = CliRunner().invoke(main, ["validate", str(tmp_path / "t.csv"), *options])
    assert result.exit_code == 0, result.stderr


def test_text_in_utf8_is_not_read_in_another_encoding() -> None:
    with pytest.raises(UnreadableCaseError, match="is text in UTF-8, and not in cp1252"):
        read_case("patient,sex\nÉve,female\n".encode(), name="t.csv", profile=Profile(encoding="cp1252"))


@pytest.mark.parametrize(
    "column",
    [
        *("Sex", "sexe", "T_score_femoral_neck", "t-score col fémoral", "t_score_femoral_nek"),
        *("t_score_total_hip_left", "T-score col droit", "menopausal status (2024)"),
    ],
)
def test_a_column_that_is_nearly_a_key_is_passed_over_by_its_own_name_only(column: str) -> None:
    table = f"patient,{column}\na,female\n"
    with pytest.raises(UnreadableCaseError, match="nearly"):
        read_case(table, "csv", ignore_columns=["all"])
    assert len(read_case(table, "csv", ignore_columns=["all", column])) == 1


@pytest.mark.parametrize("column", ["ward", "z_score_femoral_neck", "age_group", "DMO col", "service", "egfr_unit"])
def test_any_other_column_is_passed_over_and_told(column: str) -> None:
    told: list[str] = []
    read_case(f"patient,sex,{column}\na,female,1\n", "csv", ignore_columns=["all"], tell=told.append)
    assert told == [f"Columns: ignored: {column}."]


def test_every_unknown_column_is_named_at_once_with_its_nearest_key() -> None:
    with pytest.raises(UnreadableCaseError) as refused:
        read_case("Patient,SEXE,quelque chose\na,female,1\n", "csv")
    assert all(repr(each) in refused.value.message for each in ("Patient", "SEXE", "quelque chose"))
    assert "  SEXE: sex" in refused.value.advice


HEADER = "Identifiant;Sexe;Ménopause;Âge;Naissance;Date de naissance;T-score col;DMO col;Fractures"
FRENCH = f"""{HEADER};Troubles climatériques;NIP
1;F;ménopausée;71;x;25/12/1955;-2,9;0,712;aucune;oui;7
2;femme;non ménopausée;NA;x;01/02/1990;-9;0,812;vertebra;non;8
3;Femme;Ménopausée;66;x;13/01/1960;-9,0;;poignet;ne sait pas;9
"""


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16", "latin-1"])
def test_a_proposed_profile_reads_its_table(tmp_path: Path, terms: Terms, encoding: str) -> None:
    data = FRENCH.encode(encoding)
    text = proposed(data, "t.csv", terms)
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    profile = read_profile(tmp_path / "p.yaml", terms)
    cases = read_case(data, name="t.csv", profile=profile)
    assert [len(case.findings) for case in cases] == [0, 0, 1]  # of poignet a person has to say what it is
    assert profile.columns["T-score col"] == "t_score_femoral_neck"
    assert {"DMO col", "NIP", "Naissance"} <= set(profile.ignore)
    assert profile.values["menopausal_status"] == {
        "ménopausée": "postmenopausal",
        "non ménopausée": "premenopausal",
        "Ménopausée": "postmenopausal",
    }
    assert (profile.missing, profile.dates) == (("NA",), "DD/MM/YYYY")
    assert all(f"# {each}" in text for each in ("poignet", "ne sait pas"))


def test_an_order_of_dates_that_cannot_be_told_is_asked(terms: Terms) -> None:
    text = proposed(b"patient,birth_date\na,01/02/1950\nb,03/04/1960\n", "t.csv", terms)
    assert "# birth_date:" in text
    assert "dates: DD" not in text


DATES: list[tuple[list[str], str]] = [
    (["05/01/1960", "31/12/1960", "02/1960", "31/12/60", "1960"], "dates: DD/MM/YYYY"),
    (["05.01.1960", "31.12.1960 10:30"], "dates: DD.MM.YYYY"),
    (["01-31-1960", "02-03-1960"], "dates: MM-DD-YYYY"),
    (["1960-01-05 00:00:00", "1960-12-31 23:59"], "dates: YYYY-MM-DD"),
    (["19600105"], "dates: YYYYMMDD"),
    (["31/01/1960", "01/31/1960"], "# birth_date:   # some have the month first"),
    (["31/12/60"], "# birth_date:   # write years with four digits"),
    (["21919", "22000.5"], "# birth_date:   # numbers as Excel counts days"),
    (["5 janv. 1960"], "# birth_date:   # none is a date"),
]


@pytest.mark.parametrize(("days", "said"), DATES)
def test_an_order_of_dates_is_proposed_where_some_day_shows_it_and_none_another(
    terms: Terms, days: list[str], said: str
) -> None:
    rows = "".join(f"{number},{day}\n" for number, day in enumerate(days))
    assert said in proposed(f"patient,birth_date\n{rows}".encode(), "t.csv", terms)


@pytest.mark.parametrize(
    ("cells", "proposal"),
    [
        (["1", "0", ""], {"1": "true", "0": "false"}),
        (["1", "2"], {}),
        (["1.0", "0.0", "3"], {}),
        (["oui", "2"], {"oui": "true"}),
        (["oui?", "non"], {"non": "false"}),
    ],
)
def test_a_code_is_proposed_where_no_other_one_shows_that_it_may_mean_something_else(
    tmp_path: Path, terms: Terms, cells: list[str], proposal: dict[str, str]
) -> None:
    """Of 1 and 2 either may be yes."""
    rows = "".join(f"{number},{cell}\n" for number, cell in enumerate(cells))
    text = proposed(f"patient,climacteric_disorders\n{rows}".encode(), "t.csv", terms)
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    assert read_profile(tmp_path / "p.yaml", terms).values.get("climacteric_disorders", {}) == proposal


@pytest.mark.parametrize(
    ("cells", "asked"), [("-2.5,-9", True), ("0.712,-2.5", True), ("0.712,-9", False), ("-99,", False), ("x,y", False)]
)
def test_a_proposal_asks_of_a_column_that_it_passes_over_whether_it_has_scores(
    terms: Terms, cells: str, asked: bool
) -> None:
    """Passed over, it would say that nothing was measured."""
    rows = "".join(f"{number},{cell}\n" for number, cell in enumerate(cells.split(",")))
    text = proposed(f"patient,T col\n{rows}".encode(), "t.csv", terms)
    assert ("T col  # has negative numbers: if they are T-scores" in text) is asked


@pytest.mark.parametrize("arguments", [["profile"], ["csv", "x"], ["profile", "/nowhere/x.csv"], ["profile", "/"]])
def test_a_proposal_without_its_table_is_refused_in_a_sentence(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["template", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("osteo-kg: ")


MEANINGS: list[tuple[str, str, str | None]] = [
    ("sex", "femme", "female"),
    ("sex", "F", "female"),
    ("sex", "emale", None),
    ("sex", "femle", None),
    ("sex", "homme?", None),
    ("sex", "≠ femme", None),
    ("fractures", "vertebra ?", None),
    ("menopausal_status", "ménopausée", "postmenopausal"),
    ("menopausal_status", "non ménopausée", "premenopausal"),
    ("menopausal_status", "pmenopausal", None),
    ("menopausal_status", "menopausal", None),
    ("menopausal_status", "périménopausée", None),
    ("fractures", "metacarpal", None),
    ("fractures", "carpal", None),
    ("fractures", "facet", None),
    ("fractures", "foot", None),
    ("fractures", "Vertebrae", "vertebra"),
    ("treatment_history", "tamoxifène", None),
    ("treatment_history", "clodronate", None),
    ("treatment_history", "raloxifène", "raloxifene"),
    ("conditions", "hypothyroidism", None),
]


@pytest.mark.parametrize(("key", "stated", "meant"), MEANINGS)
def test_a_suggestion_never_crosses_a_clinical_meaning(
    knowledge_base: KnowledgeBase, key: str, stated: str, meant: str | None
) -> None:
    value: Any = stated if key in ("sex", "menopausal_status") else [stated]
    [case] = read_case(f'{{"patient": "a", "{key}": {value!r}}}'.replace("'", '"'), "json")
    [finding] = case.findings
    asked = finding.advice.en.startswith("Did you mean")
    assert (asked, f"'{meant}'" in finding.advice.en) == (meant is not None, meant is not None)


@pytest.mark.parametrize("word", ["NONE", "aucun", "Aucune", "néant", "nil", "no"])
@pytest.mark.parametrize("key", ["fractures", "treatment_history", "conditions"])
def test_a_word_for_none_is_advised_to_be_written_none(key: str, word: str) -> None:
    [case] = read_case(f"patient,{key}\na,{word}\n", "csv")
    [finding] = case.findings
    assert "write none" in finding.advice.en


def test_what_columns_were_read_as_is_said_in_french_too() -> None:
    read = ColumnsRead({"sexe": "sex"}, ("ward", ""), {"ward": "sex"}, {"sexe": {"F": "female"}})
    assert read.sentence("fr") == (
        "Colonnes : sexe lue comme sex ; valeurs de sexe : F comme female ; "
        "ignorées : ward, une colonne sans nom ; presque une clé, et ignorées : ward (sex)."
    )
