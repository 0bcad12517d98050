"""The lowest T-scores of a cohort: a histogram for each branch of the guideline and each course of action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.cohort.results.small_cells import protected
from osteo_kg.knowledge import Guideline, Rule
from osteo_kg.reasoning import LOWEST_T_SCORE, MET, Answer

#: How many have each score, by branch of the guideline and by disposition.
Distribution = Mapping[str, Mapping[str, Counter[float]]]
LOWEST, HIGHEST, _STEP = -50, 20, 5  # tenths: beyond the first two everything is one column
EDGES = tuple(range(LOWEST, HIGHEST + _STEP, _STEP))
_Place = tuple[str, int]  # a branch, and a column of its histogram


@dataclass(frozen=True, slots=True)
class Panel:
    """The scores of one branch and one course of action.

    Attributes:
        columns: how many have a score up to each edge, and beyond the last; None where that is suppressed.
    """

    branch: str
    disposition: str
    columns: tuple[int | None, ...]

    @property
    def total(self) -> int:
        """How many are shown."""
        return sum(each or 0 for each in self.columns)


def bounds(column: int) -> tuple[Decimal | None, Decimal | None]:
    """Give what the scores of a column are above, and up to what; None where there is no bound."""
    lower = None if column == 0 else Decimal(EDGES[column - 1]) / 10
    upper = None if column == len(EDGES) else Decimal(EDGES[column]) / 10
    return lower, upper


def panels(distribution: Distribution, totals: Mapping[str, int | None], limit: int) -> Iterator[Panel]:
    """Give a panel for each branch and each course of action, without those of which nothing may be shown.

    Args:
        distribution: how many have each score.
        totals: how many have each disposition, with a score or without; None where that is suppressed.
        limit: counts from 1 to below it are suppressed, and others from which they could be calculated.
    """
    for disposition, total in totals.items():
        counts = _columns(distribution, disposition)
        hidden = None if total is None else _hidden(counts, total, limit)
        if hidden is None:
            continue
        for branch in sorted({branch for branch, _ in counts}):
            columns = tuple(
                None if (branch, column) in hidden else counts[branch, column] for column in range(len(EDGES) + 1)
            )
            panel = Panel(branch, disposition, columns)
            if panel.total:
                yield panel


def _columns(distribution: Distribution, disposition: str) -> Counter[_Place]:
    counts: Counter[_Place] = Counter()
    for branch, of_branch in distribution.items():
        for score, count in of_branch.get(disposition, {}).items():
            tenths = min(max(round(score * 10), LOWEST), HIGHEST + 1)
            counts[branch, -((LOWEST - tenths) // _STEP)] += count
    return counts


def _hidden(counts: Mapping[_Place, int], total: int, limit: int) -> set[_Place] | None:
    """Give the columns that are suppressed; None where suppressing all is not enough.

    How many of the total have no score is nowhere shown, which keeps them apart, too.
    """
    slack = total - sum(counts.values())
    shown = sorted((count, place) for place, count in counts.items() if count)
    hidden = {place for count, place in shown if count < limit}
    waiting = [place for _, place in shown if place not in hidden]
    while not protected([counts[each] for each in hidden], limit, slack):
        if not waiting:
            return None
        hidden.add(waiting.pop(0))
    return hidden


# The branches of a guideline: what its rules ask for before they look at the T-score.

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
