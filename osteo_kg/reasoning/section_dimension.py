"""Sections of a record as dimensions: entries that lead to the same classes of patients are the same thing."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from osteo_kg.case import LISTING, Atom, CaseFacts, Entry
from osteo_kg.errors import KnowledgeError
from osteo_kg.knowledge import Criterion, Knowledge
from osteo_kg.rdf import OSTEO, local_name
from osteo_kg.reasoning.closure import AtomSet, Closure
from osteo_kg.reasoning.dimensions import NONE, UNKNOWN, Dimension, RepresentativeFacts

_NS = OSTEO.iri


#: What the name of a value begins with where the section may hold more.
AT_LEAST = "at-least_"
Profile = tuple[tuple[str, int], ...]  # name of a signature, count; sorted, counts above nought


@dataclass(frozen=True)
class SectionDimension(Dimension):
    """A section of entries, by the classes of patients that its entries lead to.

    Attributes:
        kinds: for each kind of entry (a signature by name), the entry that stands for it and how high it is counted.
        doubts: for each doubtful kind of entry, the kinds it may turn out to be (None: nothing that matters).
        counted: the numbers that count entries of a kind, by property, with the kinds counted.
        several: the kinds of which one entry may stand for several, as one of vertebrae may.
        is_one: whether such an entry without a count is taken for one.
    """

    fact: str
    kinds: Mapping[str, tuple[Atom, int]]
    doubts: Mapping[str, frozenset[str | None]]
    counted: Mapping[str, frozenset[str]]
    several: frozenset[str | None]
    is_one: bool
    name_of: Callable[[Entry], str | None]
    states: Mapping[str, tuple[Profile, ...]]

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(self.states)

    def completions(self, value: str) -> tuple[str, ...]:
        return tuple(_profile_name(profile) for profile in self.states[value])

    def read(self, case_facts: CaseFacts, coded: Mapping[str, str]) -> str:
        return self.value_of(
            case_facts.sections[self.fact],
            self.fact in case_facts.complete,
            self.fact in case_facts.open,
            case_facts.perhaps.get(self.fact, ()),
        )

    def value_of(
        self, entries: Iterable[Entry], complete: bool, is_open: bool = False, perhaps: Iterable[Atom] = ()
    ) -> str:
        """Give the value of a section with these entries; an empty one that is not complete is unknown.

        Args:
            entries: the entries that were read.
            complete: whether nothing is left out.
            is_open: whether more may be there than was read.
            perhaps: what may be there beside the entries, or not.
        """
        entries = tuple(entries)
        if not entries and not complete:
            return UNKNOWN
        certain: Counter[str] = Counter()
        doubtful: Counter[str] = Counter()
        for entry in entries:
            name = self.name_of(entry) if entry.counts else None
            if name is not None and name in self.doubts:
                doubtful[name] += 1
            elif name is not None:
                least = entry.vertebrae or 1
                certain[name] += least
                most = self._most if not self.is_one and self._is_uncounted(entry) else entry.at_most or least
                doubtful[_perhaps(name)] += max(most - least, 0)
        for atom in perhaps:
            if name := self.name_of(Entry(atom, True, None, {})):
                doubtful[_perhaps(name)] += 1
        return self.settle(certain, doubtful, is_open)

    def settle(self, certain: Mapping[str, int], doubtful: Mapping[str, int], is_open: bool = False) -> str:
        """Give the shortest value that leaves the same ways open."""
        completions = self.possible(certain, doubtful)
        if is_open:
            completions = _or_more(completions, self.states[UNKNOWN])
        return self._named[completions]

    def possible(self, certain: Mapping[str, int], doubtful: Mapping[str, int]) -> tuple[Profile, ...]:
        """Give every profile that certain and doubtful entries may add up to, counts capped."""
        return _possible(self.kinds, self.doubts, certain, doubtful)

    def is_exhausted(self, entries: Iterable[Entry]) -> bool:
        """Whether further entries could tell the guideline nothing new."""
        value = self.value_of(entries, complete=True)
        return all(
            _with_one(self.kinds, way, kind) in self.states[value] for way in self.states[value] for kind in self.kinds
        )

    def with_further(self, value: str, kind: str) -> str | None:
        """Give the value once an entry of a kind is there beside what a value stands for; None where none says so."""
        grown = {_with_one(self.kinds, profile, kind) for profile in self.states[value]}
        return self._named.get(tuple(sorted(grown)))

    @functools.cached_property
    def _named(self) -> Mapping[tuple[Profile, ...], str]:
        """The first value that leaves the same ways open."""
        return {ways: value for value, ways in reversed(list(self.states.items()))}

    def with_more(self, entries: Iterable[Entry], is_open: bool = False) -> str | None:
        """Give the value if every counted entry without a count stood for as many as matter.

        None where there is none.
        """
        entries = tuple(entries)
        uncounted = [entry for entry in entries if self._is_uncounted(entry)]
        if not uncounted or not self.is_one:
            return None
        more = [replace(entry, vertebrae=self._most) if entry in uncounted else entry for entry in entries]
        return self.value_of(more, True, is_open)

    def _is_uncounted(self, entry: Entry) -> bool:
        """Whether a counted entry says nothing of how many it stands for."""
        name = self.name_of(entry) if entry.counts and entry.vertebrae is None else None
        return name in self.several and any(name in names for names in self.counted.values())

    @functools.cached_property
    def _most(self) -> int:
        """The greatest count that matters."""
        return max(cap for _, cap in self.kinds.values())

    def piece(self, value: str) -> RepresentativeFacts:
        profile = dict(self.states[value][0])
        return RepresentativeFacts(
            atoms=frozenset(self.kinds[name][0] for name in profile),
            numbers={
                property_: Decimal(sum(profile.get(name, 0) for name in names))
                for property_, names in self.counted.items()
            },
        )

    def actual(self, case_facts: CaseFacts, coded: Mapping[str, str], value: str) -> RepresentativeFacts:
        way = self.piece(value)
        own = frozenset(
            entry.atom
            for entry in case_facts.sections[self.fact]
            if entry.counts and self.name_of(entry) not in self.doubts
        )
        is_doubtful = any(each.counts and self.name_of(each) in self.doubts for each in case_facts.sections[self.fact])
        if is_doubtful or len(self.completions(self.read(case_facts, coded))) > 1:
            return RepresentativeFacts(atoms=own | way.atoms, numbers=way.numbers)
        totals = {
            property_: Decimal(
                sum(
                    entry.vertebrae or 1
                    for entry in case_facts.sections[self.fact]
                    if entry.counts and self.name_of(entry) in names
                )
            )
            for property_, names in self.counted.items()
        }
        return RepresentativeFacts(atoms=own, numbers=totals)


def _possible(
    kinds: Mapping[str, tuple[Atom, int]],
    doubts: Mapping[str, frozenset[str | None]],
    certain: Mapping[str, int],
    doubtful: Mapping[str, int],
) -> tuple[Profile, ...]:
    found = {_capped(kinds, certain)}
    for name, times in doubtful.items():
        for _ in range(times if name in doubts else 0):
            grown = {
                profile if kind is None else _with_one(kinds, profile, kind)
                for profile in found
                for kind in doubts[name]
            }
            if grown == found:
                break
            found = grown
    return tuple(sorted(found))


def _capped(kinds: Mapping[str, tuple[Atom, int]], counts: Mapping[str, int]) -> Profile:
    return tuple(sorted((name, min(count, kinds[name][1])) for name, count in counts.items() if count))


def _with_one(kinds: Mapping[str, tuple[Atom, int]], profile: Profile, kind: str) -> Profile:
    """Give the profile once one more entry of a kind is there."""
    counts = dict(profile)
    counts[kind] = min(counts.get(kind, 0) + 1, kinds[kind][1])
    return tuple(sorted(counts.items()))


def _profile_name(profile: Profile) -> str:
    return ",".join(f"{name}:{count}" if count > 1 else name for name, count in profile) or NONE


def read_section(
    knowledge: Knowledge, fact: str, criteria: list[Criterion], closures: Mapping[AtomSet, Closure]
) -> SectionDimension:
    """Read off the closures which entries of a section the guideline can tell apart.

    Args:
        knowledge: the loaded modules.
        fact: the section, by IRI.
        criteria: the criteria of the guideline that rest on it.
        closures: what follows from each single coded fact.
    """
    listed = LISTING[fact].value
    property_ = OSTEO.hasLowEnergyFracture.value if listed == OSTEO.hasFracture.value else listed
    atoms = sorted(
        (atom for each in closures for atom in each if atom.property == property_),
        key=lambda atom: (atom.value, atom.outcome or ""),
    )
    counting = _counting(knowledge, criteria)
    types = knowledge.terms.types
    led_to = {
        atom: closures[frozenset({atom})].classes | types[atom.value].intersection(counting.values()) for atom in atoms
    }
    names = _names(knowledge, led_to)
    doubtful = {atom: may_be for atom in atoms if (may_be := _may_be(knowledge, atom, names)) != {names[atom]}}
    certain = {name for atom, name in names.items() if atom not in doubtful}
    called = {
        atom: _possibly(may_be) if names[atom] in certain else names[atom] or _possibly(may_be)
        for atom, may_be in doubtful.items()
    }
    counted = {
        number: frozenset(
            name for atom in set(atoms) - doubtful.keys() if class_ in led_to[atom] and (name := names[atom])
        )
        for number, class_ in counting.items()
    }
    kinds: dict[str, tuple[Atom, int]] = {}
    for atom in atoms:
        name = names[atom]
        if name and atom not in doubtful and name not in kinds:
            caps = [_highest(criteria, number) for number, counts in counted.items() if name in counts]
            kinds[name] = (atom, max(caps, default=1))
    doubts: dict[str, frozenset[str | None]] = {}
    for atom, may_be in doubtful.items():
        doubts[called[atom]] = may_be | doubts.get(called[atom], frozenset())
    together = {names[atom] for atom in atoms if any(knowledge.triples.subjects(OSTEO.mayTogetherBe, atom.value))}
    perhaps = {name for name in (*together, *(name for each in counted.values() for name in each)) if name}
    doubts |= {_perhaps(name): frozenset({name, None}) for name in sorted(perhaps)}

    def name_of(entry: Entry) -> str | None:
        return called.get(entry.atom) or names.get(entry.atom)

    several = frozenset(names[atom] for atom in atoms if OSTEO.VertebralFracture.value in types[atom.value])
    is_one = knowledge.triples.value(OSTEO.fracturedVertebraCount.value, OSTEO.isOneUnlessStated) == "true"
    return SectionDimension(fact, kinds, doubts, counted, several, is_one, name_of, _states(kinds, doubts))


def _may_be(knowledge: Knowledge, atom: Atom, names: Mapping[Atom, str | None]) -> frozenset[str | None]:
    """Give the kinds that an entry may turn out to be: of a site too broadly stated.

    Of a treatment without an outcome.
    """
    types = knowledge.terms.types
    if could_be := _could_be(knowledge, atom):
        precise = {other: name for other, name in names.items() if not _could_be(knowledge, other)}
        if names[atom] in precise.values() and names[atom] is not None:
            return frozenset({names[atom]})  # the guideline says itself what it takes such an entry for
        return frozenset(name for other, name in precise.items() if could_be & types[other.value])
    if atom.property == OSTEO.hasPastTreatment.value and atom.outcome is None:
        return frozenset(name for other, name in names.items() if other.value == atom.value and other.outcome)
    return frozenset({names[atom]})


def _could_be(knowledge: Knowledge, atom: Atom) -> frozenset[str]:
    """Give the classes that something stated too broadly may really belong to: the narrowest of those named."""
    named, types = knowledge.triples.objects(atom.value, OSTEO.couldBe), knowledge.terms.types
    return frozenset(
        each for each in named if not any(each in types.get(other, ()) for other in named if other != each)
    )


def _possibly(may_be: Iterable[str | None]) -> str:
    return "possible-" + "-or-".join(sorted(name for name in may_be if name))


def _perhaps(name: str) -> str:
    """Name a kind of entry that may be there once more, or not."""
    return f"perhaps-{name}"


def _or_more(completions: Iterable[Profile], everything: Iterable[Profile]) -> tuple[Profile, ...]:
    """Give every settled profile that further entries could make of one of some."""
    least = list(completions)
    having = [(profile, dict(profile)) for profile in everything]
    return tuple(
        profile
        for profile, counts in having
        if any(all(counts.get(name, 0) >= count for name, count in each) for each in least)
    )


def _counting(knowledge: Knowledge, criteria: Iterable[Criterion]) -> dict[str, str]:
    """Give the numbers that criteria bound and that count entries, each with the class of what it counts."""
    classes = {each.tested: knowledge.triples.value(each.tested, OSTEO.countsInstancesOf) for each in criteria}
    return {number: class_ for number, class_ in classes.items() if class_}


def _highest(criteria: Iterable[Criterion], number: str) -> int:
    """Give the highest count that some criterion can tell from a lower one."""
    bounds = [bound for each in criteria if each.tested == number for bound in each.bounds]
    return int(max((value + (name in ("atMost", "above")) for name, value in bounds), default=Decimal(1)))


def _names(knowledge: Knowledge, classes: Mapping[Atom, frozenset[str]]) -> dict[Atom, str | None]:
    """Name what each entry leads to: by the short names of its classes, or by all of them where these are not enough.

    Args:
        knowledge: the loaded modules.
        classes: the classes of patients that each entry leads to.

    Returns:
        A name for each set of classes; None where an entry leads nowhere.

    Raises:
        KnowledgeError: two sets of classes have one name.
    """
    own = {each: knowledge.triples.value(each, OSTEO.situationName) for led_to in classes.values() for each in led_to}
    found: dict[frozenset[str], str] = {}
    short = {led_to: "+".join(name for each in sorted(led_to) if (name := own[each])) for led_to in classes.values()}
    times = Counter(short.values())
    for led_to, name in short.items():
        is_enough = name and times[name] == 1
        found[led_to] = name if is_enough else "+".join(own[each] or local_name(each) for each in sorted(led_to))
    shared = [name for name, count in Counter(found.values()).items() if count > 1]
    if shared:
        raise KnowledgeError(
            f"Two kinds of entries would both be called {shared[0]} in the situations.",
            advice="Give each class of patients an osteo:situationName of its own.",
        )
    return {atom: found[led_to] or None for atom, led_to in classes.items()}


def _states(
    kinds: Mapping[str, tuple[Atom, int]], doubts: Mapping[str, frozenset[str | None]]
) -> dict[str, tuple[Profile, ...]]:
    """Name every state of knowledge of a section by its ways: settled ones first, then doubtful ones, then unknown."""
    settled = [
        _capped(kinds, dict(zip(kinds, counts, strict=True)))
        for counts in itertools.product(*(range(cap + 1) for _, cap in kinds.values()))
    ]
    states: dict[str, tuple[Profile, ...]] = {_profile_name(profile): (profile,) for profile in sorted(settled)}
    everything = tuple(sorted(settled))
    seen = {*states.values(), everything}
    met: set[tuple[Profile, ...]] = set()
    most = [sum(kinds[each][1] for each in may_be if each) for may_be in doubts.values()]  # more times say no more
    for profile in everything:
        for times in itertools.product(*(range(each + 1) for each in most)):
            doubtful = dict(zip(doubts, times, strict=True))
            completions = _possible(kinds, doubts, dict(profile), doubtful)
            if completions in met:
                continue
            met.add(completions)
            named = _profile_name((*profile, *((name, count) for name, count in doubtful.items() if count)))
            for name, known in ((named, completions), (AT_LEAST + named, _or_more(completions, everything))):
                if known not in seen:
                    seen.add(known)
                    states[name] = known
    states[UNKNOWN] = everything
    return states
