"""A run loads the compiler of its engine alone, and whoever asks Ibis for another one gets it."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys
import osteo_kg.cohort
import ibis
ibis.duckdb.connect().con.close()
before = {name.rpartition(".")[2] for name in sys.modules if name.startswith("ibis.backends.sql.compilers.")}
print("duckdb" in before, "postgres" in before, "trino" in before)
print(ibis.to_sql(ibis.table({"a": "int64"}, name="t").a.sum(), dialect="postgres").startswith("SELECT"))
from ibis.backends.sql.compilers import TrinoCompiler
print(TrinoCompiler.__name__)
"""


def test_a_run_loads_one_compiler_and_leaves_the_others_at_hand() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["True False False", "True", "TrinoCompiler"]
