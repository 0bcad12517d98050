"""What a run works out that depends on no patient, kept for the runs that follow, in this process and on disk.

A plan holds for one guideline, one day, the sections asked for and the formats that are read: the bits of the notices,
the queries by the columns that they read, what the different entries of lists say, and what the different situations
are answered. Nothing that a patient alone would say is kept: no list, no day, no entry that is refused.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import importlib.metadata
import json
import os
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from osteo_kg import package_data
from osteo_kg.cohort.abstraction.compile import Abstraction
from osteo_kg.cohort.abstraction.probes import ConditionalNotice, LibraryProbe
from osteo_kg.cohort.results.decisions import Decided
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.reasoning import Key, cache_folder

_IN_MEMORY, _ON_DISK = 4, 12  # plans; the longest unused goes first
_COMPILERS = ("duckdb", "ibis-framework")  # whose versions a query may depend on
_BETWEEN = ";"  # between the values of a situation


class Plan:
    """What reads parts of records for a guideline on a day, and all that was worked out so far.

    Attributes:
        parts: what reads parts of records.
        abstraction: what maps records to situations.
        key: gives the situation that a number stands for.
        queries: the text of each query, by its name and the columns that it reads.
        decided: what each situation is answered.
        weighed: for each situation, the bits of the notices that were weighed against its answer, and of those it lets
            through.
    """

    def __init__(
        self,
        knowledge_base: KnowledgeBase,
        guideline: str,
        on: datetime.date,
        asked: Collection[str],
        formats: Collection[str],
    ) -> None:
        self.parts = LibraryProbe(knowledge_base, guideline, on, asked)
        self.abstraction = Abstraction(self.parts)
        self.key = functools.cache(self.abstraction.key)
        self.queries: dict[str, str] = {}
        self.decided: dict[Key, Decided] = {}
        self.weighed: dict[Key, tuple[int, int]] = {}
        self.lock = threading.Lock()
        self._path = _file(self.parts, formats) if knowledge_base.remembers else None
        self._kept_size = 0
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            self._read()

    def _read(self) -> None:
        """Take back what an earlier process worked out; nothing of a file that is damaged."""
        if self._path is None:
            return
        seal, text = self._path.read_text(encoding="utf-8").split("\n", 1)
        if seal != _digest(text):
            return
        kept = json.loads(text)
        different = [Decided.of(value) for value in kept["different"]]
        decided = {tuple(key.split(_BETWEEN)): different[place] for key, place in kept["decided"].items()}
        weighed = {tuple(key.split(_BETWEEN)): (bits, told) for key, (bits, told) in kept["weighed"].items()}
        self.parts.marks.mask(map(ConditionalNotice.of, kept["notices"]))
        for key, entries in kept["entries"].items():
            self.abstraction.sections[key].recall(entries)
        self.queries, self.decided, self.weighed = kept["queries"], decided, weighed
        self._kept_size = self._size
        os.utime(self._path)

    @property
    def _size(self) -> int:
        """How much was worked out so far: nothing of it ever changes."""
        entries = sum(map(len, (reader.known() for reader in self.abstraction.sections.values())))
        bits = sum(bits.bit_count() for bits, _ in self.weighed.values())
        return len(self.parts.marks.known) + len(self.queries) + entries + len(self.decided) + bits

    def keep(self) -> None:
        """Keep what was worked out, where there is something new; do without where nothing can be written."""
        if self._path is None or self._size == self._kept_size:
            return
        different: dict[Decided, int] = {}
        kept = {
            "notices": [each.to_json() for each in self.parts.marks.known],
            "queries": self.queries,
            "entries": {key: reader.known() for key, reader in self.abstraction.sections.items()},
            "decided": {
                _BETWEEN.join(key): different.setdefault(each, len(different)) for key, each in self.decided.items()
            },
            "different": [each.to_json() for each in different],
            "weighed": {_BETWEEN.join(key): value for key, value in self.weighed.items()},
        }
        text = json.dumps(kept, separators=(",", ":"))
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._path.parent, delete=False) as file:
                file.write(f"{_digest(text)}\n{text}")
            os.replace(file.name, self._path)
            self._kept_size = self._size
            for old in sorted(self._path.parent.glob("cohort-*.json"), key=os.path.getmtime)[:-_ON_DISK]:
                old.unlink(missing_ok=True)


_plans: weakref.WeakKeyDictionary[KnowledgeBase, OrderedDict[Any, Plan]] = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def planned(
    knowledge_base: KnowledgeBase,
    guideline: str,
    on: datetime.date,
    asked: Collection[str],
    formats: Collection[str],
) -> Iterator[Plan]:
    """Give the plan of a run, to it alone; a run beside it that wants the same one gets its own."""
    plans = _plans.setdefault(knowledge_base, OrderedDict())
    name = (guideline, on, frozenset(asked), frozenset(formats))
    plan = plans.get(name)
    if plan is None or not plan.lock.acquire(blocking=False):
        plan = Plan(knowledge_base, guideline, on, asked, formats)
        plan.lock.acquire()
    try:
        yield plan
        plan.keep()
        plans[name] = plan
        plans.move_to_end(name)
        while len(plans) > _IN_MEMORY:
            plans.popitem(last=False)
    finally:
        for reader in plan.abstraction.sections.values():
            reader.forget_refused()
        plan.lock.release()


def _file(parts: LibraryProbe, formats: Collection[str]) -> Path:
    """Name the file of a plan by all that it depends on."""
    knowledge_base = parts.knowledge_base
    named = (
        knowledge_base.knowledge.digest,
        package_data.queries_digest(),
        package_data.code_digest(),
        package_data.software_version(),
        *(importlib.metadata.version(name) for name in _COMPILERS),
        parts.engine.guideline.iri,
        parts.on.isoformat(),
        *sorted(parts.asked),
        *sorted(formats),
        str(knowledge_base.tells_safety),
    )
    return cache_folder() / f"cohort-{_digest('|'.join(named))[:32]}.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
