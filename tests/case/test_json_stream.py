"""An array of JSON is the same read a piece at a time as read whole."""

from __future__ import annotations

import io
import json
import random

import pytest

from osteo_kg import UnreadableCaseError
from osteo_kg.case import json_stream, parse_json
from osteo_kg.case.json_stream import json_members

_WRITTEN = json.dumps([{"a": n, "s": 'é\u00e9 "x" ]},[', "n": [1, 2.50, {"q": None}], "f": -1e3} for n in range(9)])


@pytest.mark.parametrize("piece", [1, 7, 64])
@pytest.mark.parametrize(
    "text", [_WRITTEN, "[]", " [ ] \n", "{}", " [1, true ,NaN]", '[{"a": 1, "a": 2}]', '[{"a": "\\ud83d\\ude00"}]']
)
def test_members_are_those_of_the_whole_text(text: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_PIECE", piece)
    whole = parse_json(text, "input")
    found = list(json_members(io.StringIO(text), "input"))
    assert found == (whole if isinstance(whole, list) else [whole])
    assert [getattr(each, "repeated", ()) for each in found] == [
        getattr(each, "repeated", ()) for each in (whole if isinstance(whole, list) else [whole])
    ]


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_what_is_no_json_is_refused_wherever_a_piece_ends(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_PIECE", piece)
    chance = random.Random(piece)
    faults = 0
    for _ in range(200):
        place = chance.randrange(len(_WRITTEN))
        text = _WRITTEN[:place] + chance.choice('[]{},:"\\1x ') + _WRITTEN[place + 1 :]
        try:
            whole = parse_json(text, "input")
        except UnreadableCaseError:
            faults += 1
            with pytest.raises(UnreadableCaseError):
                list(json_members(io.StringIO(text), "input"))
        else:
            assert list(json_members(io.StringIO(text), "input")) == whole
    assert faults > 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a JSON object, nor an array"),
        ('"anna"', "is not a JSON object, nor an array"),
        ("[1", "after record 1: a comma or the end"),
        ("[1 2]", "after record 1: a comma or the end"),
        ("[1, tru]", "record 2 is not JSON"),
        ('{"a": 1}\n{"a": 2}', r"one object a line is a \.jsonl file"),
        ('[{"a": "\\ud800"}]', "record 1 holds half a character"),
        ("[" * 9000, "nested too deeply"),
    ],
)
def test_the_error_says_which_record_it_is(text: str, said: str) -> None:
    with pytest.raises(UnreadableCaseError, match=said):
        list(json_members(io.StringIO(text), "input"))


def test_a_fault_is_found_without_reading_the_rest() -> None:
    file = io.StringIO("[nonsense" + " " * (3 << 20))
    with pytest.raises(UnreadableCaseError, match="record 1"):
        list(json_members(file, "input"))
    assert file.tell() <= 1 << 20
