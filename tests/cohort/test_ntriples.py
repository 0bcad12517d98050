"""A file of triples says in a cohort what it says to the library, however it is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.cohorts import expected, run, without_place

pytestmark = pytest.mark.slow


_NS = "https://w3id.org/osteo-kg/ns/"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_LABEL = f"{_RDFS}label"
_BOOLEAN = "http://www.w3.org/2001/XMLSchema#boolean"
_DECIMAL = "http://www.w3.org/2001/XMLSchema#decimal"
_LINES = [
    line
    for name in ("anne", "berthe", "claire")
    for line in (
        f"<urn:case:{name}> <{_TYPE}> <{_NS}Patient> .",
        f"<urn:case:{name}> <{_NS}hasMenopausalStatus> <{_NS}Postmenopausal> .",
        f"<urn:case:{name}> <{_NS}hasFracture> _:{name} .",
        f"_:{name} <{_TYPE}> <{_NS}VertebralFracture> .",
        f"<urn:case:{name}> <{_NS}hasBoneDensitometry> _:{name}measured .",
        f"_:{name}measured <{_TYPE}> <{_NS}BoneDensitometry> .",
        f"_:{name}measured <{_NS}hasSite> <{_NS}FemoralNeck> .",
        f'_:{name}measured <{_NS}tScore> "-2.1"^^<{_DECIMAL}> .',
    )
]
_ANNE = "<urn:case:anne>"


def _text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def _first(change: Callable[[str], str]) -> str:
    return _text(change(_LINES[0]), *_LINES[1:])


def _more(line: str) -> str:
    return _text(*_LINES, line)


_READ = {
    "as lines are written": _text(*_LINES),
    "in the other order": _text(*reversed(_LINES)),
    "without a last end of line": _text(*_LINES).rstrip(),
    "with the line ends of Windows": _text(*_LINES).replace("\n", "\r\n"),
    "with the line ends of old Macs": _text(*_LINES).replace("\n", "\r"),
    "with a comment": _text("# three women", *_LINES),
    "with a comment of as many words as a statement": _text("# of three women", *_LINES),
    "with a comment after a statement": _first(lambda line: f"{line} # Anne"),
    "with blank lines": _text(_LINES[0], "", "  ", *_LINES[1:]),
    "indented": _first(lambda line: f"  {line}"),
    "with tabs": _first(lambda line: line.replace(" ", "\t")),
    "without a blank before the full stop": _first(lambda line: line.replace(" .", ".")),
    "with a mark of byte order": "\ufeff" + _text(*_LINES),
    "with every statement twice, in another order": _text(*_LINES, *reversed(_LINES)),
    "with a term escaped": _text(*_LINES).replace("VertebralFracture", "\\u0056ertebralFracture"),
    "with points in the names of nodes": _text(*_LINES).replace("_:", "_:a."),
    "with a patient who is a blank node": _text(*_LINES).replace(_ANNE, "_:she"),
    "with a node that is an entry of two": _more(f"<urn:case:claire> <{_NS}hasFracture> _:anne ."),
    "with a text that has blanks": _more(f'{_ANNE} <{_NS}isDeceased> "not yet"^^<{_BOOLEAN}> .'),
    "with a text in a language": _more(f'{_ANNE} <urn:comment> "elle va bien"@fr .'),
    "with labels": _text(*_LINES, *(f'<urn:case:{name}> <{_LABEL}> "a \\"woman\\"" .' for name in ("anne", "claire"))),
    "with a property of another vocabulary": _more(f"{_ANNE} <urn:lives> <urn:city%20of%20light> ."),
    "with a property of another vocabulary on an entry": _more('_:anne <urn:seen> "by X-ray" .'),
    "with an axiom": _more(f"{_ANNE} <{_RDFS}subClassOf> <urn:women> ."),
    "with classes at the end, in another order": _text(
        *(line for line in _LINES if f"{_NS}Patient" not in line),
        f'{_ANNE} <{_NS}isDeceased> "true"^^<{_BOOLEAN}> .',
        *reversed([line for line in _LINES if f"{_NS}Patient" in line]),
    ),
    "with a statement on nobody": _more("<urn:study> <urn:began> <urn:yesterday> ."),
}
_REFUSED = {
    "with nothing in it": "",
    "with an IRI that has a blank": _more(f"<urn:a b> <{_NS}hasSex> <{_NS}Female> ."),
    "with an IRI that has a quotation mark": _more(f'<urn:a"b> <{_NS}hasSex> <{_NS}Female> .'),
    "with a property that is none": _more(f"{_ANNE} property <{_NS}Female> ."),
    "with an object that is no IRI": _more(f"{_ANNE} <{_NS}hasSex> <{_NS}Fe{{male> ."),
    "with a percent sign that is none": _more(f"{_ANNE} <urn:lives> <urn:city%zz> ."),
    "with a text that does not end": _more(f'{_ANNE} <{_LABEL}> "Anne .'),
    "with a text in no language": _more(f'{_ANNE} <{_LABEL}> "Anne"@ .'),
    "with relative IRIs": _text(*_LINES).replace("urn:case:", ""),
    "with a line that is no statement": _more("hello"),
    "with a line of four words": _more("one two three ."),
    "with a statement that does not end": _more(f'{_ANNE} <{_NS}isDeceased> "true"^^<{_BOOLEAN}>'),
    "with two statements on a line": _text(f"{_LINES[0]} {_LINES[1]}", *_LINES[2:]),
    "with a graph in a file of triples": _first(lambda line: f"{line[:-1]}<urn:graph> ."),
    "with blanks in the place of a subject": _more(f" <{_NS}hasSex> <{_NS}Female> ."),
    "with another kind of blank": _first(lambda line: line.replace(" .", "\u00a0.")),
}
_READ_AS_QUADS = {
    "with a graph on every line": _text(*(f"{line[:-1]}<urn:graph> ." for line in _LINES)),
    "with a graph that is a blank node": _first(lambda line: f"{line[:-1]}_:graph ."),
    "with no graph": _text(*_LINES),
    "with a label in a graph": _more(f'{_ANNE} <{_LABEL}> "a woman"@en-GB <urn:graph> .'),
}
_REFUSED_AS_QUADS = {
    "with a graph that is no IRI": _first(lambda line: f"{line[:-1]}<urn:gr{{aph> ."),
    "with a graph that is a text": _first(lambda line: f'{line[:-1]}"graph" .'),
}


def _cases(*given: tuple[str, dict[str, str]]) -> list[object]:
    return [pytest.param(form, text, id=f"{form} {name}") for form, texts in given for name, text in texts.items()]


def _written(folder: Path, form: str, text: str) -> Path:
    path = folder / f"women.{form}"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(("form", "text"), _cases(("nt", _READ), ("nq", _READ_AS_QUADS)))
def test_a_file_is_read_as_the_library_reads_it(
    knowledge_base: KnowledgeBase, tmp_path: Path, form: str, text: str
) -> None:
    path = _written(tmp_path, form, text)
    rows, reports = expected(knowledge_base, knowledge_base.read(path.read_bytes(), form, name=path.name))
    found, summary, refused = run(knowledge_base, path, tmp_path)
    assert summary.patients == 3
    assert sorted(found, key=str) == sorted(rows, key=str)
    assert without_place(refused) == reports


@pytest.mark.parametrize("name", ["with every statement twice, in another order", "in the other order"])
def test_what_is_said_twice_or_late_is_held_in_columns(
    knowledge_base: KnowledgeBase, tmp_path: Path, name: str
) -> None:
    _, summary, refused = run(knowledge_base, _written(tmp_path, "nt", _READ[name]), tmp_path)
    assert (summary.decided, refused, dict(summary.one_by_one)) == (3, [], {})


@pytest.mark.parametrize(("form", "text"), _cases(("nt", _REFUSED), ("nq", _REFUSED_AS_QUADS)))
def test_a_file_that_the_library_cannot_read_is_refused_in_its_words(
    knowledge_base: KnowledgeBase, tmp_path: Path, form: str, text: str
) -> None:
    path = _written(tmp_path, form, text)
    with pytest.raises(UnreadableCaseError) as told:
        knowledge_base.read(path.read_bytes(), form, name=path.name)
    with pytest.raises(UnreadableCaseError) as said:
        run(knowledge_base, path, tmp_path)
    assert str(said.value) == str(told.value)
