"""What a cohort is read from: files, folders and globs of them, each as a table of flat records."""

from __future__ import annotations

import glob
import os
from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path

import ibis.expr.types as ir

from osteo_kg.bilingual import Language
from osteo_kg.case import Case, ColumnsRead, Profile, TableReader
from osteo_kg.case.fhir import Assumption
from osteo_kg.case.files import extension, walked
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources.fhir_files import Held, held_in
from osteo_kg.cohort.sources.json_files import holds_records
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms

#: The format of a file, by its extension; `.gz` and `.zst` may follow those of text.
FORMATS = {
    "parquet": "parquet",
    "pq": "parquet",
    "csv": "csv",
    "tsv": "csv",
    "xlsx": "xlsx",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "json",
    "fhir": "fhir",
    "nt": "ntriples",
    "nq": "nquads",
}
_OF_JSON = ("json", "jsonl")
#: The name of standard input.
STANDARD_INPUT = Path("-")
Wanted = Mapping[str, set[int]]  # numbers of records, by file


@dataclass(frozen=True)
class Reading:
    """How flat records are read.

    Attributes:
        terms: the vocabulary of their keys.
        profile: what the source calls our keys and values, and which columns are passed over.
        scratch: a folder for what is written on the way.
        parts: what reads parts of records.
        postmenopausal: what to assume in FHIR of a woman whose menopausal status is not recorded.
        queries: the compiled queries of earlier runs.
    """

    terms: Terms
    profile: Profile
    scratch: Path
    parts: LibraryProbe
    postmenopausal: Assumption | None = None
    queries: MutableMapping[str, str] | None = None


@dataclass(frozen=True)
class InputFile:
    """A file that was found, its format, the folder with whose files it belongs together, and the name it was given."""

    path: Path
    format_name: str
    home: Path
    named: Path | None = None


class Source(ABC):
    """Files of one format."""

    def __init__(self, found: list[InputFile], reading: Reading) -> None:
        self.files = [each.path for each in found]
        self.homes = [each.home for each in found]
        self.named = {each.path: each.named or each.path for each in found}
        self.reading = reading
        self.tables = TableReader(reading.profile, reading.terms)

    @abstractmethod
    def flat(self, engine: CohortEngine) -> ir.Table:
        """Give the records as a table: `file`, `number`, and the keys of the flat record."""

    @abstractmethod
    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some records as cases, exactly as they stand in their files."""

    def remarks(self, language: Language) -> Iterable[str]:
        """Say what was found beside records, once they were read."""
        return [each.get(language) for each in self.tables.remarks]

    def columns_read(self) -> tuple[ColumnsRead, ...]:
        """Say what each column was read as, once they were read."""
        return self.tables.columns_read()


def found(inputs: Iterable[str], format_name: str | None = None) -> list[InputFile]:
    """Find the files that are named, lie in a folder that is named, or match a glob, each with its format.

    Lines of JSON, and JSON, are FHIR where the first object has a resource type, and where it is no flat record and
    stands with files that are FHIR: what is no resource is counted there. JSON in a folder that holds neither is
    passed over, as other files are that no cohort is read from, and hidden ones. A file that is reached in two ways is
    read once.

    Raises:
        UnreadableCaseError: nothing is found under a name, or the format of a file is not known.
    """
    files: dict[Path, tuple[InputFile, Held | None, bool]] = {}
    for named in inputs:
        if named == str(STANDARD_INPUT):
            files[STANDARD_INPUT] = _standard_input(format_name), None, False
            continue
        paths = sorted(_files(named))
        if not paths:
            raise _nothing(named)
        for given, folder in paths:
            path = _absolute(given)
            known = format_name or format_of(path)
            held = _held(path, known) if known in _OF_JSON and not format_name and not path.is_fifo() else None
            home = Path(folder).resolve() if folder else path.parent
            at = InputFile(path, "fhir" if held == "fhir" else known, home, Path(os.path.abspath(given)))
            files.setdefault(path.resolve(), (at, held, bool(folder)))
    exports = {at.home for at, _, _ in files.values() if at.format_name == "fhir"}
    return [chosen for each in files.values() if (chosen := _chosen(*each, exports)) is not None]


def _chosen(at: InputFile, held: Held | None, in_folder: bool, exports: Container[Path]) -> InputFile | None:
    """Give a file with its format as it follows from the files that it stands with; None where it is passed over."""
    if held is None or held == "fhir":
        return at
    if at.home in exports and (held != "flat" or at.format_name == "json"):
        return replace(at, format_name="fhir")
    return None if in_folder and at.format_name == "json" and held != "flat" else at


def _held(path: Path, format_name: str) -> Held:
    """Say what a file of JSON holds, by its first record where it is one, since an array may be a single long line."""
    return "flat" if format_name == "json" and holds_records(path) else held_in(path)


def _standard_input(format_name: str | None) -> InputFile:
    if format_name is None:
        raise UnreadableCaseError(
            "The format of standard input is not known.", advice="Name it: --input-format csv, for one."
        )
    return InputFile(STANDARD_INPUT, format_name, STANDARD_INPUT)


def _absolute(path: Path) -> Path:
    """Give the one name by which a file is known from here on: an engine would make its own of a relative one."""
    return path.parent.resolve() / path.name


def _files(named: str) -> Iterator[tuple[Path, str]]:
    """Give the files that a name stands for, each with the folder that it was found in, if in one."""
    for each in [named] if Path(named).exists() else glob.glob(named, recursive=True):
        if Path(each).is_dir():
            yield from ((path, each) for path in walked(Path(each)) if extension(path) in FORMATS)
        else:
            yield Path(each), ""


def _nothing(named: str) -> UnreadableCaseError:
    if Path(named).is_dir():
        return UnreadableCaseError(
            f"The folder {named} holds no file that a cohort is read from.", advice=f"It reads .{', .'.join(FORMATS)}."
        )
    return UnreadableCaseError(f"There is no file {named}.", advice="Check its name.")


def format_of(path: Path) -> str:
    """Give the format of a file by its name.

    Raises:
        UnreadableCaseError: its extension is not known.

    >>> format_of(Path("women.csv.gz"))
    'csv'
    """
    if extension(path) not in FORMATS:
        raise UnreadableCaseError(
            f"The format of {path.name} is not known.",
            advice=f"Name it .{', .'.join(FORMATS)}, or give --input-format.",
        )
    return FORMATS[extension(path)]
