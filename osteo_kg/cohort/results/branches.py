"""The branches of a guideline: what its rules ask for before they look at the T-score."""

from __future__ import annotations

from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.knowledge import Guideline, Rule
from osteo_kg.reasoning import LOWEST_T_SCORE, MET, Answer

OPEN = BilingualText("several branches remain", "plusieurs branches restent possibles")
ONLY = BilingualText("all records", "tous les dossiers")


class Branches:
    """Says in which branch of a guideline an answer lies.

    Args:
        guideline: the guideline; a branch is called by what it asks for and not every branch does.
        language: the language of the names.
    """

    def __init__(self, guideline: Guideline, language: Language = "en") -> None:
        self._guideline = guideline
        self._language: Language = language
        asked = {rule.iri: frozenset(self._before_the_score(rule)) for rule in guideline.rules}
        drawn = [asked[rule.iri] for rule in guideline.rules if len(asked[rule.iri]) < len(rule.criteria)]
        shared = frozenset.intersection(*drawn) if drawn else frozenset[str]()
        branches = {each for each in asked.values() if each != shared}
        self._branches = {self._called(each - shared): each for each in branches}

    def of(self, answer: Answer) -> str:
        """Give the branch that an answer certainly lies in, by name."""
        if not self._branches:
            return ONLY.get(self._language)
        found = [name for name, asked in self._branches.items() if all(answer.criteria[each] == MET for each in asked)]
        return found[0] if len(found) == 1 else OPEN.get(self._language)

    def _before_the_score(self, rule: Rule) -> list[str]:
        return [each for each in rule.criteria if self._guideline.criteria[each].tested != LOWEST_T_SCORE]

    def _called(self, criteria: frozenset[str]) -> str:
        return ", ".join(sorted(self._guideline.criteria[each].label.get(self._language) for each in criteria))
