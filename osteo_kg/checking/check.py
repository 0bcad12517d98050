"""The check of modules, whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from osteo_kg.checking.changes import change_findings
from osteo_kg.checking.documents import Document, documents
from osteo_kg.checking.findings import KnowledgeFinding, in_order
from osteo_kg.checking.formats import sentence
from osteo_kg.checking.guideline import guideline_findings
from osteo_kg.checking.knowledge import CheckedKnowledge
from osteo_kg.checking.shapes import shape_findings
from osteo_kg.checking.taxonomy import separation_findings, taxonomy_findings
from osteo_kg.checking.terms import UNDECLARED, term_findings
from osteo_kg.errors import KnowledgeError, UsageError
from osteo_kg.rdf import OSTEO

_GAPS_AND_OVERLAPS = ("BandMetAbove", "BandMetBelow", "BandsApart")
_WITHOUT_A_NUMBER = ("RangeBound", "ill-typed", "misused-property", UNDECLARED)
_TOLD = 5  # findings that are told where modules are loaded; `check` tells them all


def check(paths: Iterable[Path] = (), *, sources: Iterable[Path] = ()) -> tuple[KnowledgeFinding, ...]:
    """Check modules as they lie.

    A file that holds a packaged module, by the IRI of its header, stands in for it; the other packaged modules are
    those that it stands among.

    Args:
        paths: files and folders; none for the packaged modules themselves.
        sources: the texts of guidelines, where they are at hand; spans are looked up in them.

    Returns:
        What was found, the worst first.

    Raises:
        OSError: a file or a folder cannot be read.
        UsageError: a folder holds no Turtle file.
    """
    read = documents(paths)
    texts = [path.read_bytes().decode("utf-8", "replace") for path in sources]
    knowledge = CheckedKnowledge(read)
    found = list(_found(read, knowledge, texts))
    if all(each.severity != "error" for each in found):
        found += change_findings(knowledge)  # what cannot be used as it stands has no table
    return in_order(found)


def check_before_use(folders: Iterable[Path]) -> list[str]:
    """Check the modules of folders before they are used.

    Returns:
        The warnings, as sentences: the first, and how many more there are.

    Raises:
        KnowledgeError: a folder holds no module or cannot be read, or there is an error in one; the first are named.
    """
    asked = tuple(folders)
    try:
        read = documents(asked)
    except OSError as error:
        reason = f"{error.filename} cannot be read: {error.strerror or error}."
        raise KnowledgeError(reason, advice="Check its name and its rights.") from error
    except UsageError as error:
        raise KnowledgeError(error.message, advice=error.advice) from error
    found = in_order(_found(read, CheckedKnowledge(read), []))
    names = " ".join(str(each) for each in asked)
    if errors := [each for each in found if each.severity == "error"]:
        told = " ".join(_first(errors, names))
        raise KnowledgeError(f"The modules of {names} cannot be used. {told}")
    return _first([each for each in found if each.severity == "warning"], names)


def _first(findings: list[KnowledgeFinding], names: str) -> list[str]:
    told = [sentence(each, "en") for each in findings[:_TOLD]]
    more = len(findings) - len(told)
    return [*told, f"There are {more} more: osteo-kg check {names} tells them all."] if more > 0 else told


def _found(read: tuple[Document, ...], knowledge: CheckedKnowledge, sources: list[str]) -> Iterator[KnowledgeFinding]:
    faults = [fault for each in read for fault in each.faults]
    yield from faults
    if any(each.code in ("syntax", "encoding") for each in faults):
        return  # what is not read would be missed everywhere
    terms = list(term_findings(knowledge))
    classes = list(taxonomy_findings(knowledge))
    shapes = list(shape_findings(knowledge, (each.value for each in terms if each.code == UNDECLARED)))
    yield from _without_consequences(knowledge, [*terms, *classes, *shapes])
    yield from separation_findings(knowledge)
    yield from guideline_findings(knowledge, sources)


def _without_consequences(
    knowledge: CheckedKnowledge, findings: Iterable[KnowledgeFinding]
) -> Iterator[KnowledgeFinding]:
    """Leave out the findings that follow from others: whoever mends the cause has mended them.

    Classes of a cycle are all one, and contradict each other for that alone. Where a bound is no number, or a
    criterion is not known, rules that require the same cannot be compared.
    """
    found = list(findings)
    in_cycles = any(each.code == "cycle" for each in found)
    incomparable = _incomparable(knowledge, found)
    names = {knowledge.name(rule) for rule in incomparable}
    for each in found:
        if each.code == "contradiction" and in_cycles:
            continue
        if each.code in _GAPS_AND_OVERLAPS and each.subject in names:
            continue
        yield each


def _incomparable(knowledge: CheckedKnowledge, findings: Iterable[KnowledgeFinding]) -> set[str]:
    """Give the rules that require the same as one with a criterion that cannot be compared, and that one."""
    faulty = {each.subject for each in findings if each.code in _WITHOUT_A_NUMBER}
    rules = {each: set(knowledge.lookup.objects(each, OSTEO.requires)) for each in knowledge.members(OSTEO.Rule)}
    known = set(knowledge.kinds) - set(knowledge.members(OSTEO.RangeCriterion))
    others = {rule: frozenset(required & known) for rule, required in rules.items()}
    groups = {
        others[rule] for rule, required in rules.items() if faulty.intersection(map(knowledge.name, {rule, *required}))
    }
    return {rule for rule, required in others.items() if required in groups}
