"""Mistakes that people make in modules are told precisely: in place, and where a module is loaded beside ours."""

from __future__ import annotations

import functools
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from osteo_kg.checking import KnowledgeFinding, check, check_before_use, is_clean
from osteo_kg.checking.formats import told
from osteo_kg.checking.terms import UNDECLARED
from osteo_kg.errors import KnowledgeError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.worked import ROOT

pytestmark = pytest.mark.slow

GUIDELINE = "guidelines/oic-128-08-b.ttl"


@dataclass(frozen=True)
class Mistake:
    """One entry of `mistakes.yaml`, which says what each attribute is."""

    mistake: str
    severity: str
    code: str
    module: str = GUIDELINE
    of: str = ""
    old: str = ""
    new: str = ""
    encoding: str = ""
    at: str = ""
    words: list[str] = field(default_factory=list)

    def edited(self) -> bytes:
        """Give the module with the mistake in it."""
        text = (ROOT / "ontology" / self.module).read_text(encoding="utf-8")
        start = text.index(f"\n{self.of}\n") if self.of else 0
        end = text.index("\n.\n", start) + 3 if self.of else len(text)
        block = text[start:end]
        assert not self.old or self.old in block, self.mistake
        text = text[:start] + (block.replace(self.old, self.new, 1) if self.old else block) + text[end:]
        if self.encoding == "bom":
            return b"\xef\xbb\xbf" + text.encode("utf-8")
        if self.encoding == "crlf":
            return text.replace("\n", "\r\n").encode("utf-8")
        return text.encode(self.encoding or "utf-8", "replace")


def mistakes() -> list[Mistake]:
    entries = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))
    return [Mistake(**each) for each in entries]


MISTAKES = mistakes()
#: One of each part of the check: where a module is loaded, the same check is made.
_AT_LOAD = {"BandMetBelow", "RangeBound", "TermLabel", "cycle", "encoding", "line-ends", "span", "syntax", UNDECLARED}
AT_LOAD = list({each.code: each for each in MISTAKES if each.code in _AT_LOAD}.values())


@functools.lru_cache(1)
def copied(folder: Path) -> Path:
    """Copy the ontology once for all mistakes."""
    return Path(shutil.copytree(ROOT / "ontology", folder / "ontology"))


@pytest.fixture(scope="module")
def ontology(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("copy"))


def meant(findings: tuple[KnowledgeFinding, ...], mistake: Mistake) -> list[KnowledgeFinding]:
    """Give the findings that tell a mistake: of its kind, with all the words that have to be there."""
    return [
        each
        for each in findings
        if (each.severity, each.code) == (mistake.severity, mistake.code)
        if all(word in f"{each.subject}: {told(each, 'en')}" for word in mistake.words)
    ]


def test_there_are_fifty_mistakes_and_more() -> None:
    assert len({each.mistake for each in MISTAKES}) == len(MISTAKES) >= 50


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.mistake)
def test_a_mistake_in_an_edited_copy_is_told_with_its_line(mistake: Mistake, ontology: Path) -> None:
    path = ontology / mistake.module
    before, content = path.read_bytes(), mistake.edited()
    path.write_bytes(content)
    try:
        findings = check([ontology])
    finally:
        path.write_bytes(before)
    found = meant(findings, mistake)
    assert found, [(each.severity, each.code, each.subject, told(each, "en")) for each in findings]
    assert is_clean(findings) == (mistake.severity == "information")
    if mistake.at:
        lines = content.decode("utf-8-sig").splitlines()
        stand = [lines[(each.line or 1) - 1] for each in found if each.file == str(path)]
        assert any(mistake.at in line for line in stand), (stand, found)
    for each in findings:
        assert each.message.fr != each.message.en
        assert each.line is not None
        assert each.file is not None


@pytest.mark.parametrize("mistake", AT_LOAD, ids=lambda each: each.mistake)
def test_a_module_with_a_mistake_is_refused_or_warned_of_where_it_is_loaded(mistake: Mistake, tmp_path: Path) -> None:
    (tmp_path / Path(mistake.module).name).write_bytes(mistake.edited())
    warnings: list[str] = []
    if mistake.severity == "error":
        with pytest.raises(KnowledgeError, match=re.escape(f"[{mistake.code}]")) as refused:
            check_before_use([tmp_path])
        assert all(word in str(refused.value) for word in mistake.words)
    else:
        KnowledgeBase.load([tmp_path], tell=warnings.append)
        said = " ".join(warnings)
        assert all(word in said for word in mistake.words) == (mistake.severity == "warning")
