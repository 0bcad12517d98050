"""Random cases, to hold the formulas against the library."""

from __future__ import annotations

import random
from decimal import Decimal

from rdflib.term import Node

from tests.proofs.axioms import OSTEO
from tests.proofs.cases import StatedCase
from tests.proofs.patients import Vocabulary
from tests.proofs.records import SECTIONS

_SCORES = [Decimal(each) for each in ("-3.1", "-3", "-2.999", "-2.5", "-2", "-1.7", "-1", "-0.9", "0.4")]
_AGES = [48, 49, 50, 55, 60, 61, 80]


def random_case(words: Vocabulary, choice: random.Random) -> StatedCase:
    """Make one case: boundaries, rare sites, everything known or not."""
    coded: dict[Node, Node] = {}
    for property_, values in words.coded.items():
        if choice.random() < 0.9:
            coded[property_] = values[0] if choice.random() < 0.85 else values[-1]
    if coded.get(OSTEO.hasSex) == OSTEO.Male:
        coded.pop(OSTEO.hasMenopausalStatus, None)
    fractures = {
        site: choice.choice([1, 1, 2, 3]) for site in choice.sample(words.sites, choice.choice([0, 0, 1, 1, 2]))
    }
    favourites = [*words.broad, *words.counted, *words.together]
    if choice.random() < 0.5:
        fractures[choice.choice(favourites)] = choice.choice([1, 1, 2, 3])
    drugs = choice.sample(words.drugs, choice.choice([0, 0, 1, 2]))
    stated = [each for each in SECTIONS if choice.random() < 0.4]
    opened = [each for each in (*SECTIONS, OSTEO.Densitometry) if choice.random() < 0.15]
    return StatedCase(
        coded=coded,
        scores={s: choice.choice(_SCORES) for s in choice.sample(words.scored, choice.choice([0, 1, 1, 1, 2, 3]))},
        age=choice.choice([None, *_AGES]),
        fractures=fractures,
        more={s: choice.choice([0, 1, 2]) for s in fractures if s in words.counted},
        of_one_day=frozenset(
            s
            for s in fractures
            if s in words.together and fractures[s] >= words.together[s][1] and choice.random() < 0.7
        ),
        excluded=choice.random() < 0.1,
        treatments=frozenset((each, choice.choice([*words.outcomes, None])) for each in drugs),
        statements={each: choice.random() < 0.5 for each in words.statements if choice.random() < 0.7},
        complete=frozenset(stated) - frozenset(opened),
        open=frozenset(opened),
    )
