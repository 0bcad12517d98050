"""The files that a check reads: those that were given, and the packaged modules that none of them stands in for."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.bilingual import BilingualText
from osteo_kg.checking.findings import KnowledgeFinding, Severity
from osteo_kg.checking.positions import Positions
from osteo_kg.errors import UsageError
from osteo_kg.rdf import KNOWN_PREFIXES, MOST_NESTING, OWL, RDF, SH, depth

_BOM = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UNDECLARED = re.compile(r"The prefix ([^:]*): has not been declared")
_SHAPES = {SH.NodeShape, SH.PropertyShape}
_MINUS = "\u2212"
_TYPOGRAPHIC = "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
_AS_UTF_8 = BilingualText("Save the file as UTF-8.", "Enregistrer le fichier en UTF-8.")


@dataclass(frozen=True)
class Document:
    """One Turtle file that was read.

    Attributes:
        path: where it is, as it was named.
        given: whether it was given to be checked; a packaged module is not, unless nothing else is.
        text: what it holds.
        triples: what it states; nothing where it is not Turtle.
        prefixes: the namespaces of its prefixes.
        faults: what is wrong with its encoding and its syntax.
        before: the packaged module that it stands in for.
    """

    path: str
    given: bool
    text: str
    triples: tuple[ox.Triple, ...]
    prefixes: dict[str, str]
    faults: tuple[KnowledgeFinding, ...] = ()
    before: Document | None = None

    @functools.cached_property
    def module(self) -> str | None:
        """The IRI of the module that it holds; None where it has no header."""
        named = (triple.subject for triple in self.triples if _is_header(triple))
        return next((each.value for each in named if isinstance(each, ox.NamedNode)), None)

    @functools.cached_property
    def holds_shapes(self) -> bool:
        """Whether it holds shapes, and no module of an ontology."""
        return any(each.predicate == RDF.type and each.object in _SHAPES for each in self.triples)

    @functools.cached_property
    def edited(self) -> frozenset[str]:
        """The subjects, by IRI, of which it says something else than the packaged module does; all of a new one."""
        if self.before is not None and self.before.text == self.text:
            return frozenset()
        told = self._told if self.before is None else self._told ^ self.before._told
        return frozenset(subject for subject, _, _ in told) if self.given else frozenset()

    @functools.cached_property
    def meaning(self) -> tuple[str, ...]:
        """What it states in the order in which it does, words of a language left out."""
        return tuple(
            f"{_shown_term(each.subject)} {each.predicate} {_shown_term(each.object)}"
            for each in self.triples
            if not (isinstance(each.object, ox.Literal) and each.object.language)
        )

    @functools.cached_property
    def _told(self) -> frozenset[tuple[str, ox.NamedNode, ox.NamedNode | ox.Literal]]:
        return frozenset(
            (each.subject.value, each.predicate, each.object)
            for each in self.triples
            if isinstance(each.subject, ox.NamedNode) and isinstance(each.object, ox.NamedNode | ox.Literal)
        )

    @functools.cached_property
    def positions(self) -> Positions:
        """Where its statements stand."""
        return Positions(self.text, self.prefixes)


def _shown_term(term: object) -> str:
    return "[]" if isinstance(term, ox.BlankNode) else str(term)


def _is_header(triple: ox.Triple) -> bool:
    return triple.predicate == RDF.type and triple.object == OWL.Ontology


def documents(paths: Iterable[Path]) -> tuple[Document, ...]:
    """Read files, and the Turtle files of folders, with the packaged modules that none of them stands in for.

    Args:
        paths: files and folders; where there are none, the packaged modules are what is checked.

    Raises:
        OSError: a file or a folder cannot be read.
        UsageError: a folder holds no Turtle file.
    """
    asked = tuple(paths)
    given = tuple(read_document(path.read_bytes(), str(path), given=True) for path in _files(asked))
    home = package_data.root() / "ontology"
    packaged = [read_document(path.read_bytes(), _shown(path), given=not asked) for path in sorted(home.rglob("*.ttl"))]
    known = {each.module: each for each in packaged}
    standing = tuple(replace(each, before=_other(known.get(each.module), each)) for each in given)
    held = {each.module for each in standing}
    return (*standing, *(each for each in packaged if each.module not in held))


def _other(packaged: Document | None, given: Document) -> Document | None:
    """Give the packaged module that a file stands in for; None where it is that file itself, edited where it lies."""
    is_itself = packaged is not None and Path(packaged.path).resolve() == Path(given.path).resolve()
    return None if is_itself else packaged


def _shown(path: Path) -> str:
    """Name a packaged file from where one is, where that is above it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Find every file once; a folder stands for the Turtle files in it."""
    seen: set[Path] = set()
    for path in paths:
        found = [path] if not path.is_dir() else sorted(_turtle_files(path))
        if not found:
            raise UsageError(f"{path} holds no Turtle file.", advice="Name a folder with .ttl files in it.")
        for each in found:
            if (real := each.resolve()) not in seen:
                seen.add(real)
                yield each


def _turtle_files(folder: Path) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        raise error

    for home, _, names in os.walk(folder, onerror=unreadable):
        yield from (Path(home) / name for name in names if name.endswith(".ttl") and (Path(home) / name).is_file())


@functools.lru_cache(64)  # the modules that travel with the library, and as many
def read_document(content: bytes, path: str, *, given: bool) -> Document:
    """Read one file; what is wrong with it is told, never raised."""
    text, faults = _decoded(content, path)
    prefixes: dict[str, str] = {}
    if text is None:
        return Document(path, given, "", (), prefixes, tuple(faults))
    triples: list[ox.Triple] = []
    if depth(text) > MOST_NESTING:
        faults.append(_fault("error", "syntax", path, 1, None, None, _TOO_DEEP, _NAME_NODES))
        return Document(path, given, text, (), prefixes, tuple(faults))
    try:
        parser = ox.parse(text, format=ox.RdfFormat.TURTLE, rename_blank_nodes=True)
        triples = [ox.Triple(each.subject, each.predicate, each.object) for each in parser]
        prefixes = parser.prefixes
    except (SyntaxError, ValueError, MemoryError) as error:
        triples = []
        faults.append(_of_syntax(error, path, text))
    return Document(path, given, text, tuple(triples), prefixes, tuple(faults))


def _decoded(content: bytes, path: str) -> tuple[str | None, list[KnowledgeFinding]]:
    """Read bytes as UTF-8, and tell what an editor may have put into them."""
    faults: list[KnowledgeFinding] = []
    if content.startswith(_UTF_16):
        told = BilingualText(
            "The file is written in UTF-16, not in UTF-8.", "Le fichier est en UTF-16, et non en UTF-8."
        )
        return None, [_fault("error", "encoding", path, 1, 1, None, told, _AS_UTF_8)]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = _place(before.decode("utf-8"))
        told = BilingualText(
            "The file is not written in UTF-8: this byte begins no character of it.",
            "Le fichier n’est pas en UTF-8 : cet octet n’y commence aucun caractère.",
        )
        shown = f"0x{content[error.start]:02X}"
        return None, [_fault("error", "encoding", path, line, column, shown, told, _AS_UTF_8)]
    if text.startswith(_BOM):
        text = text.removeprefix(_BOM)
        faults.append(_fault("error", "byte-order-mark", path, 1, 1, "U+FEFF", _HAS_BOM, _WITHOUT_BOM))
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        faults.append(_fault("information", "line-ends", path, line, None, "CR LF", _HAS_CR, _WITHOUT_CR))
    return text, faults


def _of_syntax(error: Exception, path: str, text: str) -> KnowledgeFinding:
    """Tell a fault of syntax: where it is, what the parser says, and what is likely meant."""
    line = getattr(error, "lineno", None) or 1
    column = getattr(error, "offset", None)
    reason = re.sub(r"^Parser error (?:at|between) line .*?: (?=\S)", "", getattr(error, "msg", None) or str(error))
    reason = re.sub(r"^Parser error between .*?: ", "", reason).rstrip(".")
    written = (text.splitlines() or [""])[line - 1 : line]
    at = written[0][(column or 1) - 1 :] if written else ""
    advice = _ADVICE_OF_SYNTAX
    if found := _UNDECLARED.search(reason):
        advice = _prefix_advice(found[1], text)
    elif "dot is expected" in reason:
        advice = _END_OF_STATEMENT
    elif "Unexpected end" in reason:
        advice = _END_OF_TEXT
    elif at[:1] in _TYPOGRAPHIC and at:
        advice = _STRAIGHT_QUOTES
    elif at.startswith(_MINUS):
        advice = _ASCII_MINUS
    told = BilingualText(f"This is not Turtle: {reason}.", f"Ceci n’est pas du Turtle : {reason}.")
    return _fault("error", "syntax", path, line, column, at[:40].rstrip() or None, told, advice)


def _prefix_advice(prefix: str, text: str) -> BilingualText:
    declared = dict(re.findall(r"(?im)^\s*@?prefix\s+([\w.-]*):\s*<([^>]*)>", text))
    if prefix in KNOWN_PREFIXES:
        line = f"@prefix {prefix}: <{KNOWN_PREFIXES[prefix]}> ."
        return BilingualText(f"Write {line} at the beginning.", f"Écrire {line} au début.")
    near = difflib.get_close_matches(prefix, [*declared, *KNOWN_PREFIXES], 1)
    if near:
        return BilingualText(f"Did you mean {near[0]}:?", f"Vouliez-vous dire {near[0]}: ?")
    return BilingualText("Declare it at the beginning.", "Le déclarer au début.")


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _fault(
    severity: Severity,
    code: str,
    path: str,
    line: int,
    column: int | None,
    value: str | None,
    message: BilingualText,
    advice: BilingualText,
) -> KnowledgeFinding:
    return KnowledgeFinding(severity, code, path, line, column, None, value, message, advice)


_HAS_BOM = BilingualText(
    "The file begins with a byte order mark, which Turtle does not have.",
    "Le fichier commence par un indicateur d’ordre des octets (BOM), que Turtle ne connaît pas.",
)
_WITHOUT_BOM = BilingualText("Save it as UTF-8 without BOM.", "L’enregistrer en UTF-8 sans BOM.")
_HAS_CR = BilingualText(
    "Lines end with CR LF, as on Windows; the modules of the project end them with LF.",
    "Les lignes finissent par CR LF, comme sous Windows ; les modules du projet les finissent par LF.",
)
_WITHOUT_CR = BilingualText(
    "Nothing needs to be done for use; set the editor to LF before sending the file in.",
    "Rien à faire pour l’usage ; régler l’éditeur sur LF avant de proposer le fichier.",
)
_TOO_DEEP = BilingualText("The file is nested too deeply.", "Le fichier est trop profondément imbriqué.")
_NAME_NODES = BilingualText("Name the nodes that are nested.", "Nommer les nœuds imbriqués.")
_ADVICE_OF_SYNTAX = BilingualText("Correct it there.", "Le corriger à cet endroit.")
_END_OF_STATEMENT = BilingualText(
    "End the statement before this place with a full stop, or go on with ; or a comma.",
    "Terminer par un point l’énoncé qui précède, ou le poursuivre par ; ou une virgule.",
)
_END_OF_TEXT = BilingualText(
    "Close what was opened: a quote, a bracket, or the last statement by a full stop.",
    "Fermer ce qui a été ouvert : guillemet, crochet, ou dernier énoncé par un point.",
)
_STRAIGHT_QUOTES = BilingualText('Write straight quotes: "…".', 'Écrire des guillemets droits : "…".')
_ASCII_MINUS = BilingualText("Write the hyphen - for the minus sign.", "Écrire le trait d’union - pour le signe moins.")
