"""What tables of patients call the columns and the values of the flat record (`osteo:TableWords`)."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from osteo_kg.knowledge.words import folded
from osteo_kg.rdf import OSTEO, Lookup

#: What a word of a table may mean beside the coded values, as a profile writes it.
TRUE, FALSE, NONE, MISSING = "true", "false", "none", "missing"


def plain_word(text: str) -> str:
    """Give a word as it is looked up: without case, accents or space around; signs stay where nothing else is.

    >>> plain_word(" Ménopausée "), plain_word("-9"), plain_word("#N/A"), plain_word(".")
    ('menopausee', '-9', '#n/a', '.')
    """
    apart = unicodedata.normalize("NFKD", text.strip()).casefold()
    return " ".join("".join(sign for sign in apart if not unicodedata.combining(sign)).split())


@dataclass(frozen=True)
class TableWords:
    """The words of tables.

    Attributes:
        columns: the keys of the flat record that a name of a column stands for, by the name, folded.
        values: what a word means (`true`, `false`, `none`, `missing`), by the word, plain.
        only_in: what a word means in the columns of one fact only, by that fact's IRI and the word.
    """

    columns: Mapping[str, frozenset[str]]
    values: Mapping[str, frozenset[str]]
    only_in: Mapping[str, Mapping[str, frozenset[str]]]

    def means(self, word: str, meaning: str, fact: str = "") -> bool:
        """Whether a word of a table means one of the four, in the columns of a fact."""
        plain = plain_word(word)
        return meaning in self.values.get(plain, ()) or meaning in self.only_in.get(fact, {}).get(plain, ())


def read_table_words(triples: Lookup) -> TableWords:
    """Read the words of tables out of the loaded modules."""
    keys, only = dict(triples.pairs(OSTEO.standsForKey)), dict(triples.pairs(OSTEO.standsOnlyIn))
    columns: dict[str, set[str]] = defaultdict(set)
    values: dict[str, set[str]] = defaultdict(set)
    only_in: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for words, name in triples.pairs(OSTEO.writtenAs):
        meaning = keys.get(words)
        if meaning in (TRUE, FALSE, NONE, MISSING):
            into = only_in[only[words]] if words in only else values
            into[plain_word(name)].add(meaning)
        elif meaning is not None:
            columns[folded(name)].add(meaning)
    return TableWords(
        {name: frozenset(found) for name, found in columns.items()},
        {word: frozenset(found) for word, found in values.items()},
        {fact: {word: frozenset(found) for word, found in each.items()} for fact, each in only_in.items()},
    )
