"""A file with one case: read by the library, and shown in the form where the form can show all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osteo_kg import Assessment, BilingualText, Case, KnowledgeBase, OsteoError, RefusedCaseError
from osteo_kg.case import record_of, write_cases
from osteo_kg.knowledge_base import PreparedCase
from osteo_kg_server.pages.patient.fields import Form
from osteo_kg_server.pages.patient.filled import FILE, Filled, Wrong, filled_with

_EXTENSIONS = ("json", "ttl", "csv", "jsonld", "nt", "rdf")
_NAME = "file"
_ADVICE = BilingualText(
    "Choose a file with one patient: a flat record (.json, .csv), RDF (.ttl, .jsonld) or FHIR (.json).",
    "Choisir un fichier d’une seule patiente : enregistrement plat (.json, .csv), RDF (.ttl, .jsonld) ou FHIR (.json).",
)
_SEVERAL = BilingualText("The file holds {count} patients.", "Le fichier contient {count} patientes.")
_UNKNOWN = BilingualText("The kind of the file is not known.", "Le type du fichier n’est pas reconnu.")


@dataclass(frozen=True, slots=True)
class Unshown:
    """What the form cannot show of a case that was answered as a whole.

    Attributes:
        what: what it is.
        turtle: the whole case, which the page sends again where files of it are asked for.
        on: the day of assessment.
    """

    what: BilingualText
    turtle: str
    on: str


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What became of a file: the form filled with it, what is wrong with it, or the answer."""

    filled: Filled
    wrong: tuple[Wrong, ...] = ()
    case: PreparedCase | None = None
    assessment: Assessment | None = None
    unshown: Unshown | None = None


def read_file(knowledge_base: KnowledgeBase, name: str, data: bytes, filled: Filled, form: Form) -> ReadFile:
    """Answer the one case of a file."""
    extension = name.rpartition(".")[2].lower()
    if extension not in _EXTENSIONS:
        return ReadFile(filled, (Wrong(FILE, _UNKNOWN, _ADVICE),))
    try:
        cases = knowledge_base.read(data, extension, name=_NAME, on=filled.day)
    except OsteoError as error:
        return ReadFile(filled, (_from_library(error),))
    if len(cases) > 1 or not cases:
        count = BilingualText(str(len(cases)), str(len(cases)))
        return ReadFile(filled, (Wrong(FILE, _SEVERAL.filled({"count": count}), _ADVICE),))
    [case] = cases
    prepared = knowledge_base.prepare(case, on=filled.day)
    try:
        assessment = knowledge_base.assess(prepared)
    except RefusedCaseError as error:
        return ReadFile(filled, tuple(Wrong(FILE, each.message, each.advice) for each in error.report.violations))
    shown, unshown = _shown(knowledge_base, case, assessment, filled, form)
    return ReadFile(shown, (), prepared, assessment, unshown)


def _shown(
    knowledge_base: KnowledgeBase, case: Case, assessment: Assessment, filled: Filled, form: Form
) -> tuple[Filled, Unshown | None]:
    """Fill the form with a case; where its answer would then be another, say what the form has no place for."""
    terms = knowledge_base.knowledge.terms

    def unshown(english: str, french: str) -> Unshown:
        return Unshown(BilingualText(english, french), write_cases([case], "ttl", terms), filled.on)

    try:
        record = record_of(case, terms)
    except OsteoError as error:
        return filled, unshown(error.message, error.message)
    [written] = knowledge_base.read(write_cases([case], "json", terms), "json", name=_NAME)
    again = knowledge_base.assess(written, on=assessment.assessed_on)
    before, after = _said(assessment), _said(again)
    if before == after:
        named = {key: value for key, value in record.items() if key != "patient" or value != f"{_NAME}#1"}
        return filled_with(named, form, filled.on), None
    differ = [name for name, told in before.items() if after[name] != told]
    what = ", ".join(differ)
    return filled, unshown(f"It would change: {what}.", f"Cela changerait : {what}.")


def _said(assessment: Assessment) -> dict[str, Any]:
    """Give what is said, but for her name and what was assumed: the form states a list as a record does."""
    return {name: told for name, told in assessment.to_json().items() if name not in ("patient", "assumptions")}


def _from_library(error: OsteoError) -> Wrong:
    return Wrong(
        FILE, BilingualText(error.message, f"Illisible : {error.message}"), BilingualText(error.advice, _ADVICE.fr)
    )
