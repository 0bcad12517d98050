"""What the documents show is what happens, and what they link to is there.

Run as a script, it writes the outputs shown in the documents anew.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from rdflib import Graph

from tests.support.documents import ADDRESS, DOCUMENTS, FENCE, Block, blocks, exchanges, run_again, served
from tests.support.worked import ROOT

pytestmark = [pytest.mark.docs, pytest.mark.slow]


LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
ABOUT_PATIENTS = re.compile(r"osteo-kg (assess|validate) |/(assessments|validations)\b")
DAY = re.compile(r"--on |\bon=")


@pytest.fixture(scope="module")
def started() -> Iterator[str]:
    """The service, started once."""
    with served() as found:
        yield found


def address(text: str, request: pytest.FixtureRequest) -> str:
    """Give the address of the service, started where a text speaks of it."""
    found: str = request.getfixturevalue("started") if ADDRESS in text else ADDRESS
    return found


@pytest.fixture
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("_in_the_checkout")
@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.name)
def test_a_command_gives_what_the_document_shows(block: Block, request: pytest.FixtureRequest) -> None:
    if "curl " in block.text and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    service, told = address(block.text, request), exchanges(block.text)
    assert [str(run_again(each, service)) for each in told] == [str(each) for each in told]


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.name)
def test_a_command_on_patients_names_its_day(block: Block) -> None:
    commands = [each.command for each in exchanges(block.text) if ABOUT_PATIENTS.search(each.command)]
    assert [command for command in commands if not DAY.search(command)] == []


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.name)
def test_a_console_block_is_taken_apart_without_loss(block: Block) -> None:
    assert "\n".join(str(each) for each in exchanges(block.text)) == block.text.rstrip("\n")


@pytest.mark.usefixtures("_in_the_checkout")
@pytest.mark.parametrize("path", sorted({block.path for block in blocks("python")}), ids=lambda path: path.name)
def test_python_gives_what_the_document_shows(path: Path, request: pytest.FixtureRequest) -> None:
    """The Python blocks of one document are one session."""
    text = "\n".join(block.text for block in blocks("python") if block.path == path)
    text = text.replace(ADDRESS, address(text, request))
    session = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    assert session.examples
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(session, out=said.append)
    assert "".join(said) == ""


_OWN_LIBRARIES = 'Sys.setenv(LD_LIBRARY_PATH = "")\n'  # as the tutorial says where Python is a shared library


@pytest.mark.parametrize("block", blocks("r"), ids=lambda block: block.name)
def test_r_does_what_the_document_says(block: Block, tmp_path: Path) -> None:
    """A block ends where what it says of itself, with `stopifnot`, is not so."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("R is not installed")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "RETICULATE_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    asked = 'quit(status = !requireNamespace("reticulate", quietly = TRUE))'
    if "reticulate" in block.text and subprocess.run([rscript, "-e", asked], check=False).returncode:
        pytest.skip("reticulate is not installed")
    assert "stopifnot" in block.text
    script = tmp_path / "block.R"
    script.write_text(
        _OWN_LIBRARIES * bool(sysconfig.get_config_var("Py_ENABLE_SHARED")) + block.text, encoding="utf-8"
    )
    done = subprocess.run([rscript, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", blocks("turtle"), ids=lambda block: block.name)
def test_a_turtle_block_is_turtle(block: Block) -> None:
    assert len(Graph().parse(data=block.text, format="turtle")) > 0


@pytest.mark.parametrize(
    ("document", "file"),
    [
        ("README.md", "examples/two-vertebral-fractures.ttl"),
        ("docs/how-to/add-a-rule.md", "docs/how-to/overlapping-rule/no-fracture-watch.ttl"),
    ],
)
def test_a_file_shown_is_shown_whole(document: str, file: str) -> None:
    first = next(block for block in blocks("turtle") if block.path == ROOT / document)
    assert first.text == (ROOT / file).read_text(encoding="utf-8")


def test_a_query_shown_is_a_file_shown_whole() -> None:
    files = {path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.rq")}
    assert {block.text for block in blocks("sparql")} ^ files == set()


def test_every_document_is_in_the_table_of_contents() -> None:
    listed = LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    found = {path.resolve() for path in DOCUMENTS} - {(ROOT / "docs" / link).resolve() for link in listed}
    assert found == {ROOT / "docs" / "index.md"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_leads_to_a_file(path: Path) -> None:
    links = LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path not in reached and path.suffix == ".md":
            reached.add(path)
            links = LINK.findall(path.read_text(encoding="utf-8"))
            waiting += [(path.parent / link).resolve() for link in links if "://" not in link]
    assert set(DOCUMENTS) - reached == set()


def test_the_readme_names_the_python_that_the_package_needs() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    named = re.findall(r"Python (\d[\d.]*\d) or later", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {f">={version}" for version in named} == {needed}


def rewritten(text: str, service: str) -> Iterator[str]:
    """Give a document with its console blocks as they come out now."""
    end = 0
    for each in FENCE.finditer(text):
        yield text[end : each.start()]
        end = each.end()
        if each[1] == "console":
            now = "\n".join(str(run_again(told, service)) for told in exchanges(each[2]))
            yield f"```console\n{now}\n```"
        else:
            yield each[0]
    yield text[end:]


if __name__ == "__main__":
    os.chdir(ROOT)
    with served() as found:
        texts = {path: "".join(rewritten(path.read_text(encoding="utf-8"), found)) for path in DOCUMENTS}
    for document, text in texts.items():
        document.write_text(text, encoding="utf-8")
