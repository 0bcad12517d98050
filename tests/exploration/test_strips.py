"""Strips: what is decided in each band is what a patient in that band is answered."""

from __future__ import annotations

from decimal import Decimal

import pytest

from osteo_kg import KnowledgeBase
from osteo_kg.exploration import Strip, strips
from tests.exploration.test_changes import WOMAN, prepared


def of(knowledge_base: KnowledgeBase, **facts: object) -> dict[str, Strip]:
    """Give the strips of a woman by the key of their fact."""
    record = {key: value for key, value in {**WOMAN, **facts}.items() if value is not None}
    case, engine = prepared(knowledge_base, record), knowledge_base.engine()
    key = engine.space.parse(knowledge_base.assess(case).situation_key)
    return {each.key: each for each in strips(engine, key, dict(case.facts.numbers))}


@pytest.mark.parametrize("site", [None, "distal-radius", "vertebra"])
def test_a_band_says_what_a_patient_in_it_is_answered(knowledge_base: KnowledgeBase, site: str | None) -> None:
    fractures = [{"site": site}] if site else []
    strip = of(knowledge_base, fractures=fractures)["t_score"]
    for band in strip.bands:
        record = {**WOMAN, "fractures": fractures, "t_score_total_hip": band.band.inside}
        assert knowledge_base.assess(prepared(knowledge_base, record)).disposition == band.disposition
    assert [each.text.en for each in strip.bands if each.may_be_here] == ["> -3 and ≤ -2"]
    assert strip.number == Decimal("-2.4")


def test_a_strip_is_drawn_where_no_score_is_known_and_marks_nobody(knowledge_base: KnowledgeBase) -> None:
    strip = of(knowledge_base, t_score_total_hip=None)["t_score"]
    assert strip.number is None
    assert not any(each.may_be_here for each in strip.bands)
    assert len({each.disposition for each in strip.bands}) > 1


def test_a_score_that_may_be_lower_is_marked_in_every_band_that_it_may_lie_in(knowledge_base: KnowledgeBase) -> None:
    strip = of(knowledge_base, open_sections=["densitometry"])["t_score"]
    assert strip.is_at_most
    assert [each.may_be_here for each in strip.bands] == [True, True, False, False]


def test_ages_have_a_strip_only_where_age_matters(knowledge_base: KnowledgeBase) -> None:
    with_disorders = of(knowledge_base, t_score_total_hip=Decimal("-3.2"), climacteric_disorders=True)
    assert [[each.en for each in band.remaining] for band in with_disorders["age_years"].bands] == [
        [],
        ["menopausal hormone therapy (MHT)"],
        [],
    ]
    assert "age_years" not in of(knowledge_base, t_score_total_hip=Decimal("-3.2"), climacteric_disorders=False)
