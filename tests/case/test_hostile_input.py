"""What nobody should send is read or refused, never a traceback."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osteo_kg import KnowledgeBase, OsteoError, UnreadableCaseError, read_case
from tests.support.documents_of_cases import (
    DOCUMENTS,
    FORMATS,
    PREFIXES,
    WOMAN,
    linked,
    one_case,
    rdf_xml,
    record,
    shown,
    values,
)
from tests.support.strategies import how_many
from tests.support.worked import ON

pytestmark = pytest.mark.slow


# RDF/XML


@pytest.mark.parametrize(
    "declarations",
    [
        '<!ENTITY e SYSTEM "file://{file}">',
        '<!ENTITY e PUBLIC "p" "file://{file}">',
        '<!ENTITY % p SYSTEM "file://{file}"> %p; <!ENTITY e "x">',
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&a;&a;&a;&a;">',
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&#38;a;&#38;a;">',
        "<!ENTITY a 'aaaaaaaaaa'>\n<!ENTITY\te\n'&a;'>",
    ],
)
def test_an_external_or_nested_entity_is_refused(declarations: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    text = rdf_xml('<x:note xmlns:x="urn:x:">&e;</x:note>', declarations.replace("{file}", str(secret)))
    with pytest.raises(UnreadableCaseError, match="entity"):
        read_case(text, "rdf")


def test_a_plain_entity_is_replaced() -> None:
    sex = '<osteo:hasSex rdf:resource="&osteo;Female"/>'
    case = one_case(rdf_xml(sex, '<!ENTITY osteo "https://w3id.org/osteo-kg/ns/">'), "rdf")
    assert values(case, "hasSex") == {"https://w3id.org/osteo-kg/ns/Female"}


def test_an_external_document_type_is_not_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        doctype = f'<!DOCTYPE rdf:RDF SYSTEM "http://127.0.0.1:{server.getsockname()[1]}/x.dtd">'
        assert one_case(rdf_xml("").replace("?>", f"?>{doctype}", 1), "rdf").patient == "urn:case:anna"
        with pytest.raises(BlockingIOError):
            server.accept()


# What nobody should send


def _outcome(knowledge_base: KnowledgeBase, data: bytes | str, form: str) -> str:
    """Read, validate and assess as far as it goes. Anything but an `OsteoError` goes through to the test."""
    try:
        cases = read_case(data, form)
    except OsteoError as error:
        return "unreadable" if error.message and error.advice else "unexplained"
    for case in cases[:3]:
        prepared = knowledge_base.prepare(case, on=ON)
        report = prepared.report
        json.dumps(report.to_json("fr")).encode()
        if report.conforms:
            json.dumps(shown(knowledge_base.assess(prepared))).encode()
    return "read"


NESTED: list[tuple[str, Callable[[int], str]]] = [
    ("json", lambda n: '{"fractures": ' + "[" * n + "]" * n + "}"),
    ("json", lambda n: '{"sex": ' + '{"sex":' * n + "1" + "}" * n + "}"),
    ("jsonl", lambda n: '{"patient": ' + "[" * n + "]" * n + "}"),
    ("jsonld", lambda n: '{"@type": "Patient", "urn:x": ' + "[" * n + "]" * n + "}"),
    ("jsonld", lambda n: '{"@type": "Patient", "hasFracture": ' + '{"hasFracture":' * n + "{}" + "}" * n + "}"),
    ("ttl", lambda n: f"{PREFIXES}{WOMAN} :anna <urn:x> " + "(" * n + ")" * n + " ."),
    (
        "ttl",
        lambda n: f"{PREFIXES}{WOMAN} :anna osteo:hasFracture " + "[ osteo:hasFracture " * n + "1" + "]" * n + " .",
    ),
    ("rdf", lambda n: rdf_xml("<osteo:hasFracture><osteo:Fracture>" * n + "</osteo:Fracture></osteo:hasFracture>" * n)),
]


@pytest.mark.parametrize("depth", [90, 900])
@pytest.mark.parametrize("place", range(len(NESTED)))
def test_deep_nesting_is_read_or_refused(place: int, depth: int, knowledge_base: KnowledgeBase) -> None:
    form, nested = NESTED[place]
    assert _outcome(knowledge_base, nested(depth), form) in ("read", "unreadable")


@pytest.mark.parametrize("place", [place for place, (form, _) in enumerate(NESTED) if form != "rdf"])
def test_very_deep_nesting_is_read_or_refused(place: int) -> None:
    """As deep as this, what is read is not a case that anybody validates."""
    form, nested = NESTED[place]
    with contextlib.suppress(OsteoError):
        assert len(read_case(nested(50_000), form)) == 1


TRIPLE_IN_TRIPLE: dict[str, Callable[[int], str]] = {
    "ttl": lambda n: f"{PREFIXES}{WOMAN} :anna <urn:x> " + "<<( :a :b " * n + ":c" + ")>>" * n + " .",
    "nt": lambda n: "<urn:a> <urn:b> " + "<<( <urn:a> <urn:b> " * n + "<urn:c>" + " )>>" * n + " .",
}


@pytest.mark.parametrize("form", TRIPLE_IN_TRIPLE)
@pytest.mark.parametrize("depth", [900, pytest.param(50_000)])
def test_triples_in_triples_do_not_end_the_process(form: str, depth: int) -> None:
    """In a process of its own, since no exception is raised where the stack overflows."""
    script = (
        "import sys; from osteo_kg import OsteoError, read_case\n"
        f"try: read_case(sys.stdin.buffer.read(), {form!r})\n"
        "except OsteoError: pass"
    )
    document = TRIPLE_IN_TRIPLE[form](depth).encode()
    done = subprocess.run([sys.executable, "-c", script], input=document, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        pytest.param("json", record(patient="\ud800")),
        pytest.param("json", record(birth_date="\ud800")),
        pytest.param("json", record(t_score_total_hip="\ud800")),
        pytest.param("json", record(fractures=[{"site": "ankle", "date": "\udfff"}])),
        ("json", record(**{"sex": "\ud800", "\ud800": 1, "fractures": ["\ud800"]})),
        ("jsonld", linked(birthDate="\ud800", **{"\ud800": "\ud800"})),
        ("json", "\ud800"),
        ("ttl", f"{WOMAN} :anna osteo:birthDate '\\uD800' ."),
        ("csv", "patient,sex\n\ud800,female\n"),
        ("json", record(patient="\0", birth_date="\0", t_score_total_hip="\0", fractures=["\0"])),
        ("json", "\0"),
        ("csv", "patient,sex\na\0,fe\0male\n"),
        ("ttl", f"{PREFIXES}{WOMAN} :anna osteo:birthDate '\\u0000'^^xsd:date ; <urn:x> '\0' ."),
        ("nt", "\0"),
        ("rdf", rdf_xml("<osteo:x>&#0;</osteo:x>")),
        ("jsonld", linked(birthDate="\0")),
        ("ttl", f"{PREFIXES}{WOMAN} :anna osteo:birthDate '{'9' * 1_000_000}'^^xsd:date ."),
        ("json", record(patient="x" * 1_000_000, sex="y" * 1_000_000)),
        ("json", json.dumps({"k" * 100_000: 1})),
    ],
)
def test_surrogates_nulls_and_very_long_values_are_read_or_refused(
    form: str, text: str, knowledge_base: KnowledgeBase
) -> None:
    assert _outcome(knowledge_base, text, form) in ("read", "unreadable")


def test_a_lone_surrogate_in_a_name_of_a_file_can_be_echoed() -> None:
    """An operating system gives names that are not UTF-8 in this way."""
    with pytest.raises(UnreadableCaseError):
        read_case("x", "ttl", name="\udcff.ttl")


EXAMPLES = settings(
    max_examples=how_many(100),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
NUMBERS = (
    "1e999999999", "-1e-999999999", "1e30", "1e400", "0e500", "9" * 40, "-2.123456789012345678901", "-0", "-0.0", "+5",
    "007", "0x1f", "1_0", "5 ", "٣", "²", "\u2212", "∞", "NaN", "null", "true", "62.0", "1968-02-30", "12026-01-01",
)  # fmt: skip
HOSTILE = (
    *NUMBERS,
    "\\ud800", "\0", "\u202e", "\u00a0", '"', "'", "<", ">", "[", "]", "{", "}", "(", ")", ";", ":", ",", "\r", "\n",
    "", "&e;", "<!ENTITY e 'x'>", "@context", "@graph", "@value", "@list", "@reverse", "@id", "_:b", "none",
    "owl:sameAs", "rdfs:subClassOf", "osteo:Fracture", "https://w3id.org/osteo-kg/ns/SevereFracture",
    "2026-02-30", "2026-11-23",
)  # fmt: skip
TOKEN = re.compile(r"[\w.:+-]+|\W")


@st.composite
def _mutated(draw: st.DrawFn, form: str) -> str:
    """Change a few words of a valid document: gone, doubled, swapped, or replaced by what nobody should send."""
    tokens = TOKEN.findall(DOCUMENTS[form])
    for _ in range(draw(st.integers(1, 4))):
        place, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
        length = draw(st.sampled_from((1, 1, 1, 5, 40)))
        change = draw(st.sampled_from(("drop", "double", "swap", "replace", "replace", "replace")))
        if change == "drop":
            del tokens[place : place + length]
        elif change == "double":
            tokens[place:place] = tokens[place : place + length]
        elif change == "swap":
            tokens[place], tokens[other] = tokens[other], tokens[place]
        else:
            tokens[place] = draw(st.sampled_from(HOSTILE) | st.sampled_from(tokens))
        if not tokens:
            return ""
    return "".join(tokens)


@pytest.mark.parametrize("form", FORMATS)
def test_random_bytes_are_read_or_refused(form: str, knowledge_base: KnowledgeBase) -> None:
    @EXAMPLES
    @given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
    def check(data: bytes) -> None:
        assert _outcome(knowledge_base, data, form) in ("read", "unreadable")

    check()


@pytest.mark.parametrize("form", FORMATS)
def test_a_valid_document_that_was_damaged_is_read_or_refused(form: str, knowledge_base: KnowledgeBase) -> None:
    """What is read can be validated and, where it conforms, assessed."""
    seen: set[str] = set()

    @EXAMPLES
    @given(_mutated(form))
    def check(text: str) -> None:
        seen.add(_outcome(knowledge_base, text, form))

    check()
    assert "read" in seen
    assert seen <= {"read", "unreadable"}


@pytest.mark.parametrize("form", ["json", "csv", "ttl"])
def test_any_number_in_the_place_of_any_other_is_read_or_refused(form: str, knowledge_base: KnowledgeBase) -> None:
    """Each number in each place of JSON; in every third place of the other formats, unless many are asked for."""
    tokens = TOKEN.findall(DOCUMENTS[form])
    places = [place for place, token in enumerate(tokens) if re.match(r"-?\d|true$|false$", token)]
    step = 1 if form == "json" or how_many(0) else 3
    pairs = list(itertools.product(enumerate(places), enumerate(NUMBERS)))
    tried = [(place, number) for (row, place), (column, number) in pairs if (row + column) % step == 0]
    assert ({place for place, _ in tried}, {number for _, number in tried}) == (set(places), set(NUMBERS))
    for place, number in tried:
        text = "".join([*tokens[:place], number, *tokens[place + 1 :]])
        assert _outcome(knowledge_base, text, form) in ("read", "unreadable")
