"""JSON: an array of flat records, or one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osteo_kg.case import TableReader
from osteo_kg.cohort.sources.json_files import records_in
from osteo_kg.cohort.sources.text import TextSource
from osteo_kg.errors import UnreadableCaseError


class JsonSource(TextSource):
    """Files with an array of JSON objects, or with one object."""

    def records(self, path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
        """Give each object."""
        number = 0
        for number, record in enumerate(records_in(path), 1):
            yield number, tables.record(record)
        if not number:
            raise UnreadableCaseError(f"{path.name} holds no patient.", advice="Send one record at least.")
