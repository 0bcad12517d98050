"""A cohort on Spark: in a session of its own, or beside the one that somebody works in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from osteo_kg.cohort import assess_cohort
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import cohorts
from tests.support.worked import ON, ROOT, needs_java

pytestmark = pytest.mark.slow


SparkSession = pytest.importorskip("pyspark.sql", reason="pyspark is not installed").SparkSession
_SIZE = 30


@pytest.fixture
def session() -> Iterator[Any]:
    """A session that somebody works in, with settings and a view of her own."""
    made = SparkSession.builder.master("local[1]").appName("somebody").config("spark.ui.enabled", "false").getOrCreate()
    made.conf.set("spark.sql.session.timeZone", "Pacific/Apia")
    made.conf.set("spark.sql.shuffle.partitions", "3")
    made.range(3).createOrReplaceTempView("hers")
    yield made
    made.stop()


def _rows(knowledge_base: KnowledgeBase, folder: Path, **asked: Any) -> list[Any]:
    source = cohorts.write_parquet(folder / "women.parquet", cohorts.sample(_SIZE, 3))
    return cohorts.run(knowledge_base, source, folder, engine="spark", **asked)[0]


@needs_java
def test_every_output_is_written_by_spark_as_by_duckdb_in_a_running_session_that_is_left_as_it_was(
    knowledge_base: KnowledgeBase, tmp_path: Path, session: Any
) -> None:
    source = cohorts.write_parquet(tmp_path / "women.parquet", cohorts.sample(_SIZE, 3))
    asked: dict[str, Any] = {
        "spark_master": "local[7]",
        "rejected": tmp_path / "rejected.jsonl",
        "knowledge_base": knowledge_base,
    }
    for ending in ("csv", "jsonl", "nt"):
        written = []
        for engine in ("duckdb", "spark"):
            result = tmp_path / f"{engine}.{ending}"
            assess_cohort([source], result, on=ON, engine=engine, **asked)
            written.append(result.read_bytes())
        assert written[0] == written[1] != b"", ending
    assert session.sparkContext.master == "local[1]"
    assert session.conf.get("spark.sql.session.timeZone") == "Pacific/Apia"
    assert session.conf.get("spark.sql.shuffle.partitions") == "3"
    assert [table.name for table in session.catalog.listTables()] == ["hers"]
    assert session.sparkContext._jsc.getPersistentRDDs().isEmpty()
    assert session.table("hers").count() == 3


@needs_java
def test_a_session_that_was_started_in_another_thread_is_used(
    knowledge_base: KnowledgeBase, tmp_path: Path, session: Any
) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(_rows, knowledge_base, tmp_path).result()
    assert session.table("hers").count() == 3


@needs_java
def test_a_session_of_its_own_has_the_master_that_was_named_and_ends(
    knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masters, partitions = [], []
    stop = SparkSession.stop

    def noted(session: Any) -> None:
        masters.append(session.sparkContext.master)
        partitions.append(int(session.conf.get("spark.sql.shuffle.partitions")))
        stop(session)

    monkeypatch.setattr(SparkSession, "stop", noted)
    assert _rows(knowledge_base, tmp_path, spark_master="local[2]")
    assert masters == ["local[2]"]
    assert partitions == [2 * (os.cpu_count() or 1)]  # and not the 200 that are for clusters
    assert SparkSession.getActiveSession() is None


def test_without_java_it_is_said_what_to_install(tmp_path: Path) -> None:
    """In a process of its own, since a Java that has once started stays."""
    source = cohorts.write_json_lines(tmp_path / "women.jsonl", [{"sex": "female"}])
    command = [sys.executable, "-m", "osteo_kg", "cohort", str(source), "--engine", "spark"]
    command += ["--output", str(tmp_path / "result.csv")]
    told = {**os.environ, "JAVA_HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Install Java 17" in done.stderr
