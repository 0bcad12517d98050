"""The commands of the command line, run in the process of the tests."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from osteo_kg.cli.main import main


def run(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
    """Run one command in this process. What escapes it is a fault, not an exit status."""
    result = CliRunner().invoke(main, [str(each) for each in arguments], input=stdin, catch_exceptions=False)
    assert "Traceback" not in result.stderr
    return result
