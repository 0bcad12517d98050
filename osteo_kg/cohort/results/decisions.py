"""Decisions: what every situation of a cohort is answered, and what each set of notices says, as tables to join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from osteo_kg.assessment.model import Assessment
from osteo_kg.cohort.abstraction.probes import ConditionalNotice, LibraryProbe
from osteo_kg.rdf import SITUATION
from osteo_kg.reasoning import Answer, Key

_EVERY = (1 << 62) - 1
_WORDS = pa.list_(pa.string())


def option_column(treatment: str) -> str:
    """Give the name of the column of one option."""
    return treatment.replace("-", "_")


@dataclass
class Decisions:
    """The answers to the situations of a cohort, by the number that stands for each in the columns.

    Attributes:
        answers: the answer to each situation met.
        keys: the situation behind each number; those assessed one by one have numbers below nought.
        allowed: for each number, the bits of the notices that its answer lets through.
    """

    parts: LibraryProbe
    answers: dict[Key, Answer] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    allowed: dict[int, int] = field(default_factory=dict)
    _own: dict[Key, int] = field(default_factory=dict)

    def answer(self, keys: Mapping[int, Key], marks: Mapping[int, int]) -> None:
        """Answer situations, reasoning those that are new in one batch.

        Args:
            keys: the situations by their numbers.
            marks: for each number, the bits of all notices that some patient in that situation raises.
        """
        engine = self.parts.engine
        raised: dict[Key, int] = defaultdict(int)
        for number, key in keys.items():
            raised[key] |= marks[number]
        compared = (other for key, bits in raised.items() for other in self.parts.compared(key, bits))
        engine.prepare(dict.fromkeys([*raised, *compared]))
        for key, bits in raised.items():
            self.answers[key] = engine.answer(key)
            raised[key] = self.parts.let_through(key, self.answers[key], bits)
        for number, key in keys.items():
            self.keys[number], self.allowed[number] = key, raised[key]

    def own(self, assessment: Assessment) -> tuple[int, int]:
        """Give the number and the notices of a patient who was assessed by herself."""
        engine = self.parts.engine
        key = engine.space.parse(assessment.situation_key)
        if key not in self._own:
            number = self._own[key] = -1 - len(self._own)
            self.answers[key], self.keys[number], self.allowed[number] = engine.answer(key), key, _EVERY
        marks = [ConditionalNotice(each.code, "warning") for each in assessment.warnings]
        marks += [ConditionalNotice(each.code, "assumption") for each in assessment.assumptions]
        return self._own[key], self.parts.marks.mask(marks)

    def iri(self, key: Key) -> str:
        """Give the IRI of a situation."""
        return f"{SITUATION}{self.parts.engine.guideline.id}/{self.parts.space.text(key)}"

    def table(self) -> pa.Table:
        """Give every situation by its number, with what it is answered."""
        numbers = list(self.keys)
        rows = {key: self.row(key) for key in self.answers}
        columns: dict[str, pa.Array] = {
            "situation_number": pa.array(numbers, pa.int64()),
            "allowed": pa.array([self.allowed[number] for number in numbers], pa.int64()),
        }
        for name, kind in self.columns.items():
            columns[name] = pa.array([rows[self.keys[number]][name] for number in numbers], kind)
        return pa.table(columns)

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """The columns of an answer and their types."""
        options = [option_column(each.key) for each in self.parts.engine.guideline.options]
        return {
            "disposition": pa.string(),
            "strength": pa.string(),
            "possible": _WORDS,
            **dict.fromkeys(options, pa.string()),
            "missing": _WORDS,
            "situation": pa.string(),
        }

    def row(self, key: Key) -> dict[str, Any]:
        """Give what a situation is answered, one value for each column."""
        answer, terms = self.answers[key], self.parts.knowledge_base.knowledge.terms
        statuses = {each.option: each.status for each in answer.options}
        return {
            "disposition": answer.disposition,
            "strength": answer.strength,
            "possible": list(answer.possible),
            **{option_column(o.key): statuses.get(o.iri) for o in self.parts.engine.guideline.options},
            "missing": [terms.record_keys[fact] for fact, _ in answer.missing],
            "situation": self.iri(key),
        }

    def notices(self, masks: Iterable[int]) -> pa.Table:
        """Give every set of notices by its bits, with its codes."""
        told = {mask: self.parts.marks.told(mask) for mask in masks}
        return pa.table(
            {
                "told": pa.array(list(told), pa.int64()),
                "warnings": pa.array([_codes(marks, "warning") for marks in told.values()], _WORDS),
                "assumptions": pa.array([_codes(marks, "assumption") for marks in told.values()], _WORDS),
            }
        )


def _codes(marks: Iterable[ConditionalNotice], category: str) -> list[str]:
    return sorted({mark.code for mark in marks if mark.category == category})
