"""What any resource says beside what is read of it, which may be a fracture, a T-score or a treatment.

A resource is looked through from end to end: what its readers read, who made it and what was only sought or predicted
are left out by name, and nothing else is. So an element that nobody thought of is not passed over (the reading, R14).
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator
from typing import Any

from osteo_kg.case.fhir.bundles import ABOUT_OTHERS, Resource, kinship
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import OWN_SYSTEM, is_known, meanings, of_kind, sections_left_open
from osteo_kg.case.fhir.densitometry import Densitometry
from osteo_kg.case.fhir.elements import RULED_OUT, codings, each, status, statuses, text, words
from osteo_kg.case.fhir.fractures import Fractures
from osteo_kg.case.fhir.medications import Treatments
from osteo_kg.knowledge import FALSE, NONE, Terms
from osteo_kg.rdf import OSTEO

_MEDICATION = ("medicationCodeableConcept", "medicationReference", "medication", "contained")
#: What is left out of resources of a type: what its reader reads, was sought or predicted, or is said of everybody.
_LEFT_OUT = {
    "AllergyIntolerance": ("code",),
    "Condition": ("code",),
    "DiagnosticReport": ("code",),  # it says what was looked for
    "Goal": ("target",),
    "Patient": ("name",),
} | dict.fromkeys(
    ("MedicationStatement", "MedicationRequest", "MedicationAdministration", "MedicationDispense"), _MEDICATION
)
#: What is left out beside that where facts were read of the resource.
_READ_OF = {
    "Condition": ("bodySite", "category"),
    "Observation": ("code", "bodySite", "category", "interpretation", "dataAbsentReason"),
    "List": ("code", "title"),
}
#: Elements that name persons and places, who says something and who pays for it, and nothing of what it tells.
_APART = frozenset(
    (
        "account",
        "address",
        "agent",
        "asserter",
        "attester",
        "authenticator",
        "author",
        "authorReference",
        "careManager",
        "careTeam",
        "communication",
        "contact",
        "contained",
        "coverage",
        "custodian",
        "destination",
        "enterer",
        "facility",
        "facilityType",
        "generalPractitioner",
        "identifier",
        "informationSource",
        "insurance",
        "insurer",
        "interpreter",
        "location",
        "managingOrganization",
        "meta",
        "organization",
        "origin",
        "owner",
        "participant",
        "patient",
        "payee",
        "payor",
        "performer",
        "practiceSetting",
        "procedureReference",
        "protocol",
        "provider",
        "publisher",
        "questionnaire",
        "receiver",
        "recipient",
        "recorder",
        "referenceRange",
        "relatesTo",
        "reporter",
        "requester",
        "resultsInterpreter",
        "sender",
        "serviceProvider",
        "source",
        "sourcePatientInfo",
        "subject",
        "supplier",
        "telecom",
    )
)
#: Elements that hold words even where they hold one alone; a text with a space in it is words anywhere.
_IN_WORDS = (
    "conclusion",
    "contentString",
    "description",
    "div",
    "name",
    "onsetString",
    "summary",
    "title",
    "valueString",
)
#: What a resource of a type predicts, wherever it stands.
_PREDICTED = {"RiskAssessment": ("outcome",)}
#: What is told apart from the elements in which it stands.
_TOLD_APART = ("text", "note", "component", "extension")
_SAID_WITH_ITS_CODE = ("text", "display")
_NEVER_WAS = ("entered-in-error", "cancelled", "not-done", "rejected")
_NOT_FINAL = ("registered", "partial", "preliminary")
#: Statuses of a narrative that says no more than what stands in the elements.
_OF_THE_ELEMENTS = ("generated", "empty")
_NONE_KNOWN = "nilknown"


def read_mentions(
    resource: Resource,
    fractures: Fractures,
    densitometry: Densitometry,
    treatments: Treatments,
    builder: CaseBuilder,
    *,
    is_read: bool,
    hers: frozenset[str] = frozenset(),
) -> None:
    """Take note of what a resource names that may be a fracture, a T-score or a treatment (the reading, R2, R14).

    Args:
        resource: any resource of hers.
        fractures: the fractures of the patient.
        densitometry: the T-scores of the patient.
        treatments: the treatments of the patient.
        builder: what collects the case.
        is_read: whether facts were read of the resource; what is not used beside them is named.
        hers: the names, by type and id or by the URL of their entry, of the resources that are read by themselves.
    """
    never_was = status(resource, "status") in _NEVER_WAS or statuses(resource, "verificationStatus") & RULED_OUT
    if resource["resourceType"] in ABOUT_OTHERS or never_was:
        return
    terms = builder.terms
    notes = [{"text": said} for said in each(resource, "note", "text") if isinstance(said, str) and said.strip()]
    for note in notes if is_read else ():
        builder.ignore(resource, OSTEO.FreeTextNotRead, concept=note)
    named = [*notes, *_concepts(resource, hers, terms, is_read=is_read)]
    is_fracture = fractures.holds(resource)
    for concept in named:
        found = meanings(concept, terms)
        broken = of_kind(found, OSTEO.Fracture, terms)
        may_be_one = not found and OSTEO.FractureHistory.value in sections_left_open(concept, terms)
        if broken or (may_be_one and not (is_fracture and all(map(terms.says_healed, words(concept))))):
            fractures.mentioned(resource, concept, broken)
    if status(resource, "status") in _NOT_FINAL:
        return
    for concept in (*([resource.get("code")] if resource["resourceType"] == "Condition" else []), *named):
        may_be_a_drug = concept is not resource.get("code") or _may_be_of_a_drug(resource, terms)
        for said in words(concept):
            densitometry.mentioned(resource, said, terms)
            if may_be_a_drug:
                treatments.mentioned(resource, said, terms)
        if may_be_a_drug:
            treatments.coded(resource, concept, terms)
    if unread := _unread_densitometry(resource, hers, terms):
        densitometry.unread_report(resource, unread)


def _may_be_of_a_drug(resource: Resource, terms: Terms) -> bool:
    """Whether the words of a code may tell of a treatment: not of a laboratory's, nor beside a code that is known."""
    return resource["resourceType"] != "Observation" and not is_known(resource.get("code"), terms)


def _concepts(resource: Resource, hers: frozenset[str], terms: Terms, *, is_read: bool) -> Iterator[Any]:
    """Give every concept and text that a resource holds, but for what is left out of those of its type."""
    kind = resource["resourceType"]
    left_out = {*_LEFT_OUT.get(kind, ()), *(_READ_OF.get(kind, ()) if is_read else ())}
    if "intent" in resource or (kind == "Observation" and _is_denied(_value(resource), terms)):
        left_out.add("code")
    if (plans := list(each(resource, "addresses"))) and all(is_read_by_itself(one, hers) for one in plans):
        left_out.add("category")  # such as care of the fracture that the plan addresses, and that was read
    whole = {key: value for key, value in resource.items() if key not in left_out and key not in _TOLD_APART}
    whole["component"] = [part for part in each(resource, "component") if _is_a_finding(part, terms, is_read=is_read)]
    whole["extension"] = [resource.get("extension"), *(one for key in left_out for one in _added_to(resource.get(key)))]
    if text(resource, "text", "status") not in _OF_THE_ELEMENTS:
        whole["narrative"] = resource.get("text")
    yield from _of_document(whole, hers, terms, _APART | {*_PREDICTED.get(kind, ())})


def _is_a_finding(component: Any, terms: Terms, *, is_read: bool) -> bool:
    """Whether a component may be one, and was not read as what it is."""
    if not isinstance(component, dict) or _is_denied(_value(component), terms):
        return False
    return not (is_read and is_known(component.get("code"), terms))


def _value(node: dict[str, Any]) -> Any:
    """Give the value of an observation, an answer or an extension; None where it has none."""
    return next((node[key] for key in node if key.startswith("value")), None)


def _is_denied(value: Any, terms: Terms) -> bool:
    """Whether a value says no, or none."""
    if value is None:
        return False
    said = (words(value) or tuple(code for _, code in codings(value))) if isinstance(value, dict) else (f"{value}",)
    no = (FALSE, NONE)
    return value is False or (
        bool(said) and all(any(terms.table_words.means(one, word) for word in no) for one in said)
    )


def is_read_by_itself(node: Any, hers: frozenset[str]) -> bool:
    """Whether a reference leads to a resource of the record."""
    reference = text(node, "reference")
    return reference.startswith("#") or (bool(reference) and (reference in hers or kinship(reference) in hers))


_TAG = re.compile(r"</?[A-Za-z!?][^>]*>")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_OF_AN_ATTACHMENT = ("data", "url")


def _of_document(document: Any, hers: frozenset[str], terms: Terms, apart: frozenset[str]) -> Iterator[Any]:
    """Give every concept and text of a document, the elements apart left out; attachments in plain words included."""
    is_questionnaire = text(document, "resourceType") == "QuestionnaireResponse"
    waiting: list[Any] = [document]
    while waiting:
        node: Any = waiting.pop()
        if isinstance(node, list):
            waiting += reversed(node)
        elif isinstance(node, dict) and not _says_nothing(node, terms):
            if is_questionnaire and "linkId" in node:
                yield from _answers(node, terms)
                continue
            if "url" in node and node is not document and (value := _value(node)) is not None:
                yield from _extended(text(node, "url"), value)
            yield from _said_by(node, hers)
            added = _added_to({"coding": node["coding"]}) if "coding" in node else ()
            waiting += reversed([*added, *_inside(node, apart)])


def _says_nothing(node: dict[str, Any], terms: Terms) -> bool:
    """Whether an element is one of ours, says that there is none, or that it was taken back."""
    if node.get("deleted") is True or ("status" in node and status(node, "status") in _NEVER_WAS):
        return True
    return "url" in node and (text(node, "url").startswith(OWN_SYSTEM) or _is_denied(_value(node), terms))


def _said_by(node: dict[str, Any], hers: frozenset[str]) -> Iterator[Any]:
    """Give what an element says itself: a concept, a coding or a reference as it stands, and its other texts."""
    is_one = "coding" in node or "display" in node or isinstance(node.get("text"), str)
    is_coded = "code" in node and "system" in node and "value" not in node
    if (is_one or is_coded) and not ("reference" in node and is_read_by_itself(node, hers)):
        yield node
    if "emptyReason" in node and _NONE_KNOWN in each(node, "emptyReason", "coding", "code"):
        return
    for key, value in node.items():
        is_said = isinstance(value, str) and key not in _SAID_WITH_ITS_CODE and (key in _IN_WORDS or " " in value)
        if is_said and (said := " ".join((_without_tags(value) if key == "div" else value).split())):
            yield {"text": said}
    if "data" in node and (said := " ".join((_attached(node) or "").split())):
        yield {"text": said}


def _inside(node: dict[str, Any], apart: frozenset[str]) -> Iterator[Any]:
    """Give the elements inside one; what stands in a list of codings or of texts is told with it."""
    for key, value in node.items():
        if isinstance(value, dict | list) and key not in apart and key != "coding":
            yield from (({"text": each} for each in value if isinstance(each, str)) if isinstance(value, list) else ())
            yield value


def _added_to(concept: Any) -> Iterator[Any]:
    """Give what is added to a concept, its codings and their words, such as translations and what was first written."""
    for node in (*each(concept), *each(concept, "coding")):
        if isinstance(node, dict):
            yield from (node[key] for key in ("extension", "_text", "_display") if key in node)


def _extended(url: str, value: Any) -> Iterator[Any]:
    """Give an extension in words: the last part of its name, with its value."""
    name = _HUMP.sub(" ", url.rstrip("/").rpartition("/")[2])
    said = " / ".join(words(value)) if isinstance(value, dict) else "" if value is True else f"{value}"
    number = value.get("value") if isinstance(value, dict) else None
    told = said or ("" if number is None else f"{number}")
    yield {"text": f"{name}: {told}" if told else name}


def _unread_densitometry(resource: Resource, hers: frozenset[str], terms: Terms) -> str:
    """Give the title of a report of a densitometry in a file that cannot be read; empty where there is none.

    One whose results are in the record is taken to say what they say.
    """
    if resource["resourceType"] not in ("DiagnosticReport", "DocumentReference", "Media"):
        return ""
    files = [*each(resource, "presentedForm"), *each(resource, "content", "attachment"), *each(resource, "content")]
    if not any(isinstance(file, dict) and any(key in file for key in _OF_AN_ATTACHMENT) for file in files):
        return ""
    if all(_attached(file) is not None for file in files if isinstance(file, dict)):
        return ""
    titles = [resource.get("code"), *each(resource, "type"), *each(resource, "category"), *files]
    said = [*words(*titles), *(title for file in files if (title := text(file, "title")))]
    known = [code for title in titles for coding in codings(title) if (code := terms.codes.find(*coding))]
    named = [
        one for one in (*said, *(terms.label(code.iri).en for code in known)) if terms.densitometry_names.found_in(one)
    ]
    results = list(each(resource, "result"))
    return "" if not named or (results and all(is_read_by_itself(one, hers) for one in results)) else named[0]


_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_MARKED_UP = ("html", "xml")
_WORDS_IN = ("text/", "xml", "rtf", "json")


def _attached(attachment: dict[str, Any]) -> str | None:
    """Give the words of an attachment that holds some; None where there may be some that cannot be read."""
    data, kind = attachment.get("data"), text(attachment, "contentType")
    if not isinstance(data, str):
        return None if "contentType" in attachment or "url" in attachment else ""
    if kind and not any(word in kind for word in _WORDS_IN):
        return None
    try:
        held = base64.b64decode(data)
        said = _decoded(held, _CHARSET.findall(kind))
        return _without_tags(said) if any(marked in kind for marked in _MARKED_UP) else said
    except (binascii.Error, ValueError):
        return None


def _decoded(held: bytes, stated: list[str]) -> str:
    """Give the text of bytes, in the encoding that is stated, or else in one that they can be in."""
    for encoding in (*stated, "utf-8"):
        try:
            return held.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return held.decode("cp1252", errors="replace")


def _without_tags(said: str) -> str:
    """Give the words of a text with tags; in any other text less and greater than are signs of comparison."""
    return html.unescape(_TAG.sub(" ", said))


def _answers(item: dict[str, Any], terms: Terms, asked: str = "") -> Iterator[Any]:
    """Give the answers to a question and to those below it, each with its question; what is denied is left out."""
    asked = " ".join(part for part in (asked, text(item, "text")) if part)
    for answer in each(item, "answer"):
        if not isinstance(answer, dict):
            continue
        value = _value(answer)
        said = text(value, "display") if isinstance(value, dict) else "" if value is True else f"{value}"
        if value is not None and not _is_denied(value, terms):
            yield {"text": f"{asked}: {said}" if said else asked, "coding": [value] if isinstance(value, dict) else []}
        yield from _below(answer, terms, asked)
    yield from _below(item, terms, asked)


def _below(node: dict[str, Any], terms: Terms, asked: str) -> Iterator[Any]:
    below: Iterable[Any] = each(node, "item")
    yield from (found for item in below if isinstance(item, dict) for found in _answers(item, terms, asked))
