"""What may be meant by a word that is not known: offered only where no other meaning is as near.

A spelling may be corrected; a meaning may not. So a word is offered where it is one letter away, in a word that is
long enough for that to be chance, and where every other meaning is much farther; numbers, short words and first
letters have to agree, for by them alone `T` differs from `Z`, and a hand from a foot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz.distance import OSA

from osteo_kg.bilingual import BilingualText
from osteo_kg.case.fields import KEYS
from osteo_kg.knowledge import NONE, Terms, folded

_LONG = 6  # letters of a clinical word from which one may be wrong
OF_A_KEY = 3  # letters of a key, which nobody takes for another, from which one may be wrong
_ALIKE = 0.85  # share of letters from which a name is taken for a misspelt one
HEADER_AMONG = 10  # rows among which the names of columns are looked for
_OF_A_HEADER = 2  # keys in a row below another one from which it is taken for the header
_OF_A_NAME = 2  # words of a name in which a letter may be wrong

_DOUBT = frozenset("?<>≤≥≠±~≈!¬")  # signs by which a word says less than itself, or its contrary

NO_ENTRY = BilingualText(
    "If there is none, write none (in JSON an empty list).", "S’il n’y en a pas, écrire none (en JSON une liste vide)."
)
Names = Mapping[str, Iterable[str]]


def nearest(word: str, known: Names | Iterable[str], *, shortest: int = _LONG) -> BilingualText:
    """Advise the one known word that is meant, or all of them where it is not certain which.

    Args:
        word: what was written.
        known: the known words, or each of them with what else it is called.
        shortest: letters from which one of a word may be wrong; fewer than usual where the words are no clinical ones.
    """
    choices = sorted(known)
    if meant := meaning(word, _names(known), shortest=shortest):
        return BilingualText(f"Did you mean {meant!r}?", f"Vouliez-vous dire {meant!r} ?")
    listed = ", ".join(choices)
    return BilingualText(f"Use one of: {listed}.", f"Employer l’un de : {listed}.")


def meaning(word: str, known: Names, *, mistakes: int = 1, shortest: int = _LONG) -> str | None:
    """Give the known word that another one means: by one of its names, or by a spelling that is near no other.

    A word with a sign of doubt or of denial means none.

    >>> known = {"premenopausal": ["non ménopausée"], "postmenopausal": ["ménopausée"]}
    >>> meaning("Ménopausée", known), meaning("postmenopausl", known), meaning("pmenopausal", known)
    ('postmenopausal', 'postmenopausal', None)
    """
    if not _DOUBT.isdisjoint(word):
        return None
    named = {key: {folded(name) for name in (key, *names)} for key, names in known.items()}
    stated = folded(word)
    compact = stated.replace(" ", "")
    exact = {key for key, names in named.items() if compact in {name.replace(" ", "") for name in names}}
    if exact or not compact:
        return exact.pop() if len(exact) == 1 else None
    near = {key: min(found) for key, names in named.items() if (found := list(_mistakes(stated, names, shortest)))}
    if not near:
        return None
    best = min(near, key=lambda key: (near[key], key))
    others = (OSA.distance(compact, name.replace(" ", "")) for key in named if key != best for name in named[key])
    return best if near[best] <= mistakes and min(others, default=len(compact)) > 2 * near[best] else None


def _names(known: Names | Iterable[str]) -> Names:
    return known if isinstance(known, Mapping) else dict.fromkeys(known, ())


def _mistakes(stated: str, names: Iterable[str], shortest: int) -> Iterable[int]:
    """Count the wrong letters of a name, for each name that it may be at all."""
    words = stated.split()
    for name in names:
        pairs = list(zip(words, name.split(), strict=False))
        if len(words) == len(name.split()) and all(_is_near(*pair, shortest) for pair in pairs):
            yield sum(OSA.distance(*pair) for pair in pairs)


def _is_near(stated: str, word: str, shortest: int) -> bool:
    if stated == word:
        return True
    is_long = min(len(stated), len(word)) >= shortest and stated[0] == word[0] and (stated + word).isalpha()
    return is_long and OSA.distance(stated, word) == 1


def nearest_value(value: str, known: Mapping[str, str], terms: Terms, *, in_list: bool) -> BilingualText:
    """Advise the coded value that is meant, by its keys and by what it is called in both languages.

    Args:
        value: what was written.
        known: the IRI of each value by key.
        terms: the vocabulary.
        in_list: whether it stands in a list, which may be of none.
    """
    if in_list and terms.table_words.means(value, NONE):
        return NO_ENTRY
    return nearest(value, {key: terms.names_of(iri) for key, iri in known.items()})


class ColumnNames:
    """What the columns of a table may be: the keys of the flat record under other names.

    Args:
        terms: the vocabulary.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        words = terms.table_words.columns
        self._names: dict[str, Sequence[str]] = {
            key: [name for name, keys in words.items() if keys == {key}] for key in KEYS
        }

    def key(self, column: str) -> str | None:
        """Give the key that a name of a column certainly means; spelling, beyond case and accents, is none."""
        stated = folded(column)
        exact = {key for key, names in self._names.items() if stated in (folded(key), *names)}
        return exact.pop() if len(exact) == 1 else self._score(stated)

    def header_among(self, rows: Sequence[Sequence[str]]) -> int:
        """Give the place of the first row that names keys, of a few; of the first one where none does.

        Below another row it names two different ones at least: one may stand in a title, or in a list of names.
        """
        for place, row in enumerate(rows):
            if len({self.key(cell) for cell in row} - {None}) >= (_OF_A_HEADER if place else 1):
                return place
        return 0

    def near(self, column: str) -> str | None:
        """Give the key that a name of a column means or nearly is."""
        return self.key(column) or meaning(column, self._names, mistakes=_OF_A_NAME)

    def resembled(self, column: str) -> str | None:
        """Give the key that a name of a column resembles so much that nobody should pass it over unasked."""
        if found := self.near(column):
            return found
        if found := self._key_with_more(folded(column)):
            return found
        stated = folded(column).replace(" ", "")
        likeness = {
            key: OSA.normalized_similarity(stated, name)
            for key in KEYS
            if (name := folded(key).replace(" ", ""))[:1] == stated[:1]
        }
        best = max(likeness, key=lambda key: likeness[key], default=None)
        return best if best is not None and likeness[best] >= _ALIKE else None

    def _key_with_more(self, stated: str) -> str | None:
        """Give the key of several words all of which a name has, or that of the T-scores of a site, beside others."""
        words = set(stated.split())
        whole = [key for key in KEYS if "_" in key and words > set(folded(key).split())]
        return whole[0] if len(whole) == 1 else self._score(stated, alone=False)

    def _score(self, stated: str, *, alone: bool = True) -> str | None:
        """Give the key of the T-scores of a site that a name consists of, beside what says that it is a T-score.

        Not alone, other words may stand beside these.
        """
        terms = self._terms
        place = terms.score_names.taken_out(stated)
        if place == stated:
            return None  # of a number that is not called a T-score it is not known what it is
        sites = terms.site_names.found_in(place)
        if len(sites) != 1 or (alone and terms.site_names.taken_out(place).split()):
            return None
        return terms.record_keys.get(next(iter(sites)))
