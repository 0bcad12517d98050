"""What a result says of itself: the day, and what it was decided with.

Parquet holds it among its own metadata; beside every other format it is a file of its own.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.errors import UsageError

KEY = "osteo-kg"  # of the metadata in Parquet


@dataclass(frozen=True)
class ResultMetadata:
    """What a result was decided with.

    Attributes:
        assessed_on: the day of assessment.
        guideline: the IRI of the guideline.
        software: the version of the software.
        knowledge: the digest of ontology and shapes.
        profile: the import profile that the input was read with, as text; None where there was none.
        readings: the interpretations of which the other reading was taken.
    """

    assessed_on: datetime.date
    guideline: str
    software: str
    knowledge: str
    profile: str | None = None
    readings: list[str] = field(default_factory=list)

    def to_text(self) -> str:
        """Give it as JSON; readings only where some were switched."""
        told = dataclasses.asdict(self) | {"assessed_on": self.assessed_on.isoformat()}
        return json.dumps({name: value for name, value in told.items() if name != "readings" or value})


def written_beside(result: Path) -> Path:
    """Give the file of the metadata of a result that cannot hold them.

    >>> written_beside(Path("decisions.csv")).name
    'decisions.csv.metadata.json'
    """
    return result.with_name(f"{result.name}.metadata.json")


def metadata_of(result: Path) -> ResultMetadata | None:
    """Read what a result says of itself; None where it says nothing.

    Raises:
        UsageError: what it says cannot be read.
    """
    try:
        text = _text_of(result)
        if text is None:
            return None
        found = json.loads(text)
        names = {each.name for each in dataclasses.fields(ResultMetadata)}
        stated = {name: value for name, value in found.items() if name in names}
        return ResultMetadata(**{**stated, "assessed_on": datetime.date.fromisoformat(found["assessed_on"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, pa.ArrowInvalid) as error:
        raise UsageError(
            f"What {result.name} says of itself cannot be read: {error}.",
            advice=f"Put {written_beside(result).name} right, or remove it and give --on.",
        ) from error


def _text_of(result: Path) -> str | None:
    if result.suffix.lower() == ".parquet":
        stored = (pq.read_metadata(result).metadata or {}).get(KEY.encode())
        return None if stored is None else stored.decode()
    beside = written_beside(result)
    return beside.read_text(encoding="utf-8") if beside.is_file() else None
