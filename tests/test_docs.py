"""What the documents show is what happens, and the examples show every kind of answer.

Run as a script, it writes the outputs shown in the documents anew.
"""

from __future__ import annotations

import doctest
import re
import shlex
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rdflib import OWL, RDF, Graph

from helpers import ON, ROOT
from osteo_kg import Assessment
from osteo_kg.cli import main
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.table import settled_keys

EXAMPLES = ROOT / "examples"
PATIENTS = sorted(EXAMPLES.glob("*.ttl"))
REFUSED = sorted(path for path in (EXAMPLES / "refused").iterdir() if path.suffix != ".xml")
CATALOGS = sorted(EXAMPLES.rglob("catalog-v001.xml"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
COMMAND, OMITTED = "$ osteo-kg ", "..."


@dataclass(frozen=True)
class Block:
    """One fenced block of a document."""

    path: Path
    language: str
    text: str

    @property
    def name(self) -> str:
        """Where the block is, for the name of a test."""
        return f"{self.path.relative_to(ROOT)}: {self.text.splitlines()[0][:60]}"


def blocks(language: str) -> list[Block]:
    """Give every fenced block of a language; finding none is a failure."""
    found = [
        Block(path, each[1], each[2])
        for path in DOCUMENTS
        for each in FENCE.finditer(path.read_text(encoding="utf-8"))
        if each[1] == language
    ]
    assert found, language
    return found


def shown(command: str) -> str:
    """Give what a terminal shows after a command, without the blank lines at the end."""
    runner = CliRunner(env={"FORCE_COLOR": None})
    result = runner.invoke(main, shlex.split(command.removeprefix(COMMAND)), prog_name="osteo-kg")
    return result.output.rstrip("\n")


def shortened(output: str, told: str) -> str:
    """Leave out of an output what a document leaves out by a last line of three dots."""
    lines = told.splitlines()
    if lines[-1:] != [OMITTED]:
        return output
    return "\n".join([*output.splitlines()[: len(lines) - 1], OMITTED])


@pytest.fixture
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("_in_the_checkout")
@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.name)
def test_a_command_gives_what_the_document_shows(block: Block) -> None:
    command, _, told = block.text.partition("\n")
    assert command.startswith(COMMAND)
    assert shortened(shown(command), told.rstrip("\n")) == told.rstrip("\n")


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.name)
def test_a_command_on_patients_names_its_day(block: Block) -> None:
    command = block.text.partition("\n")[0].split()
    assert "--on" in command or command[2] not in ("assess", "validate")


@pytest.mark.usefixtures("_in_the_checkout")
@pytest.mark.parametrize("path", sorted({block.path for block in blocks("python")}), ids=lambda path: path.name)
def test_python_gives_what_the_document_shows(path: Path) -> None:
    """The Python blocks of one document are one session."""
    text = "\n".join(block.text for block in blocks("python") if block.path == path)
    session = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    assert session.examples
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(session, out=said.append)
    assert "".join(said) == ""


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


# The examples


@pytest.fixture(scope="module")
def answers(knowledge_base: KnowledgeBase) -> dict[str, Assessment]:
    """The answer about every example patient, by her name."""
    return answered(knowledge_base, PATIENTS)


def answered(knowledge_base: KnowledgeBase, paths: list[Path]) -> dict[str, Assessment]:
    """Answer every patient of some files."""
    cases = [case for path in paths for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    return {case.patient: knowledge_base.assess(case, on=ON) for case in cases}


@pytest.mark.usefixtures("_in_the_checkout")
def test_every_example_is_answered() -> None:
    """As `make demo` does it, on whatever day it is."""
    result = CliRunner().invoke(main, ["assess", *(str(path.relative_to(ROOT)) for path in PATIENTS)])
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.usefixtures("_in_the_checkout")
@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.name)
def test_every_wrong_example_is_refused(path: Path) -> None:
    result = CliRunner().invoke(main, ["assess", str(path), "--on", ON.isoformat()])
    assert (result.exit_code, "Traceback" in result.output) == (2, False)


def test_every_file_of_the_examples_is_used() -> None:
    tables = [EXAMPLES / "patients.csv", EXAMPLES / "patients.json"]
    questions = (EXAMPLES / "questions").iterdir()  # tests/test_questions.py pairs them with their answers
    files = {path for path in EXAMPLES.rglob("*") if path.is_file()}
    assert files - {*PATIENTS, *REFUSED, *CATALOGS, *tables, *questions} == set()


@pytest.mark.parametrize("path", PATIENTS, ids=lambda path: path.stem)
def test_an_example_has_the_name_of_its_file(answers: dict[str, Assessment], path: Path) -> None:
    assert f"urn:case:{path.stem}" in answers


@pytest.mark.parametrize("name", ["patients.csv", "patients.json"])
def test_a_flat_record_gives_the_answer_of_its_graph(
    knowledge_base: KnowledgeBase, answers: dict[str, Assessment], name: str
) -> None:
    flat = answered(knowledge_base, [EXAMPLES / name])
    assert flat
    assert {patient: answer for patient, answer in flat.items() if answer != answers[patient]} == {}


def test_the_examples_show_every_disposition_and_every_strength(
    knowledge_base: KnowledgeBase, answers: dict[str, Assessment]
) -> None:
    rules = knowledge_base.engine().guideline.rules
    dispositions = {rule.disposition for rule in rules} | {"undetermined"}
    assert dispositions - {answer.disposition for answer in answers.values()} == set()
    assert {rule.strength for rule in rules} - {answer.strength for answer in answers.values()} == set()


def test_the_examples_show_every_status_that_an_option_can_have(
    knowledge_base: KnowledgeBase, answers: dict[str, Assessment]
) -> None:
    engine = knowledge_base.engine()
    outcomes = set(engine.settled(settled_keys(engine)).values())
    options = engine.guideline.options
    possible: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        for option, (status, _) in zip(options, outcome.options, strict=False):
            possible[option.key].add(status)
    for statuses in possible.values():
        if len(statuses) > 1:
            statuses.add("undetermined")
    seen = {(option.treatment, option.status) for answer in answers.values() for option in answer.options}
    assert {(key, status) for key, statuses in possible.items() for status in statuses} - seen == set()


def test_the_examples_show_what_is_missing_warned_of_assumed_and_cautioned(answers: dict[str, Assessment]) -> None:
    assert any(answer.missing for answer in answers.values())
    assert any(answer.warnings for answer in answers.values())
    assert any(answer.assumptions for answer in answers.values())
    assert any(option.cautions for answer in answers.values() for option in answer.options)


@pytest.mark.parametrize("path", [p for p in (*PATIENTS, *REFUSED) if p.suffix == ".ttl"], ids=lambda p: p.stem)
def test_an_example_imports_the_ontology(path: Path) -> None:
    """Without the import an ontology editor reads the patient as annotations."""
    graph = Graph().parse(path)
    [header] = graph.subjects(RDF.type, OWL.Ontology)
    assert str(header).endswith(f"/examples/{path.stem}")
    assert [str(each) for each in graph.objects(header, OWL.imports)] == ["https://w3id.org/osteo-kg/ontology/osteo-kg"]


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_catalog_of_the_examples_names_every_module(catalog: Path) -> None:
    assert modules(catalog) == modules(ROOT / "ontology" / "catalog-v001.xml")


def modules(catalog: Path) -> dict[str, Path]:
    """Give the file of each module as a catalog names it; one that is not there is a failure."""
    entries = ElementTree.parse(catalog).iter("{urn:oasis:names:tc:entity:xmlns:xml:catalog}uri")
    found = {each.attrib["name"]: (catalog.parent / each.attrib["uri"]).resolve() for each in entries}
    assert [path for path in found.values() if not path.is_file()] == []
    return found


def rewritten(text: str) -> Iterator[str]:
    """Give a document with its console blocks as they come out now."""
    end = 0
    for each in FENCE.finditer(text):
        yield text[end : each.start()]
        end = each.end()
        command, _, told = each[2].partition("\n")
        if each[1] == "console":
            output = shortened(shown(command), told.rstrip("\n"))
            yield f"```console\n{command}\n{output}\n```"
        else:
            yield each[0]
    yield text[end:]


if __name__ == "__main__":
    for document in DOCUMENTS:
        document.write_text("".join(rewritten(document.read_text(encoding="utf-8"))), encoding="utf-8")
