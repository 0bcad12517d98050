"""The store of this machine: statements as written, their index in workers, and a lock that makes writes take turns."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from osteo_kg_server.errors import BusyError, ProtectedError, TooLargeError
from osteo_kg_server.settings import Limits
from osteo_kg_server.store.base import DEFAULT_GRAPH, WHOLE, Change, Load, Query, StoreAnswer, Update
from osteo_kg_server.store.query_guard import check_bounds, evaluation
from osteo_kg_server.store.statements import Statements, both_forms, document, triple_of
from osteo_kg_server.store.update_targets import plain, tried
from osteo_kg_server.store.worker import WorkerApp
from osteo_kg_server.store.worker_pool import Worker, Workers
from osteo_kg_server.store.worker_request import Begun, Running, rest

_LONGEST = 1 << 20  # characters of a statement


class LocalStore:
    """A store in memory or on disk.

    Args:
        fixed: graphs that are loaded and never written by clients.
        folder: where to keep what is written; None for memory only.
        limits: what a client may use.
        scratch: have the standard default graph, and take a graph that is not there for an empty one.

    Raises:
        StoreUnavailableError: another process has the folder.
    """

    def __init__(
        self,
        fixed: Mapping[str, Sequence[ox.Triple]],
        *,
        folder: Path | None = None,
        limits: Limits | None = None,
        scratch: bool = False,
    ) -> None:
        self._fixed, self._scratch, self._limits = dict(fixed), scratch, limits or Limits()
        self._fixed_sets: dict[str, frozenset[ox.Triple]] = {}
        self.protected = frozenset(fixed)
        self._statements = Statements(folder)
        self._writing, self._here = threading.RLock(), threading.local()
        self._started = uuid.uuid4().hex[:12]
        self._workers, self._building = Workers(self._limits), False
        self._sizes: tuple[str, dict[str, int]] = ("", {})
        self._workers.change(self._everything())

    @property
    def generation(self) -> str:
        """Name the present content."""
        return self._named(self._workers.epoch)

    @property
    def union(self) -> bool:
        """Say whether the default graph of a query is the union of all graphs."""
        return not self._scratch

    @property
    def load(self) -> Load:
        """Say how many workers are at something, and how many wait."""
        return self._workers.load

    def check(self) -> None:
        """Pass where queries are answered; an index that is gone is built again."""
        if self._building:
            raise BusyError("The index is being built.", advice="Ask again in a little while.")
        if not self._workers.all_lent:
            self._workers.give_back(self._worker())

    def names(self) -> list[str]:
        """Give the names of the graphs, sorted."""
        return sorted({*self._fixed, *self._statements.graphs()})

    def exists(self, graph: str) -> bool:
        """Say whether there is such a graph."""
        return graph == DEFAULT_GRAPH or graph in self._fixed or self._statements.has(graph)

    def size(self, graph: str) -> int:
        """Give the number of triples of a graph."""
        return len(self._fixed.get(graph, ())) + self._statements.size(graph)

    def sizes(self) -> dict[str, int]:
        """Give the number of triples of every graph, counted once after a write."""
        generation, sizes = self._sizes
        if generation != self.generation:
            generation, sizes = self.generation, {name: len(triples) for name, triples in self._fixed.items()}
            for name, size in self._statements.sizes().items():
                sizes[name] = sizes.get(name, 0) + size
            self._sizes = generation, sizes
        return sizes

    def triples(self, graph: str) -> Iterator[ox.Triple]:
        """Give the triples of a graph as they were written."""
        yield from self._fixed.get(graph, ())
        for _, written in self._statements.lines(graph):
            yield triple_of(written)

    def query(self, query: Query) -> StoreAnswer:
        """Answer a query."""
        request = evaluation(query, self._limits, None if self._scratch else self.names)
        with ExitStack() as held:
            running = self._continued(held, request) or self._running(held, request)
            first, kind, found_in = list(running.until(WHOLE)), running.kind, self._named(running.worker.epoch)
            if running.worker.done:
                return StoreAnswer(kind, running.format_name, b"".join(first), generation=found_in)
            going_on = held.pop_all()
            coming = rest(first, running, going_on)
            return StoreAnswer(kind, running.format_name, None, coming, going_on.close, found_in)

    def answer_with(self, app: WorkerApp) -> None:
        """Have workers answer requests of HTTP with an app, which is pickled."""
        with self._writing:
            try:
                self._workers.answer_with(app)
            except EOFError:
                self._start_anew()

    def begin_at_once(self, asked: dict[str, Any]) -> Begun | None:
        """Have a worker that is idle answer a request of HTTP; None where there is none.

        Args:
            asked: the request, for the app that workers have.
        """
        worker = self._workers.borrow_idle()
        if worker is None or not self._ask(worker, self._of_http(asked)):
            return None
        return Begun(worker, self._workers.give_back, self._here)

    def begin(self, asked: dict[str, Any]) -> Begun:
        """Have a worker answer a request of HTTP, once one is free; where none gets free, the service is to say so.

        Args:
            asked: the request, for the app that workers have.
        """
        lent: Worker | BusyError
        try:
            lent = self._asked(self._of_http(asked))
        except BusyError as error:
            lent = error
        return Begun(lent, self._workers.give_back, self._here)

    def _of_http(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {**asked, "what": "http", "seconds": self._limits.seconds}

    def _named(self, epoch: int) -> str:
        return f"{self._started}-{epoch}"

    def update(self, update: Update) -> None:
        """Carry out an update: whole, or not at all."""
        check_bounds(update.text, self._limits.upload_bytes, self._limits)
        with self._writing:
            changes = plain(update.text, update.base, self.names())
            if changes is not None:
                self._write(changes)
                return
            told = self._tried(update)
            self._write([tried(told)], dropped=told["dropped"])

    def change(self, decide: Callable[[], Change], *, trusted: bool = False) -> None:
        """Write what `decide` says while nobody else writes."""
        with self._writing:
            self._write([decide()], trusted=trusted)

    def note(self, name: str) -> str | None:
        """Give what was noted under a name."""
        return self._statements.note(name)

    def set_note(self, name: str, text: str) -> None:
        """Note a text under a name, beside the graphs."""
        with self._writing, self._statements.write():
            self._statements.set_note(name, text)

    def close(self) -> None:
        """Let go of files and processes."""
        self._workers.close()
        self._statements.close()

    def _continued(self, held: ExitStack, request: dict[str, Any]) -> Running | None:
        """Take over a worker that is at this query already."""
        begun: Begun | None = getattr(self._here, "begun", None)
        if begun is None:
            return None
        self._here.begun = None
        held.callback(begun.close)
        return begun.running(request)

    def _running(self, held: ExitStack, request: dict[str, Any]) -> Running:
        """Have a worker begin, and take it back in the end."""
        worker = self._asked(request)
        held.callback(self._workers.give_back, worker)
        return Running(worker, request, time.perf_counter())

    def _asked(self, request: dict[str, Any]) -> Worker:
        """Borrow a worker and ask it; one that died while it was idle is passed over."""
        for _ in range(self._limits.workers):
            worker = self._worker()
            if self._ask(worker, request):
                return worker
        raise BusyError("The workers are being started.", advice="Ask again in a little while.")

    def _ask(self, worker: Worker, request: dict[str, Any]) -> bool:
        """Ask a worker, and tell it the name of what it knows; one that has died is let go."""
        try:
            worker.ask({**request, "generation": self._named(worker.epoch)})
        except EOFError:
            self._workers.give_back(worker)
            return False
        return True

    def _worker(self) -> Worker:
        """Borrow a worker; where the process that forks them died, it is started again and filled."""
        index = self._workers.index
        try:
            return self._workers.borrow()
        except EOFError:
            with self._writing:
                if self._workers.index is index:  # nobody else was here first
                    self._start_anew()
        try:
            return self._workers.borrow()
        except EOFError as error:
            raise BusyError("The index is being built.", advice="Ask again in a little while.") from error

    def _start_anew(self) -> None:
        self._building = True
        try:
            self._workers.start_anew(self._everything())
        finally:
            self._building = False

    def _tried(self, update: Update) -> dict[str, Any]:
        """Have an update evaluated on a copy, and give what it would change."""
        request = {"what": "update", "update": update.text, "base": update.base, "seconds": update.seconds}
        with ExitStack() as held:
            running = self._running(held, request)
            told = running.told()
            running.worker.done = False  # its copy is no longer the index
        return told

    def _write(self, changes: Iterable[Change], dropped: Iterable[str] = (), *, trusted: bool = False) -> None:
        """Make changes: on disk first, then in the index."""
        kept = list(changes)
        dropped = set(dropped)
        if not trusted:
            self._refuse_protected({name for change in kept for name in change.graphs} | dropped)
        for_index = []
        with self._statements.write():
            for change in kept:
                for_index.append(self._kept(change))
            for name in dropped:
                self._statements.drop(name)
        try:
            self._workers.change([*for_index, {"dropped": dropped}])
        except EOFError:
            self._start_anew()

    def _kept(self, change: Change) -> dict[str, Any]:
        """Keep one change, and give it as the index wants it.

        Raises:
            TooLargeError: a statement is longer than the index can read.
        """
        removed, added = [], []
        gone = change.cleared - change.created - {DEFAULT_GRAPH}
        for name in change.cleared:
            (self._statements.drop if name in gone else self._statements.clear)(name)
            if name in self._fixed:  # of a graph of the knowledge, only what was written beside it goes
                added.append((name, document(map(str, self._fixed[name]))))
        for name in change.created:
            self._statements.create(name)
        for name, triples in change.removed.items():
            lines = [indexed for indexed, _ in map(both_forms, triples)]
            self._statements.remove(name, lines)
            removed.append((name, document(lines)))
        for name, triples in change.added.items():
            known = self._known(name)
            forms = [both_forms(triple) for triple in triples if triple not in known]
            if any(len(written) > _LONGEST for _, written in forms):
                raise TooLargeError("A statement is too long.", advice=f"Keep each below {_LONGEST:,} characters.")
            self._statements.add(name, forms)
            added.append((name, document(indexed for indexed, _ in forms)))
        return {
            "cleared": change.cleared,
            "dropped": gone,
            "created": change.created - {DEFAULT_GRAPH},
            "removed": removed,
            "added": added,
        }

    def _known(self, name: str) -> frozenset[ox.Triple]:
        """Give what the knowledge states in a graph: it is not kept a second time."""
        if name in self._fixed and name not in self._fixed_sets:
            self._fixed_sets[name] = frozenset(self._fixed[name])
        return self._fixed_sets.get(name, frozenset())

    def _refuse_protected(self, names: set[str]) -> None:
        if touched := sorted(names & self.protected):
            raise ProtectedError(
                f"<{touched[0]}> cannot be changed, and so nothing was.",
                advice="The graphs of the knowledge are read only: write to others.",
            )

    def _everything(self) -> Iterator[Mapping[str, Any]]:
        """Give all there is, as the index wants it, a graph at a time."""
        for name, triples in self._fixed.items():
            yield {"created": [name], "added": [(name, document(map(str, triples)))]}
        for name in [DEFAULT_GRAPH, *self._statements.graphs()]:
            lines = document(indexed for indexed, _ in self._statements.lines(name))
            yield {"created": [name] if name else [], "added": [(name, lines)]}
