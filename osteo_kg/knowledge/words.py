"""What the words of a record may name: phrases of the ontology, looked for in texts of any case, accent and sign."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from osteo_kg.rdf import OSTEO, Lookup

_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss"})
_REST_OF_A_WORD = "…"
_QUALIFIERS = "*"
_BONE = "[bone]"
_SHORT_SIGNS = "#"  # signs that are written for a word


def folded(text: str, signs: str = "") -> str:
    """Give a text in lower case, without accents, with one space for whatever is no letter or digit.

    Signs that are asked for are words of their own.

    >>> folded("Tassement vertébral, L1–L4"), folded("Hip#", "#")
    ('tassement vertebral l1 l4', 'hip #')
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LIGATURES)).casefold()
    kept = (
        f" {sign} " if sign in signs else sign if sign.isalnum() else "" if unicodedata.combining(sign) else " "
        for sign in plain
    )
    return " ".join("".join(kept).split())


def plain_unit(unit: str) -> str:
    """Give a unit without what is only its spelling; the sign of percent is none of that.

    >>> plain_unit("{T-score}"), plain_unit("%YAM")
    ('tscore', 'percentyam')
    """
    return folded(unit.replace("%", " percent ")).replace(" ", "")


class Phrases:
    """Phrases to look for in a folded text.

    In a phrase of the ontology an ellipsis stands for the rest of a word, and an asterisk for any number of qualifiers.
    They are made into a pattern when a text is first looked through: most runs read no text.
    """

    def __init__(self, phrases: Iterable[str], qualifiers: Iterable[str] = ()) -> None:
        self._phrases, self._qualifiers = tuple(phrases), tuple(qualifiers)

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        words = "|".join(sorted({re.escape(folded(each)) for each in self._qualifiers}))
        made = {_pattern(phrase, words) for phrase in self._phrases}
        longest_first = sorted(made, key=lambda pattern: (-len(pattern), pattern))
        return re.compile(rf"\b(?:{'|'.join(longest_first)})\b") if made else None

    def stand_in(self, text: str) -> bool:
        """Whether a phrase stands in a folded text."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def are(self, text: str) -> bool:
        """Whether a folded text is one of the phrases, and nothing else."""
        return self._pattern is not None and self._pattern.fullmatch(text) is not None

    def taken_out(self, text: str) -> str:
        """Give a folded text without the phrases."""
        return self._pattern.sub(" ", text) if self._pattern else text


class Definitions:
    """Finds sentences that define something and report nothing, such as a threshold in what a report explains.

    Such a sentence begins with one of some phrases, and holds no word that is not expected after it.
    """

    def __init__(self, beginnings: Iterable[str], following: Iterable[str]) -> None:
        self._beginnings, self._following = tuple(beginnings), tuple(following)

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        both = (self._beginnings, self._following)
        first, following = ("|".join(sorted({re.escape(folded(one)) for one in of})) for of in both)
        return re.compile(rf"(?:{first})(?: (?:{first}|{following}))*") if self._beginnings else None

    def taken_out(self, text: str) -> str:
        """Give a text without such sentences."""
        sentences = _BETWEEN_SENTENCES.split(text)
        kept = [each for each in sentences if not (self._pattern and self._pattern.fullmatch(folded(each)))]
        return text if len(kept) == len(sentences) else " ".join(kept)


_BETWEEN_SENTENCES = re.compile(r"(?<=[.;!?])\s+|\n")


def _pattern(phrase: str, qualifiers: str) -> str:
    parts = [_part(part, qualifiers) for part in phrase.split()]
    return " ".join(part for part in parts if part).replace(f" {_ANY}", f"{_ANY}").replace("\0", qualifiers)


_ANY = "(?: (?:\0))*"


def _part(part: str, qualifiers: str) -> str:
    if part == _QUALIFIERS:
        return _ANY if qualifiers else ""
    before = r"\w*" if part.startswith(_REST_OF_A_WORD) else ""
    after = r"\w*" if part.endswith(_REST_OF_A_WORD) else ""
    return before + re.escape(folded(part)).replace(r"\ ", " ") + after


class Abbreviations:
    """Short forms of one word, as `osteo:abbreviation` has them: everywhere, or next to a bone alone."""

    def __init__(self, short: Iterable[str], word: str, bones: Iterable[str], qualifiers: Iterable[str]) -> None:
        """Take phrases in which `[bone]` stands for any of the bones, and an asterisk for qualifiers."""
        self._short, self._word = tuple(short), folded(word)
        self._bones, self._qualifiers = tuple(bones), tuple(qualifiers)

    @functools.cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        bone = rf"(?:{'|'.join(sorted({_pattern(each, '') for each in self._bones}))})"
        between = rf"(?: (?:{'|'.join(sorted({re.escape(folded(each)) for each in self._qualifiers}))}))*"
        return tuple(re.compile(_short_pattern(each, bone, between)) for each in sorted(self._short))

    def written_out(self, text: str) -> str:
        """Give a folded text with the word in full; what is short for nothing is left as it is."""
        for pattern in self._patterns:
            text = pattern.sub(lambda found: f"{found['before'] or ''}{self._word}{found['after'] or ''}", text)
        return text


def _short_pattern(phrase: str, bone: str, between: str) -> str:
    """Give the pattern of a short form, and of the bone before and after it."""
    led_by = rf"\b{bone}{between} " if phrase.startswith(_BONE) else ""
    followed_by = rf"{between} {bone}\b" if phrase.endswith(_BONE) else ""
    short = re.escape(folded(phrase.replace(_BONE, ""), _SHORT_SIGNS)).replace(r"\ ", " ")
    return rf"(?P<before>{led_by})(?<!\w){short}(?!\w)(?P<after>{followed_by})"


@dataclass(frozen=True)
class WordList:
    """Words that keep a section of a record open.

    Attributes:
        section: the IRI of the section.
        alone: phrases that are enough by themselves.
        beside: phrases that are so only where another phrase stands in the text too.
        excluded: phrases that are taken out of the text before.
        abbreviations: short forms that are written out first of all.
        healed: phrases that say of what was read that it has healed.
    """

    section: str
    alone: Phrases
    beside: tuple[tuple[Phrases, Phrases], ...]
    excluded: Phrases
    abbreviations: Abbreviations
    healed: Phrases

    def name(self, text: str) -> bool:
        """Whether a text may name what belongs in the section."""
        left = self.excluded.taken_out(folded(self.abbreviations.written_out(folded(text, _SHORT_SIGNS))))
        return self.alone.stand_in(left) or any(
            words.stand_in(left) and places.stand_in(left) for words, places in self.beside
        )


def read_word_lists(triples: Lookup, lists: Iterable[str]) -> Iterator[WordList]:
    """Read lists of words (`osteo:WordList`) out of the loaded modules."""
    for iri in lists:

        def of(property_: ox.NamedNode, iri: str = iri) -> list[str]:
            return [value for subject, value in triples.pairs(property_) if subject == iri]

        bones = [*of(OSTEO.boneWord), *of(OSTEO.vertebraWord)]
        yield WordList(
            of(OSTEO.opensSection)[0],
            Phrases(of(OSTEO.writtenAs)),
            (
                (Phrases(of(OSTEO.writtenBesideBone)), Phrases(bones)),
                (Phrases(of(OSTEO.writtenBesideVertebra)), Phrases(of(OSTEO.vertebraWord))),
            ),
            Phrases(of(OSTEO.excludedPhrase), of(OSTEO.qualifierWord)),
            Abbreviations(of(OSTEO.abbreviation), "".join(of(OSTEO.abbreviates)[:1]), bones, of(OSTEO.qualifierWord)),
            Phrases(of(OSTEO.healedPhrase)),
        )


class Names:
    """Finds which of some terms a text names, the longest name first."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """Take pairs of a term and one of its names."""
        self._terms: dict[str, str] = {}
        stems: list[tuple[str, str]] = []
        for term, name in names:
            key = folded(name)
            if name.endswith(_REST_OF_A_WORD):
                stems.append((key, term))
            self._terms.setdefault(key, term)
        self._stems = tuple(stems)
        pattern = "|".join(
            re.escape(key) + (r"\w*" if (key, term) in stems else "")
            for key, term in sorted(self._terms.items(), key=lambda pair: (-len(pair[0]), pair[0]))
            if key
        )
        self._pattern = re.compile(rf"\b(?:{pattern})\b") if pattern else None

    def found_in(self, text: str) -> dict[str, tuple[str, ...]]:
        """Give each term that a text names, with the names, folded, under which it stands there."""
        found: dict[str, tuple[str, ...]] = {}
        for match in self._pattern.finditer(folded(text)) if self._pattern else ():
            term = self._term(match.group())
            found[term] = (*found.get(term, ()), match.group())
        return found

    def is_one(self, text: str) -> bool:
        """Whether a text is a name, and nothing else."""
        return folded(text) in self._terms

    def taken_out(self, text: str) -> str:
        """Give a text, folded, without the names."""
        return self._pattern.sub(" ", folded(text)) if self._pattern else folded(text)

    def _term(self, name: str) -> str:
        return self._terms.get(name) or next(term for stem, term in self._stems if name.startswith(stem))
