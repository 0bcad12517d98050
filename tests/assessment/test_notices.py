"""Which notices a case raises does not depend on how their queries are written, nor on what is left out unasked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest

from osteo_kg import package_data
from osteo_kg.assessment.notices import Notices
from osteo_kg.case import CaseFacts
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.sparql import Token, tokens
from tests.support.worked import answered

pytestmark = pytest.mark.slow

_OPEN, _CLOSE = "([", ")]"
_READ = package_data.query


@pytest.fixture(scope="module")
def prepared(knowledge_base: KnowledgeBase) -> list[CaseFacts]:
    """The facts of every worked case."""
    return [knowledge_base.prepare(each.case(knowledge_base), on=each.on).facts for each in answered()]


def _raised(notices: Notices, prepared: list[CaseFacts]) -> list[list[tuple[str, str, str | None]]]:
    return [
        [(each.kind.code, each.message.en, each.option) for each in notices.raised(case_facts)]
        for case_facts in prepared
    ]


@pytest.fixture(scope="module")
def expected(knowledge_base: KnowledgeBase, prepared: list[CaseFacts]) -> list[list[tuple[str, str, str | None]]]:
    found = _raised(knowledge_base.notices, prepared)
    assert sum(map(len, found)) > 100
    return found


def _triples_apart(text: str) -> str:
    """`;` is written as `.`, with the subject again, and triples that stand together in the opposite order."""
    written: list[str] = []
    together: list[list[Token]] = []

    def end() -> None:
        written.extend(_joined(triple) + " ." for triple in reversed(together))
        together.clear()

    for statement in _statements(tokens(text)):
        if _is_of_triples(statement):
            subject, *parts = _split(statement, ";")
            head = subject[:1]
            together.append(subject)
            together.extend(head + part for part in parts if part)
        else:
            end()
            written.append(_joined(statement))
    end()
    return "\n".join(written)


def _joined(found: Iterable[Token]) -> str:
    return " ".join(each.text for each in found).replace(" (", "(")  # Oxigraph reads no function apart from its bracket


def _by_paths(text: str) -> str:
    """Every plain verb is written as the path `^(^verb)`."""
    written = []
    for statement in _statements(tokens(text)):
        verbs = set()
        if _is_of_triples(statement):
            parts = _split(statement, ";")
            verbs = {id(parts[0][1]), *(id(part[0]) for part in parts[1:] if part)}
            simple = {id(part[-2]) for part in (parts[0][1:], *parts[1:]) if len(part) == 2}
            verbs &= simple
        for each in statement:
            is_name = each.kind == "name" or (each.kind == "word" and each.text == "a")
            verb = "rdf:type" if each.text == "a" else each.text
            written.append(f"^(^{verb})" if id(each) in verbs and is_name else each.text)
        if _is_of_triples(statement):
            written.append(".")
    return "PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>\n" + " ".join(written).replace(" (", "(")


def _statements(found: tuple[Token, ...]) -> Iterator[list[Token]]:
    """Cut a query at the marks that end a statement of a group: `.`, `{` and `}`; what is not of triples goes along."""
    now: list[Token] = []
    depth = braces = 0
    for token in found:
        depth += token.is_mark(*_OPEN) - token.is_mark(*_CLOSE)
        if depth == 0 and token.is_mark("."):
            yield now
            now = []
        elif depth == 0 and token.is_mark("{", "}"):
            braces += 1
            if now:
                yield now
            yield [token]
            now = []
        elif (depth == 0 and braces and now and token.is_word("FILTER", "BIND", "OPTIONAL", "VALUES", "MINUS")) or (
            depth == 0 and now and now[0].is_word("FILTER", "BIND") and now[-1].is_mark(")") and token.kind != "mark"
        ):
            yield now
            now = [token]
        else:
            now.append(token)
    if now:
        yield now


def _is_of_triples(statement: list[Token]) -> bool:
    return len(statement) > 2 and statement[0].kind in ("variable", "name", "iri")


def _split(statement: list[Token], mark: str) -> list[list[Token]]:
    depth = 0
    parts: list[list[Token]] = [[]]
    for token in statement:
        depth += token.is_mark(*_OPEN) - token.is_mark(*_CLOSE)
        if depth == 0 and token.is_mark(mark):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


@pytest.mark.parametrize("rewritten", [_triples_apart, _by_paths], ids=lambda each: each.__name__)
def test_every_query_written_equivalently_raises_the_same(
    rewritten: Callable[[str], str],
    knowledge_base: KnowledgeBase,
    prepared: list[CaseFacts],
    expected: list[list[tuple[str, str, str | None]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = {name: rewritten(_READ(name)) for name in package_data.query_names("notice")}
    assert all(text.split() != _READ(name).split() for name, text in texts.items())
    monkeypatch.setattr(package_data, "query", lambda name: texts.get(name) or _READ(name))
    assert _raised(Notices(knowledge_base.knowledge), prepared) == expected


def test_what_a_notice_needs_leaves_out_nothing_that_it_would_find(
    knowledge_base: KnowledgeBase,
    prepared: list[CaseFacts],
    expected: list[list[tuple[str, str, str | None]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked_of_all = Notices(knowledge_base.knowledge)
    monkeypatch.setitem(
        asked_of_all.__dict__, "kinds", tuple(replace(each, needs=frozenset()) for each in asked_of_all.kinds)
    )
    assert _raised(asked_of_all, prepared) == expected


def test_every_notice_says_what_it_needs(knowledge_base: KnowledgeBase) -> None:
    """One is raised by a fracture or by a code of one, and needs neither for certain."""
    without = [each.code for each in knowledge_base.notices.kinds if not each.needs]
    assert without == ["exclude-atypical-femoral-fracture"]
    assert list(itertools.chain.from_iterable(each.needs for each in knowledge_base.notices.kinds))
