"""T-scores: at which site, of which side, when, and whether the value is a T-score at all (the reading, R2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import OWN_SYSTEM, Meaning, is_contradicted, meanings, of_kind
from osteo_kg.case.fhir.elements import When, codings, extension, first, moment, reasons_absent, text, words
from osteo_kg.knowledge import Terms, folded, plain_unit
from osteo_kg.rdf import OSTEO, XSD, node_of

#: Reasons why a value is absent that say that nothing was measured; by any other there may be a value.
_NOT_MEASURED = frozenset(("not-asked", "asked-declined", "not-performed", "not-applicable"))
_CODES_INSIDE = re.compile(r"\d{6,18}")
#: A number in a text that has a sign or decimals, and is no part of a date; and the word after it.
_NUMBER_SAID = re.compile(
    r"(?<![^\s(:=≤<>≥])(?P<number>[-−–+]?\s?\d{1,2}[.,]\d{1,18}|[-−–+]\s?\d{1,2})(?![\d/-]|[.,]\d)\s?(?=(?P<unit>\S*))",
    re.ASCII,
)
_AS_DECIMAL = str.maketrans("−–,", "--.")


@dataclass(frozen=True)
class Score:
    """A T-score that was read.

    Attributes:
        part: the Observation, or the component of one.
        found: what its code stands for.
        site: the IRI of the site; empty where none is stated.
        levels: the names of ranges of vertebrae under which it stands.
        at: when it was measured; None where that is not stated.
        value: the value as reported.
    """

    part: Mapping[str, Any]
    found: list[Meaning]
    site: str
    levels: tuple[str, ...]
    at: When | None
    value: Decimal


class Densitometry:
    """The T-scores of one patient, settled once all are read."""

    def __init__(self) -> None:
        self._scores: list[Score] = []
        self._mentions: list[tuple[dict[str, Any], str]] = []

    def read(self, part: dict[str, Any], found: list[Meaning], builder: CaseBuilder, doubt: str = "") -> None:
        """Read a T-score; what is not used is noted, and what was measured and could not be read leaves all open."""
        sites = _sites(part, found, builder.terms)
        peripheral = [site for site in sites or () if builder.terms.is_a(site, OSTEO.PeripheralSite)]
        reason, is_unread = _why_no_score(part, builder.terms)
        if peripheral and peripheral[0] not in builder.terms.keys:  # a record has no place for it
            _ignore_part(peripheral[0], part, builder)
        elif reason is not None:
            builder.ignore(part, reason, *value_told(part))
            if is_unread and not peripheral:
                builder.open(OSTEO.Densitometry, part, *value_told(part))
        elif sites is None or len(sites) > 1:
            builder.ignore(part, OSTEO.BodySiteNotKnown, *_place_told(part), *value_told(part))
            builder.open(OSTEO.Densitometry, part, *_place_told(part), *value_told(part))
        elif doubt or _says_something_else(part, builder.terms):
            told = (doubt, *value_told(part))
            builder.ignore(part, OSTEO.NotCertain, *told)
            builder.open(OSTEO.Densitometry, part, *told)
        else:
            if _is_other_score(part.get("code"), builder.terms):
                builder.ignore(part, OSTEO.WordsContradictCode)
            site = next(iter(sites), "")
            score = Score(part, found, site, sites.get(site, ()), _moment_of(part, builder), _value(part))
            self._scores.append(score)

    def __bool__(self) -> bool:
        """Whether a score was read, or stands in words."""
        return bool(self._scores or self._mentions)

    @property
    def is_mentioned(self) -> bool:
        """Whether words name a score, which may be one that was read."""
        return bool(self._mentions)

    def mentioned(self, resource: dict[str, Any], said: str, terms: Terms) -> None:
        """Take note of words that name a T-score, other than one of a site that never decides."""
        if not terms.score_names.found_in(said):
            return
        said = terms.score_definitions.taken_out(said)
        if not terms.score_names.found_in(said):
            return
        sites = _named((said,), terms)
        is_peripheral = bool(sites) and all(terms.is_a(site, OSTEO.PeripheralSite) for site in sites)
        is_order = "intent" in resource and not _NUMBER_SAID.search(said)
        if not is_peripheral and not is_order:
            self._mentions.append((resource, said))

    def unread_report(self, resource: dict[str, Any], title: str) -> None:
        """Take note of a report of a densitometry in a file that cannot be read."""
        self._mentions.append((resource, title))

    def named(self, part: dict[str, Any], builder: CaseBuilder) -> None:
        """Note an observation whose words, unit or code name a T-score, and whose code is not read."""
        builder.unread(part, part.get("code"), *_place_told(part), *value_told(part))
        self.perhaps(part, [], builder)

    def perhaps(self, part: dict[str, Any], found: list[Meaning], builder: CaseBuilder, *why: str) -> None:
        """Leave densitometry open for what may be an axial T-score; `why` tells what is not certain of it."""
        sites = _sites(part, found, builder.terms) or {}
        reason, is_unread = _why_no_score(part, builder.terms)
        if (reason is None or is_unread) and not any(builder.terms.is_a(s, OSTEO.PeripheralSite) for s in sites):
            builder.open(OSTEO.Densitometry, part, *why, *_place_told(part), *value_told(part))

    def settle(self, builder: CaseBuilder) -> None:
        """Write every score; of several ranges of vertebrae of one day the lowest (docs/reference/reading.md, R2)."""
        for score in self._scores:
            lower = next((other for other in self._scores if _is_lower_range(other, score)), None)
            if lower is not None:
                builder.ignore(score.part, OSTEO.OtherLevelRange, *_place_told(score.part), *value_told(score.part))
            else:
                _write(score, builder)
        read = {score.value for score in self._scores}
        for resource, said in self._mentions:
            numbers = set(_numbers_said(said, builder.terms))
            if not numbers or not numbers <= read:  # else it is what was read, said again
                builder.open(OSTEO.Densitometry, resource, concept={"text": said})


def _numbers_said(said: str, terms: Terms) -> Iterator[Decimal]:
    """Give the numbers of a text that may be T-scores, and are no bone densities."""
    for found in _NUMBER_SAID.finditer(said):
        if plain_unit(found["unit"]) not in terms.units_beside_scores:
            yield Decimal("".join(found["number"].translate(_AS_DECIMAL).split()))


def _ignore_part(site: str, part: dict[str, Any], builder: CaseBuilder) -> None:
    if site == OSTEO.SingleVertebra.value:
        builder.remark("partOfSpine", part, *_place_told(part), *value_told(part))
    else:
        builder.ignore(part, OSTEO.SiteNeverDecides, *_place_told(part), *value_told(part))


def _is_lower_range(other: Score, score: Score) -> bool:
    """Whether another score of the spine, of the same day and of another range of vertebrae, is lower."""
    spine = OSTEO.LumbarSpine.value
    return (
        other.site == score.site == spine
        and other.levels != score.levels
        and score.at is not None
        and score.at.day is not None
        and other.at == score.at
        and other.value < score.value
    )


def _write(score: Score, builder: CaseBuilder) -> None:
    entry = builder.entry(OSTEO.hasBoneDensitometry, OSTEO.BoneDensitometry)
    if score.site:
        builder.say(entry, OSTEO.hasSite, node_of(score.site))
    builder.say(entry, OSTEO.tScore, ox.Literal(f"{score.value:f}", datatype=XSD.decimal))
    if side := _side(score, builder.terms):
        builder.say(entry, OSTEO.hasSide, node_of(side))
    builder.measured(entry, score.at)
    if not score.found[0].own and builder.terms.is_a(score.site, OSTEO.PeripheralSite):
        builder.ignore(score.part, OSTEO.SiteNeverDecides, *value_told(score.part))


def names_a_score(part: Mapping[str, Any], terms: Terms) -> bool:
    """Whether an observation whose code is not read is of a T-score.

    Its words or its unit name one, or it has the code of one under a name of the system that is not known, or it is a
    densitometry with a negative value, which no density has.
    """
    concept = part.get("code")
    said = words(concept)
    if any(terms.score_names.found_in(one) for one in said) or any(map(terms.score_names.is_one, _units(part))):
        return True
    if any(code in terms.score_codes and not terms.codes.system_of(system) for system, code in codings(concept)):
        return True
    is_densitometry = any(terms.densitometry_names.found_in(one) for one in said)
    value = _value(part)
    numbers = [value] if isinstance(value, Decimal) else _numbers_said(text(part, "valueString"), terms)
    return is_densitometry and not _is_other_score(concept, terms) and any(number < 0 for number in numbers)


def _is_other_score(concept: Any, terms: Terms) -> bool:
    """Whether words name another score than a T-score, and no T-score beside it."""
    is_named = any(terms.score_names.found_in(said) for said in words(concept))
    return not is_named and is_contradicted(concept, OSTEO.AxialTScore.value, terms)


def _says_something_else(part: Mapping[str, Any], terms: Terms) -> bool:
    """Whether another code beside that of a T-score says that the value is something else, such as a density."""
    beside = (terms.codes.find(system, code) for system, code in codings(part.get("code")))
    kinds = (OSTEO.BoneMineralDensityCode, OSTEO.NotDecidingCode)
    return any(terms.is_a(code.iri, kind) for code in beside if code for kind in kinds)


def _why_no_score(part: Mapping[str, Any], terms: Terms) -> tuple[ox.NamedNode | None, bool]:
    """Give why a value is not used, and whether it may be a T-score all the same."""
    if not _has_value(part):
        return OSTEO.ValueNotUsable, may_have_value(part)
    units = {plain_unit(unit) for unit in _units(part)}
    if units & terms.units_beside_scores:
        return OSTEO.DensityNotTScore, False
    if not isinstance(_value(part), Decimal) or text(part, "valueQuantity", "comparator"):
        return OSTEO.ValueNotUsable, True
    if not units <= terms.units_of_scores:
        return OSTEO.UnitNotAccepted, True
    return (OSTEO.NotCertain, True) if part.get("dataAbsentReason") else (None, False)


def may_have_value(part: Mapping[str, Any]) -> bool:
    """Whether something was measured: an observation has a value, is judged, or does not say that none was taken."""
    absent = part.get("dataAbsentReason")
    reasons = reasons_absent(part)
    is_lost = bool(absent or reasons) and not (reasons and reasons <= _NOT_MEASURED)
    return _has_value(part) or is_lost or bool(part.get("interpretation"))


def _has_value(part: Mapping[str, Any]) -> bool:
    return any(key.startswith("value") for key in part)


def _units(part: Mapping[str, Any]) -> set[str]:
    return {text(part, "valueQuantity", key) for key in ("code", "unit")} - {""}


def _value(part: Mapping[str, Any]) -> Any:
    quantity = first(part, "valueQuantity", "value")
    return part.get("valueInteger") if quantity is None else quantity


def value_told(part: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the value of an observation in words; nothing where it has none."""
    stated = _value(part) if _value(part) is not None else part.get("valueString")
    told = (text(part, "valueQuantity", "comparator"), stated, text(part, "valueQuantity", "unit"))
    found = " ".join(f"{word}" for word in told if word is not None and word != "")
    return (found,) if found else ()


def _place_told(part: Mapping[str, Any]) -> tuple[str, ...]:
    return words(part.get("bodySite")) or tuple(code for _, code in codings(part.get("bodySite")))


def _sites(part: Mapping[str, Any], found: list[Meaning], terms: Terms) -> dict[str, tuple[str, ...]] | None:
    """Give the sites with the names under which they stand: of the body site, else of the code.

    A body site that is stated and not known is None: it is never read as what the code says. Nothing stated is empty.
    """
    place = part.get("bodySite")
    known = [each.term for each in of_kind(meanings(place, terms), OSTEO.DensitometrySite, terms)]
    named = _named(words(place), terms)
    if known:
        names = {site: named.get(site, ()) for site in known}
        return _parts_of(names, known.count(OSTEO.SingleVertebra.value), terms)
    if named:
        return named
    if place is not None and not _says_side_alone(place, terms):
        return None
    by_code = [each.term for each in of_kind(found, OSTEO.DensitometrySite, terms)]
    if by_code:
        return _parts_of(dict.fromkeys(by_code, ()), 0, terms)
    return _named(words(part.get("code")), terms)


def _named(said: tuple[str, ...], terms: Terms) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text_ in said:
        for site, names in terms.site_names.found_in(text_).items():
            found[site] = tuple(dict.fromkeys((*found.get(site, ()), *names)))
    single = OSTEO.SingleVertebra.value
    of_a_range = {word for name in found.get(OSTEO.LumbarSpine.value, ()) for word in name.split()}
    vertebrae = {*found.get(single, ()), *(word for word in of_a_range if single in terms.site_names.found_in(word))}
    return _parts_of(found, len(vertebrae) if single in found else 0, terms)


def _parts_of(found: dict[str, tuple[str, ...]], vertebrae: int, terms: Terms) -> dict[str, tuple[str, ...]]:
    """Where a part is named beside what it is a part of, it is the part; several single vertebrae are a range."""
    if vertebrae > 1:
        whole = {site: names for site, names in found.items() if site != OSTEO.SingleVertebra.value}
        spine = OSTEO.LumbarSpine.value
        return _parts_of({**whole, spine: (*whole.get(spine, ()), *found[OSTEO.SingleVertebra.value])}, 0, terms)
    wholes = {whole for site in found for whole in terms.limits["isPartOfSite"].get(site, ())}
    return {site: names for site, names in found.items() if site not in wholes}


def _says_side_alone(place: Any, terms: Terms) -> bool:
    """Whether a body site tells the side and nothing else."""
    found = meanings(place, terms)
    named = [word for said in words(place) for word in folded(said).split() if not terms.side_names.found_in(word)]
    return not named and all(terms.is_a(each.term, OSTEO.Side) for each in found) and bool(found or words(place))


def _side(score: Score, terms: Terms) -> str | None:
    """Give the side: our own extension, a code of the body site or inside one, its words, or the observation's code."""
    stated = extension(dict(score.part), OSTEO.hasSide.value, "valueCode")
    if isinstance(stated, str):
        return OWN_SYSTEM + stated if terms.is_a(OWN_SYSTEM + stated, OSTEO.Side) else None
    place = score.part.get("bodySite")
    inside = [(system, part) for system, code in codings(place) for part in _CODES_INSIDE.findall(code)]
    coded = [term for system, part in inside if (code := terms.codes.find(system, part)) for term in code.stands_for]
    named = [side for said in words(place) for side in terms.side_names.found_in(terms.site_names.taken_out(said))]
    implied = [side for each in score.found for side in each.fact("impliesSide")]
    for sides in ([term for term in coded if terms.is_a(term, OSTEO.Side)], named, implied):
        if len(set(sides)) == 1:
            return sides[0]
    return None


def _moment_of(part: dict[str, Any], builder: CaseBuilder) -> When | None:
    """Give when a score was measured; where only the issue of its result is dated, that is taken and noted."""
    if (at := builder.when(part, "effective")) is not None:
        return at
    issued = moment(part.get("issued"))
    if issued is not None:
        builder.remark("dateAssumed", part)
    return issued
