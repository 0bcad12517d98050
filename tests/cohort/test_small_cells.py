"""Small cells: whoever knows every count that is shown cannot calculate one that is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteo_kg.cohort.results.score_plots import panels
from osteo_kg.cohort.results.small_cells import Cell, Partition, protected, suppressed

READ = ("read",)
Profiles = dict[frozenset[Cell], int]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Profiles, list[Partition], int]:
    """Tables of the same few records, which hang together in any way, each with their number as its total."""
    names = [f"table {number}" for number in range(draw(st.integers(1, 3)))]
    profiles: Profiles = {}
    for _ in range(draw(st.integers(1, 4))):
        cells = frozenset([READ, *((name, draw(st.sampled_from("abc"))) for name in names)])
        profiles[cells] = profiles.get(cells, 0) + draw(st.sampled_from([1, 1, 2, 3, 4, 7]))
    parts = {name: sorted({cell for cells in profiles for cell in cells if cell[0] == name}) for name in names}
    return profiles, [Partition(READ, tuple(each)) for each in parts.values()], draw(st.integers(2, 5))


def _counted(profiles: Mapping[frozenset[Cell], int]) -> dict[Cell, int]:
    cells = {cell for each in profiles for cell in each}
    return {cell: sum(count for each, count in profiles.items() if cell in each) for cell in sorted(cells)}


def _ways(total: int, places: int) -> Iterator[tuple[int, ...]]:
    """Give every way to divide a total among places."""
    if places == 1:
        yield (total,)
        return
    for first in range(total + 1):
        yield from ((first, *rest) for rest in _ways(total - first, places - 1))


@settings(deadline=None, max_examples=25)
@given(tables())
def test_a_suppressed_count_may_have_several_values_for_all_that_is_shown(
    drawn: tuple[Profiles, list[Partition], int],
) -> None:
    """Every way to distribute the records is tried, where what is listed stands for one record at least."""
    profiles, partitions, limit = drawn
    hidden, counts = suppressed(profiles, partitions, limit), _counted(profiles)
    assert {cell for cell, count in counts.items() if 0 < count < limit} <= hidden
    if READ in hidden:
        return
    values: dict[Cell, set[int]] = {cell: set() for cell in hidden}
    for way in _ways(counts[READ], len(profiles)):
        other = _counted(dict(zip(profiles, way, strict=True)))
        if all(other.values()) and all(other[cell] == counts[cell] for cell in counts if cell not in hidden):
            for cell in hidden:
                values[cell].add(other[cell])
    assert [cell for cell, found in values.items() if counts[cell] < limit and len(found) < 2] == []


@pytest.mark.parametrize("limit", [0, 1])
@given(drawn=tables())
def test_every_count_is_shown_where_that_is_asked_for(drawn: tuple[Profiles, list[Partition], int], limit: int) -> None:
    profiles, partitions, _ = drawn
    assert suppressed(profiles, partitions, limit) == frozenset()


def _table(*counts: int) -> tuple[Profiles, list[Partition]]:
    cells = [("table", str(number)) for number, _ in enumerate(counts)]
    profiles = {frozenset({READ, cell}): count for cell, count in zip(cells, counts, strict=True)}
    return profiles, [Partition(READ, tuple(cells))]


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ((90, 60, 7, 2), (7, 2)),  # the next smallest goes with a single one
        ((90, 60, 3, 2), (60, 3, 2)),  # of two that sum to 5 each would be 4 at most
        ((90, 60, 4, 4), (4, 4)),
        ((90, 60, 7, 5), ()),
        ((90, 0, 0, 5), ()),
    ],
)
def test_a_total_does_not_tell_what_is_suppressed(counts: Sequence[int], hidden: Sequence[int]) -> None:
    profiles, partitions = _table(*counts)
    found = suppressed(profiles, partitions, 5)
    assert sorted(_counted(profiles)[cell] for cell in found) == sorted(hidden)


def test_where_every_part_is_one_record_the_total_is_suppressed_too() -> None:
    profiles, partitions = _table(1, 1, 1, 1, 1)
    assert READ in suppressed(profiles, partitions, 5)


def test_a_count_of_another_table_does_not_tell_what_is_suppressed() -> None:
    """Three are treated for one reason, nine for another; those of the second have an option, and nobody else."""
    few, more, many = (("reason", each) for each in ("few", "more", "many"))
    option, none = ("option", "yes"), ("option", "no")
    profiles = {
        frozenset({READ, few, none}): 3,
        frozenset({READ, more, option}): 9,
        frozenset({READ, many, none}): 80,
    }
    partitions = [Partition(READ, (few, more, many)), Partition(READ, (option, none))]
    hidden = suppressed(profiles, partitions, 5)
    assert few in hidden
    assert not {more, many} <= {few, more, many} - hidden  # one of them, or both, stands for the first
    assert more in hidden
    assert option in hidden  # which is as many


@pytest.mark.parametrize(
    ("hidden", "slack", "is_protected"),
    [([], 0, True), ([3], 0, False), ([3, 3], 0, True), ([1, 4], 0, False), ([3], 2, True), ([1, 1, 1, 1], 3, False)],
)
def test_suppressed_parts_may_be_as_large_as_the_limit(hidden: list[int], slack: int, is_protected: bool) -> None:
    assert protected(hidden, 5, slack) is is_protected


@given(
    scores=st.dictionaries(
        st.sampled_from(["one branch", "another"]),
        st.dictionaries(st.integers(-70, 40).map(lambda tenths: tenths / 10), st.integers(1, 9), min_size=1),
        min_size=1,
    ),
    without_a_score=st.integers(0, 9),
)
def test_columns_of_t_scores_tell_no_small_count(scores: dict[str, dict[float, int]], without_a_score: int) -> None:
    """What is shown of a course of action leaves its suppressed columns several values, whatever the total."""
    distribution = {branch: {"treat": Counter(each)} for branch, each in scores.items()}
    scored = sum(sum(each.values()) for each in scores.values())
    found = list(panels(distribution, {"treat": scored + without_a_score}, 5))
    columns = [column for each in found for column in each.columns]
    assert not any(column is not None and 0 < column < 5 for column in columns)
    every = list(panels(distribution, {"treat": scored + without_a_score}, 0))
    assert sum(each.total for each in every) == scored
    left = scored + without_a_score - sum(each.total for each in found)
    few = [each for one in every for each in one.columns if each and each < 5]
    if few and found:
        assert left - len(few) >= 1
        assert left >= 5


def test_a_course_of_action_whose_total_is_suppressed_has_no_plot() -> None:
    distribution = {"branch": {"treat": Counter({-2.5: 9})}}
    assert list(panels(distribution, {"treat": None}, 5)) == []
