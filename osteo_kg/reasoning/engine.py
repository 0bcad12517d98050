"""One guideline at work: reasons settled situations in batches, remembers them, and combines them into answers."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.case import Atom, CaseFacts
from osteo_kg.knowledge import Guideline, Knowledge
from osteo_kg.reasoning.answers import Answer, CertainAnswers, completions_needed
from osteo_kg.reasoning.cache import SituationCache, cache_folder, outcomes_at_the_release
from osteo_kg.reasoning.closure import AtomSet, Closure, Closures, Reasoner, parts_of
from osteo_kg.reasoning.matching import Matcher, Outcome, SettledFacts
from osteo_kg.reasoning.situations import Key, SituationSpace

_ATOMS, _TOGETHER = "closures of single facts", "closure of "


class Engine:
    """Answers situations, by what is remembered or by reasoning.

    Args:
        knowledge: the loaded modules.
        guideline: the guideline to apply.
        remember: whether to keep settled situations on disk between processes.
    """

    def __init__(self, knowledge: Knowledge, guideline: Guideline, *, remember: bool = True) -> None:
        self.knowledge = knowledge
        self.guideline = guideline
        self._disk = SituationCache(cache_folder() / self._file_name() if remember else None)
        self._matcher = Matcher(knowledge, guideline)
        self._closures = Closures(knowledge)
        remembered = self._disk.load()
        self.closures = self._single_facts(remembered.pop(_ATOMS, None))
        self.space = SituationSpace(knowledge, guideline, self.closures)
        self._combiner = CertainAnswers(self.space, guideline)
        self._together: dict[AtomSet, frozenset[str]] = {}
        for text, value in remembered.items():
            if text.startswith(_TOGETHER):
                atoms = json.loads(text.removeprefix(_TOGETHER))
                self._together[frozenset(Atom(*each) for each in atoms)] = frozenset(value)
            else:
                self._combiner.add(tuple(text.split(";")), Outcome.of(value))
        self._prepared: set[Key] = set()
        self._answers: dict[Key, Answer] = {}

    def answer(self, key: Key) -> Answer:
        """Give the answer to a situation, reasoning what is not yet remembered of it."""
        if key not in self._answers:
            self.prepare([key])
            self._answers[key] = self._combiner.answer(key)
        return self._answers[key]

    def decided(self, keys: Sequence[Key]) -> list[Answer]:
        """Give the answers to situations, but for what is missing: all that two answers are compared by."""
        self.prepare(keys)
        return [self._combiner.without_missing(key) for key in keys]

    def settled(self, completions: Iterable[Key]) -> dict[Key, Outcome]:
        """Give the outcome of settled situations, reasoning those that are new in one batch."""
        wanted = list(completions)
        self.prepare(wanted)
        return {way: self._combiner[way] for way in wanted}

    def prepare(self, keys: Iterable[Key]) -> None:
        """Reason everything that these situations need and that is not remembered, in one batch."""
        asked = [key for key in keys if key not in self._prepared]
        needed = [way for way in completions_needed(self.space, asked) if way not in self._combiner]
        new = [way for way in needed if way not in self._at_the_release]
        found = dict(zip(new, self.reasoned(new), strict=True)) if new else {}
        for way in needed:
            self._combiner.add(way, found.get(way) or self._at_the_release[way])
        if found:
            self._disk.add({";".join(way): outcome.to_json() for way, outcome in found.items()})
        self._prepared.update(asked)

    def reasoned(self, ways: Iterable[Key]) -> list[Outcome]:
        """Give the outcome of settled situations by reasoning alone, whatever is remembered of them."""
        return self._reason(map(self.space.representative, ways), self._closures)

    @property
    def digest(self) -> str:
        """The SHA-256 of all that the outcomes rest on: the modules, the queries and the guideline."""
        parts = (self.knowledge.digest, package_data.queries_digest(), self.guideline.iri)
        return hashlib.sha256("|".join(parts).encode()).hexdigest()

    @functools.cached_property
    def _at_the_release(self) -> dict[Key, Outcome]:
        """The outcomes of settled situations that travel with the library; none where what they rest on is another."""
        outcomes = outcomes_at_the_release(self.digest)
        return dict(zip(self.space.settled_keys(), outcomes, strict=True)) if outcomes else {}

    def answers(self, cases: Iterable[CaseFacts]) -> list[Answer]:
        """Give the answers to cases by their situations; those that are new are reasoned in one batch."""
        keys = [self.space.key(each) for each in cases]
        self.prepare(dict.fromkeys(keys))
        return [self.answer(key) for key in keys]

    def answers_by_reasoning(self, cases: Iterable[CaseFacts]) -> list[Answer]:
        """Give the answers to cases by full inference on the cases themselves, with no table: the reference."""
        space = self.space
        asked = [(key, completions_needed(space, [key]), each) for each in cases for key in [space.key(each)]]
        facts = [[space.actual(each, way) for way in completions] for _, completions, each in asked]
        reasoned = iter(self._reason(itertools.chain.from_iterable(facts), self._closures.reasoner))
        answers = []
        for key, completions, _ in asked:
            combiner = CertainAnswers(space, self.guideline)
            for way in completions:
                combiner.add(way, next(reasoned))
            answers.append(combiner.answer(key))
        return answers

    def classes(self, atom_sets: Iterable[AtomSet]) -> dict[AtomSet, frozenset[str]]:
        """Give the classes that a patient of each of some sets of coded facts belongs to; new ones in one batch.

        Facts from which the same follows alone are the same thing together, too: one of them is closed for all.
        """
        alike = {
            atoms: frozenset(self._stands_for[each] for each in atoms if each in self._stands_for)
            for atoms in atom_sets
        }
        new = dict.fromkeys(each for each in alike.values() if each not in self._together)
        if new:
            found = {atoms: closure.classes for atoms, closure in self._closures.close(new).items()}
            self._together |= found
            written = {_TOGETHER + json.dumps(parts_of(atoms)): sorted(classes) for atoms, classes in found.items()}
            self._disk.add(written)
        return {atoms: self._together[each] for atoms, each in alike.items()}

    @functools.cached_property
    def _stands_for(self) -> dict[Atom, Atom]:
        """Give for each coded fact the first from which the same follows; none for one from which nothing does."""
        first: dict[object, Atom] = {}
        found = {}
        for [atom], closure in self.closures.items():
            follows = (closure.classes, frozenset(closure.coded.items()))
            if any(follows):
                found[atom] = first.setdefault(follows, atom)
        return found

    def inferred(self) -> list[ox.Triple]:
        """Give what OWL 2 RL adds to the modules that the reasoner sees."""
        return self._closures.reasoner.inferred()

    def _reason(self, facts: Iterable[SettledFacts], closing: Closures | Reasoner) -> list[Outcome]:
        """Close what is coded, then match, all in one batch; equal facts once."""
        asked = list(facts)
        different = {each.stated: each for each in asked}
        closed = closing.close({each.atoms for each in different.values()})
        outcomes = self._matcher.match([(each, closed[each.atoms]) for each in different.values()])
        found = dict(zip(different, outcomes, strict=True))
        return [found[each.stated] for each in asked]

    def _single_facts(self, remembered: list[Any] | None) -> dict[AtomSet, Closure]:
        atoms = SituationSpace.atoms(self.knowledge)
        if remembered is not None:
            return {each: Closure.of(value) for each, value in zip(atoms, remembered, strict=True)}
        closures = self._closures.close(atoms)
        self._disk.add({_ATOMS: [closures[each].to_json() for each in atoms]})
        return closures

    def _file_name(self) -> str:
        named = hashlib.sha256(f"{self.digest}|{package_data.software_version()}".encode()).hexdigest()
        return f"situations-{named[:32]}.sqlite3"
