"""The fractures of one patient, settled once all are read: what repeats another, and what another says better.

Records repeat themselves. Two Conditions are one fracture where they name one bone and the same day, or differ in the
kind of encounter alone; vertebrae that nothing tells apart are at least one, and perhaps more (the reading, R3, I21).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import OWN_SYSTEM, Meaning, meanings, of_kind
from osteo_kg.case.fhir.elements import codings, extension, words
from osteo_kg.knowledge import Terms, folded
from osteo_kg.rdf import OSTEO, XSD, day_literal, node_of

#: An ICD-10-CM code with its seventh character, which tells the encounter: A, B and C are initial ones.
_ENCOUNTER = re.compile(r"(?P<stem>[A-Z]\d[0-9A-Z]\.[0-9A-Z]{3})(?P<encounter>[A-Z])")
_INITIAL = frozenset("ABC")


@dataclass(frozen=True)
class Fracture:
    """A fracture as a Condition has it.

    Attributes:
        meaning: what stands for its site.
        day: the whole day; None where the date has none.
        resource: the Condition.
        level: the vertebra that is stated; empty where none is.
        stem: its ICD-10-CM code without the encounter; empty where it has none.
        initial: whether that code is of an initial encounter.
        mechanism: the IRI of its mechanism; None where none is stated.
        least: how many vertebrae there are at least.
        most: how many there are at most; None where that is not stated.
    """

    meaning: Meaning
    day: str | None
    resource: dict[str, Any]
    level: str = ""
    stem: str = ""
    initial: bool = False
    mechanism: str | None = None
    least: int | None = None
    most: int | None = None

    def sites(self, terms: Terms) -> frozenset[str] | None:
        """Give the sites of which it may be one; none where every site may be meant; None where it says its own."""
        if self.meaning.own:
            return None
        by_code = frozenset(self.meaning.fact("isNarrowedBy"))
        narrower = by_code or terms.limits["isNarrowedBy"].get(self.meaning.term, frozenset())
        return narrower if narrower or self.meaning.term == OSTEO.UnspecifiedSiteFracture.value else None

    @property
    def is_vertebral(self) -> bool:
        """Whether it is one of vertebrae."""
        return self.meaning.term == OSTEO.VertebralFracture.value

    @property
    def bone(self) -> str:
        """The bone that it names; empty where it names one of several, as of ribs."""
        if self.is_vertebral:
            return self.level
        several = (OSTEO.RibFracture.value, OSTEO.UnspecifiedSiteFracture.value)
        return "" if self.meaning.term in several else self.meaning.term


def fracture_of(resource: dict[str, Any], found: list[Meaning], builder: CaseBuilder) -> Fracture:
    """Make the fracture of a Condition out of the meanings of its code and of its body site."""
    place = meanings(resource.get("bodySite"), builder.terms)
    at = of_kind(place, OSTEO.Fracture, builder.terms)
    meaning = _site([*found, *at], builder.terms)
    facts = [each for each in (*found, *place) if each.code is not None]
    stems = [m for system, code in codings(resource.get("code")) if (m := _encounter(system, code, builder.terms))]
    levels = [level for each in facts for level in each.fact("vertebralLevel")]
    mechanisms = [mechanism for each in facts for mechanism in each.fact("impliesMechanism")]
    stated = extension(resource, OSTEO.hasMechanism.value, "valueCodeableConcept")
    mechanisms = [system + code for system, code in codings(stated) if system == OWN_SYSTEM] + mechanisms
    least, most = (
        extension(resource, property_.value, "valueInteger")
        for property_ in (OSTEO.fracturedVertebraCount, OSTEO.fracturedVertebraCountAtMost)
    )
    implied = [int(count) for each in facts for count in each.fact("impliesLeastCount")]
    return Fracture(
        meaning,
        builder.day_of(resource, "onset"),
        resource,
        levels[0] if levels else "",
        stems[0]["stem"] if stems else "",
        bool(stems) and stems[0]["encounter"] in _INITIAL,
        mechanisms[0] if mechanisms else None,
        _whole(least) if least is not None else max(implied, default=None),
        _whole(most),
    )


def may_not_count(resource: dict[str, Any], found: list[Meaning], terms: Terms) -> bool:
    """Whether codes of one Condition contradict each other in whether its site counts at all, as hand and wrist do."""
    every = (*found, *of_kind(meanings(resource.get("bodySite"), terms), OSTEO.Fracture, terms))
    counts = {not terms.is_a(each.term, OSTEO.NonOsteoporoticFracture) for each in every}
    return len(counts) > 1 and not any(each.own for each in every)


def names_another_place(fracture: Fracture, terms: Terms) -> bool:
    """Whether the words beside a code name a place that its site is no part of: another fracture, or another site."""
    site = fracture.meaning
    if site.own or site.term == OSTEO.UnspecifiedSiteFracture.value:
        return False
    places = terms.limits["hasPlaceWords"].get(site.term, frozenset())
    named = (terms.place_names.found_in(said) for said in words(fracture.resource.get("code")))
    return any(not found.keys() <= places for found in named)


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else None


def _encounter(system: str, code: str, terms: Terms) -> re.Match[str] | None:
    return (
        _ENCOUNTER.fullmatch(terms.codes.canonical(system, code)[1]) if terms.codes.is_classification(system) else None
    )


def _site(found: list[Meaning], terms: Terms) -> Meaning:
    """Give the meaning that says most: our own code, then one that is not too broad.

    Codes that name sites of different severity contradict each other: somewhere the bone broke, and that is all.
    """
    ordered = sorted(found, key=lambda each: (not each.own, each.term == OSTEO.UnspecifiedSiteFracture.value))
    told = [each for each in ordered if not each.says("leavesLevelOpen")] or ordered
    sited = [each for each in told if each.term != OSTEO.UnspecifiedSiteFracture.value]
    groups = {terms.types.get(each.term, frozenset()) - {each.term} for each in sited}
    if not told[0].own and len(groups) > 1:
        return Meaning(OSTEO.UnspecifiedSiteFracture.value, told[0].coding, None)
    return told[0]


class Fractures:
    """The fractures that were read of one patient, and what may be further ones."""

    def __init__(self) -> None:
        self._read: list[Fracture] = []
        self._open: list[tuple[dict[str, Any], Any]] = []
        self._terms: set[str] = set()
        self._said: set[str] = set()

    def add(self, fracture: Fracture) -> None:
        """Add one as it was read."""
        self._read.append(fracture)
        self._terms.add(fracture.meaning.term)
        self._said |= _folded(fracture.resource.get("code"))

    def holds(self, resource: dict[str, Any]) -> bool:
        """Whether a fracture was read of a Condition."""
        return any(each.resource is resource for each in self._read)

    def __bool__(self) -> bool:
        """Whether anything was taken note of, be it what was ruled out."""
        return bool(self._read or self._open or self._terms or self._said)

    @property
    def stand_for_themselves(self) -> bool:
        """Whether each that was read is an entry by the project's own code, beside which others of the kind stand."""
        return self.marks is not None and all(each.meaning.own for each in self._read)

    @property
    def marks(self) -> frozenset[str] | None:
        """What another fracture shares with one of these, if not its day, where either bears on how the other is read.

        None where anything else that is read may bear on what was taken note of.
        """
        if self._open or not self._read:
            return None
        vertebral = {each.meaning.term for each in self._read if each.is_vertebral}
        return frozenset((*vertebral, *(each.stem for each in self._read if each.stem)))

    def settled(self, concept: Any, found: Iterable[Meaning]) -> None:
        """Take note of what was ruled out: where another resource names it again, nothing is left open by that."""
        self._terms |= {each.term for each in found}
        self._said |= _folded(concept)

    def left_open(self, resource: dict[str, Any], concept: Any) -> None:
        """Take note of a Condition that may be a fracture and was not read."""
        self._open.append((resource, concept))

    def mentioned(self, resource: dict[str, Any], concept: Any, found: Iterable[Meaning]) -> None:
        """Take note of what another resource names; a fracture that was read, or ruled out, is no further one."""
        terms = {each.term for each in found}
        said = _folded(concept)
        if not (terms and terms <= self._terms) and not (not terms and said and said <= self._said):
            self._open.append((resource, concept))

    def settle(self, builder: CaseBuilder) -> None:
        """Write every fracture that stands for itself, and say of the others why they do not."""
        once = list(_once(self._read, builder))
        kept = []
        for each in once:
            if any(_says_where(other, each, builder.terms) for other in once):
                builder.ignore(each.resource, OSTEO.SiteSaidElsewhere)
            else:
                kept.append(each)
        counted = [each for each in kept if each.is_vertebral and not _is_excluded(each, builder.terms)]
        written = [(each, each.least, each.most) for each in kept if each not in counted]
        written += _vertebrae(counted, builder)
        places = {id(each): place for place, each in enumerate(kept)}  # two may be equal
        for fracture, least, most in sorted(written, key=lambda one: places[id(one[0])]):  # as the record lists them
            _write(fracture, least, most, builder)
        for resource, concept in self._open:
            builder.open(OSTEO.FractureHistory, resource, concept=concept)


def _folded(concept: Any) -> set[str]:
    return {folded(word) for word in words(concept)}


def _is_excluded(fracture: Fracture, terms: Terms) -> bool:
    return terms.is_a(fracture.mechanism or "", OSTEO.ExcludingMechanism)


def _once(read: list[Fracture], builder: CaseBuilder) -> Iterator[Fracture]:
    """Drop what repeats another, unless the project's own code makes it an entry."""
    groups: list[list[Fracture]] = []
    for each in read:
        group = next((group for group in groups if _are_one(group, each)), None)
        if group is None:
            groups.append([each])
            yield each
        else:
            group.append(each)
            builder.ignore(each.resource, OSTEO.SameEntryTwice)


def _are_one(group: list[Fracture], new: Fracture) -> bool:
    """Whether a fracture is the one of a group: one bone and one day, or one code at different encounters."""
    first = group[0]
    if new.meaning.own or first.meaning.own or not new.bone or new.bone != first.bone:
        return False
    if new.mechanism != first.mechanism:
        return False
    if new.day is not None and any(each.day == new.day for each in group):
        return True
    one_code = bool(new.stem) and all(each.stem == new.stem for each in group)
    return one_code and sum(each.initial for each in (*group, new)) <= 1


def _says_where(other: Fracture, broad: Fracture, terms: Terms) -> bool:
    """Whether another fracture of the same date gives the site that a broad code leaves open."""
    sites = broad.sites(terms)
    if sites is None or broad.day is None or other.day != broad.day or _is_excluded(other, terms):
        return False
    if other.meaning.term == OSTEO.UnspecifiedSiteFracture.value or (sites and other.meaning.term not in sites):
        return False
    return terms.is_a(other.meaning.term, OSTEO.QualifyingFracture)


def _vertebrae(found: list[Fracture], builder: CaseBuilder) -> Iterator[tuple[Fracture, int | None, int | None]]:
    """Give the vertebrae that are certainly different, each with its counts; the others are perhaps more of them."""
    own = [each for each in found if each.meaning.own]
    others = sorted((each for each in found if not each.meaning.own), key=lambda each: not each.level)
    certain = _different(others)
    if own:  # what the published codes name may be what our own code does
        certain = []
    perhaps = [each for each in others if all(each is not one for one in certain)]
    surplus = sum(each.least or 1 for each in perhaps)
    for each in perhaps:
        builder.ignore(each.resource, OSTEO.PerhapsSameVertebra)
    written = [*own, *certain]
    for each in written:
        last = each is written[-1]
        most = (each.most or each.least or 1) + surplus if last and surplus else each.most
        yield each, each.least or (1 if last and surplus else None), most


def _different(found: list[Fracture]) -> list[Fracture]:
    """Give those of different levels; without any level, the one that names most vertebrae."""
    levels = {each.level: each for each in reversed(found) if each.level}
    least = max(found, key=lambda each: each.least or 1, default=None)
    if least is None or len(levels) >= (least.least or 1):
        return list(levels.values()) or found[:1]
    return [least]


def _write(fracture: Fracture, least: int | None, most: int | None, builder: CaseBuilder) -> None:
    entry = builder.entry(OSTEO.hasFracture, node_of(fracture.meaning.term))
    if fracture.day:
        literal = day_literal(fracture.day)
        assert literal is not None  # it was read as a day
        builder.say(entry, OSTEO.occurredOn, literal)
    if fracture.mechanism:
        builder.say(entry, OSTEO.hasMechanism, node_of(fracture.mechanism))
    for property_, count in (
        (OSTEO.fracturedVertebraCount, least),
        (OSTEO.fracturedVertebraCountAtMost, most),
    ):
        if count is not None:
            builder.say(entry, property_, ox.Literal(f"{count}", datatype=XSD.integer))
    if fracture.meaning.says("leavesLevelOpen") and not fracture.level:
        builder.remark("openLevel", fracture.resource)
