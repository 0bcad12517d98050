"""Where the parts of a strip lie in its picture: bands side by side on a scale, their bounds, and the patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from osteo_kg import BilingualText
from osteo_kg.bilingual import shown_number
from osteo_kg.exploration import Strip, StripBand

WIDTH, MARGIN = 600, 20  # units of the picture
_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Block:
    """One band: where it begins, how wide it is, and where its middle is."""

    band: StripBand
    x: str
    width: str
    middle: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A number on the scale."""

    x: str
    text: BilingualText


@dataclass(frozen=True, slots=True)
class Drawing:
    """A strip as drawn; the patient has no mark where her number is not known."""

    strip: Strip
    blocks: tuple[Block, ...]
    bounds: tuple[Mark, ...]
    patient: Mark | None


def drawn(strip: Strip) -> Drawing:
    """Lay a strip out; the open ends of the scale are as wide as a band of average width."""
    bounds = list(_bounds(strip.bands))
    spread = bounds[-1] - bounds[0]
    end = spread / (len(bounds) - 1) if spread else Decimal(1)
    low, high = bounds[0] - end, bounds[-1] + end

    def place(number: Decimal) -> Decimal:
        within = min(max(number, low), high)
        return MARGIN + (within - low) / (high - low) * (WIDTH - MARGIN - MARGIN)

    edges = [low, *bounds, high]
    blocks = tuple(
        Block(
            band, _units(place(left)), _units(place(right) - place(left)), _units((place(left) + place(right)) * _HALF)
        )
        for band, left, right in zip(strip.bands, edges, edges[1:], strict=False)
    )
    marks = tuple(Mark(_units(place(each)), shown_number(f"{each:f}")) for each in bounds)
    number = strip.number
    patient = Mark(_units(place(number)), shown_number(f"{number:f}")) if number is not None else None
    return Drawing(strip, blocks, marks, patient)


def _bounds(bands: Sequence[StripBand]) -> Iterator[Decimal]:
    """Give the numbers at which bands meet; bands that meet at one number on both sides are told apart by one alone."""
    yield from (band.band.high for band in bands if band.band.high is not None)


def _units(number: Decimal) -> str:
    return f"{number:.1f}"
