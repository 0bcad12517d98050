"""Decisions: what every situation of a cohort is answered, and what each set of notices says, as tables to join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from osteo_kg.assessment.model import Assessment
from osteo_kg.cohort.abstraction.probes import ConditionalNotice, LibraryProbe
from osteo_kg.rdf import SITUATION
from osteo_kg.reasoning import UNDETERMINED, Answer, Key

_EVERY = (1 << 62) - 1
_WORDS = pa.list_(pa.string())
_SITUATION = "situation"


def option_column(treatment: str) -> str:
    """Give the name of the column of one option."""
    return treatment.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Decided:
    """What an answer says in tables and counts.

    Attributes:
        possible: the keys of the dispositions that remain, sorted.
        statuses: each option, by IRI, with its status; empty where there are no options.
        missing: each fact whose knowledge would change the answer, by IRI, with what it would settle.
    """

    possible: tuple[str, ...]
    strength: str | None
    statuses: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, tuple[str, ...]], ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out the hash, which every situation of every run is counted by."""
        object.__setattr__(self, "_hash", hash((self.possible, self.strength, self.statuses, self.missing)))

    def __hash__(self) -> int:
        """Give the hash."""
        return self._hash

    @classmethod
    def by(cls, answer: Answer) -> Decided:
        """Take from an answer what is told of it."""
        statuses = tuple((each.option, each.status) for each in answer.options)
        return cls(answer.possible, answer.strength, statuses, answer.missing)

    @property
    def disposition(self) -> str:
        """The key of the disposition: the only one that remains, else `undetermined`."""
        return self.possible[0] if len(self.possible) == 1 else UNDETERMINED

    def to_json(self) -> list[Any]:
        """Give what was decided as JSON has it."""
        return [self.possible, self.strength, self.statuses, self.missing]

    @classmethod
    def of(cls, value: list[Any]) -> Decided:
        """Take back what was decided."""
        possible, strength, statuses, missing = value
        told = tuple((option, status) for option, status in statuses)
        return cls(tuple(possible), strength, told, tuple((fact, tuple(settles)) for fact, settles in missing))


class Answers(Mapping[Key, Answer]):
    """The whole answers to situations, each combined when it is looked at."""

    def __init__(self, parts: LibraryProbe, keys: Mapping[int, Key]) -> None:
        self._engine = parts.engine
        self._keys = keys

    def __getitem__(self, key: Key) -> Answer:
        return self._engine.answer(key)

    def __iter__(self) -> Iterator[Key]:
        return iter(dict.fromkeys(self._keys.values()))

    def __len__(self) -> int:
        return len(set(self._keys.values()))


@dataclass
class Decisions:
    """The answers to the situations of a cohort, by the number that stands for each in the columns.

    Attributes:
        decided: what each situation is answered, of this run and of earlier ones.
        weighed: for each situation, the bits of the notices that were weighed against its answer, and of those it lets
            through.
        keys: the situation behind each number; those assessed one by one have numbers below nought.
        allowed: for each number, the bits of the notices that its answer lets through.
    """

    parts: LibraryProbe
    decided: MutableMapping[Key, Decided] = field(default_factory=dict)
    weighed: MutableMapping[Key, tuple[int, int]] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    allowed: dict[int, int] = field(default_factory=dict)
    _own: dict[Key, int] = field(default_factory=dict)
    _different: dict[Decided, Decided] = field(default_factory=dict)

    @property
    def answers(self) -> Mapping[Key, Answer]:
        """The whole answer to each situation met."""
        return Answers(self.parts, self.keys)

    def answer(self, keys: Mapping[int, Key], marks: Mapping[int, int]) -> None:
        """Answer situations, reasoning those that are new in one batch.

        Args:
            keys: the situations by their numbers.
            marks: for each number, the bits of all notices that some patient in that situation raises.
        """
        raised: dict[Key, int] = defaultdict(int)
        for number, key in keys.items():
            raised[key] |= marks[number]
        self._learn({key: new for key, bits in raised.items() if (new := self._unknown(key, bits)) is not None})
        for number, key in keys.items():
            self.keys[number], self.allowed[number] = key, self.weighed[key][1]

    def _unknown(self, key: Key, bits: int) -> int | None:
        """Give those of some bits that were not weighed yet; None where nothing is new."""
        new = bits & ~self.weighed.get(key, (0, 0))[0]
        return new if new or key not in self.decided or key not in self.weighed else None

    def _learn(self, new: Mapping[Key, int]) -> None:
        """Answer situations, and ask of each which of some bits it lets through."""
        engine = self.parts.engine
        compared = (other for key, bits in new.items() for other in self.parts.compared(key, bits))
        engine.prepare(dict.fromkeys([*new, *compared]))
        for key, bits in new.items():
            answer = engine.answer(key)
            before, told = self.weighed.get(key, (0, 0))
            self.decided[key] = self._told_alike(answer)
            self.weighed[key] = before | bits, told | self.parts.let_through(key, answer, bits)

    def _told_alike(self, answer: Answer) -> Decided:
        """Give what an answer says, as the same thing where another one says it: it is counted by."""
        decided = Decided.by(answer)
        return self._different.setdefault(decided, decided)

    def own(self, assessment: Assessment) -> tuple[int, int]:
        """Give the number and the notices of a patient who was assessed by herself."""
        engine = self.parts.engine
        key = engine.space.parse(assessment.situation_key)
        if key not in self._own:
            number = self._own[key] = -1 - len(self._own)
            self.decided[key] = self._told_alike(engine.answer(key))
            self.keys[number], self.allowed[number] = key, _EVERY
        marks = [ConditionalNotice(each.code, "warning") for each in assessment.warnings]
        marks += [ConditionalNotice(each.code, "assumption") for each in assessment.assumptions]
        return self._own[key], self.parts.marks.mask(marks)

    def iri(self, key: Key) -> str:
        """Give the IRI of a situation."""
        return f"{SITUATION}{self.parts.engine.guideline.id}/{self.parts.space.text(key)}"

    def table(self) -> pa.Table:
        """Give every situation by its number, with what it is answered."""
        situations: dict[Key, int] = {}
        places = pa.array([situations.setdefault(key, len(situations)) for key in self.keys.values()], pa.int64())
        different: dict[Decided, int] = {}
        found = [different.setdefault(self.decided[key], len(different)) for key in situations]
        answered = pa.array(found, pa.int64()).take(places)
        rows = [self.row(decided) for decided in different]
        columns: dict[str, pa.Array] = {
            "situation_number": pa.array(self.keys, pa.int64()),
            "allowed": pa.array([self.allowed[number] for number in self.keys], pa.int64()),
        }
        for name, kind in self.columns.items():
            if name == _SITUATION:
                columns[name] = pa.array(map(self.iri, situations), kind).take(places)
            else:
                columns[name] = pa.array([row[name] for row in rows], kind).take(answered)
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
            _SITUATION: pa.string(),
        }

    def row(self, decided: Decided) -> dict[str, Any]:
        """Give what situations are answered, one value for each column but that of their names."""
        facts, statuses = self.parts.knowledge_base.knowledge.terms.record_keys, dict(decided.statuses)
        return {
            "disposition": decided.disposition,
            "strength": decided.strength,
            "possible": list(decided.possible),
            **{option_column(o.key): statuses.get(o.iri) for o in self.parts.engine.guideline.options},
            "missing": [facts[fact] for fact, _ in decided.missing],
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
