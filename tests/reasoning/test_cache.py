"""The cache of situations: it spares reasoning, and never changes an answer.

What travels with the library is put aside where the cache on disk is tried: else nothing would be left to remember.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from osteo_kg import Case, KnowledgeBase, read_case
from osteo_kg.knowledge.guideline import read_guideline
from osteo_kg.knowledge.loading import load_knowledge, packaged_knowledge
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE
from osteo_kg.reasoning import cache
from osteo_kg.reasoning.cache import SituationCache, cache_folder
from osteo_kg.reasoning.engine import Engine
from tests.support.strategies import how_many
from tests.support.worked import ON

pytestmark = pytest.mark.slow


WOMAN: dict[str, Any] = {
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 70,
    "climacteric_disorders": False,
    "low_peripheral_fracture_risk": True,
    "treatment_history": [],
}
RECORDS: list[dict[str, Any]] = [
    {**WOMAN, "t_score_total_hip": -3.2, "fractures": []},
    {**WOMAN, "t_score_total_hip": -2.5, "fractures": ["vertebra", "vertebra"]},
    {**WOMAN, "t_score_total_hip": -2.5, "fractures": ["distal-radius"]},
    {**WOMAN, "t_score_total_hip": -2.5, "fractures": ["hand"]},
    {**WOMAN, "t_score_total_hip": -0.5, "fractures": ["proximal-femur"]},
    {**WOMAN, "t_score_total_hip": -1, "fractures": ["unspecified"], "age_years": None},
    {**WOMAN, "t_score_total_hip": -3.2, "treatment_history": [{"drug": "alendronate", "outcome": "failure"}]},
    {**WOMAN, "fractures": []},
    {"sex": "male", "t_score_total_hip": -3.2},
    {"t_score_total_hip": -3.2, "fractures": [], "treatment_history": [], "age_years": 70},
]
ANSWER = (
    "import datetime, json, sys\n"
    "from osteo_kg import KnowledgeBase, read_case\n"
    "from osteo_kg.reasoning.closure import Closures, Reasoner\n"
    "from osteo_kg.reasoning import cache\n"
    "from osteo_kg.reasoning.matching import Matcher\n"
    "if sys.argv[1] == 'travelled':\n"
    "    Matcher.outcomes = None\n"
    "else:\n"
    "    cache._written_at_the_release = dict\n"
    "if sys.argv[1] == 'unreasoned':\n"
    "    Closures.close = Reasoner.close = None\n"
    "[case] = read_case(sys.argv[2], 'json')\n"
    "assessment = KnowledgeBase().assess(case, on=datetime.date.fromisoformat(sys.argv[3]))\n"
    "print(json.dumps(assessment.to_json(), sort_keys=True))\n"
)
REASON_ALL = (
    "from osteo_kg.reasoning import cache\n"
    "cache._written_at_the_release = dict\n"
    "from osteo_kg import KnowledgeBase\n"
    "from osteo_kg.decision_table.table import settled_keys\n"
    "engine = KnowledgeBase().engine()\n"
    "for key in settled_keys(engine):\n"
    "    engine.settled([key])\n"
    "    print(key, flush=True)\n"
)


@pytest.fixture(autouse=True, scope="module")
def _nothing_travels() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "_written_at_the_release", dict)
        yield


def _case(record: dict[str, Any]) -> Case:
    [case] = read_case(json.dumps({"patient": "anna", **record}), "json")
    return case


def _answers(records: list[dict[str, Any]], knowledge_base: KnowledgeBase | None = None, **options: Any) -> list[str]:
    """Answer with a knowledge base that has only the disk to remember by, unless one is given."""
    answered = (knowledge_base or KnowledgeBase()).assess_all(map(_case, records), on=ON, **options)
    return [json.dumps(each.to_json(), sort_keys=True) for each in answered]


def _answer(record: dict[str, Any], knowledge_base: KnowledgeBase | None = None) -> str:
    [answer] = _answers([record], knowledge_base)
    return answer


def _process(record: dict[str, Any], how: str = "reasoned") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ANSWER, how, json.dumps({"patient": "anna", **record}), ON.isoformat()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _sound(file: Path) -> bool:
    connection = sqlite3.connect(file)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def right() -> list[str]:
    """The right answers, from a knowledge base that remembers nothing on disk."""
    return _answers(RECORDS, KnowledgeBase(remember=False))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the situations of all records are remembered."""
    folder = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSTEO_KG_CACHE", str(folder))
        _answers(RECORDS)
    [file] = folder.iterdir()
    return file


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, in use."""
    monkeypatch.setenv("OSTEO_KG_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def file(empty: Path, filled: Path) -> Path:
    """A cache file of one's own, in use, in which everything is remembered."""
    return Path(shutil.copy(filled, empty))


# What is remembered is not reasoned again


def test_a_second_process_starts_from_what_the_first_remembered(file: Path, right: list[str]) -> None:
    processes = [_process(record, "unreasoned") for record in RECORDS[:2]]
    assert [process.communicate() for process in processes] == [(f"{each}\n", "") for each in right[:2]]


def test_what_is_not_remembered_is_reasoned(file: Path) -> None:
    """The test above would pass for the wrong reason if nothing ever called the reasoner."""
    output, complaint = _process(
        {**WOMAN, "t_score_total_hip": -2.5, "fractures": ["pelvis"]}, "unreasoned"
    ).communicate()
    assert output == ""
    assert "not callable" in complaint


def test_remembered_reasoned_and_inferred_answers_are_equal(file: Path, right: list[str]) -> None:
    knowledge_base = KnowledgeBase()
    assert _answers(RECORDS, knowledge_base) == right
    assert _answers(RECORDS, knowledge_base, by="reasoning") == right


def test_remembering_can_be_left_out(empty: Path, right: list[str]) -> None:
    assert _answer(RECORDS[0], KnowledgeBase(remember=False)) == right[0]
    assert list(empty.iterdir()) == []


# Other knowledge


def test_one_more_triple_is_other_knowledge_in_another_file(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "module.ttl").write_text("<urn:a> <urn:b> <urn:c> .", encoding="utf-8")
    before = file.read_bytes()
    knowledge = load_knowledge([folder])
    _answer(RECORDS[0], KnowledgeBase(knowledge))
    assert file.read_bytes() == before
    assert len(list(tmp_path.glob("*.sqlite3"))) == 2


def test_each_of_modules_shapes_software_and_guideline_gives_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the name is asked for: nothing is reasoned here."""
    knowledge = packaged_knowledge()
    guideline = read_guideline(knowledge, DEFAULT_GUIDELINE)
    changed = {"core.ttl": knowledge.modules["core.ttl"] + b"\n"}

    def name(knowledge: Any = knowledge, guideline: Any = guideline) -> str:
        engine = object.__new__(Engine)
        engine.knowledge, engine.guideline = knowledge, guideline
        return engine._file_name()

    names = [
        name(),
        name(dataclasses.replace(knowledge, modules={**knowledge.modules, **changed})),
        name(dataclasses.replace(knowledge, shapes={**knowledge.shapes, "more.ttl": b""})),
        name(guideline=dataclasses.replace(guideline, iri="urn:other")),
    ]
    monkeypatch.setattr("osteo_kg.package_data.software_version", lambda: "other")
    names.append(name())
    monkeypatch.setattr("osteo_kg.package_data.queries_digest", lambda: "other")
    names.append(name())
    assert len(set(names)) == 6


def test_the_folder_is_the_one_named_or_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTEO_KG_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")
    monkeypatch.delenv("OSTEO_KG_CACHE")
    assert "osteo-kg" in cache_folder().parts


# Damage


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "one byte": lambda data: data[:1],
    "a header only": lambda data: data[:100],
    "half": lambda data: data[: len(data) // 2],
    "but for the last byte": lambda data: data[:-1],
    "another kind of file": lambda data: b"not a database" * 1000,
    "noise": lambda data: random.Random(1).randbytes(len(data)),
    "noise after a good header": lambda data: data[:100] + random.Random(1).randbytes(len(data) - 100),
    "noise after a good first page": lambda data: data[:4096] + random.Random(1).randbytes(len(data) - 4096),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_replaced_and_the_answer_is_right(damage: str, file: Path, right: list[str]) -> None:
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    assert _answer(RECORDS[0]) == right[0]
    assert _answer(RECORDS[0]) == right[0]
    assert _sound(file)


def _rewrite(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    with connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


@pytest.mark.parametrize(
    "value",
    [
        "'not JSON'",
        "'5'",
        "'[]'",
    ],
)
def test_a_remembered_value_of_another_shape_is_reasoned_anew(value: str, file: Path, right: list[str]) -> None:
    _rewrite(file, f"UPDATE remembered SET value = {value}")
    assert _answer(RECORDS[0]) == right[0]


def test_one_bit_that_flipped_never_changes_an_answer(file: Path, right: list[str]) -> None:
    """SQLite keeps no checksums: a flipped bit inside a value is read as another value."""
    data, places = file.read_bytes(), random.Random(1)
    for _ in range(how_many(20)):
        flipped = bytearray(data)
        flipped[places.randrange(4096, len(data))] ^= 1 << places.randrange(7)
        file.write_bytes(flipped)
        assert _answer(RECORDS[0]) == right[0]


def test_a_table_of_other_columns_is_done_without(file: Path, right: list[str]) -> None:
    connection = sqlite3.connect(file)
    connection.execute("ALTER TABLE remembered RENAME COLUMN value TO something")
    connection.close()
    assert _answer(RECORDS[0]) == right[0]


# Nowhere to write


@pytest.mark.parametrize("place", ["a file", "below a file", "a folder where the file should be", "no right to write"])
def test_a_cache_that_cannot_be_written_is_done_without(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filled: Path, right: list[str]
) -> None:
    blocked = tmp_path / "blocked"
    if place == "a folder where the file should be":
        (blocked / filled.name).mkdir(parents=True)
    elif place == "no right to write":
        if os.geteuid() == 0:
            pytest.skip("the superuser may write everywhere")
        blocked.mkdir(mode=0o500)
    else:
        blocked.write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("OSTEO_KG_CACHE", str(blocked / "deeper" if place == "below a file" else blocked))
    assert _answer(RECORDS[0]) == right[0]
    assert blocked.is_dir() or blocked.read_text(encoding="utf-8") == "in the way"


def test_a_file_that_another_process_holds_is_done_without(
    file: Path, right: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osteo_kg.reasoning.cache._WAIT", 0.1)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        assert _answer(RECORDS[0]) == right[0]
    finally:
        holder.close()
    assert _sound(file)


# What travels with the library


def test_what_travels_spares_the_first_answers_their_reasoning(empty: Path, right: list[str]) -> None:
    assert [_process(each, "travelled").communicate()[0] for each in RECORDS[:2]] == [f"{each}\n" for each in right[:2]]


# Several processes


def test_ten_processes_at_once_give_right_answers_and_a_sound_file(file: Path, right: list[str]) -> None:
    """Only the closures of single facts are there: each has its own situation to reason and to write."""
    _rewrite(file, "DELETE FROM remembered WHERE key LIKE '%;%'")
    processes = [_process(record) for record in RECORDS]
    assert [process.communicate() for process in processes] == [(f"{each}\n", "") for each in right]
    assert _sound(file)
    assert _process(RECORDS[0], "unreasoned").communicate() == (f"{right[0]}\n", "")


def test_ten_writers_that_start_from_nothing_lose_nothing(tmp_path: Path) -> None:
    """They all make the folder, the file and the table; SQLite keeps connections apart as it does processes."""
    path = tmp_path / "new" / "table.sqlite3"
    rows = [{"common": 0, **{f"{writer};{row}": [writer, row] for row in range(50)}} for writer in range(10)]
    with ThreadPoolExecutor(10) as writers:
        list(writers.map(lambda values: SituationCache(path).add(values), rows))
    assert SituationCache(path).load() == {key: value for each in rows for key, value in each.items()}
    assert _sound(path)


def test_a_process_killed_while_it_writes_leaves_a_file_with_right_answers(file: Path, right: list[str]) -> None:
    for seed in range(3):
        process = subprocess.Popen([sys.executable, "-c", REASON_ALL], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(random.Random(seed).uniform(0, 0.2))
        process.kill()
        process.communicate()
        assert process.returncode == -9
        assert _answers(RECORDS) == right
        assert _sound(file)


def test_what_is_added_is_kept_and_what_is_there_stays(tmp_path: Path) -> None:
    table = SituationCache(tmp_path / "deep" / "er" / "table.sqlite3")
    assert table.load() == {}
    table.add({"a": [1, None, "é"]})
    table.add({"a": 2, "b": 3})
    assert table.load() == {"a": [1, None, "é"], "b": 3}
    nowhere = SituationCache(None)
    nowhere.add({"a": 1})
    assert nowhere.load() == {}
