"""Notices about several measurements together, as the library raises them for examples."""

from __future__ import annotations

import datetime
import functools
import operator
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from osteo_kg.case import SCORES
from osteo_kg.cohort.abstraction.columns import Cuts, months_before, number
from osteo_kg.cohort.abstraction.extra_facts import measured_case
from osteo_kg.cohort.abstraction.measurements import APART, ORDER_OPEN, SUPERSEDED, UNDATED
from osteo_kg.cohort.abstraction.probes import ConditionalNotice, LibraryProbe
from osteo_kg.rdf import OSTEO

_Entries = Sequence[tuple[str, Decimal, datetime.date | None]]  # site, score and day of each
_ONE, _OTHER = Decimal(0), Decimal(1)
_FAR = Decimal(1000)
_YEARS = 24  # in months


class MeasurementNotices:
    """Reads what is told of measurements that supersede each other, lie apart, or cannot be put in order.

    Args:
        parts: what reads parts of records.
    """

    def __init__(self, parts: LibraryProbe) -> None:
        self._parts = parts
        knowledge = parts.knowledge_base.knowledge
        site_of = {key: iri for iri, key in knowledge.terms.record_keys.items()}
        self._sites = [site_of[key] for key in SCORES]
        limits = knowledge.triples.objects(OSTEO.LowerTScoreSuperseded.value, OSTEO.atMost)
        self._limits = Cuts(tuple(sorted(map(Decimal, limits))))

    def marks(self, flat: ir.Table) -> Iterator[Any]:
        """Give the notices of each column that a source has beside the flat record."""
        for name, found in ((APART, self._apart), (ORDER_OPEN, self._order_open), (UNDATED, self._undated)):
            if name in flat.columns:
                yield ibis.ifelse(flat[name].fill_null(False), found(), 0)
        if SUPERSEDED in flat.columns:
            yield self._superseded(flat)

    def _apart(self) -> int:
        on, many = self._parts.on, (self._parts.months_apart or 0) + _YEARS
        one, other = self._sites[:2]
        far = [(one, _ONE, on), (other, _ONE, months_before(on, many))]
        return self._told(far, [(one, _ONE, on), (other, _ONE, on)])

    def _order_open(self) -> int:
        site = self._sites[0]
        both = [(site, _ONE, None), (site, _OTHER, None)]
        return self._told(both, *([each] for each in both))

    def _undated(self) -> int:
        site = self._sites[0]
        return self._told([(site, _ONE, None)], [(site, _ONE, self._parts.on)])

    def _superseded(self, flat: ir.Table) -> Any:
        """Give the notices of an older score that is lower than all that count, by the places of both."""
        examples = self._limits.examples(-_FAR, _FAR)
        place, column = self._limits.place(flat.lowest), number(flat[SUPERSEDED])
        told: list[Any] = [ibis.literal(0, "int64")]
        for above, lowest in enumerate(examples):
            masks = [self._by_older(older, lowest) if at < above else 0 for at, older in enumerate(examples)]
            if any(masks):
                told.append(ibis.ifelse(place == above, self._limits.masks(column, masks), 0))
        return functools.reduce(operator.or_, told)

    def _by_older(self, older: Decimal, lowest: Decimal) -> int:
        site, on = self._sites[0], self._parts.on
        newest = (site, lowest, on)
        return self._told([(site, older, months_before(on, _YEARS)), newest], [newest])

    def _told(self, entries: _Entries, *without: _Entries) -> int:
        """Give the bits of the notices of some measurements that fewer or other ones do not raise."""
        others: set[ConditionalNotice] = set()
        others.update(*(self._parts.raised_by(measured_case(each)) for each in without))
        return self._parts.marks.mask(self._parts.raised_by(measured_case(entries)) - others)
