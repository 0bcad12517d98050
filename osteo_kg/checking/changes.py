"""What an edit changes: the table of situations beside the one that was last released."""

from __future__ import annotations

import functools
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from osteo_kg.bilingual import COLON, BilingualText, joined, shown_count
from osteo_kg.checking.findings import KnowledgeFinding
from osteo_kg.checking.knowledge import CheckedKnowledge
from osteo_kg.checking.released import (
    Table,
    Told,
    digest_of_meaning,
    released_guidelines,
    released_meaning,
    table_of,
)
from osteo_kg.errors import OsteoError
from osteo_kg.knowledge import Knowledge, read_guideline
from osteo_kg.rdf import OSTEO, RDF, node_of
from osteo_kg.reasoning import NONE, Key
from osteo_kg.reasoning.dimensions import Band
from osteo_kg.reasoning.matching import Contradiction

_TOLD = 3  # kinds of change that are told


def change_findings(knowledge: CheckedKnowledge) -> Iterator[KnowledgeFinding]:
    """Compare every guideline with what it was; a new one is looked through for gaps and overlaps."""
    if digest_of_meaning(knowledge.documents) == released_meaning():
        return
    released = released_guidelines()
    for iri in knowledge.members(OSTEO.Guideline):
        if not _concerns(knowledge, iri):
            continue
        try:
            table = table_of(knowledge.knowledge, read_guideline(knowledge.knowledge, iri))
        except (OsteoError, ArithmeticError, LookupError, ValueError, StopIteration) as error:
            yield _unusable(knowledge, iri, error)
            continue
        yield from _contradictions(knowledge, iri, table)
        if iri in released:
            yield from _Comparison(knowledge.knowledge, table, released[iri]).findings(knowledge, iri)


def _concerns(knowledge: CheckedKnowledge, guideline: str) -> bool:
    """Whether an edit can change a guideline: it is edited itself, or what every guideline rests on may be."""
    homes = {each.path for each, triple in knowledge.by_subject[guideline] if triple.predicate == RDF.type}
    others = {
        each.path
        for other in knowledge.members(OSTEO.Guideline)
        if other != guideline
        for each, triple in knowledge.by_subject[other]
        if triple.predicate == RDF.type
    }
    return any(each.edited and (each.path in homes or each.path not in others) for each in knowledge.given)


def _unusable(knowledge: CheckedKnowledge, iri: str, error: Exception) -> KnowledgeFinding:
    reason = str(error) if isinstance(error, OsteoError) else f"{type(error).__name__}: {error}"
    message = BilingualText(
        f"The guideline cannot be read: {reason}", f"La recommandation ne peut pas être lue : {reason}"
    )
    return knowledge.finding("error", "guideline", iri, message, _COMPLETE)


def _contradictions(knowledge: CheckedKnowledge, iri: str, table: Table) -> Iterator[KnowledgeFinding]:
    """Tell situations in which no rule applies, or rules of several dispositions do: one finding for each kind."""
    by_rules: dict[tuple[str, ...], list[Key]] = defaultdict(list)
    for key, each in table.contradictions.items():
        by_rules[each.rules].append(key)
    for rules, keys in sorted(by_rules.items()):
        found: Contradiction = table.contradictions[keys[0]]
        count = shown_count(len(keys))
        example = table.space.text(keys[0]) if table.space else ""
        if found.dispositions:
            names = ", ".join(knowledge.name(each) for each in rules)
            message = _OVERLAP.filled({"count": count, "rules": names})
            yield knowledge.finding("error", "overlap", rules[0], message, _TELL_APART, shown=example)
        else:
            message = _GAP.filled({"count": count})
            yield knowledge.finding("error", "gap", iri, message, _ADD_RULE, shown=example)


class _Comparison:
    """Compares the table of an edited guideline with the released one, situation by situation.

    Bands are cut at the thresholds of both, so that a moved threshold changes the situations between them and no
    others.

    Args:
        knowledge: the edited modules, for the words.
        now: the table of the edited guideline.
        before: the released table.
    """

    def __init__(self, knowledge: Knowledge, now: Table, before: Table) -> None:
        self._knowledge, self._now, self._before = knowledge, now, before
        self._values_of = functools.cache(self._values_before)

    def findings(self, knowledge: CheckedKnowledge, iri: str) -> Iterator[KnowledgeFinding]:
        """Tell how many situations are answered otherwise, and how."""
        kinds: Counter[tuple[str, ...]] = Counter()
        examples: dict[tuple[str, ...], Key] = {}
        total = 0
        for key, told, before in self._pairs():
            total += 1
            if told != before:
                kind = self._kind(before, told)
                kinds[kind] += 1
                examples.setdefault(kind, key)
        changed = sum(kinds.values())
        if not changed:
            return
        parts = [
            joined([self._words(kind), BilingualText(str(shown_count(count).en), shown_count(count).fr)], COLON)
            for kind, count in kinds.most_common(_TOLD)
        ]
        if len(kinds) > _TOLD:
            parts.append(_AND_OTHERS)
        message = _CHANGES.filled(
            {"count": shown_count(changed), "total": shown_count(total), "changes": joined(parts)}
        )
        first = examples[kinds.most_common(1)[0][0]]
        shown = self._now.space.text(first) if self._now.space else ";".join(first)
        document = next(each for each in knowledge.given if each.edited)
        line = min(filter(None, (document.positions.line(each) for each in document.edited)), default=1)
        place = knowledge.place(iri) if knowledge.place(iri)[0] == document.path else (document.path, line)
        yield knowledge.finding("information", "changed-situations", iri, message, _INTENDED, shown=shown, place=place)

    def _pairs(self) -> Iterator[tuple[Key, Told | None, Told | None]]:
        """Give every situation, as both tables tell it apart, with what each of them says."""
        names = {each.fact: place for place, each in enumerate(self._now.facts)}
        for key, told in self._now.told.items():
            values = [
                self._values_of(place, key[names[fact.fact]]) if fact.fact in names else fact.values
                for place, fact in enumerate(self._before.facts)
            ]
            if not all(values):
                yield key, told, None
            for other in itertools.product(*values):
                yield key, told, self._before.told.get(other)

    def _values_before(self, place: int, value: str) -> Sequence[str]:
        """Give the values of the released table that a value has numbers in common with; itself where it is none."""
        before = self._before.facts[place]
        now = next(each for each in self._now.facts if each.fact == before.fact)
        if value not in now.bands or not before.bands:
            return _alike(value, now.values, before.values)
        return [name for name, band in before.bands.items() if _overlap(now.bands[value], band)]

    @staticmethod
    def _kind(before: Told | None, now: Told | None) -> tuple[str, ...]:
        """Say what differs first: disposition, strength, an option, an obligation."""
        if before is None or now is None:
            return ("new",)
        for place, name in enumerate(("Disposition", "Strength")):
            if before[place] != now[place]:
                return name, str(before[place] or ""), str(now[place] or "")
        options, others = dict(before[2]), dict(now[2])
        for option in sorted({*options, *others}):
            if options.get(option) != others.get(option):
                return "option", option, options.get(option, ""), others.get(option, "")
        return ("obligations",)

    def _words(self, kind: tuple[str, ...]) -> BilingualText:
        if kind[0] in ("Disposition", "Strength"):
            return self._from_to(self._label(kind[0], kind[1]), self._label(kind[0], kind[2]))
        if kind[0] == "option":
            change = self._from_to(_STATUSES.get(kind[2], _NONE), _STATUSES.get(kind[3], _NONE))
            return joined([self._knowledge.terms.label(kind[1]), change], ", ")
        return _OBLIGATIONS if kind[0] == "obligations" else _NEW

    @staticmethod
    def _from_to(before: BilingualText, now: BilingualText) -> BilingualText:
        return _FROM_TO.filled({"before": before, "now": now})

    def _label(self, kind: str, key: str) -> BilingualText:
        iri = self._knowledge.terms.kinds[OSTEO[kind]].get(key)
        return self._knowledge.terms.label(node_of(iri)) if iri else BilingualText(key or "–", key or "–")


def _alike(value: str, now: Sequence[str], before: Sequence[str]) -> Sequence[str]:
    """Give the values of the released table that mean the same, entries counted as far as both tables count them."""
    if set(now) == set(before):  # what does not apply is no value, and stands in keys
        return (value,)
    most_now, most_before = _most(now), _most(before)
    if not _counts(value).keys() <= most_before.keys():
        return ()

    def common(name: str) -> dict[str, int]:
        return {kind: min(n, most_now.get(kind, n), most_before[kind]) for kind, n in _counts(name).items()}

    return [each for each in before if common(each) == common(value)]


def _most(values: Sequence[str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for value in values:
        found |= _counts(value)
    return found


def _counts(value: str) -> Counter[str]:
    """Read the name of a value: kinds of entries with their counts, or one word."""
    parts = (each.partition(":") for each in value.split(",") if each != NONE)
    return Counter({kind: int(count or 1) for kind, _, count in parts})


def _overlap(one: Band, other: Band) -> bool:
    """Whether two bands have a number in common."""
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _begins_before_end(one: Band, other: Band) -> bool:
    low, high = one.low, other.high
    if low is None or high is None:
        return True
    return low < high or (low == high and one.low_included and other.high_included)


_COMPLETE = BilingualText("Complete its module.", "Compléter son module.")
_OVERLAP = BilingualText(
    "In {count} situations several dispositions apply at once, by {rules}.",
    "Dans {count} situations, plusieurs conduites s’appliquent à la fois, par {rules}.",
)
_GAP = BilingualText("In {count} situations no rule applies.", "Dans {count} situations, aucune règle ne s’applique.")
_TELL_APART = BilingualText(
    "Let the criteria of these rules exclude each other.", "Faire que les critères de ces règles s’excluent."
)
_ADD_RULE = BilingualText(
    "Add a rule for it, or widen the criteria of one.", "Ajouter une règle pour cela, ou élargir les critères de l’une."
)
_CHANGES = BilingualText(
    "This edit changes {count} of {total} situations: {changes}.",
    "Cette modification change {count} situations sur {total} : {changes}.",
)
_INTENDED = BilingualText(
    "If that is what the edit is for, nothing has to be done.", "Si la modification vise cela, il n’y a rien à faire."
)
_FROM_TO = BilingualText("from {before} to {now}", "de {before} à {now}")
_AND_OTHERS = BilingualText("and others", "et d’autres")
_OBLIGATIONS = BilingualText("other obligations", "autres obligations")
_NEW = BilingualText("not told before", "non prévues auparavant")
_NONE = BilingualText("no option", "aucune option")
_STATUSES: Mapping[str, BilingualText] = {
    "eligible": BilingualText("eligible", "possible"),
    "not-eligible": BilingualText("not eligible", "non retenu"),
    "undetermined": BilingualText("undetermined", "indéterminé"),
}
