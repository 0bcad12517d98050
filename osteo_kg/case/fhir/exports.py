"""Several files of FHIR as one source: a bulk export as a server wrote it, whatever stands beside its resources.

Single resources belong together, whichever file they stand in; a Bundle, or Parameters, is an input by itself. What
the files of an export say was deleted decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from osteo_kg.bilingual import BilingualText, Language, shown_count
from osteo_kg.case.fhir.bundles import gather
from osteo_kg.case.fhir.elements import each, text
from osteo_kg.case.fhir.reader import Assumption, Reader
from osteo_kg.case.model import Case
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms

Standing = Literal["no resource", "error", "deletion", "whole", "single"]
_WHOLE = ("Bundle", "Parameters")


@dataclass
class Beside:
    """What stands in files of FHIR and is no resource of a patient.

    Attributes:
        no_resource: documents without a type, by file.
        errors: errors that the server reported, by file.
        deletions: Bundles that say which resources were deleted, by file.
        empty: files that hold nothing.
        lost: resources of a patient who is not there, by type.
        of_nobody: resources that speak of no patient, by type.
    """

    no_resource: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    deletions: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    of_nobody: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Beside) -> Beside:
        """Add what was counted elsewhere."""
        for name, counts in vars(other).items():
            getattr(self, name).update(counts)
        return self

    def count(self, standing: Standing, file: str) -> bool:
        """Count a document of a file that is no resource; say whether it tells nothing of any patient."""
        counts = {"no resource": self.no_resource, "error": self.errors, "deletion": self.deletions}
        if standing in counts:
            counts[standing][file] += 1
        return standing in ("no resource", "error")

    def sentences(self, language: Language = "en") -> Iterator[str]:
        """Say what was counted."""
        for name, sentence in _SENTENCES.items():
            counts = getattr(self, name)
            if counts:
                listed = ", ".join(sorted(counts)) if counts is self.empty else _listed(counts, language)
                yield sentence.filled({"found": listed}).get(language)


_SENTENCES = {
    "lost": BilingualText(
        "Resources of patients who are not there: {found}.", "Ressources de patients absents : {found}."
    ),
    "of_nobody": BilingualText(
        "Resources that speak of no patient: {found}.", "Ressources qui ne parlent d'aucun patient : {found}."
    ),
    "no_resource": BilingualText(
        "Passed over, as no FHIR resource (no resourceType): {found}.",
        "Laissés de côté, n'étant pas des ressources FHIR (sans resourceType) : {found}.",
    ),
    "errors": BilingualText(
        "Errors that the server reported (OperationOutcome): {found}.",
        "Erreurs signalées par le serveur (OperationOutcome) : {found}.",
    ),
    "deletions": BilingualText(
        "Bundles of deletions, and what they name decides nothing: {found}.",
        "Bundles de suppressions, dont le contenu ne décide de rien : {found}.",
    ),
    "empty": BilingualText("Empty files: {found}.", "Fichiers vides : {found}."),
}


def _listed(counts: Counter[str], language: Language) -> str:
    return ", ".join(f"{name} ×{shown_count(count).get(language)}" for name, count in sorted(counts.items()))


def standing(document: Any) -> Standing:
    """Say what a document of an export is.

    >>> standing({"resourceType": "Patient"}), standing({"eventId": "kickoff"})
    ('single', 'no resource')
    """
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if not isinstance(kind, str):
        return "no resource"
    if kind == "OperationOutcome":
        return "error"
    if kind == "Bundle":
        methods = [text(entry, "request", "method") for entry in each(document, "entry")]
        return "deletion" if methods and set(methods) == {"DELETE"} else "whole"
    return "whole" if kind in _WHOLE else "single"


def read_export(
    files: Iterable[tuple[str, Iterable[Any]]],
    name: str,
    terms: Terms,
    postmenopausal: Assumption | None = None,
) -> tuple[tuple[Case, ...], Beside]:
    """Read the case of every patient of some files, and what stands beside their resources.

    Args:
        files: each file by its name, with its documents as parsed JSON, with exact decimals.
        name: what to call all of them in messages.
        terms: the vocabulary, with its codes.
        postmenopausal: what to assume of a woman whose menopausal status is not recorded; nothing when None.

    Raises:
        UnreadableCaseError: there is no patient.
    """
    beside = Beside()
    found: dict[Standing, list[Any]] = {"deletion": [], "whole": [], "single": []}
    for file, documents in files:
        held = False
        for document in documents:
            held = True
            stands = standing(document)
            if not beside.count(stands, file):
                found[stands].append(document)
        if not held:
            beside.empty[file] += 1
    reader = Reader(terms, postmenopausal)
    cases: list[Case] = []
    for documents in (found["single"], *([whole] for whole in found["whole"])):
        cases += reader.cases(gather([*documents, *found["deletion"]]), name, len(cases))
    if not cases:
        raise UnreadableCaseError(
            f"{name} holds no Patient resource.",
            advice="Name the files of the patients beside those of their resources.",
        )
    return tuple(cases), beside
